"""Digests of silhouettes: ``python -m tests.metrics.digest`` prints JSON, to be compared between processes."""

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


def digests():
    return {str(case): digest({"silhouettes": silhouettes(*case)}) for case in CASES}


def main():
    with fastml.config_context(n_threads=2, strict=True):
        print(json.dumps(digests()))


if __name__ == "__main__":
    main()
