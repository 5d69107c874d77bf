"""Driver of silhouettes: distances of every sample from every cluster, none of them kept."""

import numpy as np

from fastml._dispatch import load, record
from fastml._kernels.pairwise.metrics import METRICS, Points
from fastml.neighbors import _metric


def silhouettes(X, scale, labels, n_clusters, metric, *, dtype, n_threads):
    """Return  (b - a) / max(a, b)  of every sample, (n_samples,) of `dtype`.

    X       (n_samples, n_features)  float64 or float32
    scale   (n_samples,) or empty, out of `scale_of` (_samples.py)
    labels  (n_samples,), 0 to n_clusters - 1, each of which occurs

    a is the mean distance from the other samples of the own cluster, b the least mean distance from those of
    another one. 0 where both are, and for a sample that is alone in its cluster.
    """
    record(n_threads=n_threads)
    X = np.require(X, requirements=["C", "A"])
    n_samples, n_features = X.shape
    sizes = np.bincount(labels, minlength=n_clusters)
    order = np.argsort(labels, kind="stable").astype(np.int64, copy=False)
    starts = np.concatenate([[0], np.cumsum(sizes)], dtype=np.int64)
    own, nearest = np.empty(n_samples), np.empty(n_samples)
    kernel = load("pairwise.silhouette", float(n_samples) * n_samples * n_features)
    kernel.cluster_distances(Points(X, scale), order, starts, METRICS[metric], own, nearest, n_threads)
    found = np.empty(n_samples, dtype)
    found[order] = _compared(own, nearest, sizes[labels[order]], dtype)
    return found


def silhouettes_by_function(X, labels, n_clusters, metric, *, n_threads):
    """Return the same by a metric of the user's, Compiled; float32 where distances are rounded to it."""
    sizes, order = np.bincount(labels, minlength=n_clusters), np.argsort(labels, kind="stable")
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    own, nearest = np.empty(len(X)), np.empty(len(X))
    step = max(1, _metric.TOGETHER // len(X))
    for first in range(0, len(X), step):
        rows = slice(first, first + step)
        apart = _metric.distances(metric, X[rows], X, n_threads=n_threads)
        sums = np.add.reduceat(apart[:, order].astype(np.float64, copy=False), starts, axis=1)
        mine = np.arange(len(sums)), labels[rows]
        own[rows] = sums[mine]
        sums[mine] = np.inf
        nearest[rows] = (sums / sizes).min(axis=1)
    return _compared(own, nearest, sizes[labels], np.float32 if metric.narrow else np.float64)


def _compared(own, nearest, sizes, dtype):
    """Return silhouettes of sums of distances to the own cluster, of so many samples, and means to the nearest."""
    own, nearest = (part.astype(dtype, copy=False) for part in (own, nearest))
    with np.errstate(divide="ignore", invalid="ignore"):  # rounded to float32 where scikit-learn is
        own /= sizes - 1
        return np.nan_to_num((nearest - own) / np.maximum(own, nearest))
