"""Neighbours and predictions are scikit-learn's: distances to the bit, indices but for ties."""

import numpy as np
import pytest
import sklearn.neighbors

import fastml
import fastml.neighbors

from .agreement import assert_same_models, observe
from .cases import NAMES, neighbors_case

BLOCK = 150


@pytest.mark.parametrize("block", range(6))
def test_generated_cases(block, record_parity):
    assert_same_models(neighbors_case, range(block * BLOCK, (block + 1) * BLOCK), record_parity, "neighbours")


def test_the_cases_reach_the_kernel():
    ran = 0
    for seed in range(100):
        case = neighbors_case(seed)
        ran += "'kd_tree'" in observe(fastml.neighbors, case).get("attribute _fit_method", "")
    assert ran > 60


@pytest.mark.parametrize("name", NAMES)
def test_the_classes_compared_are_two(name):
    ours, plain = getattr(fastml.neighbors, name), getattr(sklearn.neighbors, name)
    assert ours is not plain
    assert issubclass(ours, plain)


@pytest.mark.parametrize("offset", [0, 1e4, 1e6])
def test_no_farther_from_the_truth(offset):
    """By exact arithmetic, distances to 1e-12, and never farther from them than scikit-learn's."""
    X = np.random.RandomState(0).randn(400, 3) + offset
    ours, theirs = (lib.neighbors.NearestNeighbors(n_neighbors=8).fit(X).kneighbors() for lib in (fastml, sklearn))
    np.testing.assert_array_equal(ours[1], theirs[1])
    pairs = X[:, None, :].astype(np.longdouble) - X[ours[1]]
    exact = np.sqrt((pairs**2).sum(axis=2))
    errors = [np.abs(distances - exact) / exact for distances in (ours[0], theirs[0])]
    assert errors[0].max() < 1e-12
    assert (errors[0] <= errors[1]).all()
