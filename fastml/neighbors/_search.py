"""Driver of searches through a k-d tree.

    plant(X, *, n_threads)                                                      Planted
    nearest(planted, X, k, *, metric, with_distances, n_threads)                distances (n, k) or None, indices (n, k)
    vote(planted, X, ballot, *, metric, n_threads)                              fills a Ballot
    within(planted, X, radii, *, metric, with_distances, sort, n_threads)       Rows

X       (n_queries, n_features); None: the samples of the tree, none of which is then its own neighbour.
metric  a number of `number_of`

All is computed in float64, whatever the type of the samples, as scikit-learn's trees do. Equally near neighbours
come in the order of their indices.
"""

from typing import NamedTuple

import numpy as np

from fastml._dispatch import NotCovered, load, record
from fastml._kernels.neighbors.trees import (
    CHEBYSHEV,
    EUCLIDEAN,
    MANHATTAN,
    KdTree,
    Queries,
    Rows,
    allocate,
)
from fastml.neighbors._measures import halves_of

METRICS = {
    "euclidean": EUCLIDEAN,
    "l2": EUCLIDEAN,
    "manhattan": MANHATTAN,
    "cityblock": MANHATTAN,
    "l1": MANHATTAN,
    "chebyshev": CHEBYSHEV,
}
# From so many queries on it pays to bring them into the order of the leaves first.
WORTH_ARRANGING = 512
# Beyond, a square may overflow.
LARGEST = 1e150


class Planted(NamedTuple):
    """A tree and the samples that it was grown from: X (n_samples, n_features), of any type, as they were given."""

    X: np.ndarray
    tree: KdTree


def number_of(metric, params):
    """Return the kernel's number of scikit-learn's metric of that name, or None."""
    if metric != "minkowski":
        return None if params else METRICS.get(metric)
    halves = halves_of(params.get("p")) if params.keys() <= {"p", "w"} and params.get("w") is None else None
    return halves and CHEBYSHEV + halves


def plant(X, *, n_threads):
    """Grow the tree of some samples."""
    record(n_threads=n_threads)
    kernel = load("neighbors.kd_tree", X.size * np.log2(len(X) + 1))
    tree = allocate(*X.shape)
    kernel.build(_numbers(X), tree, n_threads)
    return Planted(X, tree)


def nearest(planted, X, k, *, metric, with_distances, n_threads):
    """Find the k nearest samples of each query, nearest first: distances in the units of X, and indices, int64."""
    kernel, queries = _ask(planted, X, metric, n_threads)
    indices = np.empty((len(queries.X), k), np.int64)
    distances = np.empty(indices.shape) if with_distances else None
    kernel.nearest(planted.tree, queries, distances, indices, n_threads)
    return distances, indices


def vote(planted, X, ballot, *, metric, n_threads):
    """Let the nearest samples of each query vote."""
    kernel, queries = _ask(planted, X, metric, n_threads)
    kernel.vote(planted.tree, queries, ballot, n_threads)


def within(planted, X, radii, *, metric, with_distances, sort, n_threads):
    """Find the samples within a radius of each query, the border included, as Rows; unsorted in the tree's order.

    radii  number, or (n_queries,)  distances
    sort   nearest first; needs the distances
    """
    kernel, queries = _ask(planted, X, metric, n_threads)
    n_queries = len(queries.X)
    radii = np.ascontiguousarray(np.broadcast_to(radii, n_queries), np.float64)
    if metric == EUCLIDEAN and np.any(np.isfinite(radii) & (np.abs(radii) > LARGEST)):
        raise NotCovered(f"Squares of radii beyond {LARGEST} may overflow.")
    indptr = np.zeros(n_queries + 1, np.int64)
    kernel.count_within(planted.tree, queries, radii, indptr[1:], n_threads)
    np.cumsum(indptr, out=indptr)
    rows = Rows(indptr, np.empty(indptr[-1], np.int64), np.empty(indptr[-1]) if with_distances else None)
    kernel.fill_within(planted.tree, queries, radii, rows, sort, n_threads)
    return rows


def row_arrays(rows, values):
    """Return the rows of `values` as an array of arrays, (n_queries,) of objects."""
    return load("neighbors.kd_tree").split(values, rows.indptr)


def _ask(planted, X, metric, n_threads):
    """Return the kernel, and what it is asked in an order in which neighbours follow each other."""
    record(n_threads=n_threads)
    tree, selves = planted.tree, X is None
    own = selves or X is planted.X
    X = _numbers(planted.X if selves else X)
    if X.shape[1] != tree.points.shape[1]:
        raise NotCovered("The queries have other features than the tree.")
    kernel = load("neighbors.kd_tree", 1000.0 * X.size)
    sequence = None
    if own:
        sequence = tree.order[: tree.n_samples]
    elif len(X) >= WORTH_ARRANGING:
        sequence = np.empty(len(X), np.int64)
        kernel.arrange(tree, X, metric, sequence, n_threads)
    return kernel, Queries(X, sequence, selves, metric)


def _numbers(X):
    """Return float64, aligned and in C order; X itself where it is."""
    return np.require(X, np.float64, ["C", "A"])
