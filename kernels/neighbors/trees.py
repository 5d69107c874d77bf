"""The k-d tree as arrays, which the driver allocates, ``build`` of kd_tree fills and all its queries read."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

# Samples of a leaf: two vectors of AVX-512. With 8 or 32 the ten nearest of 200,000 samples take as long in 2-D and 3-D
# to within 7 %, and in 8-D 14 or 5 % less, but there are twice as many nodes, or half as many.
LEAF = 16
# Children of a node, whose boxes are compared with a query side by side.
WIDTH = 8
# No child.
ABSENT = np.iinfo(np.int32).min

EUCLIDEAN, MANHATTAN, CHEBYSHEV = range(3)  # CHEBYSHEV + h: minkowski of the power h / 2
# Distances on the sphere, reduced in what `nearest` gives. The features of samples and queries are then six, see
# `directions` of kd_tree; boxes are about the first three.
HAVERSINE, OF_POINTS, OF_UNIT_VECTORS = -1, 6, 3
MOST_HALVES = 32  # powers are products, and a root where twice the power is odd


class KdTree(NamedTuple):
    """Samples in leaves, and the boxes around them.

    points    (n_leaves, n_features, LEAF)         coordinates by leaf; beside the last sample: infinite
    order     (n_leaves * LEAF,)         int64     which sample lies in that place; beside the last one: -1
    boxes     (n_nodes, n_spread, 2, WIDTH)        lower and upper corners of the children; of absent ones: NaN
    children  (n_nodes, WIDTH)           int32     their nodes; of a leaf, ~leaf; ABSENT. Node 0 is the root
    starts    (n_nodes, WIDTH + 1)       int32     child c holds the leaves starts[c] to starts[c + 1] - 1
    n_samples

    All leaves but the last are full. A node parts its samples three times at the median of the dimension in which they
    spread most, of the first n_spread, the first of several, equal coordinates by their index; so the arrays follow
    from the samples alone.
    """

    points: np.ndarray
    order: np.ndarray
    boxes: np.ndarray
    children: np.ndarray
    starts: np.ndarray
    n_samples: int


class Queries(NamedTuple):
    """What is asked of a tree.

    X         (n_queries, n_features)   float64
    sequence  (n_queries,)              int64     which query comes when, neighbours one after the other; or None
    selves    whether query i is sample i of the tree, and not its own neighbour: of k + 1 neighbours it is left out, or
              the first where it is not among them because of others in its place
    metric    as above
    """

    X: np.ndarray
    sequence: np.ndarray | None
    selves: bool
    metric: int


class Rows(NamedTuple):
    """What is found within a radius, a row a query.

    indptr     (n_queries + 1,)   int64     where each row begins
    indices    (n_found,)         int64
    distances  (n_found,)         float64   or None
    """

    indptr: np.ndarray
    indices: np.ndarray
    distances: np.ndarray | None


def allocate(n_samples, n_features, n_spread=None):
    """Return an unfilled tree, with boxes about the first n_spread features (None: all)."""
    n_leaves = max(1, -(-n_samples // LEAF))
    n_nodes = count_nodes(n_leaves)
    return KdTree(
        np.empty((n_leaves, n_features, LEAF)),
        np.empty(n_leaves * LEAF, np.int64),
        np.empty((n_nodes, n_spread or n_features, 2, WIDTH)),
        np.empty((n_nodes, WIDTH), np.int32),
        np.empty((n_nodes, WIDTH + 1), np.int32),
        n_samples,
    )


@lru_cache(4096)
def count_nodes(n_leaves):
    """Count the nodes of a tree; the children of a node have at most two different numbers of leaves a level."""
    return 1 + sum(count_nodes(child) for child in _shares(n_leaves) if child > 1)


def _shares(n_leaves):
    """Return how many leaves the children of a node have: halves of halves of halves, the smaller half first."""
    shares = [n_leaves]
    for _ in range(3):
        shares = [half for whole in shares for half in ((whole // 2, whole - whole // 2) if whole > 1 else (whole,))]
    return shares
