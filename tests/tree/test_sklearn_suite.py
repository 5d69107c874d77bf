"""scikit-learn's own tests of trees and of what is made of them, run against our classes."""

import pytest

from tests.suites import assert_passes, exceptions

MAX_EXCEPTIONS = 10

# How many tests pass with scikit-learn's own classes, by version.
MODULES = {
    "sklearn.tree.tests.test_tree": {"1.9.1": 525},
    "sklearn.tree.tests.test_export": {"1.9.1": 20},
    "sklearn.tree.tests.test_monotonic_tree": {"1.9.1": 224},
    "sklearn.ensemble.tests.test_forest": {"1.9.1": 332},
    "sklearn.ensemble.tests.test_gradient_boosting": {"1.9.1": 129},
    "sklearn.ensemble.tests.test_weight_boosting": {"1.9.1": 43},
    "sklearn.ensemble.tests.test_bagging": {"1.9.1": 126},
    "sklearn.ensemble.tests.test_iforest": {"1.9.1": 33},
}


def test_few_exceptions():
    assert sum(len(exceptions(module)) for module in MODULES) <= MAX_EXCEPTIONS


@pytest.mark.slow
@pytest.mark.parametrize("module", MODULES)
def test_suite(module):
    assert_passes(module, by_plain=MODULES[module], at_least=10)
