"""The float32 screen of float64 samples decides as the exact tile does, whatever floats make of the numbers."""

import numpy as np
import pytest

from fastml._kernels.kmeans import lloyd_jit
from fastml._kernels.kmeans.bounds import new_bounds
from tests.kernels.kmeans.steps import elkan_rule, no_labels, squared_norms

lloyd = pytest.importorskip("fastml._kernels.kmeans.lloyd", exc_type=ImportError)

N_SAMPLES, N_FEATURES = 3000, 12


def outliers(X):
    X[::100] *= 1e40
    return X


SHAPES = {
    "plain": lambda X: X,
    "far from zero": lambda X: X + 1e5,
    "very far from zero": lambda X: X + 1e9,
    "beyond floats": lambda X: X * 1e60,
    "squares beyond floats": lambda X: X * 1e25,
    "below floats": lambda X: X * 1e-60,
    "squares below floats": lambda X: X * 1e-25,
    "outliers": outliers,
    "mixed scales": lambda X: X * np.logspace(-50, 2, X.shape[1]),
    "grid": np.round,
    "duplicates": lambda X: X[np.random.RandomState(1).randint(0, 20, len(X))],
}


def samples(shape, n_features=N_FEATURES):
    return np.ascontiguousarray(SHAPES[shape](np.random.RandomState(0).normal(size=(N_SAMPLES, n_features))))


@pytest.fixture(params=SHAPES)
def X(request):
    return samples(request.param)


def rule(centers, elkan):
    return elkan_rule(N_SAMPLES, centers) if elkan else None


def expected(X, centers, labels, elkan):
    labels = labels.copy()
    lloyd_jit.assign(X, centers, squared_norms(centers), labels, None, None, rule(centers, elkan), 1)
    return labels


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
@pytest.mark.parametrize("elkan", [False, True])
@pytest.mark.parametrize("k", [11, 150])
def test_labels(X, k, elkan):
    centers = X[:: N_SAMPLES // k][:k].copy()
    labels = no_labels(N_SAMPLES)
    lloyd.assign(X, centers, squared_norms(centers), labels, None, None, rule(centers, elkan), 2)
    np.testing.assert_array_equal(labels, expected(X, centers, no_labels(N_SAMPLES), elkan))


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
@pytest.mark.parametrize("elkan", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("k", [1, 2, 3, 4])
@pytest.mark.parametrize("shape", [name for name in SHAPES if "beyond" not in name and name != "outliers"])
def test_labels_of_few_clusters_and_long_samples(shape, k, dtype, elkan):
    """Read row by row, with and without bounds."""
    X = samples(shape, 70).astype(dtype)
    centers, bounds, bounded = X[:: N_SAMPLES // k][:k].copy(), new_bounds(N_SAMPLES, k), no_labels(N_SAMPLES)
    for _ in range(3):
        norms, labels = squared_norms(centers), bounded.copy()
        right = expected(X, centers, labels, elkan)
        for kept, found in ((None, labels), (bounds, bounded)):
            lloyd.assign(X, centers, norms, found, None, kept, rule(centers, elkan), 2)
            np.testing.assert_array_equal(found, right)
        before, centers = centers, (centers + X[1:2] * dtype(1e-3)).astype(dtype)
        shift = np.linalg.norm(centers - before, axis=1).astype(dtype)
        bounds = lloyd.follow(centers, squared_norms(centers), shift, bounds, True, 0, 1)


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
@pytest.mark.parametrize("elkan", [False, True])
def test_labels_from_bounds_that_it_wrote(X, elkan):
    """Centres wander, a few of them far: bounds settle some samples, the movers some, the screen most others."""
    k, rng = 150, np.random.RandomState(0)
    centers, labels, bounds = X[:k].copy(), no_labels(N_SAMPLES), new_bounds(N_SAMPLES, k)
    lloyd.assign(X, centers, squared_norms(centers), labels, None, bounds, rule(centers, elkan), 2)
    n_all = 0
    for _ in range(6):
        before, old = centers, labels.copy()
        centers = before + (X[rng.randint(0, N_SAMPLES, k)] - before) * np.where(rng.rand(k, 1) < 0.1, 0.5, 1e-3)
        shift = np.linalg.norm(centers - before, axis=1)
        norms = squared_norms(centers)
        bounds = lloyd.follow(centers, norms, shift, bounds, True, k // 8, 2)
        n_all += lloyd.assign(X, centers, norms, labels, None, bounds, rule(centers, elkan), 2)[1]
        np.testing.assert_array_equal(labels, expected(X, centers, old, elkan))
    assert n_all <= 6 * N_SAMPLES


def test_few_samples_reach_the_exact_tile():
    """It alone reads the norms: wrong ones spoil the labels of what it decides."""
    X = np.random.RandomState(0).normal(size=(N_SAMPLES, N_FEATURES)) + 100
    centers = X[:40].copy()
    right = expected(X, centers, no_labels(N_SAMPLES), False)
    wrong = squared_norms(centers)
    wrong[:20] += 0.1
    screened, exact = no_labels(N_SAMPLES), no_labels(N_SAMPLES)
    lloyd.assign(X, centers, wrong, screened, None, None, None, 1)
    lloyd_jit.assign(X, centers, wrong, exact, None, None, None, 1)
    assert (exact != right).sum() > 10
    assert (screened != right).sum() < 3


@pytest.mark.parametrize("n_threads", [1, 2, 8])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("n_features", "k"), [(3, 5), (12, 40), (70, 3)])
def test_one_pass_does_what_two_do(n_features, k, weighted, dtype, n_threads):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(N_SAMPLES, n_features)).astype(dtype)
    weights = rng.uniform(0, 2, N_SAMPLES).astype(dtype) if weighted else None
    centers, labels, others = X[:k].copy(), no_labels(N_SAMPLES), no_labels(N_SAMPLES)
    norms, touched = squared_norms(centers), np.ones(k, np.uint8)
    sums, totals = np.full((2, k, n_features), 7, dtype), np.full((2, k), 7, dtype)
    n_changed = lloyd.assign(X, centers, norms, labels, touched, None, None, 2)[0]
    lloyd.add_up(X, weights, labels, touched, sums[0], totals[0], 2)
    arguments = X, weights, centers, norms, others, None, None, sums[1], totals[1], n_threads
    assert lloyd.assign_and_add_up(*arguments)[0] == n_changed
    for pair in ((labels, others), sums, totals):
        np.testing.assert_array_equal(*pair)
