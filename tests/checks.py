"""Which of scikit-learn's checks of estimators may fail for ours."""

import pytest


def expected_failures(plain):
    """Return the checks that scikit-learn expects its own class ``plain`` to fail, and its reasons."""
    common = pytest.importorskip("sklearn.utils._test_common.instance_generator")
    return common.PER_ESTIMATOR_XFAIL_CHECKS.get(plain, {})
