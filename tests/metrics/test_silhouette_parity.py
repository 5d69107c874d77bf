"""Silhouettes are those of exact arithmetic to 1e-12, and scikit-learn's where its distances keep their digits."""

import numpy as np
import pytest
import sklearn.metrics

import fastml.metrics
from tests.kernels.pairwise import naive

N_CASES = 1000
METRICS = ("euclidean", "l2", "sqeuclidean", "manhattan", "cityblock", "chebyshev", "cosine")


def silhouette_case(seed):
    """Return samples, labels, the metric, and whether scikit-learn's distances are exact enough to compare with."""
    random = np.random.RandomState(seed)
    n, d = random.randint(3, 140), random.randint(1, 40)
    kind = ("normal", "blobs", "lattice", "duplicates", "far", "constant")[random.randint(6)]
    metric, dtype = METRICS[random.randint(len(METRICS))], ("float64", "float32")[random.randint(2)]
    n_clusters = random.randint(2, n) if random.rand() < 0.3 else random.randint(2, min(n, 8))
    labels = random.randint(n_clusters, size=n)
    labels[:n_clusters] = np.arange(n_clusters)
    X = {
        "normal": lambda: random.randn(n, d),
        "blobs": lambda: random.randn(n_clusters, d)[labels] * 5 + random.randn(n, d),
        "lattice": lambda: random.randint(1, 4, (n, d)).astype(float),
        "duplicates": lambda: random.randn(4, d)[random.randint(4, size=n)],
        "far": lambda: random.randn(n, d) + (1e6 if dtype == "float64" else 100),
        "constant": lambda: np.full((n, d), 0.1),
    }[kind]()
    X = X.astype(dtype)
    if metric == "cosine":  # of which rounding leaves nothing where directions all but agree
        X = random.randn(n, d + 1).astype(dtype)
    names = ([3, -7, 40, 11], ["b", "a", "d", "c"], [0.5, 2.5, -1.0, 7.0])[random.randint(3)]
    if n_clusters <= len(names) and random.rand() < 0.7:
        labels = np.array(names)[labels]
    X = [np.ascontiguousarray, np.asfortranarray, lambda X: np.repeat(X, 2, axis=0)[::2]][random.randint(3)](X)
    return X, labels, metric, kind not in ("far", "duplicates", "constant") and metric != "cosine"


def test_cases():
    with fastml.config_context(strict=True):
        assert_cases()


def assert_cases():
    for seed in range(N_CASES):
        X, labels, metric, comparable = silhouette_case(seed)
        X32 = X.dtype == np.float32 and fastml_name(metric) in ("euclidean", "cosine")
        found = fastml.metrics.silhouette_samples(X, labels, metric=metric)
        exact = naive.silhouettes(X, np.unique(labels, return_inverse=True)[1], fastml_name(metric))
        assert found.dtype == (np.float32 if X32 else np.float64), seed
        np.testing.assert_allclose(found, exact.astype(float), rtol=0, atol=1e-6 if X32 else 1e-12, err_msg=f"{seed}")
        if comparable:
            theirs = sklearn.metrics.silhouette_samples(X, labels, metric=metric)
            assert theirs.dtype == found.dtype
            np.testing.assert_allclose(found, theirs, rtol=0, atol=1e-5 if X32 else 1e-10, err_msg=f"{seed}")


def fastml_name(metric):
    return {"l2": "euclidean", "cityblock": "manhattan"}.get(metric, metric)


@pytest.mark.parametrize("sample_size", [None, 20, 59, 1000])
def test_score(sample_size):
    for seed in range(30):
        random = np.random.RandomState(seed)
        X, labels = random.randn(60, 3), random.randint(3, size=60)
        states = np.random.RandomState(seed), np.random.RandomState(seed)
        ours, theirs = (
            library.silhouette_score(X, labels, sample_size=sample_size, random_state=state)
            for library, state in zip((fastml.metrics, sklearn.metrics), states, strict=True)
        )
        assert type(ours) is float
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)
        assert states[0].randint(10**9) == states[1].randint(10**9)


@pytest.mark.parametrize("metric", ["braycurtis", "precomputed", max, "minkowski"])
def test_what_has_no_kernel(metric):
    X, labels = np.abs(np.random.RandomState(0).randn(20, 20)), np.arange(20) % 3
    X = np.abs(X - X.T) if metric == "precomputed" else X
    metric = (lambda a, b: abs(a - b).max()) if metric is max else metric
    for name in ("silhouette_samples", "silhouette_score"):
        ours = getattr(fastml.metrics, name)
        np.testing.assert_array_equal(
            ours(X, labels, metric=metric), getattr(sklearn.metrics, name)(X, labels, metric=metric)
        )
        with fastml.config_context(strict=True), pytest.raises(fastml.FallbackError, match="has no kernel"):
            ours(X, labels, metric=metric)
