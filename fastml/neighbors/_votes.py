"""Driver of votes: what the nearest samples say, without writing down who they are.

    winners(ask, labels, n_classes, k, *, by_distance, n_queries)       (n_queries, n_outputs), or None
    shares(ask, labels, n_classes, k, *, by_distance, n_queries)        a list of (n_queries, n_classes), or None
    means(ask, targets, k, *, by_distance, n_queries)                   (n_queries, n_outputs)
    shares_within(rows, labels, n_classes, by_distance)                 a list of (n_queries, n_classes)
    means_within(rows, targets, by_distance)                            (n_queries, n_outputs)

rows       Rows of trees.py: neighbours within a radius; queries without any have zeros, and no mean
ask        function that fills in a Ballot: of _search or _brute
labels     (n_samples,) or (n_samples, n_outputs)  int64
n_classes  of each output
targets    (n_samples,) or (n_samples, n_outputs)  float64

None where some query's neighbours have no weight, being infinitely far.
"""

from itertools import pairwise

import numpy as np

from fastml._kernels.neighbors import ballot


def winners(ask, labels, n_classes, k, *, by_distance, n_queries):
    """Return the class with most votes, of several the first."""
    cast = ballot.elect(_columns(labels, np.int64), _firsts(n_classes), k, by_distance, n_queries)
    ask(cast)
    return cast.winners if (cast.winners >= 0).all() else None


def shares(ask, labels, n_classes, k, *, by_distance, n_queries):
    """Return each class's share of the votes."""
    firsts = _firsts(n_classes)
    cast = ballot.tally(_columns(labels, np.int64), firsts, k, by_distance, n_queries)
    ask(cast)
    parts = []
    for first, end in pairwise(firsts):
        votes = np.ascontiguousarray(cast.votes[:, first:end])
        total = votes.sum(axis=1, keepdims=True) if by_distance else k
        if by_distance and not total.all():
            return None
        votes /= total
        parts.append(votes)
    return parts


def means(ask, targets, k, *, by_distance, n_queries):
    """Return the means of the targets."""
    cast = ballot.average(_columns(targets, np.float64), k, by_distance, n_queries)
    ask(cast)
    return cast.votes


def shares_within(rows, labels, n_classes, by_distance):
    """Return each class's share of the votes of those within a radius."""
    query, weights = _weights_within(rows, by_distance)
    parts = []
    for column, n in zip(_columns(labels, np.int64).T, n_classes, strict=True):
        places = query * n + column[rows.indices]
        votes = np.bincount(places, weights, (len(rows.indptr) - 1) * n).reshape(-1, n).astype(float, copy=False)
        total = votes.sum(axis=1, keepdims=True)
        parts.append(np.divide(votes, total, out=votes, where=total != 0))
    return parts


def means_within(rows, targets, by_distance):
    """Return the means of the targets of those within a radius."""
    query, weights = _weights_within(rows, by_distance)
    n_queries = len(rows.indptr) - 1
    total = np.bincount(query, weights, n_queries)
    columns = (column[rows.indices] for column in _columns(targets, np.float64).T)
    sums = [np.bincount(query, column if weights is None else column * weights, n_queries) for column in columns]
    return np.stack(sums, axis=1) / total[:, None]


def _weights_within(rows, by_distance):
    """Return the query of each neighbour, and its weight: the inverse of its distance, or None."""
    query = np.repeat(np.arange(len(rows.indptr) - 1), np.diff(rows.indptr))
    if not by_distance:
        return query, None
    here = rows.distances == 0
    with np.errstate(divide="ignore"):
        weights = 1 / rows.distances
    alone = np.zeros(len(rows.indptr) - 1, bool)
    alone[query[here]] = True
    return query, np.where(alone[query], here, weights)


def _columns(values, dtype):
    return np.require(values.reshape(len(values), -1), dtype, ["C", "A"])


def _firsts(n_classes):
    return np.cumsum([0, *n_classes], dtype=np.int64)
