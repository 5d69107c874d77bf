"""scikit-learn's own tests of stochastic gradient descent, run against our classes."""

import pytest

from tests.suites import assert_passes, exceptions

# How many tests pass with scikit-learn's own classes, by version; at least so many in any other.
MODULES = {
    "sklearn.linear_model.tests.test_sgd": ({"1.9.1": 267}, 200),
    "sklearn.linear_model.tests.test_perceptron": ({"1.9.1": 6}, 3),
}
MAX_EXCEPTIONS = 0


def test_few_exceptions():
    assert sum(len(exceptions(module)) for module in MODULES) <= MAX_EXCEPTIONS


@pytest.mark.slow
@pytest.mark.parametrize("module", MODULES)
def test_suite(module):
    by_plain, at_least = MODULES[module]
    assert_passes(module, by_plain=by_plain, at_least=at_least)
