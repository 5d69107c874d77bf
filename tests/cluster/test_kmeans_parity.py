"""KMeans and k_means give scikit-learn's model: labels and iterations equal, centres and inertia to rounding."""

import numpy as np
import sklearn.cluster

import fastml.cluster
from fastml.cluster import KMeans
from tests.agreement import blocks

from .agreement import assert_same_models, judge
from .cases import first_rows, kmeans_case, lattice_case

BLOCK = 200


@blocks(14, quick=5)
def test_generated_cases(block, record_parity):
    seeds = range(block * BLOCK, (block + 1) * BLOCK)
    assert_same_models(kmeans_case, seeds, record_parity, "KMeans")


@blocks(4, quick=1)
def test_on_lattices_no_case_is_unstable(block):
    """Of samples midway between two centres rounding decides whether Elkan's algorithm looks at the second one."""
    verdicts = [judge(fastml.cluster, lattice_case, seed) for seed in range(500 * block, 500 * (block + 1))]
    wrong = [str(verdict) for verdict in verdicts if verdict.differences]
    assert not wrong, f"{len(wrong)} of {len(verdicts)} differ:\n" + "\n".join(wrong)


def test_init_may_return_a_view():
    """scikit-learn then lets the centres overwrite the rows that they were taken from; we treat a view as a copy."""
    X = np.random.RandomState(0).uniform(size=(60, 3))
    kept = X.copy()
    view, copy = (KMeans(5, init=init, n_init=1).fit(X) for init in (lambda X, k, random_state: X[:k], first_rows))
    np.testing.assert_array_equal(view.labels_, copy.labels_)
    np.testing.assert_array_equal(view.cluster_centers_, copy.cluster_centers_)
    np.testing.assert_array_equal(X, kept)


def test_the_classes_compared_are_two():
    assert fastml.cluster.KMeans is not sklearn.cluster.KMeans
    assert fastml.cluster.k_means is not sklearn.cluster.k_means
    assert issubclass(fastml.cluster.KMeans, sklearn.cluster.KMeans)
