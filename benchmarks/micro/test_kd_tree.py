"""The k-d tree, on one thread: growing it, and the searches."""

import numpy as np
import pytest

from fastml._kernels.neighbors import trees
from fastml._kernels.neighbors.trees import EUCLIDEAN, Queries

N_SAMPLES = 20_000


@pytest.fixture(params=[2, 8])
def X(request):
    return np.random.default_rng(0).random((N_SAMPLES, request.param))


@pytest.fixture
def tree(kernel, X):
    tree = trees.allocate(*X.shape)
    kernel("neighbors.kd_tree").build(X, tree, 1)
    return tree


def test_build(benchmark, kernel, X):
    tree = trees.allocate(*X.shape)
    benchmark(kernel("neighbors.kd_tree").build, X, tree, 1)
    assert (np.sort(tree.order[:N_SAMPLES]) == np.arange(N_SAMPLES)).all()


def test_arrange(benchmark, kernel, tree, X):
    sequence = np.empty(N_SAMPLES, np.int64)
    benchmark(kernel("neighbors.kd_tree").arrange, tree, X, EUCLIDEAN, sequence, 1)
    assert (np.sort(sequence) == np.arange(N_SAMPLES)).all()


@pytest.mark.parametrize("k", [1, 10, 50])
def test_nearest(benchmark, kernel, tree, X, k):
    distances, indices = np.empty((1000, k)), np.empty((1000, k), np.int64)
    queries = Queries(X[:1000].copy(), None, False, EUCLIDEAN)
    benchmark(kernel("neighbors.kd_tree").nearest, tree, queries, distances, indices, 1)
    assert (indices[:, 0] == np.arange(1000)).all()


def test_within(benchmark, kernel, tree, X):
    counts, radii = np.empty(1000, np.int64), np.full(1000, 0.02 if X.shape[1] == 2 else 0.3)
    queries = Queries(X[:1000].copy(), None, False, EUCLIDEAN)
    benchmark(kernel("neighbors.kd_tree").count_within, tree, queries, radii, counts, 1)
    assert (counts > 0).all()
