"""Twin of brute.pyx: the nearest samples by Euclidean distance, all of them by direct differences. One thread."""

import math

import numpy as np

from fastml._kernels._jit import kernel
from fastml._kernels.neighbors.kd_tree_jit import take, write_found
from fastml._kernels.runtime.interrupt_jit import slices

BLOCK = 16


def narrow(rows, n_threads):
    """Leave the float32 arrays alone: the plain way needs none."""


def nearest(rows, Q, selves, distances, indices, n_threads):
    distances = np.empty(indices.shape) if distances is None else distances
    for begin, end in slices(len(Q)):
        find_nearest(rows.X, Q, selves, distances, indices, begin, end)


@kernel
def find_nearest(X, Q, selves, distances, indices, begin, end):
    k = indices.shape[1] + selves
    found, at = np.empty(k), np.empty(k, np.int64)
    for i in range(begin, end):
        found[:], at[:] = np.inf, np.iinfo(np.int64).max
        for j in range(len(X)):
            total = 0.0
            for f in range(X.shape[1]):
                t = Q[i, f] - np.float64(X[j, f])
                total += t * t
            take(found, at, total, j)
        for j in range(k):
            found[j] = math.sqrt(found[j])
        write_found(found, at, i if selves else -1, distances[i], indices[i])
