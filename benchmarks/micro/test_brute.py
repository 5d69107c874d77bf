"""Brute force, on one thread, with what is made ready before and without."""

import numpy as np
import pytest

from fastml._kernels.neighbors import rows

N_SAMPLES, N_FEATURES = 5_000, 32


@pytest.fixture
def X(dtype):
    return np.random.default_rng(0).random((N_SAMPLES, N_FEATURES)).astype(dtype)


def test_narrow(benchmark, kernel, X):
    brute = kernel("neighbors.brute")
    prepared = rows.allocate(X, brute.BLOCK)
    benchmark(brute.narrow, prepared, 1)
    assert prepared.blocks.shape == (-(-N_SAMPLES // brute.BLOCK), N_FEATURES, brute.BLOCK)


@pytest.mark.parametrize("n_queries", [1, 200])
def test_nearest(benchmark, kernel, X, n_queries):
    brute = kernel("neighbors.brute")
    prepared = rows.unprepared(X) if n_queries == 1 else rows.allocate(X, brute.BLOCK)
    brute.narrow(prepared, 1)
    indices = np.empty((n_queries, 10), np.int64)
    benchmark(brute.nearest, prepared, X[:n_queries].astype(float), False, None, indices, 1)
    assert (indices[:, 0] == np.arange(n_queries)).all()
