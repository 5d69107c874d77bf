"""kmeans_plusplus picks the rows that scikit-learn picks."""

import pytest
import sklearn.cluster

import fastml.cluster
from fastml.cluster import _plusplus

from .agreement import assert_same_models
from .cases import plusplus_case

BLOCK = 200


@pytest.mark.parametrize("block", range(5))
def test_generated_cases(block, record_parity):
    seeds = range(block * BLOCK, (block + 1) * BLOCK)
    assert_same_models(plusplus_case, seeds, record_parity, "kmeans_plusplus")


@pytest.fixture
def by_distances(monkeypatch):
    """Most cases are too small for our distances to pay; with this they are computed all the same."""
    for name in ("FEW_CENTERS", "SAMPLES_PER_CENTER", "WORTH_DISTANCES"):
        monkeypatch.setattr(_plusplus, name, 0)


@pytest.mark.parametrize("block", range(5))
def test_generated_cases_by_distances(block, record_parity, by_distances):
    seeds = range(2000 + block * BLOCK, 2000 + (block + 1) * BLOCK)
    assert_same_models(plusplus_case, seeds, record_parity, "kmeans_plusplus by distances")


@pytest.mark.parametrize("block", range(2))
def test_generated_cases_by_estimates(block, record_parity, by_distances, monkeypatch):
    monkeypatch.setattr(_plusplus, "WORTH_ESTIMATES", 0)
    monkeypatch.setattr(_plusplus, "ESTIMATED_CENTERS", 2)
    seeds = range(5000 + block * BLOCK, 5000 + (block + 1) * BLOCK)
    assert_same_models(plusplus_case, seeds, record_parity, "kmeans_plusplus by estimates")


def test_the_functions_compared_are_two():
    assert fastml.cluster.kmeans_plusplus is not sklearn.cluster.kmeans_plusplus
