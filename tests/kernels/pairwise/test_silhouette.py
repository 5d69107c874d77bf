"""Distances from clusters: the sums of the definition, the same bits from the twins and on any number of threads."""

import numpy as np
import pytest

from fastml._kernels.pairwise.metrics import METRICS, Points
from tests.kernels.pairwise import naive
from tests.kernels.twins import SIMULATED, compiled, twins

SIZES = ((2, 2), (63, 2), (64, 3), (65, 64), (129, 2), (200, 50)) if not SIMULATED else ((2, 2), (70, 3))
FEATURES = (1, 2, 7, 33) if not SIMULATED else (3,)


@pytest.fixture(params=twins("pairwise.silhouette"), scope="module")
def kernel(request):
    return request.param()


def clusters(n, n_clusters, seed=0):
    """Return labels of clusters of very different sizes, all of which occur."""
    random = np.random.RandomState([seed, n, n_clusters])
    labels = np.minimum((n_clusters * random.rand(n) ** 3).astype(int), n_clusters - 1)
    labels[random.permutation(n)[:n_clusters]] = np.arange(n_clusters)
    return labels


def cluster_distances(kernel, X, labels, metric, n_threads=1):
    order = np.argsort(labels, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(labels))])
    own, nearest = np.empty(len(X)), np.empty(len(X))
    scale = np.empty(0)
    if metric == "cosine":
        scale = 1 / np.sqrt((X.astype(float) ** 2).sum(axis=1))
    kernel.cluster_distances(Points(X, scale), order, starts, METRICS[metric], own, nearest, n_threads)
    found = np.empty((2, len(X)))
    found[:, order] = own, nearest
    return found


def test_by_hand(kernel):
    X = np.array([[0.0, 0], [3, 4], [6, 8], [0, 1]])
    own, nearest = cluster_distances(kernel, X, np.array([1, 0, 1, 0]), "euclidean")
    assert own.tolist() == [10, 18**0.5, 10, 18**0.5]
    np.testing.assert_allclose(nearest, [3, 5, (5 + 85**0.5) / 2, (1 + 85**0.5) / 2])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_sums_and_least_means(kernel, metric, dtype):
    for n, n_clusters in SIZES:
        for d in FEATURES:
            X = np.random.RandomState([n, d]).randn(n, d).astype(dtype)
            labels = clusters(n, n_clusters)
            found = cluster_distances(kernel, X, labels, metric)
            for ours, right in zip(found, naive.cluster_distances(X, labels, metric), strict=True):
                np.testing.assert_allclose(ours, right.astype(float), rtol=1e-13, atol=1e-15)


def test_one_cluster(kernel):
    X = np.arange(6.0).reshape(3, 2)
    own, nearest = cluster_distances(kernel, X, np.zeros(3, int), "manhattan")
    assert own.tolist() == [12, 8, 12]
    assert (nearest == np.inf).all()


@compiled
def test_many_features():
    from fastml._kernels.pairwise import silhouette

    for d in (127, 128, 129, 300):
        X, labels = np.random.RandomState(d).randn(70, d) + 1e6, clusters(70, 4)
        for ours, right in zip(
            cluster_distances(silhouette, X, labels, "euclidean"),
            naive.cluster_distances(X, labels, "euclidean"),
            strict=True,
        ):
            np.testing.assert_allclose(ours, right.astype(float), rtol=1e-13)


@compiled
def test_twins_agree():
    from fastml._kernels.pairwise import silhouette, silhouette_jit

    for seed in range(300):
        random = np.random.RandomState(seed)
        n, d, metric = random.randint(2, 260), random.randint(1, 20), list(METRICS)[seed % len(METRICS)]
        X = (random.randn(n, d) + 10.0 ** random.randint(0, 6)).astype(["float64", "float32"][seed % 2])
        labels = clusters(n, random.randint(1, n + 1), seed)
        ours, twin = (cluster_distances(module, X, labels, metric) for module in (silhouette, silhouette_jit))
        np.testing.assert_allclose(ours, twin, rtol=1e-12)


@compiled
def test_threads_change_no_bit():
    from fastml._kernels.pairwise import silhouette

    X, labels = np.random.RandomState(0).randn(1500, 9), clusters(1500, 7)
    one = cluster_distances(silhouette, X, labels, "euclidean")
    for n_threads in (2, 3, 8):
        np.testing.assert_array_equal(cluster_distances(silhouette, X, labels, "euclidean", n_threads), one)
