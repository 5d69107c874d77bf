"""Twin of plusplus.pyx: steps of greedy k-means++ in their plainest form. One thread, no estimates.

The gains alone may differ in the last bits from those of the compiled kernel, which adds them up lane by lane.
"""

import numpy as np

from fastml._kernels._arrays import Csr
from fastml._kernels._jit import fma, kernel
from fastml._kernels.kmeans.seeding import SUM_ROWS

MAX_TRIALS = 16
CHUNK_ROWS = 2048  # samples that are looked at between two chances to stop


@kernel
def dense_dots(X, rows, transposed, out):
    """out[s] = x_s.c_j, each a chain of fused operations on float64, as in lloyd_jit.scores."""
    out[:] = 0
    for s in range(len(rows)):
        for f in range(X.shape[1]):
            x = np.float64(X[rows[s], f])
            for j in range(out.shape[1]):
                out[s, j] = fma(x, transposed[f, j], out[s, j])


@kernel
def csr_dots(X, rows, transposed, out):
    out[:] = 0
    for s in range(len(rows)):
        for p in range(X.indptr[rows[s]], X.indptr[rows[s] + 1]):
            x = np.float64(X.data[p])
            for j in range(out.shape[1]):
                out[s, j] += transposed[X.indices[p], j] * x


@kernel
def dots_to_distances(norms, rows, c_norms, out):
    for s in range(len(rows)):
        for j in range(out.shape[1]):
            out[s, j] = max((c_norms[j] - (out[s, j] + out[s, j])) + norms[rows[s]], 0.0)


def distances(X, norms, rows, candidates, c_norms):
    """Squared distances (n_rows, n_trials) of samples, given by their numbers, to the candidates."""
    out = np.empty((len(rows), len(candidates)))
    dots = csr_dots if isinstance(X, Csr) else dense_dots
    dots(X, rows, np.ascontiguousarray(candidates.T), out)
    dots_to_distances(norms, rows, c_norms, out)
    return out


def chunks(n_samples):
    """Numbers of the samples of each chunk."""
    for first in range(0, n_samples, CHUNK_ROWS):
        yield np.arange(first, min(first + CHUNK_ROWS, n_samples))


def narrow(X, n_threads):
    """Return none: nothing is estimated."""


def evaluate(X, norms, weights, candidates, c_norms, bits, seeding, n_threads):
    closest, nearer, _ = seeding
    gains, n_opened = np.zeros(len(candidates)), 0
    for rows in chunks(len(norms)):
        if bits:
            rows = rows[nearer[rows] & bits != 0]
        nearer[rows] = 0
        gain(distances(X, norms, rows, candidates, c_norms), rows, weights, closest, nearer, gains)
        n_opened += len(rows)
    return list(gains), n_opened


@kernel
def gain(distance, rows, weights, closest, nearer, gains):
    for s in range(len(rows)):
        i = rows[s]
        for j in range(len(gains)):
            less = closest[i] - distance[s, j]
            if less > 0:
                gains[j] += less if weights is None else less * weights[i]
                nearer[i] |= np.uint16(1 << j)


def commit(X, norms, weights, center, c_norm, bits, seeding, n_threads):
    closest, nearer, block_sums = seeding
    for rows in chunks(len(norms)):
        if bits:
            rows = rows[nearer[rows] & bits != 0]
        distance = distances(X, norms, rows, center, c_norm)[:, 0]
        closest[rows] = np.minimum(closest[rows], distance) if bits else distance
    add_up_blocks(closest, weights, block_sums)


@kernel
def add_up_blocks(closest, weights, block_sums):
    block_sums[:] = 0
    for i in range(len(closest)):
        block_sums[i // SUM_ROWS] += closest[i] if weights is None else closest[i] * weights[i]


def find(closest, weights, block_sums, targets, doubt):
    found = np.empty(len(targets), np.int64)
    return found if find_all(closest, weights, block_sums, targets, doubt, found) else None


@kernel
def find_all(closest, weights, block_sums, targets, doubt, found):
    """Where the running sum reaches each target; False where one is within `doubt` of the boundary of two samples."""
    n_samples = len(closest)
    for j in range(len(targets)):
        block, total = 0, 0.0
        while block < len(block_sums) - 1 and total + block_sums[block] < targets[j]:
            total += block_sums[block]
            block += 1
        i, before = block * SUM_ROWS, total
        while i < n_samples:
            before = total
            total += closest[i] if weights is None else closest[i] * weights[i]
            if total >= targets[j]:
                break
            i += 1
        found[j] = min(i, n_samples - 1)
        if i == n_samples or targets[j] - before < doubt or total - targets[j] < doubt:
            return False
    return True


def rounded_distances(X, norms, candidates, c_norms, closest, nearer, out, n_threads):
    for rows in chunks(len(norms)):
        rounded = distances(X, norms, rows, candidates, c_norms).astype(np.float32).T
        out[:, rows] = rounded if closest is None else np.minimum(closest[rows], rounded)
    return len(norms)
