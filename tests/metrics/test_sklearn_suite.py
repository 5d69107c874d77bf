"""scikit-learn's own tests of metrics, run against our functions."""

import pytest

from tests.suites import assert_passes, exceptions

MAX_EXCEPTIONS = 0

# How many tests pass with scikit-learn's own functions, by version.
MODULES = {
    "sklearn.metrics.cluster.tests.test_unsupervised": {"1.9.1": 50},
    "sklearn.metrics.tests.test_pairwise": {"1.9.1": 284},
}


def test_few_exceptions():
    assert sum(len(exceptions(module)) for module in MODULES) <= MAX_EXCEPTIONS


@pytest.mark.slow
@pytest.mark.parametrize("module", MODULES)
def test_suite(module):
    assert_passes(module, by_plain=MODULES[module], at_least=3)
