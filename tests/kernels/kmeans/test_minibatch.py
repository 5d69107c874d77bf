import numpy as np
import pytest

from tests.kernels.kmeans.steps import DTYPES, LARGE_SIZES, SIZES, WEIGHTS, Problem, Steps, dense_and_csr


@pytest.fixture(params=dense_and_csr("kmeans.minibatch"), scope="module")
def steps(request):
    return Steps(*request.param)


@pytest.fixture(params=DTYPES)
def dtype(request):
    return request.param


def test_a_centre_is_the_mean_of_all_it_was_ever_given(steps, dtype):
    X = np.array([[6, 0], [2, 2], [4, 8]], dtype)
    old, seen = np.array([[0, 0], [1, 1], [5, 5]], dtype), np.array([0, 2, 7], dtype)
    centers = np.empty_like(old)
    steps.module.update(steps.samples(X), None, np.array([0, 1, 1], np.int32), old, centers, seen)
    assert centers.tolist() == [[6, 0], [2, 3], [5, 5]]
    assert seen.tolist() == [1, 4, 7]
    weights = np.array([0, 4, 0], dtype)
    steps.module.update(steps.samples(X), weights, np.array([0, 1, 1], np.int32), centers, centers, seen)
    assert centers.tolist() == [[6, 0], [2, 2.5], [5, 5]]
    assert seen.tolist() == [1, 8, 7]


def test_scikit_learns_order_of_operations(steps, dtype):
    for size in SIZES + LARGE_SIZES[:3]:
        for weights in WEIGHTS:
            p = Problem(size, "normal", weights, dtype)
            labels, seen = np.maximum(p.labels, 0), np.arange(len(p.centers)).astype(dtype)
            right, right_seen = plain_update(p.X, p.weights, labels, p.centers, seen)
            for in_place in (False, True):
                old, given = p.centers.copy(), seen.copy()
                centers = old if in_place else np.full_like(old, 9)
                steps.module.update(steps.samples(p.X), p.weights, labels, old, centers, given)
                np.testing.assert_array_equal(centers, right)
                np.testing.assert_array_equal(given, right_seen)


def plain_update(X, weights, labels, centers, seen):
    weights = np.ones(len(X), X.dtype) if weights is None else weights
    centers, seen = centers.copy(), seen.copy()
    for j in range(len(centers)):
        members = np.flatnonzero(labels == j)
        given = X.dtype.type(0)
        for i in members:
            given += weights[i]
        if given > 0:
            centers[j] *= seen[j]
            for i in members:
                centers[j] += X[i] * weights[i]
            seen[j] += given
            centers[j] *= 1 / seen[j]
    return centers, seen
