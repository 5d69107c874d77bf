"""The slow truth, in extended precision."""

import numpy as np

from fastml._kernels.neighbors.trees import CHEBYSHEV, EUCLIDEAN


def distances(X, metric, Y=None):
    """Return the (n_x, n_y) distances of all samples from each other, or from those of Y."""
    X, Y = (samples.astype(np.longdouble) for samples in (X, X if Y is None else Y))
    if metric == "cosine":
        X, Y = (samples / np.sqrt((samples * samples).sum(axis=1))[:, None] for samples in (X, Y))
    apart = X[:, None, :] - Y
    return {
        "euclidean": lambda: np.sqrt((apart * apart).sum(axis=2)),
        "sqeuclidean": lambda: (apart * apart).sum(axis=2),
        "manhattan": lambda: np.abs(apart).sum(axis=2),
        "chebyshev": lambda: np.abs(apart).max(axis=2),
        "cosine": lambda: (apart * apart).sum(axis=2) / 2,
    }[metric]()


def reduced(x, y, metric):
    """Return what is compared in the place of distances, (n_x, n_y), feature by feature in float64; of Points."""
    X, Y = (points.X.astype(float) * (points.scale[:, None] if len(points.scale) else 1) for points in (x, y))
    total = np.zeros((len(X), len(Y)))
    for f in range(X.shape[1]):
        apart = np.abs(X[:, f, None] - Y[:, f])
        if metric.added == CHEBYSHEV:
            np.maximum(total, apart, out=total)
        else:
            total += apart * apart if metric.added == EUCLIDEAN else apart
    return total


def cluster_distances(X, labels, metric):
    """Return the sum of the distances to the own cluster, and the least mean to another one, of every sample."""
    apart, own_cluster = distances(X, metric), labels[:, None] == np.unique(labels)
    sums = apart @ own_cluster
    means = np.where(own_cluster, np.inf, sums / own_cluster.sum(axis=0))
    return sums[own_cluster], means.min(axis=1)


def silhouettes(X, labels, metric):
    own, nearest = cluster_distances(X, labels, metric)
    others = (labels == labels[:, None]).sum(axis=1) - 1
    a = np.divide(own, others, out=np.zeros_like(own), where=others > 0)
    larger = np.maximum(a, nearest)
    return np.where((others > 0) & (larger > 0), (nearest - a) / np.where(larger > 0, larger, 1), 0)
