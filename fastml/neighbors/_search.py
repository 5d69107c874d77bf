"""Driver of searches through a k-d tree.

    plant(X, *, metric, n_threads)                                              Planted, or None where it cannot be
    nearest(planted, X, k, *, metric, with_distances, n_threads)                distances (n, k) or None, indices (n, k)
    vote(planted, X, ballot, *, metric, n_threads)                              fills a Ballot
    within(planted, X, radii, *, metric, with_distances, sort, n_threads)       Rows

X       (n_queries, n_features); None: the samples of the tree, none of which is then its own neighbour.
metric  a number of `number_of`

All is computed in float64, whatever the type of the samples, as scikit-learn's trees do. Equally near neighbours
come in the order of their indices.

On the sphere (metric="haversine") X holds latitudes and longitudes. The tree is one of their unit vectors, whose chords
tell which samples may count; these are compared by scikit-learn's formula.
"""

from typing import NamedTuple

import numpy as np

from fastml._dispatch import NotCovered, load, record
from fastml._kernels.neighbors.trees import (
    CHEBYSHEV,
    EUCLIDEAN,
    HAVERSINE,
    MANHATTAN,
    OF_POINTS,
    OF_UNIT_VECTORS,
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
    "haversine": HAVERSINE,
}
# From so many queries on it pays to bring them into the order of the leaves first.
WORTH_ARRANGING = 512
# Beyond, a square may overflow.
LARGEST = 1e150
# Beyond, sines of half a radius may fall again, or are too near to 1.
LARGEST_ARC = 3.0
BEYOND = "Some points lie beyond the poles, or at longitudes beyond a full turn."
# For fewer queries it does not pay to grow a tree that serves one call (20,000 points).
WORTH_GROWING = 8


class Planted(NamedTuple):
    """A tree and the samples that it was grown from: X (n_samples, n_features), of any type, as they were given.

    Without a tree (None) one is grown for each call: scikit-learn compares with all samples, as they are then.
    """

    X: np.ndarray
    tree: KdTree | None = None


def number_of(metric, params):
    """Return the kernel's number of scikit-learn's metric of that name, or None."""
    if metric != "minkowski":
        return None if params else METRICS.get(metric)
    halves = halves_of(params.get("p")) if params.keys() <= {"p", "w"} and params.get("w") is None else None
    return halves and CHEBYSHEV + halves


def plant(X, *, metric, n_threads):
    """Grow the tree of some samples; None where they are not points on the sphere that there is a tree of."""
    record(n_threads=n_threads)
    kernel = load("neighbors.kd_tree", X.size * np.log2(len(X) + 1))
    samples, tree = _numbers(X), None
    if metric != HAVERSINE:
        tree = allocate(*X.shape)
    elif X.shape[1] == 2:
        samples = np.empty((len(X), OF_POINTS))
        tree = allocate(*samples.shape, OF_UNIT_VECTORS) if kernel.directions(_numbers(X), samples) else None
    if tree is None:
        return None
    kernel.build(samples, tree, n_threads)
    return Planted(X, tree)


def nearest(planted, X, k, *, metric, with_distances, n_threads):
    """Find the k nearest samples of each query, nearest first: distances in the units of X, and indices, int64."""
    kernel, tree, queries = _ask(planted, X, metric, n_threads)
    indices = np.empty((len(queries.X), k), np.int64)
    distances = np.empty(indices.shape) if with_distances else None
    kernel.nearest(tree, queries, distances, indices, n_threads)
    if metric != HAVERSINE or not with_distances:
        return distances, indices
    if planted.tree is None:
        kernel.arcs(distances)
        return distances, indices
    return 2 * np.arcsin(np.sqrt(distances)), indices  # as scikit-learn's trees do: NumPy's arc sine is another


def vote(planted, X, ballot, *, metric, n_threads):
    """Let the nearest samples of each query vote."""
    kernel, tree, queries = _ask(planted, X, metric, n_threads)
    kernel.vote(tree, queries, ballot, n_threads)


def within(planted, X, radii, *, metric, with_distances, sort, n_threads):
    """Find the samples within a radius of each query, the border included, as Rows; unsorted in the tree's order.

    radii  number, or (n_queries,)  distances
    sort   nearest first; needs the distances
    """
    n_queries = len(planted.X if X is None else X)
    radii = np.ascontiguousarray(np.broadcast_to(radii, n_queries), np.float64)
    if metric == HAVERSINE and not ((radii >= 0) & (radii <= LARGEST_ARC)).all():
        raise NotCovered(f"Not all radii are angles from 0 to {LARGEST_ARC}.")
    if metric == EUCLIDEAN and np.any(np.isfinite(radii) & (np.abs(radii) > LARGEST)):
        raise NotCovered(f"Squares of radii beyond {LARGEST} may overflow.")
    kernel, tree, queries = _ask(planted, X, metric, n_threads)
    indptr = np.zeros(n_queries + 1, np.int64)
    kernel.count_within(tree, queries, radii, indptr[1:], n_threads)
    np.cumsum(indptr, out=indptr)
    rows = Rows(indptr, np.empty(indptr[-1], np.int64), np.empty(indptr[-1]) if with_distances else None)
    kernel.fill_within(tree, queries, radii, rows, sort, n_threads)
    return rows


def row_arrays(rows, values):
    """Return the rows of `values` as an array of arrays, (n_queries,) of objects."""
    return load("neighbors.kd_tree").split(values, rows.indptr)


def _ask(planted, X, metric, n_threads):
    """Return the kernel, the tree, and what it is asked in an order in which neighbours follow each other."""
    record(n_threads=n_threads)
    selves = X is None
    own = selves or X is planted.X
    given = planted.X if selves else X
    tree = planted.tree or _tree_for_one_call(planted.X, given, metric, n_threads)
    X = _numbers(given)
    if X.shape[1] != (2 if metric == HAVERSINE else tree.points.shape[1]):
        raise NotCovered("The queries have other features than the tree.")
    kernel = load("neighbors.kd_tree", 1000.0 * X.size)
    if metric == HAVERSINE:
        points, X = X, np.empty((len(X), OF_POINTS))
        if not kernel.directions(points, X):
            raise NotCovered(BEYOND)
    sequence = None
    if own:
        sequence = tree.order[: tree.n_samples]
    elif len(X) >= WORTH_ARRANGING:
        sequence = np.empty(len(X), np.int64)
        kernel.arrange(tree, X, metric, sequence, n_threads)
    return kernel, tree, Queries(X, sequence, selves, metric)


def _tree_for_one_call(samples, queries, metric, n_threads):
    """Grow a tree in the place of scikit-learn's brute force on the sphere."""
    if len(queries) < WORTH_GROWING:
        raise NotCovered(f"For fewer than {WORTH_GROWING} queries no tree is grown.")
    if samples.dtype == queries.dtype == np.float32:
        raise NotCovered("scikit-learn's brute force rounds haversine distances of float32 samples to float32.")
    planted = plant(samples, metric=metric, n_threads=n_threads)
    if planted is None:
        raise NotCovered(BEYOND)
    return planted.tree


def _numbers(X):
    """Return float64, aligned and in C order; X itself where it is."""
    return np.require(X, np.float64, ["C", "A"])
