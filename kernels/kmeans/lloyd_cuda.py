"""GPU twin of lloyd.pyx: samples, weights and labels lie on the device, centres and sums on the host.

The results have the bits of the other twins: labels by the same chains of operations, and each sum added up by one
owner in the order of the samples, whatever the size of the grid. A call is one launch, two or three small copies to the
device and one or two back.
"""

import numpy as np
from numba import cuda

from fastml._kernels._cuda import SIMULATED, THREADS, blocks, fma, kernel, mul, sqrt, to_device, to_host  # noqa: F401 (the driver's)
from fastml._kernels._cuda import device as device_function
from fastml._kernels.kmeans import rows as host_rows
from fastml._kernels.kmeans.lloyd_jit import average, elkan_rounding, in_order  # noqa: F401 (average: the driver's)

BOUNDED = FUSED = False

# The tile of the assignment: a thread has 2 samples x 16 clusters of dot products in registers.
ROWS, CLUSTERS, FEATURES = (2, 4, 8) if SIMULATED else (2, 16, 8)
SAMPLES = ROWS * THREADS
STRIDE = SAMPLES + 1  # the samples' features are written to different banks

# The sums: a block looks at so many labels at once, and keeps so many samples x features of its cluster.
LABELS = 4 * THREADS
KEPT, WIDTH = (8, 8) if SIMULATED else (64, 32)


