"""Digests of imputations: ``python -m tests.impute.digest`` prints JSON, to be compared between processes."""

import json

import numpy as np
from threadpoolctl import threadpool_limits

import fastml
import fastml.impute
from tests.levels import digest

CASES = [
    (n, d, weights, dtype)
    for n, d in ((700, 5), (300, 40), (130, 8))
    for weights in ("uniform", "distance")
    for dtype in ("float64", "float32")
]


def filled(n, d, weights, dtype):
    random = np.random.RandomState([n, d])
    X = np.round(random.randn(n, d), random.randint(1, 9)).astype(dtype)
    X[n // 2 : n // 2 + 40] = X[:40]  # duplicates: ties
    X[random.uniform(size=X.shape) < 0.2] = np.nan
    return fastml.impute.KNNImputer(weights=weights).fit_transform(X)


def digests():
    with threadpool_limits(1, "blas"):  # its threads change bits of scikit-learn's distances
        return {str(case): digest({"filled": filled(*case)}) for case in CASES}


def main():
    with fastml.config_context(n_threads=2, strict=True):
        print(json.dumps(digests()))


if __name__ == "__main__":
    main()
