"""The kernel of DBSCAN on each of its ways: the grid, the tree, a crowd."""

import numpy as np
import pytest

from fastml._kernels.neighbors.density import KD_TREE, Density, Limits

WAYS = {"grid": (50_000, 2, 0.0095), "tree": (5_000, 8, 0.45), "crowd": (50_000, 2, 0.2)}


@pytest.mark.parametrize("way", WAYS)
def test_cluster(benchmark, kernel, way):
    n, d, eps = WAYS[way]
    X = np.random.default_rng(0).random((n, d))
    square = eps * eps
    limits = Limits(eps, square, square, square * (1 - 1e-13), square * (1 + 1e-13), KD_TREE)
    labels, core = np.empty(n, np.int64), np.empty(n, np.uint8)
    density = Density(10.0, None, 0.0, False)
    assert benchmark(kernel("neighbors.dbscan").cluster, X, limits, None, density, labels, core, 1) == 0
    assert core.any()
