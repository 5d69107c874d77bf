"""Driver of tables of distances.

    distances(X, Y, metric, *, dtype, n_threads)              (n_x, n_y)
    nearest(X, Y, metric, *, with_distances, n_threads)       distances (n_x,) or None, indices (n_x,)

X, Y    (n_x, n_features), (n_y, n_features)  both float64 or both float32. X itself for Y: each pair is computed once,
        and a sample is exactly 0 from itself.
metric  a name of METRICS, or "squares": those of Euclidean distances, as scikit-learn takes them from a product of
        matrices. Those called "sqeuclidean" come from differences, as scipy's do, and are exact to the last bits.
"""

import numpy as np

from fastml._dispatch import NotCovered, load, record
from fastml._kernels.pairwise.metrics import METRICS, Points
from fastml.metrics._samples import LARGEST, LARGEST32, scale_of

WAYS = {**METRICS, "squares": METRICS["sqeuclidean"], "sqeuclidean": METRICS["sqeuclidean"]._replace(expand=False)}


def distances(X, Y, metric, *, dtype, n_threads):
    """Compute the distances of all samples of X from all samples of Y."""
    record(n_threads=n_threads)
    x = _points(X, metric, dtype)
    y = x if Y is X else _points(Y, metric, dtype)
    kernel = load("pairwise.distances", float(len(X)) * Y.size)
    out = np.empty((len(X), len(Y)), dtype)
    kernel.distances(x, y, WAYS[metric], out, n_threads)
    return out


def nearest(X, Y, metric, *, with_distances, n_threads):
    """Find the nearest sample of Y for each of X, the first of equally near ones; float64, int64."""
    record(n_threads=n_threads)
    x, y = _points(X, metric), _points(Y, metric)
    kernel = load("pairwise.nearest", float(len(X)) * Y.size)
    indices, found = np.empty(len(X), np.int64), np.empty(len(X)) if with_distances else None
    kernel.nearest(x, y, METRICS[metric], found, indices, n_threads)
    return found, indices


def _points(X, metric, dtype=np.float64):
    scale = scale_of(X, metric, LARGEST32 if dtype == np.float32 else LARGEST)
    if scale is None:
        raise NotCovered("X or Y holds values beyond 1e100 or none above 1e-100, NaN, or a sample without a direction.")
    return Points(np.require(X, requirements=["C", "A"]), scale)
