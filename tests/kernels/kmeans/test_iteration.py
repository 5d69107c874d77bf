"""The driver over whole fits: what the bounds skip changes nothing, and every backend gives the same bits."""

import numpy as np
import pytest
import scipy.sparse as sp

import fastml
from fastml.cluster import _lloyd
from tests.kernels.kmeans.steps import DTYPES
from tests.kernels.twins import SIMULATED, compiled


def fit(X, k, *, n_threads=1, weights=None, elkan=False, max_iter=60, **options):
    dense = X.toarray() if sp.issparse(X) else X
    centers = np.ascontiguousarray(dense[:: len(dense) // k][:k])
    with fastml.config_context(**options):
        samples = _lloyd.prepare(X, weights, n_clusters=k)
        return samples.kernel, _lloyd.lloyd(
            samples, centers, elkan=elkan, max_iter=max_iter, tol=0, verbose=False, n_threads=n_threads
        )


def blobs(n, d, k, dtype, zeros=0.0):
    rng = np.random.RandomState([n, d, k])
    X = rng.uniform(-8, 8, (k, d))[rng.randint(0, k, n)] + 1.5 * rng.randn(n, d)
    return (X * (rng.uniform(size=(n, d)) >= zeros)).astype(dtype)


def assert_equal(result, right):
    for name, mine, other in zip(right._fields, result, right, strict=True):
        np.testing.assert_array_equal(mine, other, err_msg=name)


@compiled
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("elkan", [False, True], ids=["lloyd", "elkan"])
@pytest.mark.parametrize("size", [(700, 3, 100), (3000, 32, 12), (5000, 2, 200)])
def test_bounds_and_threads_change_no_bit(size, elkan, dtype):
    X = blobs(*size, dtype)
    weights = np.random.RandomState(0).uniform(0.5, 2, size[0]).astype(dtype)
    _, right = fit(X, size[2], elkan=elkan, weights=weights, backend="numba")
    assert right.n_iter > 3
    for n_threads in (1, 2, 8):
        kernel, result = fit(X, size[2], elkan=elkan, weights=weights, n_threads=n_threads)
        assert kernel.BOUNDED
        assert_equal(result, right)


@compiled
@pytest.mark.parametrize("dtype", DTYPES)
def test_csr(dtype):
    X = sp.csr_matrix(blobs(1500, 20, 9, dtype, zeros=0.7))
    X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
    for elkan in (False, True):
        _, right = fit(X, 9, elkan=elkan, backend="numba")
        _, result = fit(X, 9, elkan=elkan, n_threads=3)
        assert_equal(result, right)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("elkan", [False, True], ids=["lloyd", "elkan"])
@pytest.mark.parametrize("size", [(30, 3, 4), (50, 9, 3), (2000, 16, 30)])
def test_cuda(size, elkan, dtype):
    from numba import cuda

    if not cuda.is_available():
        pytest.skip("neither NUMBA_ENABLE_CUDASIM=1 nor a GPU")
    if SIMULATED and size[0] > 100:
        pytest.skip("too large for the simulator")
    X = blobs(*size, dtype)
    _, right = fit(X, size[2], elkan=elkan, backend="numba")
    kernel, result = fit(X, size[2], elkan=elkan, device="cuda")
    assert kernel.__name__.endswith("lloyd_cuda")
    assert_equal(result, right)
