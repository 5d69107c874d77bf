"""Driver of searches by a metric of the user's, a function of two vectors.

    compiled(function, params, Q, X, *, narrow)                       Compiled, or NotCovered is raised
    distances(metric, Q, X, *, n_threads)                             (n_queries, n_samples)
    nearest(metric, Q, X, k, *, with_distances, n_threads)            distances (n, k) or None, indices (n, k)
    within(metric, Q, X, radius, *, n_threads)                        Rows, in the order of the samples
    ball_nearest(metric, ball, Q, far, indices, *, ask, n_threads)    fills heaps
    ball_within(metric, ball, Q, radii, *, with_distances, ask, n_threads)    Rows, in the order of the tree

Q  (n_queries, n_features), X  (n_samples, n_features): in C order, of the types that the metric was compiled for.
ask: function of the numbers of some queries that gives scikit-learn's own answers to them.

What is found is what scikit-learn finds by calling the function pair by pair. Where compiled values do not settle it,
as they are not finite or, but for rounding, equal, the function itself is called: it raises its own errors so.
"""

import numpy as np

from fastml._dispatch import NotCovered, load, note, record
from fastml._kernels.neighbors.trees import Rows

TOGETHER = 1 << 22  # distances in memory at a time


def compiled(function, params, Q, X, *, narrow=False):
    """Return the metric as the kernels take it; see ``metric.compiled`` of the kernels."""
    from fastml._kernels.neighbors import metric  # which imports Numba

    try:
        made = metric.compiled(function, params, Q, X, narrow=narrow)
    except metric.Refused as reason:
        name = getattr(function, "__name__", type(function).__name__)
        raise NotCovered(f"metric={name} is not compiled: {reason}.") from None
    if made.least:
        note("compiled, the metric gives the function's values but for rounding")
    return made


def of_itself(metric, X, *, n_threads):
    """Return the metric for distances within one array, which scikit-learn takes from one half where it can.

    The function must be symmetric then; if it is so but for rounding, close calls are left to scikit-learn.
    """
    from fastml._kernels.neighbors.metric import NOT, ROUNDED, doubted

    if metric.symmetric == NOT:
        raise NotCovered("the metric is not symmetric.")
    if metric.symmetric == ROUNDED and not metric.least:
        return doubted(metric, distances(metric, X[:1], X, n_threads=n_threads))
    return metric


def distances(metric, Q, X, *, n_threads):
    """Compute all distances; float32 if they are rounded to it. Those that are not finite are the function's own."""
    record(n_threads=n_threads)
    kernel = load("neighbors.callable", float(len(Q)) * X.size)
    out, open_ = np.empty((len(Q), len(X))), np.zeros(len(Q), np.uint8)
    kernel.distances(metric, Q, X, out, open_, n_threads)
    for i in np.flatnonzero(open_):
        for j in np.flatnonzero(~np.isfinite(out[i])):
            out[i, j] = metric.original(Q[i], X[j])
    return out.astype(np.float32) if metric.narrow else out


def nearest(metric, Q, X, k, *, with_distances, n_threads):
    """Find the k nearest samples of each query, nearest first, equally near ones in the order that NumPy gives them."""
    record(n_threads=n_threads)
    kernel = load("neighbors.callable", float(len(Q)) * X.size)
    indices, open_ = np.empty((len(Q), k), np.int64), np.zeros(len(Q), np.uint8)
    found = np.empty(indices.shape) if with_distances else None
    kernel.nearest(metric, Q, X, found, indices, open_, n_threads)
    if metric.narrow and with_distances:
        found = found.astype(np.float32)
    for rows in _batches(np.flatnonzero(open_), len(X)):
        all_ = _row_by_row(metric, Q[rows], X) if metric.least else distances(metric, Q[rows], X, n_threads=n_threads)
        near = np.argpartition(all_, k - 1, axis=1)[:, :k]
        near = np.take_along_axis(near, np.argsort(np.take_along_axis(all_, near, axis=1), axis=1), axis=1)
        indices[rows] = near
        if with_distances:
            found[rows] = np.take_along_axis(all_, near, axis=1)
    return found, indices


def within(metric, Q, X, radius, *, n_threads):
    """Find the samples within a radius of each query."""
    parts = []
    for rows in _batches(np.arange(len(Q)), len(X)):
        all_ = distances(metric, Q[rows], X, n_threads=n_threads)
        if metric.least:
            doubt = np.isfinite(all_) & (np.abs(all_ - radius) <= metric.doubt * abs(radius) + metric.least)
            for i, j in np.argwhere(doubt):
                all_[i, j] = metric.original(Q[rows[i]], X[j])
        near = all_ <= radius
        parts.append((near.sum(axis=1), np.nonzero(near)[1], all_[near]))
    counts, indices, found = map(np.concatenate, zip(*parts, strict=True))
    return Rows(np.append(0, np.cumsum(counts)), indices, found)


