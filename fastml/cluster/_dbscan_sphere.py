"""Driver of DBSCAN by haversine distances: what is certain about scikit-learn's neighbours on the sphere."""

import math

import numpy as np

from fastml._dispatch import NotCovered, load
from fastml._kernels.neighbors.density import SPHERE, Limits
from fastml._kernels.neighbors.trees import OF_POINTS, OF_UNIT_VECTORS
from fastml.neighbors._search import BEYOND

# What a chord of unit vectors may differ from twice the root of a reduced distance (haversine.h); its square besides.
OFF, OFF_SQUARE = 1e-14, 1e-14
# scikit-learn's ball tree adds and subtracts two angles, each off by 5e-15 over the cosine of its half; beyond STEEP
# by 1.3e-7, as an arc sine near 1.
OFF_ANGLES, STEEP, OFF_STEEP = 1.2e-14, 3.1, 4e-7


def points_of(X):
    """Return the unit vectors of latitudes and longitudes, and the points as the kernel takes them: (n_samples, 3)."""
    if X.shape[1] != 2:
        raise NotCovered("haversine distances are between points of two coordinates.")
    both = np.empty((len(X), OF_POINTS))
    if not load("neighbors.kd_tree").directions(np.require(X, np.float64, ["C", "A"]), both):
        raise NotCovered(BEYOND)
    return np.ascontiguousarray(both[:, :OF_UNIT_VECTORS]), np.ascontiguousarray(both[:, OF_UNIT_VECTORS:])


def farthest_of(points):
    """Return what no two of the points, nor one and a mean of some, are farther apart than."""
    return math.hypot(*np.ptp(points[:, :2], axis=0))


def doubt_of_balls(farthest):
    """Return by how much a ball tree's bounds may be off where centres and samples are at most that far apart."""
    return OFF_ANGLES / math.cos(farthest / 2) if farthest < STEEP else OFF_STEEP


def limits_of(eps, points, doubt):
    """Return between which reduced distances the rounding of angles may matter, and between which squares of chords."""
    near, far = reduced(eps), reduced(eps)
    if doubt:
        near = reduced(eps - doubt) * (1 - OFF_SQUARE) if eps > doubt else -1.0
        far = reduced(min(eps + doubt, math.pi)) * (1 + OFF_SQUARE)
    least = 2 * math.sqrt(max(near, 0)) - OFF
    inside = least * least * (1 - OFF_SQUARE) if near >= 0 and least > 0 else -1.0
    outside = (2 * math.sqrt(far) + OFF) ** 2 * (1 + OFF_SQUARE)
    return Limits(eps, reduced(eps), 0.0, inside, outside, SPHERE, points, near, far)


def reduced(arc):
    """Return the reduced distance of an angle by the C library, as scikit-learn does."""
    sine = math.sin(0.5 * arc)
    return sine * sine
