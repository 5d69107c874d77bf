"""scikit-learn's own checks of estimators: they may fail where they fail for its own classes, and nowhere else."""

import pytest
import sklearn.cluster
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastml.cluster import KMeans, MiniBatchKMeans

# The parameters with which scikit-learn checks its own classes: they keep the checks short.
SHORT = {"n_clusters": 2, "n_init": 2, "max_iter": 5}
ESTIMATORS = [KMeans(**SHORT), MiniBatchKMeans(**SHORT, batch_size=10)]


def expected_failures(estimator):
    """Return the checks that scikit-learn expects its own class to fail, and its reasons."""
    common = pytest.importorskip("sklearn.utils._test_common.instance_generator")
    plain = getattr(sklearn.cluster, type(estimator).__name__)
    return common.PER_ESTIMATOR_XFAIL_CHECKS.get(plain, {})


@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_failures)
def test_estimator(estimator, check):
    check(estimator)


def test_few_failures_are_expected():
    for estimator in ESTIMATORS:
        assert set(expected_failures(estimator)) <= {
            "check_sample_weight_equivalence_on_dense_data",
            "check_sample_weight_equivalence_on_sparse_data",
        }
