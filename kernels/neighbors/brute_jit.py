"""Twin of brute.pyx: the nearest samples, their votes, and those within a radius, by direct differences. One thread."""

import numpy as np

from fastml._kernels._jit import kernel
from fastml._kernels.neighbors.kd_tree_jit import farther, sort_rows, take, write_found
from fastml._kernels.neighbors.rows import DISTANCE, SQUARE
from fastml._kernels.neighbors.trees import EUCLIDEAN
from fastml._kernels.neighbors.votes_jit import count
from fastml._kernels.runtime.interrupt_jit import slices

BLOCK = 16


def narrow(rows, n_threads):
    """Leave the float32 arrays alone: the plain way needs none."""


def nearest(rows, Q, selves, distances, indices, n_threads):
    distances = np.empty(indices.shape) if distances is None else distances
    metric = metric_of(rows.measure)
    for begin, end in slices(len(Q)):
        find_nearest(rows.X, Q, selves, metric, distances, indices, begin, end)
    tell(rows.measure, distances)


@kernel
def find_nearest(X, Q, selves, metric, squares, indices, begin, end):
    k = indices.shape[1] + selves
    found, at = np.empty(k), np.empty(k, np.int64)
    for i in range(begin, end):
        found[:], at[:] = np.inf, np.iinfo(np.int64).max
        for j in range(len(X)):
            total = 0.0
            for f in range(X.shape[1]):
                total = farther(metric, total, Q[i, f] - np.float64(X[j, f]))
            take(found, at, total, j)
        write_found(found, at, i if selves else -1, squares[i], indices[i])


def vote(rows, Q, selves, ballot, n_threads):
    indices = np.empty((len(Q), ballot.k), np.int64)
    distances = np.empty(indices.shape)
    nearest(rows, Q, selves, distances, indices, n_threads)
    count(ballot, distances, indices)


def count_within(rows, Q, selves, limits, counts, n_threads):
    nothing = np.empty(0, np.int64)
    metric = metric_of(rows.measure)
    for begin, end in slices(len(Q)):
        find_within(rows.X, Q, selves, metric, limits, counts, None, nothing, np.empty(0), begin, end)


def fill_within(rows, Q, selves, limits, found, sort, n_threads):
    distances = np.empty(len(found.indices)) if found.distances is None else found.distances
    metric, counts = metric_of(rows.measure), np.empty(len(Q), np.int64)
    for begin, end in slices(len(Q)):
        find_within(rows.X, Q, selves, metric, limits, counts, found.indptr, found.indices, distances, begin, end)
    tell(rows.measure, distances)
    if sort:
        sort_rows(found.indptr, found.indices, distances, 0, len(Q))


def metric_of(measure):
    return max(measure - SQUARE, EUCLIDEAN)


def tell(measure, squares):
    """Turn squares of distances into what is told of them, in place."""
    if measure == DISTANCE:
        np.sqrt(squares, out=squares)


@kernel
def find_within(X, Q, selves, metric, limits, counts, indptr, indices, squares, begin, end):
    for i in range(begin, end):
        counts[i] = 0
        for j in range(len(X)):
            if selves and i == j:
                continue
            total = 0.0
            for f in range(X.shape[1]):
                total = farther(metric, total, Q[i, f] - np.float64(X[j, f]))
            if total <= limits[i]:
                if indptr is not None:
                    indices[indptr[i] + counts[i]], squares[indptr[i] + counts[i]] = j, total
                counts[i] += 1
