"""scikit-learn's own tests of neighbours, run against our classes."""

import pytest

from tests.suites import assert_passes, exceptions

MAX_EXCEPTIONS = 0

# How many tests pass with scikit-learn's own classes, by version.
MODULES = {
    "sklearn.neighbors.tests.test_neighbors": {"1.9.1": 597},
    "sklearn.neighbors.tests.test_neighbors_pipeline": {"1.9.1": 8},
    "sklearn.neighbors.tests.test_graph": {"1.9.1": 4},
    "sklearn.neighbors.tests.test_lof": {"1.9.1": 92},
}


def test_few_exceptions():
    assert sum(len(exceptions(module)) for module in MODULES) <= MAX_EXCEPTIONS


@pytest.mark.slow
@pytest.mark.parametrize("module", MODULES)
def test_suite(module):
    assert_passes(module, by_plain=MODULES[module], at_least=3)
