"""scikit-learn's own tests of the imputer, run against our class."""

import pytest

from tests.suites import assert_passes, exceptions

MODULES = {"sklearn.impute.tests.test_knn": {"1.9.1": 47}}


def test_no_exceptions():
    assert not any(exceptions(module) for module in MODULES)


@pytest.mark.slow
@pytest.mark.parametrize("module", MODULES)
def test_suite(module):
    assert_passes(module, by_plain=MODULES[module], at_least=3)
