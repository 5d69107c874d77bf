"""Twin of sparse.pyx: the nearest sparse samples, their votes, and those within a radius, pair by pair. One thread."""

import numpy as np

from fastml._kernels._jit import kernel
from fastml._kernels.neighbors.entries import COSINE, DISTANCE, MANHATTAN, SLAB
from fastml._kernels.neighbors.kd_tree_jit import take, write_found
from fastml._kernels.neighbors.votes_jit import count
from fastml._kernels.runtime.interrupt_jit import slices


def measure(entries):
    return measure_rows(entries)


@kernel
def measure_rows(t):
    for i in range(len(t.sizes)):
        first, end = t.indptr[i], t.indptr[i + 1]
        if first < 0 or end < first or end > min(len(t.data), len(t.indices)):
            return 2
        total, part = 0.0, 0.0
        for e in range(first, end):
            part += abs(t.data[e]) if t.measure == MANHATTAN else t.data[e] * t.data[e]
            if (e - first) % SLAB == SLAB - 1:
                total, part = total + part, 0.0
        t.sizes[i] = total + part
        if end > first and t.indices[first:end].max() >= t.n_features:
            return 2
        for e in range(first, end):
            if t.indices[e] <= (t.indices[e - 1] if e > first else -1):
                return 1
    return 0


def turn(entries, columns):
    """Leave the columns alone: the plain way needs none."""


def nearest(entries, columns, Q, selves, distances, indices, n_threads):
    distances = np.empty(indices.shape) if distances is None else distances
    longest = np.diff(entries.indptr).max()
    for begin, end in slices(len(Q.sizes)):
        find_nearest(entries, Q, longest, selves, distances, indices, begin, end)
    tell(entries.measure, distances)


def tell(kind, keys):
    """Turn keys into what is told of neighbours, in place."""
    if kind == DISTANCE:
        np.sqrt(keys, out=keys)
    if kind == COSINE:
        np.minimum(keys, 2, out=keys)


@kernel
def find_nearest(X, Q, longest, selves, keys, indices, begin, end):
    k = indices.shape[1] + selves
    found, at = np.empty(k), np.empty(k, np.int64)
    for i in range(begin, end):
        found[:], at[:] = np.inf, np.iinfo(np.int64).max
        chain = chain_of(max(longest, Q.indptr[i + 1] - Q.indptr[i]))
        for j in range(len(X.sizes)):
            take(found, at, key(Q, i, X, j, chain, found[-1]), j)
        write_found(found, at, i if selves else -1, keys[i], indices[i])


@kernel
def chain_of(n):
    """Return the additions in the longest chain of a row of n entries."""
    return min(n, SLAB) + n // SLAB


@kernel
def key(Q, i, X, j, chain, most):
    """Compare two rows: what neighbours are ordered by; larger than `most` it need not be exact."""
    total = shared(Q, i, X, j)
    if Q.measure == COSINE:
        both, value = 1.0, 1 - total * X.sizes[j]
    else:
        both = Q.sizes[i] + X.sizes[j]
        value = both + total if Q.measure == MANHATTAN else both - (total + total)
    lost = both * ((chain + 4) * 2.0**-53 / 5e-13)
    if (value > lost and Q.measure != MANHATTAN) or value > most + both * (4 * (chain + 4) * 2.0**-53):
        return value
    return by_differences(Q, i, X, j)


@kernel
def shared(Q, i, X, j):
    """Add up what two rows share, feature by feature, in slabs of the entries of the query."""
    total, part, scale = 0.0, 0.0, Q.sizes[i] if Q.measure == COSINE else 1.0
    b, end = X.indptr[j], X.indptr[j + 1]
    for n, a in enumerate(range(Q.indptr[i], Q.indptr[i + 1])):
        while b < end and X.indices[b] < Q.indices[a]:
            b += 1
        if b < end and X.indices[b] == Q.indices[a]:
            q, x = Q.data[a] * scale, X.data[b]
            part += abs(q - x) - abs(q) - abs(x) if Q.measure == MANHATTAN else q * x
        if n % SLAB == SLAB - 1:
            total, part = total + part, 0.0
    return total + part


@kernel
def by_differences(Q, i, X, j):
    q_scale, x_scale = (Q.sizes[i], X.sizes[j]) if Q.measure == COSINE else (1.0, 1.0)
    a, a_end, b, b_end = Q.indptr[i], Q.indptr[i + 1], X.indptr[j], X.indptr[j + 1]
    total, part, n = 0.0, 0.0, 0
    while a < a_end or b < b_end:
        f = Q.indices[a] if a < a_end else Q.n_features
        g = X.indices[b] if b < b_end else Q.n_features
        q, x = 0.0, 0.0
        if f <= g:
            q = Q.data[a] * q_scale
            a += 1
        if g <= f:
            x = X.data[b] * x_scale
            b += 1
        part += abs(q - x) if Q.measure == MANHATTAN else (q - x) * (q - x)
        n += 1
        if n % SLAB == 0:
            total, part = total + part, 0.0
    total += part
    return 0.5 * total if Q.measure == COSINE else total


def vote(entries, columns, Q, selves, ballot, n_threads):
    indices = np.empty((len(Q.sizes), ballot.k), np.int64)
    distances = np.empty(indices.shape)
    nearest(entries, columns, Q, selves, distances, indices, n_threads)
    count(ballot, distances, indices)


def count_within(entries, columns, Q, selves, limits, counts, n_threads):
    longest, nothing = np.diff(entries.indptr).max(), np.empty(0, np.int64)
    for begin, end in slices(len(Q.sizes)):
        find_within(entries, Q, longest, selves, limits, counts, None, nothing, np.empty(0), begin, end)


def fill_within(entries, columns, Q, selves, limits, found, n_threads):
    longest, counts = np.diff(entries.indptr).max(), np.empty(len(Q.sizes), np.int64)
    distances = np.empty(len(found.indices)) if found.distances is None else found.distances
    for begin, end in slices(len(Q.sizes)):
        find_within(entries, Q, longest, selves, limits, counts, found.indptr, found.indices, distances, begin, end)
    tell(entries.measure, distances)


@kernel
def find_within(X, Q, longest, selves, limits, counts, indptr, indices, keys, begin, end):
    for i in range(begin, end):
        counts[i] = 0
        chain = chain_of(max(longest, Q.indptr[i + 1] - Q.indptr[i]))
        for j in range(len(X.sizes)):
            compared = key(Q, i, X, j, chain, limits[i])
            if compared <= limits[i] and not (selves and i == j):
                if indptr is not None:
                    indices[indptr[i] + counts[i]], keys[indptr[i] + counts[i]] = j, compared
                counts[i] += 1
