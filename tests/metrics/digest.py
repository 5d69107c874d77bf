"""Digests of silhouettes and tables: ``python -m tests.metrics.digest`` prints JSON, to compare processes by."""

import json

import numpy as np

import fastml
import fastml.metrics
from tests.levels import digest

CASES = [
    (n, d, n_clusters, metric, dtype)
    for n, d, n_clusters in ((700, 5, 4), (333, 40, 100), (900, 130, 3))
    for metric in ("euclidean", "manhattan", "chebyshev", "cosine")
    for dtype in ("float64", "float32")
]


def silhouettes(n, d, n_clusters, metric, dtype):
    random = np.random.RandomState([n, d])
    X = np.round(random.randn(n, d), random.randint(1, 9)).astype(dtype)
    X[n // 2 : n // 2 + 40] = X[:40]  # duplicates, and squares that are in doubt
    return fastml.metrics.silhouette_samples(X, np.arange(n) % n_clusters, metric=metric)


def pairs(n, d, n_clusters, metric, dtype):
    """Return a table, one that is halved, and the nearest of a few and of many; nothing of wide samples."""
    if d > 100:
        return {}
    X = np.round(np.random.RandomState([n, d]).randn(n // 3, d), n_clusters % 5 + 1).astype(dtype)
    Y = X[::2] + X.dtype.type(0.25)
    found = {"half": fastml.metrics.pairwise_distances(X, metric=metric)}
    if metric != "cosine":
        found["table"] = fastml.metrics.pairwise_distances(X, Y, metric=metric)
        for name, others in (("few", Y[:7]), ("many", X)):
            indices, distances = fastml.metrics.pairwise_distances_argmin_min(X[:50], others, metric=metric)
            found[name], found[f"{name}, distances"] = indices, distances
    return found


def digests():
    return {str(case): digest({"silhouettes": silhouettes(*case), **pairs(*case)}) for case in CASES}


def main():
    with fastml.config_context(n_threads=2, strict=True):
        print(json.dumps(digests()))


if __name__ == "__main__":
    main()
