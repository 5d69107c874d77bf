"""scikit-learn's own tests of linear models, run against our classes."""

import pytest

from tests.suites import assert_passes, exceptions

# How many tests pass with scikit-learn's own classes, by version; at least so many in any other.
MODULES = {
    "sklearn.linear_model.tests.test_logistic": ({"1.9.1": 295}, 200),
    "sklearn.linear_model.tests.test_sgd": ({"1.9.1": 267}, 200),
    "sklearn.linear_model.tests.test_perceptron": ({"1.9.1": 6}, 3),
    "sklearn.linear_model.tests.test_ransac": ({"1.9.1": 27}, 20),
    "sklearn.linear_model.tests.test_base": ({"1.9.1": 76}, 60),
    "sklearn.linear_model.tests.test_ridge": ({"1.9.1": 1088}, 800),
}
MAX_EXCEPTIONS = 0
# Tests that scikit-learn itself expects to fail, and that do.
EXPECTED_TO_FAIL = {"sklearn.linear_model.tests.test_base": 4, "sklearn.linear_model.tests.test_ridge": 54}


def test_few_exceptions():
    assert sum(len(exceptions(module)) for module in MODULES) <= MAX_EXCEPTIONS


@pytest.mark.slow
@pytest.mark.parametrize("module", MODULES)
def test_suite(module):
    by_plain, at_least = MODULES[module]
    assert_passes(module, by_plain=by_plain, at_least=at_least, listed_elsewhere=EXPECTED_TO_FAIL.get(module, 0))
