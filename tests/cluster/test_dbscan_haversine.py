"""DBSCAN on the sphere: labels and core samples are scikit-learn's, pairs just eps apart included."""

import numpy as np
import pytest
import sklearn.cluster

import fastml
import fastml.cluster
from tests.agreement import blocks
from tests.draws import Choices
from tests.neighbors.sphere_cases import sphere_case
from tests.outcomes import assert_same_outcome

from .test_dbscan_parity import assert_equal


def fitted(library, seed):
    """Fit to a case's points, with weights now and then; returns what a caller can see, and the report."""
    case, draw = sphere_case(seed), Choices(98, seed)
    n, rng = len(case.values), draw.rng
    weights = draw.one_of(None, None, rng.randint(0, 4, n), rng.randint(-2, 4, n), rng.choice([0.1, 0.2, 0.5], n))
    if weights is not None:
        weights[0] = 1  # no others than 0 are an error
    params = {"eps": case.radius, "min_samples": draw.one_of(1, 2, 3, 5, 10), "metric": "haversine", **case.params}
    est = library.DBSCAN(**params).fit(case.X, sample_weight=weights)
    seen = {name: value for name, value in vars(est).items() if name.endswith("_")}
    return case, seen, fastml.explain(est).get("fit") if library is fastml.cluster else None


def compare(seeds, **config):
    """Compare cases; returns the reasons of those that were left to scikit-learn."""
    reasons = []
    for seed in seeds:
        with fastml.config_context(n_threads=1 + seed % 3, **config):
            case, ours, report = fitted(fastml.cluster, seed)
        assert_equal(case, ours, fitted(sklearn.cluster, seed)[1])
        reasons += [report.reason] if report.reason else []
    return reasons


@blocks(5, 2)
def test_generated(block):
    reasons = compare(range(1000 + 300 * block, 1000 + 300 * (block + 1)))
    assert len(reasons) < 60, reasons


@pytest.mark.slow
def test_generated_numba():
    compare(range(5000, 5200), backend="numba")


def cities(n):
    rng = np.random.RandomState(n)
    centres = np.radians(np.column_stack([rng.uniform(35, 60, 30), rng.uniform(-10, 30, 30)]))
    return centres[rng.randint(0, 30, n)] + rng.randn(n, 2) * 0.002 * rng.uniform(0.1, 1, (n, 1))


@pytest.mark.parametrize("algorithm", ["auto", "ball_tree", "brute"])
@pytest.mark.parametrize("km", [0.5, 3.0])
def test_cities(algorithm, km):
    """Sizes at which threads share the work; a grid, or a tree where cells are crowded."""
    X = cities(2_000 if algorithm == "brute" else 12_000)
    params = {"eps": km / 6371, "min_samples": 8, "metric": "haversine", "algorithm": algorithm}
    right = sklearn.cluster.DBSCAN(**params).fit(X)
    with fastml.config_context(n_threads=3, strict=True):
        est = fastml.cluster.DBSCAN(**params).fit(X)
        core, labels = fastml.cluster.dbscan(X, **params)
    for found in (est.labels_, labels):
        np.testing.assert_array_equal(found, right.labels_)
    for found in (est.core_sample_indices_, core):
        np.testing.assert_array_equal(found, right.core_sample_indices_)


@pytest.mark.parametrize("eps", [1e-7, 1e-6, 0.01])
def test_all_around_the_world(eps):
    """Where scikit-learn's bounds are steep arc sines, its tree is asked early, or first."""
    rng = np.random.RandomState(0)
    X = np.column_stack([np.arcsin(rng.uniform(-1, 1, 3000)), rng.uniform(-np.pi, np.pi, 3000)])
    X = X[rng.randint(0, 3000, 6000)] + rng.randint(-3, 4, (6000, 2)) * eps / 2
    X[:, 0] = X[:, 0].clip(-1.57, 1.57)
    right = sklearn.cluster.DBSCAN(eps=eps, min_samples=3, metric="haversine").fit(X)
    est = fastml.cluster.DBSCAN(eps=eps, min_samples=3, metric="haversine").fit(X)
    np.testing.assert_array_equal(est.labels_, right.labels_)
    np.testing.assert_array_equal(est.core_sample_indices_, right.core_sample_indices_)
    assert fastml.explain(est)["fit"].reason is None


@pytest.mark.parametrize(
    ("X", "params", "reason"),
    [
        (np.degrees(cities(40)), {}, "beyond the poles"),
        (cities(40), {"eps": 3.1}, "eps up to"),
        (cities(40).astype(np.float32), {"algorithm": "brute"}, "brute force rounds"),
    ],
)
def test_what_is_not_covered(X, params, reason):
    params = {"metric": "haversine", "eps": 0.001, **params}
    est = fastml.cluster.DBSCAN(**params).fit(X)
    np.testing.assert_array_equal(est.labels_, sklearn.cluster.DBSCAN(**params).fit(X).labels_)
    assert reason in fastml.explain(est)["fit"].reason
    with fastml.config_context(strict=True), pytest.raises(fastml.FallbackError, match=reason):
        fastml.cluster.DBSCAN(**params).fit(X)


@pytest.mark.parametrize("algorithm", ["auto", "ball_tree", "kd_tree", "brute"])
@pytest.mark.parametrize("X", [cities(30), cities(3), np.ones((30, 3)), np.ones((30, 1)), np.full((30, 2), np.nan)])
def test_bad_input(algorithm, X):
    for params in ({}, {"metric_params": {"p": 3}}, {"eps": -1}, {"p": 0}, {"leaf_size": 0}):

        def action(library, left, params=params):
            left["estimator"] = library.DBSCAN(metric="haversine", algorithm=algorithm, **params).fit(X)

        assert_same_outcome(action, fastml.cluster, sklearn.cluster)
