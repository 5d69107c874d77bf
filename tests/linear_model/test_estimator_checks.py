"""scikit-learn's own checks of estimators: they may fail where they fail for its own class, and nowhere else."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

import fastml.linear_model
from fastml._registry import plain_of
from tests.checks import expected_failures

ESTIMATORS = [
    fastml.linear_model.LogisticRegression(),
    fastml.linear_model.LogisticRegression(solver="newton-cholesky"),
    fastml.linear_model.SGDClassifier(max_iter=20, tol=1e-2),
    fastml.linear_model.SGDRegressor(average=True),
    fastml.linear_model.Perceptron(penalty="l1"),
    fastml.linear_model.SGDOneClassSVM(),
    fastml.linear_model.LinearRegression(),
    fastml.linear_model.LinearRegression(positive=True),
    fastml.linear_model.Ridge(),
    fastml.linear_model.Ridge(solver="svd"),
]


def expected(estimator):
    if isinstance(estimator, fastml.linear_model.LogisticRegression):
        return {}  # scikit-learn's list is of its solver "liblinear"
    return expected_failures(plain_of(type(estimator)))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected)
def test_estimator(estimator, check):
    check(estimator)
