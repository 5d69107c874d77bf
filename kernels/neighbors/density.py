"""What the kernels of DBSCAN take."""

from typing import NamedTuple

import numpy as np

BRUTE, KD_TREE, BALL_TREE, SPHERE = range(4)  # how scikit-learn searches; SPHERE: for haversine distances, in any way

NO_POINTS = np.empty((0, 3))


class Limits(NamedTuple):
    """Which pairs are neighbours.

    eps, square : float          the radius, and its square as floats round it; SPHERE: its reduced distance
    root_square : float          the largest number whose root, by the C library's pow, is eps
    inside, outside : float      squared distances up to `inside`, and beyond `outside`, leave no question
    search : int                 BRUTE, KD_TREE, BALL_TREE or SPHERE: who decides between them
    points : (n_samples, 3)      SPHERE: latitude, longitude and cosine of the latitude; samples are unit vectors
    near, far : float            SPHERE: reduced distances up to `near`, and beyond `far`, leave no question
    """

    eps: float
    square: float
    root_square: float
    inside: float
    outside: float
    search: int
    points: np.ndarray = NO_POINTS
    near: float = 0.0
    far: float = 0.0


class SearchTree(NamedTuple):
    """scikit-learn's tree over the samples; node i has the children 2i + 1 and 2i + 2.

    places : (n_samples,) int32          of the samples in its order
    ends : (n_nodes,) int64              of the places of a node
    radii : (n_nodes,)                   of balls
    low, high : (n_nodes, n_features)    bounds of boxes; both the centres of balls
    """

    places: np.ndarray
    ends: np.ndarray
    radii: np.ndarray
    low: np.ndarray
    high: np.ndarray


class Density(NamedTuple):
    """Which samples are core.

    min_samples : float
    weights : (n_samples,) or None       all 1
    doubt : float                        a sum of k weights errs by k times this, times the sum of their sizes
    may_shrink : bool                    whether a weight is negative
    """

    min_samples: float
    weights: np.ndarray | None
    doubt: float
    may_shrink: bool
