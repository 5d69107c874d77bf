"""Twin of callable.pyx: searches by a metric of the user's, which is called by pointer. One thread."""

from typing import NamedTuple

import numpy as np

from fastml._kernels._jit import call_addresses, kernel
from fastml._kernels.runtime.interrupt_jit import slices


class Rows(NamedTuple):
    """Vectors by address, as the metric takes them."""

    address: int
    n: int
    d: int
    step: int  # bytes of one


class Call(NamedTuple):
    """The metric by address, and what is in doubt about its values."""

    address: int
    slots: int
    doubt: float
    least: float
    narrow: bool


def distances(metric, Q, X, out, open, n_threads):
    call, q, x = _read(metric), _rows(Q), _rows(X)
    for i in range(len(Q)):
        fill(call, q, x, i, 0, len(X), out[i], open)


def nearest(metric, Q, X, distances, indices, open, n_threads):
    found = np.empty(indices.shape) if distances is None else distances
    call, q, x, row = _read(metric), _rows(Q), _rows(X), np.empty(len(X))
    for begin, end in slices(len(Q)):
        find_nearest(call, q, x, row, found, indices, open, begin, end)


def ball_nearest(metric, ball, Q, far, indices, open, n_threads):
    call, q, x, centroids = _read(metric), _rows(Q), _rows(ball.X), _rows(ball.centroids)
    far[:], indices[:] = np.inf, 0
    for i in range(len(Q)):
        first = np.empty(1)
        fill(call, q, centroids, i, 0, 1, first, open)
        bound = max(0.0, first[0] - ball.radii[0])
        search_ball(call, q, x, centroids, ball, i, 0, bound, np.empty(len(ball.X)), far[i], indices[i], open)


def ball_within(metric, ball, Q, radii, counts, indptr, indices, distances, open, n_threads):
    call, q, x, centroids = _read(metric), _rows(Q), _rows(ball.X), _rows(ball.centroids)
    write, measure = indices is not None, distances is not None
    seen, index, length = np.empty(len(ball.X)), np.empty(len(ball.X), np.int64), np.empty(len(ball.X))
    for i in range(len(Q)):
        n = collect(call, q, x, centroids, ball, i, 0, radii[i], measure, seen, index, length, 0, open)
        if counts is not None:
            counts[i] = n
        if write:
            indices[indptr[i] : indptr[i + 1]] = index[:n]
        if measure:
            distances[indptr[i] : indptr[i + 1]] = length[:n]


def _read(metric):
    return Call(metric.address, metric.slots.ctypes.data, metric.doubt, metric.least, metric.narrow)


def _rows(X):
    return Rows(X.ctypes.data, len(X), X.shape[1], X.strides[0])


@kernel
def fill(call, q, x, query, first, end, out, open):
    """Compute the distances of a query from the rows first to end - 1."""
    rows, to = x.address + first * x.step, np.int64(out.ctypes.data)
    call_addresses(call.address, (q.address + query * q.step, rows, end - first, q.d, call.slots, to))
    for s in range(end - first):
        if call.narrow:
            out[s] = np.float32(out[s])
        if not np.isfinite(out[s]):
            open[query] = 1


@kernel
def compare(call, query, a, b, open):
    """Mark a query whose answer hangs on which of two values is larger, if that is in doubt."""
    if call.least > 0 and np.isfinite(b) and abs(a - b) <= call.doubt * abs(b) + call.least:
        open[query] = 1


@kernel
def find_nearest(call, q, x, row, distances, indices, open, begin, end):
    k = indices.shape[1]
    for i in range(begin, end):
        fill(call, q, x, i, 0, x.n, row, open)
        order = np.argsort(row, kind="mergesort")
        for j in range(1, min(k + 1, x.n)):
            if not row[order[j - 1]] < row[order[j]]:
                open[i] = 1
            compare(call, i, row[order[j - 1]], row[order[j]], open)
        distances[i], indices[i] = row[order[:k]], order[:k]


@kernel
def push(far, index, key, sample):
    """Take a sample in the place of the farthest, unless it is as far, and let it sink as scikit-learn does."""
    if key >= far[0]:
        return
    at, child, k = 0, 1, len(far)
    while child < k:
        if child + 1 < k and not far[child] >= far[child + 1]:
            child += 1
        if not far[child] > key:
            break
        far[at], index[at] = far[child], index[child]
        at, child = child, 2 * child + 1
    far[at], index[at] = key, sample


@kernel
def search_ball(call, q, x, centroids, ball, query, node, bound, seen, far, index, open):
    """Walk on below a node whose samples are no nearer than `bound`."""
    compare(call, query, bound, far[0], open)
    if bound > far[0]:
        return 0
    if ball.leaf[node]:
        start, end = ball.starts[node], ball.ends[node]
        fill(call, q, x, query, start, end, seen, open)
        for s in range(end - start):
            before = far[0]
            compare(call, query, seen[s], before, open)
            push(far, index, seen[s], ball.order[start + s])
            if far[0] != before:
                compare(call, query, before, far[0], open)
        return 0
    left = 2 * node + 1
    fill(call, q, centroids, query, left, left + 2, seen, open)
    near = max(0.0, seen[0] - ball.radii[left])
    other = max(0.0, seen[1] - ball.radii[left + 1])
    if near > 0 or other > 0:
        compare(call, query, near, other, open)
    first, second = left, left + 1
    if not near <= other:
        first, second, near, other = second, first, other, near
    search_ball(call, q, x, centroids, ball, query, first, near, seen, far, index, open)
    search_ball(call, q, x, centroids, ball, query, second, other, seen, far, index, open)
    return 0


@kernel
def collect(call, q, x, centroids, ball, query, node, radius, measure, seen, index, length, count, open):
    """Walk on below a node for the samples within a radius; returns how many there are with those before."""
    fill(call, q, centroids, query, node, node + 1, seen, open)
    least, most = max(0.0, seen[0] - ball.radii[node]), seen[0] + ball.radii[node]
    compare(call, query, least, radius, open)
    compare(call, query, most, radius, open)
    if least > radius:
        return count
    inside = most <= radius
    if not inside and not ball.leaf[node]:
        for child in (2 * node + 1, 2 * node + 2):
            count = collect(
                call, q, x, centroids, ball, query, child, radius, measure, seen, index, length, count, open
            )
        return count
    start, end = ball.starts[node], ball.ends[node]
    if not inside or measure:
        fill(call, q, x, query, start, end, seen, open)
    for s in range(end - start):
        if not inside:
            compare(call, query, seen[s], radius, open)
        if inside or seen[s] <= radius:
            index[count], length[count] = ball.order[start + s], seen[s]
            count += 1
    return count
