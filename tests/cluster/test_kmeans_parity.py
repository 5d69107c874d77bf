"""KMeans and k_means give scikit-learn's model: labels and iterations equal, centres and inertia to rounding."""

import numpy as np
import pytest
import sklearn.cluster
from scipy import sparse

import fastml.cluster
from fastml._kernels.kmeans.gemm import HAS_SIDE_CHAINS, HAS_SMALL_KERNELS
from fastml.cluster import KMeans
from tests.agreement import blocks

from .agreement import assert_same_models, judge
from .cases import first_rows, kmeans_case, lattice_case

BLOCK = 200


@blocks(14, quick=4)
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


@pytest.mark.parametrize("algorithm", ["lloyd", "elkan"])
@pytest.mark.parametrize("shape", [(400, 4), (2000, 8)])
def test_squares_beyond_what_float32_holds(shape, algorithm):
    """Bounds of distances are kept in float32; from 1.8e19 on their squares are not among its numbers."""
    for exponent in (18, 19, 20, 22, 24, 26, 100):
        X = 10.0**exponent * np.random.RandomState(exponent).standard_normal(shape)
        ours, theirs = (
            m.cluster.KMeans(64, n_init=1, random_state=0, algorithm=algorithm).fit(X) for m in (fastml, sklearn)
        )
        np.testing.assert_array_equal(ours.labels_, theirs.labels_, err_msg=f"1e{exponent}")
        np.testing.assert_array_equal(ours.predict(X), ours.labels_, err_msg=f"1e{exponent}")
        assert ours.n_iter_ == theirs.n_iter_


@pytest.mark.skipif(not (HAS_SMALL_KERNELS or HAS_SIDE_CHAINS), reason="the chains of this CPU's BLAS are not known")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n_clusters", [2, 4, 5, 7, 8, 13, 16, 24, 41])
def test_equal_centers_tie_as_the_product_of_matrices_rounds(n_clusters, dtype):
    """OpenBLAS has other chains of sums for what is left over of samples and centres."""
    random = np.random.RandomState(n_clusters)
    models = [module.cluster.KMeans(n_clusters, n_init=1).fit(np.eye(50)) for module in (fastml, sklearn)]
    for n_samples in (1, 2, 3, 5, 7, 9, 17, 63, 255, 257):
        for n_features in (3, 8, 9, 16, 31):
            X, center = random.standard_normal((n_samples, n_features)), random.standard_normal(n_features)
            X, center = X.astype(dtype), center.astype(dtype)
            for model in models:
                model.cluster_centers_ = np.tile(center, (n_clusters, 1))
                model.n_features_in_ = n_features
            ours, theirs = (model.predict(X) for model in models)
            np.testing.assert_array_equal(ours, theirs, err_msg=f"{n_samples} x {n_features}")


@pytest.mark.parametrize("init", ["k-means++", "random"])
@pytest.mark.parametrize("name", ["KMeans", "MiniBatchKMeans"])
def test_a_subclass_may_start_its_own_way(name, init):
    X = np.random.RandomState(0).uniform(size=(60, 3))
    models = []
    for module in (fastml.cluster, sklearn.cluster):

        class Model(getattr(module, name)):
            def _init_centroids(self, X, *, x_squared_norms, **more):
                return X[np.argsort(x_squared_norms)[: self.n_clusters]].copy()

        models.append(Model(5, init=init, n_init=1, random_state=0).fit(X))
    np.testing.assert_array_equal(models[0].labels_, models[1].labels_)
    np.testing.assert_allclose(models[0].cluster_centers_, models[1].cluster_centers_)


@pytest.mark.parametrize("name", ["KMeans", "MiniBatchKMeans"])
def test_a_subclass_may_check_and_transform_its_own_way(name):
    X = np.random.RandomState(0).uniform(size=(60, 3))
    found = []
    for module in (fastml.cluster, sklearn.cluster):

        class Model(getattr(module, name)):
            def _check_test_data(self, X):
                return super()._check_test_data(np.nan_to_num(X))

            def _transform(self, X):
                return super()._transform(X) ** 2

        model = Model(5, n_init=1, random_state=0)
        found.append([model.fit_transform(X), model.transform(X), model.predict([[np.nan, 0, 1]]), model.score(X)])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs)


@pytest.mark.parametrize("options", [{}, {"max_iter": 3}, {"algorithm": "elkan", "max_iter": 4}, {"tol": 0.1}])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_runs_write_into_the_array_that_a_callable_gives(form, options):
    """Each run, and the next fit, starts where the last one stopped, since scikit-learn does not copy it."""
    X = np.random.RandomState(0).uniform(size=(300, 2))
    found = []
    for module in (fastml.cluster, sklearn.cluster):
        centers = X[:7] - X.mean(axis=0)
        model = module.KMeans(7, init=lambda X, k, random_state, kept=centers: kept, n_init=3, **options)
        for _ in range(2):
            model.fit(form(X))
            found.append((model.labels_, model.cluster_centers_, model.inertia_, model.n_iter_, centers.copy()))
    for ours, theirs in zip(found[:2], found[2:], strict=True):
        for our, their in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(our, their, rtol=1e-10, atol=1e-12)


def test_the_classes_compared_are_two():
    assert fastml.cluster.KMeans is not sklearn.cluster.KMeans
    assert fastml.cluster.k_means is not sklearn.cluster.k_means
    assert issubclass(fastml.cluster.KMeans, sklearn.cluster.KMeans)
