"""Tables of distances against their definition, and the compiled kernel against its twin."""

import numpy as np
import pytest

import fastml._kernels
from fastml._kernels.pairwise.metrics import METRICS, SIDE, Points
from tests.kernels.pairwise import naive

compiled = pytest.mark.skipif(fastml._kernels.ISA is None, reason="no compiled kernels: a pure installation")


def kernels():
    from fastml._kernels.pairwise import distances_jit

    if fastml._kernels.ISA is None:
        return (distances_jit,)
    from fastml._kernels.pairwise import distances

    return distances, distances_jit


def points(X, metric):
    scale = 1 / np.linalg.norm(X.astype(float), axis=1) if metric == "cosine" else np.empty(0)
    return Points(X, scale)


def table(kernel, x, y, metric, dtype="float64", n_threads=1):
    out = np.full((len(x.X), len(y.X)), np.nan, dtype)
    kernel.distances(x, y, metric, out, n_threads)
    return out


@pytest.mark.parametrize("metric", METRICS)
def test_definition(metric):
    """All sides of a tile, features around what is expanded and what is taken at a time, duplicates, offsets."""
    for seed in range(40):
        random = np.random.RandomState(seed)
        n, d = random.choice([1, 2, SIDE - 1, SIDE, SIDE + 1, 150]), random.choice([1, 2, 7, 8, 9, 33, 128, 129])
        X = random.randn(n, d) + random.choice([0, 10, 1e6 if metric != "cosine" else 100])
        X[n // 2 :] = X[: n - n // 2]
        X = X.astype(("float64", "float32")[seed % 2])
        exact = naive.distances(X, metric).astype(float)
        bound = 2e-15 if metric == "cosine" else 0
        x, again, half = points(X, metric), points(X.copy(), metric), n // 2 + 1
        for kernel in kernels():
            found = table(kernel, x, x, METRICS[metric])
            np.testing.assert_allclose(found, exact, rtol=1e-12, atol=bound)
            np.testing.assert_array_equal(found, found.T)
            assert not found.diagonal().any()
            other = table(kernel, points(X[:half].copy(), metric), again, METRICS[metric])
            np.testing.assert_allclose(other, exact[:half], rtol=1e-12, atol=bound)
            np.testing.assert_array_equal(found.astype("float32"), table(kernel, x, x, METRICS[metric], "float32"))


@pytest.mark.parametrize("metric", ["sqeuclidean", "manhattan", "chebyshev"])
def test_twins_agree_to_the_bit_by_differences(metric):
    random = np.random.RandomState(0)
    for n, m, d in ((1, 70, 3), (70, 1, 130), (65, 130, 9)):
        x, y = Points(random.randn(n, d), np.empty(0)), Points(random.randn(m, d), np.empty(0))
        first, *others = (table(kernel, x, y, METRICS[metric]._replace(expand=False)) for kernel in kernels())
        for other in others:
            np.testing.assert_array_equal(first, other)


def test_nothing_exceeds_the_largest_value():
    X = np.abs(np.random.RandomState(0).rand(40, 900))
    x = points(np.vstack([X, -X]), "cosine")
    for kernel in kernels():
        assert table(kernel, x, x, METRICS["cosine"]).max() == 2


@compiled
def test_threads_change_no_bit():
    from fastml._kernels.pairwise import distances

    random = np.random.RandomState(0)
    x, y = (Points(random.randn(n, 20), np.empty(0)) for n in (700, 450))
    for pair in ((x, x), (x, y)):
        one = table(distances, *pair, METRICS["euclidean"])
        for n_threads in (2, 3, 8):
            np.testing.assert_array_equal(table(distances, *pair, METRICS["euclidean"], n_threads=n_threads), one)