def _batches(rows, n_samples):
    """Yield so many rows at a time as memory allows."""
    step = max(1, TOGETHER // n_samples)
    return (rows[first : first + step] for first in range(0, len(rows), step))


def _row_by_row(metric, Q, X):
    """Compute all distances by the function itself."""
    return np.array([[metric.original(x, y) for y in X] for x in Q], np.float32 if metric.narrow else np.float64)


def ball(tree, *, n_threads, metric=None):
    """Return a Ball of the arrays of scikit-learn's tree: X, order, nodes, bounds.

    metric  Compiled: by it the radii are computed, in the place of the tree's
    """
    from fastml._kernels.neighbors.metric import Ball

    X, order, nodes, bounds = tree
    order, centroids = np.asarray(order, np.int64), np.ascontiguousarray(bounds[0])
    starts, ends, leaf = (np.ascontiguousarray(nodes[field]) for field in ("idx_start", "idx_end", "is_leaf"))
    arranged = np.ascontiguousarray(np.asarray(X)[order])
    radii = np.ascontiguousarray(nodes["radius"])
    if metric is not None:
        for node, (start, end) in enumerate(zip(starts, ends, strict=True)):
            far = distances(metric, centroids[node : node + 1], arranged[start:end], n_threads=n_threads)[0]
            radii[node] = max(0.0, far.max())
            if metric.least:
                farthest = np.flatnonzero(far >= radii[node] * (1 - metric.doubt) - metric.least)
                radii[node] = max(0.0, *(metric.original(centroids[node], x) for x in arranged[start:end][farthest]))
    return Ball(
        arranged, order, centroids, radii, starts.astype(np.int64), ends.astype(np.int64), leaf.astype(np.uint8)
    )


def ball_nearest(metric, ball, Q, far, indices, *, ask, n_threads):
    """Fill heaps of the k nearest samples as scikit-learn's tree does: far, indices (n_queries, k).

    Returns the numbers of the queries that `ask` answered, whose rows are sorted.
    """
    record(n_threads=n_threads)
    kernel, open_ = load("neighbors.callable"), np.zeros(len(Q), np.uint8)
    kernel.ball_nearest(metric, ball, Q, far, indices, open_, n_threads)
    if metric.least and far.shape[1] > 1:
        ranked = np.sort(far, axis=1)
        open_ |= (np.diff(ranked) <= metric.doubt * ranked[:, 1:] + metric.least).any(axis=1)
    rows = np.flatnonzero(open_)
    if len(rows):
        far[rows], indices[rows] = ask(rows)
    return rows


def ball_within(metric, ball, Q, radii, *, with_distances, ask, n_threads):
    """Find the samples within a radius of each query as scikit-learn's tree does: radii (n_queries,)."""
    record(n_threads=n_threads)
    kernel, open_ = load("neighbors.callable"), np.zeros(len(Q), np.uint8)
    indptr, counts = np.zeros(len(Q) + 1, np.int64), np.zeros(len(Q), np.int64)
    kernel.ball_within(metric, ball, Q, radii, counts, indptr, None, None, open_, n_threads)
    np.cumsum(counts, out=indptr[1:])
    rows = Rows(indptr, np.empty(indptr[-1], np.int64), np.empty(indptr[-1]) if with_distances else None)
    kernel.ball_within(metric, ball, Q, radii, None, indptr, rows.indices, rows.distances, open_, n_threads)
    asked = np.flatnonzero(open_)
    return replaced(rows, asked, *ask(asked)) if len(asked) else rows


def replaced(rows, numbers, distances, indices):
    """Return Rows in which those of some numbers are others: arrays of arrays, (n_numbers,) of objects, or None."""
    lengths = np.diff(rows.indptr)
    lengths[numbers] = [len(row) for row in indices]

    def joined(values, others):
        if values is None:
            return None
        parts = np.split(values, rows.indptr[1:-1])
        for number, other in zip(numbers, others, strict=True):
            parts[number] = other
        return np.concatenate(parts)

    indptr = np.append(0, np.cumsum(lengths))
    return Rows(indptr, joined(rows.indices, indices), joined(rows.distances, distances))


def without_selves(rows):
    """Return Rows without query i among the samples of row i."""
    number = np.repeat(np.arange(len(rows.indptr) - 1), np.diff(rows.indptr))
    others = rows.indices != number
    indptr = np.append(0, np.cumsum(np.bincount(number[others], minlength=len(rows.indptr) - 1)))
    return Rows(indptr, rows.indices[others], None if rows.distances is None else rows.distances[others])


def without_self(distances, indices):
    """Leave out query i among the nearest of row i, or the first where it is not among them, as scikit-learn does."""
    others = indices != np.arange(len(indices))[:, np.newaxis]
    others[others.all(axis=1), 0] = False
    shape = len(indices), indices.shape[1] - 1
    return None if distances is None else distances[others].reshape(shape), indices[others].reshape(shape)


def sorted_rows(rows):
    """Return Rows of which each is sorted by distance, equal ones as they were."""
    number = np.repeat(np.arange(len(rows.indptr) - 1), np.diff(rows.indptr))
    order = np.lexsort((rows.distances, number))
    return Rows(rows.indptr, rows.indices[order], rows.distances[order])
