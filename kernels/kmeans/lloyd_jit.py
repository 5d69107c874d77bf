"""Twin of lloyd.pyx: Lloyd's iteration on dense samples in its plainest form. One thread, no bounds."""

import math

import numpy as np

from fastml._kernels._jit import fma, kernel
from fastml._kernels.kmeans.gemm import CHUNK_ROWS, chain_ends, side_chains, small_from
from fastml._kernels.kmeans.rows import row, squared_distances, to_device, to_host  # noqa: F401 (the driver's)

BOUNDED = FUSED = False


@kernel
def squared_distance(x, c):
    """||x - c||^2 as scikit-learn sums it, four features at a time: Elkan's ties depend on the order."""
    total = x.dtype.type(0)
    rest = len(x) - len(x) % 4
    for f in range(0, rest, 4):
        a, b, e, g = x[f] - c[f], x[f + 1] - c[f + 1], x[f + 2] - c[f + 2], x[f + 3] - c[f + 3]
        total += ((a * a + b * b) + e * e) + g * g
    for f in range(rest, len(x)):
        total += (x[f] - c[f]) * (x[f] - c[f])
    return total


@kernel
def distances(x, centers, out):
    for j in range(len(centers)):
        out[j] = math.sqrt(squared_distance(x, centers[j]))


@kernel
def side_dot(x, transposed, j, start, end, n):
    """x.c_j of some features, in n chains, at most four, over whole eights of them: see gemm.py."""
    chains = np.zeros(4, x.dtype)
    eights = end - (end - start) % 8
    for f in range(start, end):
        r = (f - start) % n if f < eights else 0
        chains[r] = fma(x[f], transposed[f, j], chains[r])
    return (chains[0] + chains[1]) + (chains[2] + chains[3])


@kernel
def scores(x, transposed, c_norms, ends, chains, sums, out):
    """out[j] = c_norms[j] - 2 x.c_j; each dot product in the chains of fused operations of scikit-learn's GEMM.

    ends (n_ends,), chains (len(out),): see gemm.py. sums (len(out),): room.
    """
    start = 0
    for j in range(len(out)):
        out[j] = c_norms[j]
    for end in ends:
        for j in range(len(out)):
            sums[j] = 0
        for f in range(start, end):
            for j in range(len(out)):
                sums[j] = fma(x[f], transposed[f, j], sums[j])
        for j in range(len(out)):
            if chains[j] > 1:
                sums[j] = side_dot(x, transposed, j, start, end, chains[j])
        for j in range(len(out)):
            out[j] -= sums[j] + sums[j]
        start = end


@kernel
def small_dot(x, c, by_halves):
    """x.c as OpenBLAS's kernels for small matrices add it up: a fused chain a lane, then the lanes."""
    width = 64 // x.itemsize
    lanes = np.zeros(width, x.dtype)
    for f in range(len(x)):
        lanes[f % width] = fma(x[f], c[f], lanes[f % width])
    while width > 1:
        width //= 2
        for s in range(width):
            a, b = (s, s + width) if by_halves else (2 * s, 2 * s + 1)
            lanes[s] = lanes[a] + lanes[b]
    return lanes[0]


@kernel
def small_scores(X, i, centers, c_norms, out):
    """Score sample i where scikit-learn's GEMM meets a small matrix: see gemm.py."""
    start = i - i % CHUNK_ROWS
    n_rows = min(len(X) - start, CHUNK_ROWS)
    for j in range(len(out)):
        by_halves = j >= len(out) - len(out) % 4 and i - start >= n_rows - n_rows % 4
        dot = small_dot(X[i], centers[j], by_halves)
        out[j] = c_norms[j] - (dot + dot)


@kernel
def smallest(values):
    """Index of the smallest value, of equal ones the lowest."""
    best = 0
    for j in range(len(values)):
        if values[j] < values[best]:
            best = j
    return best


@kernel
def decide_elkan(values, halves, old, largest_norm, own, reaching):
    """Elkan's choice by a sample's distances, and whether its past may have its say: see elkan.py and lloyd_impl.h.

    own, reaching : rounding of squares, by the size of the distance and of norms.
    """
    found, k = max(old, 0), len(values)
    before, skips = values.dtype.type(np.inf), old < 0 and len(halves) > 0
    for turn in range(2 if skips else 1):
        if turn and halves[k, found] >= values[found]:
            break
        for j in range(k):
            if values[j] < values[found] and not (skips and values[found] <= halves[found, j]):
                before, found = values[found], j
    near, reach = values[found], values[found] + 2 * largest_norm
    rounding = own * near * near + reaching * reach * reach
    return found, old >= 0 and (before - near) * (before + near) <= rounding


