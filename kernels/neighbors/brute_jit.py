"""Twin of brute.pyx: the nearest samples, their votes, and those within a radius, by direct differences. One thread."""

import numpy as np

from fastml._kernels._jit import kernel
from fastml._kernels.neighbors.kd_tree_jit import sort_rows, take, write_found
from fastml._kernels.neighbors.measures_jit import key, tell
from fastml._kernels.neighbors.votes_jit import count
from fastml._kernels.runtime.interrupt_jit import slices

BLOCK = 16


def narrow(rows, n_threads):
    """Leave the float32 arrays alone: the plain way needs none."""


def nearest(rows, Q, selves, distances, indices, n_threads):
    distances = np.empty(indices.shape) if distances is None else distances
    given = rows.X, rows.measure, rows.weights.ravel(), rows.halves
    for begin, end in slices(len(Q)):
        find_nearest(*given, Q, selves, distances, indices, begin, end)
    tell(rows, distances)


@kernel
def find_nearest(X, measure, weights, halves, Q, selves, keys, indices, begin, end):
    k = indices.shape[1] + selves
    found, at = np.empty(k), np.empty(k, np.int64)
    for i in range(begin, end):
        found[:], at[:] = np.inf, np.iinfo(np.int64).max
        for j in range(len(X)):
            take(found, at, key(measure, Q[i], X[j], weights, halves), j)
        write_found(found, at, i if selves else -1, keys[i], indices[i])


def vote(rows, Q, selves, ballot, n_threads):
    indices = np.empty((len(Q), ballot.k), np.int64)
    distances = np.empty(indices.shape)
    nearest(rows, Q, selves, distances, indices, n_threads)
    count(ballot, distances, indices)


def count_within(rows, Q, selves, limits, counts, n_threads):
    nothing = np.empty(0, np.int64)
    given = rows.X, rows.measure, rows.weights.ravel(), rows.halves
    for begin, end in slices(len(Q)):
        find_within(*given, Q, selves, limits, counts, None, nothing, np.empty(0), begin, end)


def fill_within(rows, Q, selves, limits, found, sort, n_threads):
    distances = np.empty(len(found.indices)) if found.distances is None else found.distances
    given, counts = (rows.X, rows.measure, rows.weights.ravel(), rows.halves), np.empty(len(Q), np.int64)
    for begin, end in slices(len(Q)):
        find_within(*given, Q, selves, limits, counts, found.indptr, found.indices, distances, begin, end)
    tell(rows, distances)
    if sort:
        sort_rows(found.indptr, found.indices, distances, 0, len(Q))


@kernel
def find_within(X, measure, weights, halves, Q, selves, limits, counts, indptr, indices, keys, begin, end):
    for i in range(begin, end):
        counts[i] = 0
        for j in range(len(X)):
            if selves and i == j:
                continue
            compared = key(measure, Q[i], X[j], weights, halves)
            if compared <= limits[i]:
                if indptr is not None:
                    indices[indptr[i] + counts[i]], keys[indptr[i] + counts[i]] = j, compared
                counts[i] += 1
