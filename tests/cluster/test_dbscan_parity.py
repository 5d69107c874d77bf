"""DBSCAN against scikit-learn, generated: labels, core samples, components are equal; pairs just eps apart included."""

import numpy as np
import pytest
import sklearn.cluster

import fastml
import fastml.cluster
from tests.agreement import watched

from .dbscan_cases import dbscan_case


def observe(library, case):
    """Return all that a caller can see of one call."""
    seen = {}
    with watched(seen):
        if case.entry == "dbscan":
            params = {"metric": "euclidean"} | case.params
            seen["core"], seen["labels"] = library.dbscan(case.X, sample_weight=case.sample_weight, **params)
            return seen
        est = library.DBSCAN(**case.params)
        result = getattr(est, case.entry)(case.X, sample_weight=case.sample_weight)
        seen["result"] = result if case.entry == "fit_predict" else result is est
        seen |= {name: value for name, value in vars(est).items() if name.endswith("_")}
        seen["report"] = fastml.explain(est).get("fit") if library is fastml.cluster else None
    return seen


def assert_equal(case, ours, theirs):
    assert ours.keys() == theirs.keys(), case
    for name, value in theirs.items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(ours[name], value, err_msg=f"{case}: {name}")
            assert ours[name].dtype == value.dtype, f"{case}: {name}"
        elif name != "report":
            assert ours[name] == value, f"{case}: {name}"


def compare(seeds, **config):
    """Compare the cases of some seeds; return how many that no rounding leaves open ran the kernel, and their count."""
    n_ran = n_closed = 0
    for seed in seeds:
        case = dbscan_case(seed)
        theirs = observe(sklearn.cluster, case)
        with fastml.config_context(n_threads=1 + seed % 3, **config):
            ours = observe(fastml.cluster, dbscan_case(seed))
        assert_equal(case, ours, theirs)
        if case.on_a_tree and ours.get("report") is not None:
            n_closed += 1
            n_ran += ours["report"].reason is None
    return n_ran, n_closed


@pytest.mark.parametrize("block", range(4))
def test_generated(block):
    n_ran, n_closed = compare(range(400 * block, 400 * (block + 1)))
    assert n_ran >= n_closed - 2  # two samples that only one finds of the other may be left to scikit-learn
    assert n_closed > 100


@pytest.mark.slow
@pytest.mark.parametrize("block", range(4))
def test_generated_many(block):
    compare(range(10_000 + 600 * block, 10_000 + 600 * (block + 1)))


@pytest.mark.slow
def test_generated_numba():
    n_ran, n_closed = compare(range(20_000, 20_300), backend="numba")
    assert n_ran == n_closed


@pytest.mark.parametrize(("n", "d"), [(20_000, 2), (10_000, 3), (3_000, 8), (1_500, 20)])
@pytest.mark.parametrize("kind", ["uniform", "blobs", "decimals"])
def test_large(n, d, kind):
    """Sizes at which threads share the work, and decimals on which scikit-learn's tree has to be asked."""
    rng = np.random.RandomState(n + d)
    if kind == "blobs":
        X = rng.randn(n, d) * rng.uniform(0.02, 0.5, (n, 1)) + 3 * rng.randint(0, 4, (n, 1))
    else:
        X = rng.uniform(size=(n, d)) * (n / 15) ** (1 / d)
    X = X.round(1) if kind == "decimals" else X
    eps = {2: 0.6, 3: 0.7, 8: 1.0, 20: 2.0}[d]
    right = sklearn.cluster.DBSCAN(eps=eps, min_samples=8).fit(X)
    with fastml.config_context(n_threads=3):
        est = fastml.cluster.DBSCAN(eps=eps, min_samples=8).fit(X)
    np.testing.assert_array_equal(est.labels_, right.labels_)
    np.testing.assert_array_equal(est.core_sample_indices_, right.core_sample_indices_)
    assert d == 20 or fastml.explain(est)["fit"].reason is None


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"metric": "manhattan"}, "not the Euclidean one"),
        ({"metric": "minkowski", "p": 1}, "not the Euclidean one"),
        ({"eps": 1e-30}, "out of the range"),
    ],
)
def test_what_is_not_covered(params, reason):
    X = np.random.RandomState(0).randn(30, 2)
    est = fastml.cluster.DBSCAN(**params).fit(X)
    np.testing.assert_array_equal(est.labels_, sklearn.cluster.DBSCAN(**params).fit(X).labels_)
    assert reason in fastml.explain(est)["fit"].reason
    with fastml.config_context(strict=True), pytest.raises(fastml.FallbackError, match=reason):
        fastml.cluster.DBSCAN(**params).fit(X)


def test_samples_that_scikit_learns_products_do_not_resolve():
    """Its brute force is wrong by more than eps there; what it gives is left to it."""
    X = np.random.RandomState(0).randn(200, 2) + 1e9
    est = fastml.cluster.DBSCAN(eps=0.3, algorithm="brute").fit(X)
    np.testing.assert_array_equal(est.labels_, sklearn.cluster.DBSCAN(eps=0.3, algorithm="brute").fit(X).labels_)
    assert "rounds" in fastml.explain(est)["fit"].reason


@pytest.mark.parametrize("algorithm", ["auto", "brute", "ball_tree"])
@pytest.mark.parametrize(
    "eps", [np.float32(0.3), np.float32(2.3), np.float16(0.1), np.int8(100), np.int32(46341), np.longdouble(2) ** 0.5]
)
def test_eps_of_narrow_types(eps, algorithm):
    """Its square is that of the float64, and overflows or is rounded in no type of NumPy."""
    X = float(eps) * np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0)), axis=-1).reshape(-1, 2)
    params = {"eps": eps, "min_samples": 3, "algorithm": algorithm}
    est, right = fastml.cluster.DBSCAN(**params).fit(X), sklearn.cluster.DBSCAN(**params).fit(X)
    np.testing.assert_array_equal(est.labels_, right.labels_)
    np.testing.assert_array_equal(est.core_sample_indices_, right.core_sample_indices_)


@pytest.mark.parametrize("weight", [3, 1, 2.5])
def test_one_weight_for_all(weight):
    X = np.random.RandomState(0).uniform(0, 8, (60, 2))
    est = fastml.cluster.DBSCAN(eps=1.0).fit(X, sample_weight=weight)
    right = sklearn.cluster.DBSCAN(eps=1.0).fit(X, sample_weight=weight)
    np.testing.assert_array_equal(est.labels_, right.labels_)
