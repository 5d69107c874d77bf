import numpy as np
import pytest

import fastml._kernels as kernels
from tests.kernels.kmeans.steps import DTYPES, KINDS, LARGE_SIZES, SIZES, Problem, host_samples
from tests.kernels.twins import twins


@pytest.fixture(params=twins("kmeans.distances"), scope="module")
def kernel(request):
    return request.param().distances


@pytest.fixture(params=[False, True], ids=["dense", "csr"])
def samples(request):
    return lambda X: host_samples(X, request.param)


@pytest.fixture(params=DTYPES)
def dtype(request):
    return request.param


def distances(kernel, samples, X, centers, n_threads=1):
    wide = centers.astype(float)
    out = np.empty((len(X), len(centers)), X.dtype)
    kernel(samples(X), wide, np.einsum("ij,ij->i", wide, wide), out, n_threads)
    return out


def test_by_hand(kernel, samples, dtype):
    X = np.array([[3, 4], [0, 0], [6, 8]], dtype)
    found = distances(kernel, samples, X, np.array([[0, 0], [3, 4]], dtype))
    assert found.tolist() == [[5, 0], [0, 5], [10, 5]]
    assert found.dtype == dtype


def test_right_to_rounding_and_equal_to_the_plain_twin(kernel, samples, dtype):
    from fastml._kernels.kmeans import distances_jit

    for size in SIZES + LARGE_SIZES:
        for kind in KINDS:
            p = Problem(size, kind, "none", dtype)
            found = distances(kernel, samples, p.X, p.centers)
            squares = ((p.X[:, None].astype(float) - p.centers) ** 2).sum(axis=2)
            scale = 1 + (p.X.astype(float) ** 2).sum(axis=1).max() + (p.centers.astype(float) ** 2).sum(axis=1).max()
            np.testing.assert_allclose(found.astype(float) ** 2, squares, rtol=0, atol=4 * np.finfo(dtype).eps * scale)
            if kernels.ISA != "v2":  # which rounds twice an operation
                np.testing.assert_array_equal(found, distances(distances_jit.distances, samples, p.X, p.centers))


def test_a_distance_is_never_less_than_zero(kernel, samples, dtype):
    X = (np.random.RandomState(0).randn(50, 9) + 1e3).astype(dtype)
    assert (distances(kernel, samples, X, X) >= 0).all()


def test_threads_change_no_bit(kernel, samples, dtype):
    p = Problem((2000, 9, 30), "normal", "none", dtype)
    right = distances(kernel, samples, p.X, p.centers)
    for n_threads in (2, 3, 8):
        np.testing.assert_array_equal(distances(kernel, samples, p.X, p.centers, n_threads), right)
