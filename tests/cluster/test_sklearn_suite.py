"""scikit-learn's own tests of k-means and DBSCAN, run against our classes."""

import pytest

from tests.suites import assert_passes, exceptions

# How many tests pass with scikit-learn's own classes, by version; at least so many in any other.
MODULES = {
    "sklearn.cluster.tests.test_k_means": ({"1.9.1": 264}, 200),
    "sklearn.cluster.tests.test_dbscan": ({"1.9.1": 32}, 25),
}
MAX_EXCEPTIONS = 3


def test_few_exceptions():
    assert sum(len(exceptions(module)) for module in MODULES) <= MAX_EXCEPTIONS


@pytest.mark.slow
@pytest.mark.parametrize("module", MODULES)
def test_suite(module):
    by_plain, at_least = MODULES[module]
    assert_passes(module, by_plain=by_plain, at_least=at_least)
