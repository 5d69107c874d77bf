"""What is true of any k-means, shown without a reference: nearest centres, means, a sum that never grows."""

import numpy as np
import pytest
import scipy.sparse as sp

import fastml
from fastml.cluster import KMeans, MiniBatchKMeans, kmeans_plusplus


def problems():
    """Yield ``(X, sample_weight, n_clusters)``: dense and sparse, weighted or not, few and many clusters."""
    for seed in range(24):
        rng = np.random.RandomState(seed)
        n, d = rng.randint(30, 900), rng.randint(1, 40)
        X = rng.randn(n, d) + 3 * rng.randint(0, 4, (n, 1)) + 10 ** (seed % 4)
        if seed % 3 == 2:
            X = sp.csr_matrix(X * (rng.uniform(size=X.shape) < 0.3))
        weights = rng.uniform(size=n) * rng.randint(0, 2, n) if seed % 2 else None
        yield pytest.param(X, weights, int(rng.randint(1, n // 3)), id=f"{seed}: {n}x{d}")


def squared_distances(X, centers):
    """Return all squared distances, by subtraction, in long double."""
    X = X.toarray() if sp.issparse(X) else X
    X, centers = X.astype(np.longdouble), centers.astype(np.longdouble)
    return np.stack([((X - center) ** 2).sum(axis=1) for center in centers], axis=1)


def direct_inertia(X, weights, centers, labels):
    distances = squared_distances(X, centers)[np.arange(X.shape[0]), labels]
    return float(distances @ (np.ones(len(distances)) if weights is None else weights))


def weighted_means(X, weights, labels, k):
    X = X.toarray() if sp.issparse(X) else X
    weights = np.ones(len(X)) if weights is None else weights
    sums = np.stack([(X * (weights * (labels == j))[:, None]).sum(axis=0) for j in range(k)])
    return sums / np.array([(weights * (labels == j)).sum() for j in range(k)])[:, None]


@pytest.mark.parametrize("algorithm", ["lloyd", "elkan"])
@pytest.mark.parametrize(("X", "weights", "k"), list(problems()))
def test_fixed_point(X, weights, k, algorithm):
    """At strict convergence: every label is the nearest centre, every centre the mean, the inertia the direct sum."""
    k = max(k, 2)
    with fastml.config_context(strict=True):
        est = KMeans(k, tol=0, algorithm=algorithm, random_state=0).fit(X, sample_weight=weights)
    assert est.n_iter_ < est.max_iter
    distances = squared_distances(X, est.cluster_centers_)
    nearest = distances.min(axis=1)
    ours = distances[np.arange(X.shape[0]), est.labels_]
    assert (ours <= nearest + 1e-12 * distances.max()).all()
    assert est.inertia_ == pytest.approx(direct_inertia(X, weights, est.cluster_centers_, est.labels_), rel=1e-10)
    means = weighted_means(X, weights, est.labels_, k)
    filled = np.isfinite(means).all(axis=1)  # a cluster may hold nothing but samples without weight
    np.testing.assert_allclose(est.cluster_centers_[filled], means[filled], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("Estimator", [KMeans, MiniBatchKMeans])
@pytest.mark.parametrize(("X", "weights", "k"), list(problems()))
def test_labels_and_inertia_belong_to_the_centres(X, weights, k, Estimator):
    """However early the fit stops, labels and inertia are those of the final centres, as are the answers."""
    est = Estimator(k, max_iter=2, init="random", n_init=1, random_state=1).fit(X, sample_weight=weights)
    distances = squared_distances(X, est.cluster_centers_)
    slack = 1e-12 * distances.max()
    for labels in (est.labels_, est.predict(X)):
        assert (distances[np.arange(X.shape[0]), labels] <= distances.min(axis=1) + slack).all()
    inertia = direct_inertia(X, weights, est.cluster_centers_, est.labels_)
    assert est.inertia_ == pytest.approx(inertia, rel=1e-10)
    assert est.score(X, sample_weight=weights) == pytest.approx(-inertia, rel=1e-10)
    np.testing.assert_allclose(est.transform(X).astype(float) ** 2, distances.astype(float), atol=1e3 * slack)


@pytest.mark.parametrize("algorithm", ["lloyd", "elkan"])
@pytest.mark.parametrize(("X", "weights", "k"), list(problems()))
def test_inertia_never_grows(X, weights, k, algorithm):
    k = max(k, 2)
    init = kmeans_plusplus(X, k, sample_weight=weights, random_state=0)[0]
    inertia = np.array(
        [
            KMeans(k, init=init, max_iter=i, tol=0, algorithm=algorithm).fit(X, sample_weight=weights).inertia_
            for i in range(1, 12)
        ]
    )
    assert (np.diff(inertia) <= 1e-12 * inertia[0]).all()


def test_one_cluster_is_the_mean():
    X = np.random.RandomState(0).randn(500, 6) + 1e3
    est = KMeans(1).fit(X)
    np.testing.assert_allclose(est.cluster_centers_[0], X.mean(axis=0), rtol=1e-14)
    assert est.inertia_ == pytest.approx(((X - X.mean(axis=0)) ** 2).sum(), rel=1e-12)


def test_a_cluster_for_each_row():
    X = np.random.RandomState(0).randn(60, 3)
    est = KMeans(60, random_state=0).fit(X)
    assert sorted(est.labels_) == list(range(60))
    assert est.inertia_ < 1e-28


def test_separated_blobs_are_found():
    rng = np.random.RandomState(0)
    truth = rng.randint(0, 10, 3000)
    corners = 100 * np.eye(10)
    est = KMeans(10, random_state=0).fit(corners[truth] + rng.randn(3000, 10))
    assert len({*zip(truth.tolist(), est.labels_.tolist(), strict=True)}) == 10


@pytest.mark.parametrize("sparse", [False, True])
def test_seeds_are_rows(sparse):
    X = np.random.RandomState(0).randn(400, 5) * (np.random.RandomState(1).uniform(size=(400, 5)) < 0.5)
    centers, indices = kmeans_plusplus(sp.csr_matrix(X) if sparse else X, 30, random_state=0)
    np.testing.assert_array_equal(centers, X[indices])
    assert len(set(indices.tolist())) == 30
