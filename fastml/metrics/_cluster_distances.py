"""Driver of silhouettes: distances of every sample from every cluster, none of them kept."""

import numpy as np

from fastml._dispatch import load, record
from fastml._kernels.pairwise.metrics import METRICS, Points


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
    own, nearest = (part.astype(dtype, copy=False) for part in (own, nearest))
    with np.errstate(divide="ignore", invalid="ignore"):  # rounded to float32 where scikit-learn is
        own /= (sizes - 1).take(labels[order])
        found[order] = np.nan_to_num((nearest - own) / np.maximum(own, nearest))
    return found
