"""Driver of searches by brute force, Euclidean.

    nearest(samples, X, k, *, with_distances, n_threads)        distances (n, k) or None, indices (n, k)

samples  (n_samples, n_features)
X        (n_queries, n_features); None: the samples themselves, none of which is then its own neighbour.

Nothing is kept between calls: samples changed in place count as they are, as in scikit-learn.
"""

import numpy as np

from fastml._dispatch import load, record
from fastml._kernels.neighbors.rows import allocate, unprepared

# The float32 copy costs as much as to compare two queries with all samples without it (20,000 x 128).
WORTH_PREPARING = 2


def nearest(samples, X, k, *, with_distances, n_threads):
    """Find the k nearest samples of each query, nearest first: distances in the units of X, and indices, int64.

    By direct differences, so that an offset of the samples costs no digits. Equally near neighbours come in the order
    of their indices.
    """
    record(n_threads=n_threads)
    n_samples, n_features = samples.shape
    queries = np.require(samples if X is None else X, np.float64, ["C", "A"])
    kernel = load("neighbors.brute", float(n_samples) * len(queries) * n_features)
    dtype = np.float32 if samples.dtype == np.float32 else np.float64
    samples = np.require(samples, dtype, ["C", "A"])
    if len(queries) > WORTH_PREPARING:
        rows = allocate(samples, kernel.BLOCK)
        kernel.narrow(rows, n_threads)
    else:
        rows = unprepared(samples)
    indices = np.empty((len(queries), k), np.int64)
    distances = np.empty(indices.shape) if with_distances else None
    kernel.nearest(rows, queries, X is None, distances, indices, n_threads)
    return distances, indices
