"""Driver of DBSCAN: what is certain about scikit-learn's neighbours, and one call of the kernel or two."""

import math

import numpy as np

from fastml._dispatch import NotCovered, load, record
from fastml._kernels.neighbors.density import BALL_TREE, BRUTE, KD_TREE, Density, Limits, SearchTree
from fastml.cluster._dbscan_sphere import doubt_of_balls, farthest_of, points_of
from fastml.cluster._dbscan_sphere import limits_of as limits_on_sphere

SEARCHES = {"brute": BRUTE, "kd_tree": KD_TREE, "ball_tree": BALL_TREE}


def dbscan(X, eps, min_samples, weights, *, search, tree, on_sphere, n_threads):
    """Cluster samples by their density.

    X        : (n_samples, n_features) array of numbers.
    weights  : (n_samples,) of floats, or None.
    search   : "kd_tree", "ball_tree" or "brute", how scikit-learn looks for neighbours.
    on_sphere  whether X holds latitudes and longitudes, and distances are haversine ones.
    tree     : function without arguments that gives its tree as (places in order, ends, radii, low, high); it is
               called if a pair is so near to eps that the answer hangs on the tree.

    Returns the labels (n_samples,) and the indices of the core samples, or None if rounding leaves something open.
    """
    record(n_threads=n_threads)
    kernel = load("neighbors.dbscan")
    if on_sphere:
        return on_the_sphere(kernel, X, eps, density_of(min_samples, weights), search, tree, n_threads)
    square = eps * eps
    if search == "brute" and X.dtype == np.float32:
        square = np.float32(eps) * np.float32(eps)  # which is how scikit-learn rounds it there
    X = np.ascontiguousarray(X, dtype=np.float64)
    limits, density = limits_of(X, eps, float(square), search), density_of(min_samples, weights)
    found = cluster(kernel, X, limits, None, density, n_threads)
    if found is None and search != "brute":
        found = cluster(kernel, X, limits, search_tree(*tree()), density, n_threads)
    return found


def on_the_sphere(kernel, X, eps, density, search, tree, n_threads):
    """Cluster by haversine distances: among unit vectors, pairs about `eps` apart judged by scikit-learn's formula."""
    if search == "brute" and X.dtype != np.float64:
        raise NotCovered("scikit-learn's brute force rounds haversine distances otherwise, but for float64 samples.")
    unit, points = points_of(X)
    if search == "brute":
        return cluster(kernel, unit, limits_on_sphere(eps, points, 0.0), None, density, n_threads)
    doubt, found = doubt_of_balls(farthest_of(points)), None
    if doubt < eps / 4:
        found = cluster(kernel, unit, limits_on_sphere(eps, points, doubt), None, density, n_threads)
    if found is None:
        grown = search_tree(*tree())
        doubt = min(doubt, doubt_of_balls(grown.radii.max() + 2 * eps))
        found = cluster(kernel, unit, limits_on_sphere(eps, points, doubt), grown, density, n_threads)
    return found


def cluster(kernel, X, limits, tree, density, n_threads):
    """Return labels and core samples, or None if something is open."""
    labels, core = np.empty(len(X), np.int64), np.empty(len(X), np.uint8)
    if kernel.cluster(X, limits, tree, density, labels, core, n_threads):
        return None
    return labels.astype(np.intp, copy=False), np.flatnonzero(core.view(bool))


def limits_of(X, eps, square, search):
    """Return the squared distances between which scikit-learn's rounding may matter.

    Its k-d tree adds up squares as we do, but for the last bit of each (pow). Its ball tree subtracts radii up to the
    diameter of the data from distances, and its brute force products up to the largest squared norm.
    """
    n_features, unit = X.shape[1], np.finfo(np.float64).eps
    if search == "kd_tree":
        doubt = 2 * (n_features + 4) * unit * square
    elif search == "ball_tree":
        doubt = 8 * (n_features + 8) * unit * eps * (eps + math.sqrt(n_features) * np.ptp(X, axis=0).max())
    else:
        doubt = 8 * (n_features + 8) * unit * (square + np.einsum("ij,ij->i", X, X).max())
    root_square = square
    while search == "kd_tree" and math.pow(math.nextafter(root_square, math.inf), 0.5) <= eps:
        root_square = math.nextafter(root_square, math.inf)
    return Limits(eps, square, root_square, square - doubt, square + doubt, SEARCHES[search])


def density_of(min_samples, weights):
    """Return what makes a sample core. Sums of whole numbers are exact; others are rounded in scikit-learn's order."""
    if weights is None:
        return Density(float(min_samples), None, 0.0, False)
    wide = weights.astype(np.float64)
    unit = np.finfo(weights.dtype if weights.dtype.kind == "f" else wide.dtype).eps
    exact = bool((wide == np.rint(wide)).all()) and np.abs(wide).sum() * unit < 1
    return Density(float(min_samples), wide, 0.0 if exact else 2 * float(unit), bool((wide < 0).any()))


def search_tree(order, ends, radii, low, high):
    """Return scikit-learn's tree as the kernel takes it."""
    places = np.empty(len(order), np.int32)
    places[order] = np.arange(len(order), dtype=np.int32)
    ends = np.ascontiguousarray(ends, dtype=np.int64)
    return SearchTree(places, ends, *(np.ascontiguousarray(part, dtype=np.float64) for part in (radii, low, high)))