@kernel
def relabel(labels, touched, i, label):
    """Write a label, and return whether it is new."""
    old = labels[i]
    if label == old:
        return False
    labels[i] = label
    if touched is not None:
        if old >= 0:
            touched[old] = 1
        touched[label] = 1
    return True


def assign(X, centers, c_norms, labels, touched, bounds, elkan, n_threads):
    if elkan is not None:
        return assign_elkan(X, centers, math.sqrt(c_norms.max()), labels, touched, *elkan_rounding(X), *elkan)
    first_small, ends = small_from(*X.shape, len(centers)), np.array(chain_ends(X.shape[1], X.itemsize))
    kinds, chains = side_chains(*X.shape, len(centers), X.itemsize) or (
        np.zeros((2, CHUNK_ROWS), np.uint8),
        np.ones((1, len(centers)), np.uint8),
    )
    return assign_lloyd(X, centers, c_norms, labels, touched, first_small, kinds, chains, ends)


def elkan_rounding(X):
    """Return the rounding of directly summed squares by their own size, and of half distances by that of norms."""
    return 8 * np.finfo(X.dtype).eps * (X.shape[1] + 8), 4 * np.finfo(np.float64).eps * (X.shape[1] + 4)


@kernel
def assign_elkan(X, centers, largest_norm, labels, touched, own, reaching, halves, unsure):
    values, n_changed = np.empty(len(centers), X.dtype), 0
    for i in range(len(X)):
        distances(X[i], centers, values)
        label, doubtful = decide_elkan(values, halves, labels[i], largest_norm, own, reaching)
        if doubtful:
            unsure[i] = 1
        n_changed += relabel(labels, touched, i, label)
    return n_changed, len(X)


@kernel
def assign_lloyd(X, centers, c_norms, labels, touched, first_small, kinds, chains, ends):
    transposed = centers.T.copy()
    sums, values = np.empty(len(centers), X.dtype), np.empty(len(centers), X.dtype)
    n_changed = 0
    for i in range(len(X)):
        if i >= first_small:
            small_scores(X, i, centers, c_norms, values)
        else:
            kind = kinds[1 if i >= len(X) - len(X) % CHUNK_ROWS else 0, i % CHUNK_ROWS]
            scores(X[i], transposed, c_norms, ends, chains[kind], sums, values)
        n_changed += relabel(labels, touched, i, smallest(values))
    return n_changed, len(X)


@kernel
def add_up(X, weights, labels, touched, sums, totals, n_threads):
    for j in range(len(sums)):
        if touched is None or touched[j]:
            sums[j] = 0
            totals[j] = 0
    for i in range(len(X)):
        j = labels[i]
        if touched is None or touched[j]:
            w = X.dtype.type(1) if weights is None else weights[i]
            totals[j] += w
            for f in range(X.shape[1]):
                sums[j, f] += X[i, f] * w


@kernel
def average(sums, totals, centers_old, centers, shift):
    heaviest = 0
    for j in range(len(totals)):
        if totals[j] > totals[heaviest]:
            heaviest = j
    for j in range(len(sums)):
        for f in range(sums.shape[1]):
            if totals[j] > 0:
                centers[j, f] = sums[j, f] * (totals.dtype.type(1) / totals[j])
            else:  # in ascending order and in place, as scikit-learn does it
                centers[j, f] = centers[heaviest, f] if heaviest < j else sums[heaviest, f]
    for j in range(len(sums)):
        shift[j] = math.sqrt(squared_distance(centers[j], centers_old[j]))


@kernel
def inertia(X, weights, centers, labels, n_threads):
    total = X.dtype.type(0)
    for i in range(len(X)):
        value = squared_distance(X[i], centers[labels[i]])
        total += value if weights is None else value * weights[i]
    return total


@kernel
def in_order(values):
    """Sum of a few million numbers, one after the other, in their type."""
    total = values.dtype.type(0)
    for value in values:
        total += value
    return total
