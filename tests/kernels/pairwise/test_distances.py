"""Tables of distances against their definition, and the compiled kernel against its twin."""

import numpy as np
import pytest

from fastml._kernels.pairwise.metrics import METRICS, SIDE, Points
from tests.kernels.pairwise import naive
from tests.kernels.twins import SIMULATED, compiled, twins

N_CASES = 40 if not SIMULATED else 2
SIZES = (1, 2, SIDE - 1, SIDE, SIDE + 1, 150) if not SIMULATED else (1, 2, 9)
FEATURES = (1, 2, 7, 8, 9, 33, 128, 129) if not SIMULATED else (1, 3)


@pytest.fixture(params=twins("pairwise.distances"), scope="module")
def kernel(request):
    return request.param()


@pytest.fixture(params=twins("pairwise.nearest"), scope="module")
def search(request):
    return request.param()


def points(X, metric):
    scale = 1 / np.linalg.norm(X.astype(float), axis=1) if metric == "cosine" else np.empty(0)
    return Points(X, scale)


def table(kernel, x, y, metric, dtype="float64", n_threads=1):
    out = np.full((len(x.X), len(y.X)), np.nan, dtype)
    kernel.distances(x, y, metric, out, n_threads)
    return out


@pytest.mark.parametrize("metric", METRICS)
def test_definition(kernel, metric):
    """All sides of a tile, features around what is expanded and what is taken at a time, duplicates, offsets."""
    for seed in range(N_CASES):
        random = np.random.RandomState(seed)
        n, d = random.choice(SIZES), random.choice(FEATURES)
        X = random.randn(n, d) + random.choice([0, 10, 1e6 if metric != "cosine" else 100])
        X[n // 2 :] = X[: n - n // 2]
        X = X.astype(("float64", "float32")[seed % 2])
        exact = naive.distances(X, metric).astype(float)
        bound = 2e-15 if metric == "cosine" else 0
        x, again, half = points(X, metric), points(X.copy(), metric), n // 2 + 1
        found = table(kernel, x, x, METRICS[metric])
        np.testing.assert_allclose(found, exact, rtol=1e-12, atol=bound)
        np.testing.assert_array_equal(found, found.T)
        assert not found.diagonal().any()
        other = table(kernel, points(X[:half].copy(), metric), again, METRICS[metric])
        np.testing.assert_allclose(other, exact[:half], rtol=1e-12, atol=bound)
        np.testing.assert_array_equal(found.astype("float32"), table(kernel, x, x, METRICS[metric], "float32"))


@compiled
@pytest.mark.parametrize("metric", ["sqeuclidean", "manhattan", "chebyshev"])
def test_twins_agree_to_the_bit_by_differences(metric):
    from fastml._kernels.pairwise import distances, distances_jit

    random = np.random.RandomState(0)
    for n, m, d in ((1, 70, 3), (70, 1, 130), (65, 130, 9)):
        x, y = Points(random.randn(n, d), np.empty(0)), Points(random.randn(m, d), np.empty(0))
        ours, twin = (
            table(module, x, y, METRICS[metric]._replace(expand=False)) for module in (distances, distances_jit)
        )
        np.testing.assert_array_equal(ours, twin)


def test_nothing_exceeds_the_largest_value(kernel):
    X = np.abs(np.random.RandomState(0).rand(*(4, 90) if SIMULATED else (40, 900)))
    x = points(np.vstack([X, -X]), "cosine")
    assert table(kernel, x, x, METRICS["cosine"]).max() == 2


@pytest.mark.parametrize("metric", METRICS)
def test_nearest(search, metric):
    """The first of the least distances, by differences: of duplicates, and of squares whose roots are equal."""
    for seed in range(30):
        random = np.random.RandomState(seed)
        n, m, d = random.choice([1, 63, 64, 65, 130]), random.choice([1, 5, 64, 65, 129]), random.choice([1, 2, 8, 129])
        X, Y = random.randn(n, d), random.randint(1, 4, (m, d)) * 1.5
        Y[m // 2 :] = Y[: m - m // 2]
        X[::2] = Y[random.randint(m, size=len(X[::2]))]
        X, Y = (samples.astype(("float64", "float32")[seed % 2]) for samples in (X, Y))
        x, y = points(X, metric), points(Y, metric)
        squares = naive.reduced(x, y, METRICS[metric])
        indices, found, alone = np.empty(n, np.int64), np.empty(n), np.empty(n, np.int64)
        search.nearest(x, y, METRICS[metric], found, indices, 1)
        search.nearest(x, y, METRICS[metric], None, alone, 1)
        np.testing.assert_array_equal(indices, squares.argmin(axis=1))
        np.testing.assert_array_equal(indices, alone)
        exact = naive.distances(X, metric, Y).min(axis=1).astype(float)
        np.testing.assert_allclose(found, exact, rtol=1e-13, atol=2e-15 if metric == "cosine" else 0)


@compiled
def test_threads_change_no_bit():
    from fastml._kernels.pairwise import distances

    random = np.random.RandomState(0)
    x, y = (Points(random.randn(n, 20), np.empty(0)) for n in (700, 450))
    for pair in ((x, x), (x, y)):
        one = table(distances, *pair, METRICS["euclidean"])
        for n_threads in (2, 3, 8):
            np.testing.assert_array_equal(table(distances, *pair, METRICS["euclidean"], n_threads=n_threads), one)


@compiled
def test_threads_change_no_neighbour():
    from fastml._kernels.pairwise import nearest

    random = np.random.RandomState(0)
    x, y = (Points(random.randint(3, size=(n, 4)).astype(float), np.empty(0)) for n in (3000, 20))
    one, more, apart = np.empty(3000, np.int64), np.empty(3000, np.int64), np.empty(3000)
    nearest.nearest(x, y, METRICS["euclidean"], apart, one, 1)
    for n_threads in (2, 3, 8):
        nearest.nearest(x, y, METRICS["euclidean"], apart, more, n_threads)
        np.testing.assert_array_equal(more, one)
