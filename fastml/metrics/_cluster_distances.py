"""Driver of silhouettes: distances of every sample from every cluster, none of them kept."""

import numpy as np

from fastml._dispatch import load, record
from fastml._kernels.pairwise.metrics import METRICS, Points

# Beyond these the squares of samples leave the range of float64, or their digits do.
LARGEST, SMALLEST = 1e100, 1e-100


def scale_of(X, metric):
    """Return what every sample is multiplied by, (n_samples,), empty for 1; None where float64 is too narrow for X.

    By "cosine" samples count by their directions; None also where one has none.
    """
    largest = float(np.abs(X).max())
    if not (largest == 0 or SMALLEST < largest < LARGEST):
        return None
    if metric != "cosine":
        return np.empty(0)
    norms = np.sqrt(np.einsum("ij,ij->i", X, X, dtype=np.float64))
    return 1 / norms if norms.min() > SMALLEST else None


def silhouettes(X, scale, labels, n_clusters, metric, *, dtype, n_threads):
    """Return  (b - a) / max(a, b)  of every sample, (n_samples,) of `dtype`.

    X       (n_samples, n_features)  float64 or float32
    scale   (n_samples,) or empty, out of `scale_of`
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
