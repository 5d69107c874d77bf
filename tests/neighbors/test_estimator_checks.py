"""scikit-learn's own checks of estimators: they may fail where they fail for its own classes, and nowhere else."""

import pytest
import sklearn.neighbors
from sklearn.utils.estimator_checks import parametrize_with_checks

import fastml.neighbors
from tests.checks import expected_failures

from .cases import NAMES

ESTIMATORS = [
    getattr(fastml.neighbors, name)(**params)
    for name in NAMES
    for params in ({}, {"algorithm": "kd_tree"}, {"algorithm": "brute"})
]


def expected(estimator):
    return expected_failures(getattr(sklearn.neighbors, type(estimator).__name__))


@pytest.mark.filterwarnings("ignore:cannot use tree with sparse input")
@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected)
def test_estimator(estimator, check):
    check(estimator)


def test_no_failure_is_expected():
    assert not any(expected(estimator) for estimator in ESTIMATORS)
