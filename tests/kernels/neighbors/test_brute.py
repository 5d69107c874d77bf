"""Brute force: the answer of the definition, to the bit, whatever floats can tell apart."""

import numpy as np
import pytest

from fastml._kernels.neighbors import rows
from fastml._kernels.neighbors.trees import EUCLIDEAN
from tests.kernels.neighbors import naive
from tests.kernels.twins import SIMULATED, twins

DTYPES = ("float64", "float32")
# The blocks of the simulator's kernel are of 8.
N_SAMPLES = (1, 17) if SIMULATED else (1, 2, 17, 63, 64, 65, 129, 300)
N_FEATURES = (3,) if SIMULATED else (1, 20)
MANY_FEATURES = (1, 11) if SIMULATED else (2, 4, 63, 130)
MANY, SOME = (30, 6) if SIMULATED else (300, 20)  # samples, queries


@pytest.fixture(params=twins("neighbors.brute"), scope="module")
def kernel(request):
    return request.param()


@pytest.fixture(params=DTYPES)
def dtype(request):
    return request.param


def samples(kind, n, d, dtype, seed=0):
    random = np.random.RandomState([seed, n, d])
    X = {
        "normal": lambda: random.randn(n, d),
        "lattice": lambda: random.randint(0, 3, (n, d)),
        "equal": lambda: np.full((n, d), 0.1),
        "far": lambda: random.randn(n, d) + (1e6 if dtype == "float64" else 100),
        "outlier": lambda: random.randn(n, d) * np.where(np.arange(n) == n // 2, 1e6, 1)[:, None],
        "huge": lambda: random.randn(n, d) * 1e30,
        "tiny": lambda: random.randn(n, d) * 1e-30,
        "mixed": lambda: random.randn(n, d) * 10.0 ** random.randint(-15, 16, (n, 1)),
    }[kind]()
    return np.ascontiguousarray(X, dtype)


KINDS = ("normal", "lattice", "equal", "far", "outlier", "huge", "tiny", "mixed")


def nearest(kernel, X, Q, k, selves=False, direct=False, n_threads=1):
    prepared = rows.unprepared(X) if direct else rows.allocate(X, kernel.BLOCK)
    kernel.narrow(prepared, n_threads)
    distances, indices = np.empty((len(Q), k)), np.empty((len(Q), k), np.int64)
    kernel.nearest(prepared, Q.astype(float), selves, distances, indices, n_threads)
    return distances, indices


def assert_nearest(kernel, X, Q, k, selves=False, direct=False):
    found = nearest(kernel, X, Q, k, selves, direct)
    for ours, right in zip(found, naive.nearest(X.astype(float), Q.astype(float), k, EUCLIDEAN, selves), strict=True):
        np.testing.assert_array_equal(ours, right)


def test_by_hand(kernel, dtype):
    X = np.array([[0, 0], [3, 4], [6, 8], [0, 1]], dtype)
    distances, indices = nearest(kernel, X, np.zeros((1, 2)), 4)
    assert distances.tolist() == [[0, 1, 5, 10]]
    assert indices.tolist() == [[0, 3, 1, 2]]


@pytest.mark.parametrize("direct", [False, True], ids=["blocks", "direct"])
@pytest.mark.parametrize("kind", KINDS)
def test_nearest(kernel, kind, dtype, direct):
    if SIMULATED and direct and kind != "far":
        pytest.skip("the same on a GPU, but for the origin")
    for n in N_SAMPLES:
        for d in N_FEATURES:
            X = samples(kind, n, d, dtype)
            asked = np.concatenate([X[: n // 2 + 1], samples(kind, SOME, d, dtype, seed=1)])
            for k in {min(n, 7)} if SIMULATED else {1, min(n, 7), min(n, 40)}:
                assert_nearest(kernel, X, asked, k, direct=direct)
            if n > 1:
                assert_nearest(kernel, X, X, min(n - 1, 9), selves=True, direct=direct)


def test_nearest_of_every_number(kernel):
    n = 20 if SIMULATED else 150
    X = samples("lattice", n, 3, "float64")
    for k in (1, 2, 3, 8, 20) if SIMULATED else (*range(1, 36), 63, 64, 65, 149, 150):
        assert_nearest(kernel, X, X[:SOME], k)
    assert_nearest(kernel, X, X, n - 1, selves=True)


def test_each_nearer_than_the_last(kernel, dtype):
    """Whatever a kernel keeps waiting, all samples pass."""
    n = 150 if SIMULATED else 3000
    X = np.arange(n, 0, -1, dtype=dtype)[:, None]
    assert_nearest(kernel, X, np.array([[0.0], [n / 2], [n]]), 4)


def test_few_or_many_queries(kernel):
    """Few share out the samples among the blocks of a GPU, many take several launches."""
    n = 25 if SIMULATED else 3000
    X = samples("lattice", n, 2, "float64")
    for n_queries in (1, 17) if SIMULATED else (1, 3, 400, 3000):
        assert_nearest(kernel, X, X[-n_queries:], 3)
    if SIMULATED:
        assert_nearest(kernel, X, X, 3, selves=True)


@pytest.mark.parametrize("d", MANY_FEATURES)
def test_many_features(kernel, dtype, d):
    assert_nearest(kernel, samples("normal", MANY, d, dtype), samples("normal", SOME, d, dtype, seed=1), 5)


def test_queries_elsewhere(kernel, dtype):
    """Far from all samples, where floats tell nothing apart, and beyond their range."""
    X = samples("normal", MANY, 5, dtype)
    for scale in (1e3, 1e7, 1e18, 1e30):
        assert_nearest(kernel, X, samples("normal", SOME, 5, "float64", seed=1) * scale, 6)


def test_nan_harms_nothing(kernel, dtype):
    X = samples("normal", MANY, 4, dtype)
    X[::3] = np.nan
    for direct in (False,) if SIMULATED else (False, True):
        for k in (5,) if SIMULATED else (5, 50):
            distances, indices = nearest(kernel, X, X, k, direct=direct)
            assert ((indices >= 0) & (indices < MANY)).all()
            assert (distances[::3] == np.inf).all()


def test_without_distances(kernel):
    X = samples("normal", MANY, 3, "float64")
    prepared, indices = rows.allocate(X, kernel.BLOCK), np.empty((MANY, 5), np.int64)
    kernel.narrow(prepared, 1)
    kernel.nearest(prepared, X, False, None, indices, 1)
    np.testing.assert_array_equal(indices, naive.nearest(X, X, 5, EUCLIDEAN)[1])


@pytest.mark.parametrize("k", [5, 40, 3000])
def test_threads_change_no_bit(kernel, k):
    if SIMULATED:
        pytest.skip("threads are the CPU's")
    X, asked = samples("normal", 3000, 8, "float64"), samples("normal", 300, 8, "float64", seed=1)
    right = nearest(kernel, X, asked, k)
    for n_threads in (2, 3, 8):
        for ours, first in zip(nearest(kernel, X, asked, k, n_threads=n_threads), right, strict=True):
            np.testing.assert_array_equal(ours, first)