@kernel
def assign_lloyd(X, centers, c_norms, labels, marks):
    """Nearest centre by  c_norm - 2 x.c,  ties to the lowest; marks (k + 1): clusters touched, number of new labels."""
    x_tile = cuda.shared.array((FEATURES, STRIDE), X.dtype)
    c_tile = cuda.shared.array((FEATURES, CLUSTERS), X.dtype)
    dots = cuda.local.array((ROWS, CLUSTERS), X.dtype)
    best = cuda.local.array(ROWS, X.dtype)
    found = cuda.local.array(ROWS, np.int32)
    n_samples, n_features, n_clusters = X.shape[0], X.shape[1], centers.shape[0]
    t, first, zero = cuda.threadIdx.x, cuda.blockIdx.x * SAMPLES, X.dtype.type(0)
    f_loaded = t % FEATURES
    for r in range(ROWS):
        best[r] = np.inf
        found[r] = 0
    for j in range(0, n_clusters, CLUSTERS):
        for r in range(ROWS):
            for c in range(CLUSTERS):
                dots[r, c] = 0
        for f in range(0, n_features, FEATURES):
            cuda.syncthreads()
            inside = f + f_loaded < n_features
            for s in range(t // FEATURES, SAMPLES, THREADS // FEATURES):
                x_tile[f_loaded, s] = X[first + s, f + f_loaded] if inside and first + s < n_samples else zero
            for c in range(t // FEATURES, CLUSTERS, THREADS // FEATURES):
                c_tile[f_loaded, c] = centers[j + c, f + f_loaded] if inside and j + c < n_clusters else zero
            cuda.syncthreads()
            for g in range(FEATURES):
                for r in range(ROWS):
                    x = x_tile[g, t + r * THREADS]
                    for c in range(CLUSTERS):
                        dots[r, c] = fma(x, c_tile[g, c], dots[r, c])
        for c in range(CLUSTERS):
            if j + c < n_clusters:
                for r in range(ROWS):
                    value = c_norms[j + c] - (dots[r, c] + dots[r, c])
                    if value < best[r]:
                        best[r] = value
                        found[r] = j + c
    for r in range(ROWS):
        i = first + t + r * THREADS
        if i < n_samples:
            relabel(labels, marks, i, found[r])


@device_function
def relabel(labels, marks, i, label):
    old = labels[i]
    if label != old:
        labels[i] = label
        if old >= 0:
            marks[old] = 1
        marks[label] = 1
        cuda.atomic.add(marks, marks.shape[0] - 1, 1)  # of integers: any order gives the same


@device_function
def squared_distance(X, i, centers, j):
    """||x_i - c_j||^2, see lloyd_jit.squared_distance."""
    n_features = X.shape[1]
    total = X.dtype.type(0)
    rest = n_features - n_features % 4
    for f in range(0, rest, 4):
        a, b = X[i, f] - centers[j, f], X[i, f + 1] - centers[j, f + 1]
        e, g = X[i, f + 2] - centers[j, f + 2], X[i, f + 3] - centers[j, f + 3]
        total += ((mul(a, a) + mul(b, b)) + mul(e, e)) + mul(g, g)
    for f in range(rest, n_features):
        a = X[i, f] - centers[j, f]
        total += mul(a, a)
    return total


@kernel
def assign_elkan(X, centers, labels, marks, halves, unsure, twice_norm, own, reaching):
    """Nearest centre by its distance, see lloyd_jit.decide_elkan."""
    i = cuda.grid(1)
    if i >= X.shape[0]:
        return
    n_clusters, old = centers.shape[0], labels[i]
    skips = old < 0 and halves.shape[0] > 0
    label, before = max(old, 0), X.dtype.type(np.inf)
    near = sqrt(squared_distance(X, i, centers, label))
    for turn in range(2 if skips else 1):
        if turn == 0 or halves[n_clusters, label] < near:
            for j in range(n_clusters):
                if not skips or (j != label and halves[label, j] < near):
                    value = sqrt(squared_distance(X, i, centers, j))
                    if value < near:
                        before = near
                        near = value
                        label = j
    reach = near + twice_norm
    if old >= 0 and mul(before - near, before + near) <= mul(own, mul(near, near)) + mul(reaching, mul(reach, reach)):
        unsure[i] = 1
    relabel(labels, marks, i, label)


def assign(X, centers, c_norms, labels, touched, bounds, elkan, n_threads):
    n_samples, n_clusters = X.shape[0], len(centers)
    marks = cuda.to_device(np.zeros(n_clusters + 1, np.int32))
    centers = cuda.to_device(centers)
    if elkan is not None:
        sizes = map(X.dtype.type, (2 * np.sqrt(c_norms.max()), *elkan_rounding(X)))
        halves = cuda.to_device(elkan.halves) if len(elkan.halves) else cuda.device_array((0, n_clusters), X.dtype)
        assign_elkan[blocks(n_samples, THREADS), THREADS](X, centers, labels, marks, halves, elkan.unsure, *sizes)
    else:
        c_norms = cuda.to_device(c_norms)
        assign_lloyd[blocks(n_samples, SAMPLES), THREADS](X, centers, c_norms, labels, marks)
    marks = marks.copy_to_host()
    if touched is not None:
        touched |= marks[:-1] != 0
    return int(marks[-1]), n_samples


@kernel
def add_up_cluster(X, weights, labels, touched, sums, totals):
    """Add up one cluster over WIDTH features.

    The members among the next LABELS samples are listed in order; their products with the weights are fetched KEPT at a
    time, and one thread a feature adds them up, beside the last one, which adds up the weights.
    """
    counts = cuda.shared.array(THREADS, np.int32)
    members = cuda.shared.array(LABELS, np.int32)
    products = cuda.shared.array((KEPT, WIDTH), X.dtype)
    shares = cuda.shared.array(KEPT, X.dtype)
    j, f_first, t = cuda.blockIdx.x, cuda.blockIdx.y * WIDTH, cuda.threadIdx.x
    n_samples, width = X.shape[0], min(WIDTH, X.shape[1] - f_first)
    if not touched[j]:
        return
    f_loaded, adds_weights = t % WIDTH, t == THREADS - 1
    total, total_weight = X.dtype.type(0), X.dtype.type(0)
    for first in range(0, n_samples, LABELS):
        mine = first + t * (LABELS // THREADS)
        end = min(mine + LABELS // THREADS, n_samples)
        count = 0
        for i in range(mine, end):
            count += labels[i] == j
        counts[t] = count
        if not cuda.syncthreads_or(count):
            continue
        step = 1
        while step < THREADS:  # until counts are those of all threads so far
            before = counts[t - step] if t >= step else 0
            cuda.syncthreads()
            counts[t] += before
            cuda.syncthreads()
            step *= 2
        place, n_members = counts[t] - count, counts[THREADS - 1]
        for i in range(mine, end if count else mine):
            if labels[i] == j:
                members[place] = i
                place += 1
        cuda.syncthreads()
        for start in range(0, n_members, KEPT):
            n_kept = min(KEPT, n_members - start)
            if f_loaded < width:
                for s in range(t // WIDTH, n_kept, THREADS // WIDTH):
                    i = members[start + s]
                    x = X[i, f_first + f_loaded]
                    products[s, f_loaded] = mul(x, weights[i]) if weights.shape[0] else x
                    if f_loaded == 0:
                        shares[s] = weights[i] if weights.shape[0] else X.dtype.type(1)
            cuda.syncthreads()
            if t < width:
                for s in range(n_kept):
                    total += products[s, t]
            if adds_weights:
                for s in range(n_kept):
                    total_weight += shares[s]
            cuda.syncthreads()
    if t < width:
        sums[j, f_first + t] = total
    if adds_weights and f_first == 0:
        totals[j] = total_weight


def add_up(X, weights, labels, touched, sums, totals, n_threads):
    (n_clusters, n_features), dtype = sums.shape, sums.dtype
    touched = np.ones(n_clusters, np.uint8) if touched is None else touched
    new_sums, new_totals = cuda.device_array(sums.shape, dtype), cuda.device_array(n_clusters, dtype)
    add_up_cluster[(n_clusters, blocks(n_features, WIDTH)), THREADS](
        X, given(weights, dtype), labels, cuda.to_device(touched), new_sums, new_totals
    )
    chosen = touched != 0
    sums[chosen] = new_sums.copy_to_host()[chosen]
    totals[chosen] = new_totals.copy_to_host()[chosen]


@kernel
def own_distances(X, weights, centers, labels, values):
    """Weighted squared distances to the own centre."""
    i = cuda.grid(1)
    if i < X.shape[0]:
        value = squared_distance(X, i, centers, labels[i])
        values[i] = mul(value, weights[i]) if weights.shape[0] else value


def inertia(X, weights, centers, labels, n_threads):
    values = cuda.device_array(X.shape[0], centers.dtype)
    centers_there = cuda.to_device(centers)
    own_distances[blocks(X.shape[0], THREADS), THREADS](X, given(weights, centers.dtype), centers_there, labels, values)
    return in_order(values.copy_to_host())


def given(weights, dtype):
    """Weights for a kernel, which takes no None."""
    return cuda.device_array(0, dtype) if weights is None else weights


def row(X, i):
    return slice(None), X[i].copy_to_host()


def squared_distances(X, centers, labels, rows):
    return host_rows.squared_distances(X[rows].copy_to_host(), centers, labels[rows], slice(None))
