"""Neighbours and predictions are scikit-learn's: distances to the bit, indices but for ties."""

import numpy as np
import pytest
import sklearn.neighbors

import fastml
import fastml.neighbors
from tests.agreement import blocks

from .agreement import assert_same_models, observe
from .cases import NAMES, neighbors_case

BLOCK = 150


@blocks(6, quick=2)
def test_generated_cases(block, record_parity):
    assert_same_models(neighbors_case, range(block * BLOCK, (block + 1) * BLOCK), record_parity, "neighbours")


def test_the_cases_reach_the_kernels():
    methods = [observe(fastml.neighbors, neighbors_case(seed)).get("attribute _fit_method") for seed in range(100)]
    assert methods.count("'kd_tree'") > 45
    assert methods.count("'brute'") > 20


@pytest.mark.parametrize("name", NAMES)
def test_the_classes_compared_are_two(name):
    ours, plain = getattr(fastml.neighbors, name), getattr(sklearn.neighbors, name)
    assert ours is not plain
    assert issubclass(ours, plain)


@pytest.mark.parametrize("algorithm", ["kd_tree", "brute"])
@pytest.mark.parametrize("offset", [0, 1e4, 1e6])
def test_no_farther_from_the_truth(offset, algorithm):
    """Distances are right to 1e-12 by exact arithmetic, where scikit-learn's brute force is off by its offset."""
    X = np.random.RandomState(0).randn(400, 3) + offset
    ours, theirs = (
        lib.neighbors.NearestNeighbors(n_neighbors=8, algorithm=algorithm).fit(X).kneighbors()
        for lib in (fastml, sklearn)
    )
    if algorithm == "kd_tree" or not offset:
        np.testing.assert_array_equal(ours[1], theirs[1])
    pairs = X[:, None, :].astype(np.longdouble) - X[ours[1]]
    exact = np.sqrt((pairs**2).sum(axis=2))
    assert (np.abs(ours[0] - exact) / exact).max() < 1e-12
    if algorithm == "kd_tree":
        np.testing.assert_array_equal(ours[0], theirs[0])
    elif offset:
        assert np.abs(theirs[0] - exact).max() > 1e3 * np.abs(ours[0] - exact).max()


@pytest.mark.parametrize("seed", [11, 52, 63, 94, 0, 1, 2, 3])
@pytest.mark.parametrize("leaf_size", [1, 30])
def test_decimal_lattices(seed, leaf_size):
    """Distances differ in their last bits there, by which the walk through our tree does not order its branches."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 6, (700, 2)) * 0.1
    params = {"n_neighbors": int(rng.integers(30, 650)), "algorithm": "kd_tree", "leaf_size": leaf_size}
    est, right = (m.neighbors.NearestNeighbors(**params).fit(X) for m in (fastml, sklearn))
    np.testing.assert_array_equal(est.kneighbors(X[:50])[0], right.kneighbors(X[:50])[0])
    np.testing.assert_array_equal(est.kneighbors()[0], right.kneighbors()[0])
