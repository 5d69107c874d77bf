"""scikit-learn's own tests of k-means, run against our classes."""

import pytest

from tests.suites import assert_passes, exceptions

MODULE = "sklearn.cluster.tests.test_k_means"
MAX_EXCEPTIONS = 3


def test_few_exceptions():
    assert len(exceptions(MODULE)) <= MAX_EXCEPTIONS


@pytest.mark.slow
def test_suite():
    assert_passes(MODULE, by_plain={"1.9.1": 264}, at_least=200)
