"""scikit-learn's own checks of estimators: they may fail where they fail for its own class, and nowhere else."""

import sklearn.impute
from sklearn.utils.estimator_checks import parametrize_with_checks

import fastml.impute
from tests.checks import expected_failures

ESTIMATORS = [fastml.impute.KNNImputer(), fastml.impute.KNNImputer(weights="distance", add_indicator=True)]


def expected(estimator):
    return expected_failures(sklearn.impute.KNNImputer)


@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected)
def test_estimator(estimator, check):
    check(estimator)
