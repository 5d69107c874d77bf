"""scikit-learn's own checks of estimators: they may fail where they fail for its own classes, and nowhere else."""

import sklearn.cluster
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastml.cluster import DBSCAN, KMeans, MiniBatchKMeans
from tests.checks import expected_failures

# The parameters with which scikit-learn checks its own classes: they keep the checks short.
SHORT = {"n_clusters": 2, "n_init": 2, "max_iter": 5}
ESTIMATORS = [DBSCAN(), KMeans(**SHORT), MiniBatchKMeans(**SHORT, batch_size=10)]


def expected(estimator):
    return expected_failures(getattr(sklearn.cluster, type(estimator).__name__))


@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected)
def test_estimator(estimator, check):
    check(estimator)


def test_few_failures_are_expected():
    for estimator in ESTIMATORS:
        assert set(expected(estimator)) <= {
            "check_sample_weight_equivalence_on_dense_data",
            "check_sample_weight_equivalence_on_sparse_data",
        }
