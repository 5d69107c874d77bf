"""kmeans_plusplus picks the rows that scikit-learn picks."""

import pytest
import sklearn.cluster

import fastml.cluster

from .agreement import assert_same_models
from .cases import plusplus_case

BLOCK = 200


@pytest.mark.parametrize("block", range(5))
def test_generated_cases(block, record_parity):
    seeds = range(block * BLOCK, (block + 1) * BLOCK)
    assert_same_models(plusplus_case, seeds, record_parity, "kmeans_plusplus")


def test_the_functions_compared_are_two():
    assert fastml.cluster.kmeans_plusplus is not sklearn.cluster.kmeans_plusplus
