"""Metrics given as functions."""

import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
import sklearn.cluster
import sklearn.neighbors

import fastml
import fastml.cluster
import fastml.neighbors
from fastml.neighbors import KNeighborsClassifier, NearestNeighbors
from tests.outcomes import plain_names

rng = np.random.RandomState(0)
X = rng.rand(120, 4)
Q = rng.rand(20, 4)
WEIGHT = 2.0


def weighted(x, y, w):
    total = 0.0
    for j in range(len(x)):
        total += w[j] * abs(x[j] - y[j])
    return total


def squares(x, y):  # no metric: a ball tree loses neighbours
    total = 0.0
    for a, b in zip(x, y):  # noqa: B905
        total += (a - b) * (a - b)
    return total


def summed(x, y):  # in another order than Numba's
    return np.abs(x - y).sum()


def differing(x, y):
    return np.mean(x != y)


def one_sided(x, y):
    return np.maximum(x - y, 0.0).max()


def scaled(x, y):
    return WEIGHT * abs(x[0] - y[0])


def equal(ours, theirs):
    """Tell whether indices are equal, and distances to rounding."""
    if ours.dtype == object:
        return len(ours) == len(theirs) and all(map(equal, ours, theirs))
    if ours.dtype != theirs.dtype or ours.shape != theirs.shape:
        return False
    if ours.dtype.kind == "f":
        return np.allclose(ours, theirs, rtol=1e-12 if ours.dtype == np.float64 else 1e-6, atol=1e-14)
    return np.array_equal(ours, theirs)


def answers(library, case):
    X, Q, y, radius, params = case
    est = library.NearestNeighbors(radius=radius, **params).fit(X)
    found = []
    for queries in (Q, None):
        found += est.kneighbors(queries)
        found.append(est.kneighbors(queries, return_distance=False))
        found += est.radius_neighbors(queries)
        found += est.radius_neighbors(queries, sort_results=True)
        found.append(est.radius_neighbors(queries, return_distance=False))
    voter = library.KNeighborsClassifier(weights="distance", **params).fit(X, y)
    return [*found, voter.predict(Q), voter.predict_proba(Q)], est


def case_of(seed):
    draw = np.random.RandomState(seed)
    n, d = draw.randint(3, 50), draw.choice([1, 2, 3, 5, 9, 16, 18])
    X = draw.rand(n, d) if seed % 2 else draw.randint(0, 3, (n, d)).astype(float)  # every other one full of ties
    X = (X * (1 + 2 * (seed % 8 == 3))).astype([float, float, float, np.float32, float, np.int64][seed % 6])
    metric = [weighted, squares, summed, differing, one_sided][seed % 5]
    params = {"w": draw.rand(d)} if metric is weighted else {}
    radius = float(metric(X[0].astype(float), X[-1].astype(float), **params))
    given = {
        "n_neighbors": draw.randint(1, min(n - 1, 25) + 1),
        "algorithm": ["auto", "ball_tree", "brute"][draw.randint(3)],
        "metric": metric,
        "metric_params": params or None,
        "leaf_size": draw.choice([1, 5, 30]),
    }
    return X, X[draw.permutation(n)[:15]], draw.randint(0, 3, n), radius, given


@pytest.mark.parametrize("backend", ["cython", "numba"])
def test_scikit_learns_neighbours(backend):
    compiled = 0
    with np.errstate(all="ignore"):
        for seed in range(60 if backend == "cython" else 30):
            case = case_of(seed)
            with fastml.config_context(backend=backend):
                ours, est = answers(fastml.neighbors, case)
            theirs, _ = answers(sklearn.neighbors, case)
            wrong = [i for i, pair in enumerate(zip(ours, theirs, strict=True)) if not equal(*pair)]
            assert not wrong, f"case {seed}: {wrong}, {case[4]}, {case[0].dtype} {case[0].shape}"
            compiled += all(report.reason is None for report in fastml.explain(est).values())
    assert compiled > (35 if backend == "cython" else 15)


def test_dbscan():
    for seed in range(60):
        X, _, _, radius, params = case_of(seed)
        del params["n_neighbors"]
        weights = None if seed % 3 else np.random.RandomState(seed).rand(len(X))
        ours, theirs = (
            library.DBSCAN(eps=max(radius / 2, 1e-3), min_samples=3, **params).fit(X, sample_weight=weights)
            for library in (fastml.cluster, sklearn.cluster)
        )
        np.testing.assert_array_equal(ours.labels_, theirs.labels_)
        np.testing.assert_array_equal(ours.core_sample_indices_, theirs.core_sample_indices_)
        np.testing.assert_array_equal(ours.components_, theirs.components_)


def test_functions_of_numba_and_partial_ones():
    import numba

    right = sklearn.neighbors.NearestNeighbors(metric=weighted, metric_params={"w": np.arange(4.0)}).fit(X)
    for metric, params in [
        (numba.njit(weighted), {"w": np.arange(4.0)}),
        (partial(weighted, w=np.arange(4.0)), None),
    ]:
        est = NearestNeighbors(metric=metric, metric_params=params).fit(X)
        for ours, theirs in zip(est.kneighbors(Q), right.kneighbors(Q), strict=True):
            np.testing.assert_array_equal(ours, theirs)
        assert fastml.explain(est)["kneighbors"].kernels[0].startswith("neighbors.callable")


def test_abs_of_an_array_is_compiled():
    right = sklearn.neighbors.NearestNeighbors(metric="manhattan").fit(X).kneighbors(Q)
    est = NearestNeighbors(metric=lambda x, y: abs(x - y).sum()).fit(X)
    assert equal(est.kneighbors(Q)[0], right[0])
    assert plain_names(fastml.explain(est)["kneighbors"]) == ("neighbors.callable",)


def counting(calls):
    def metric(x, y):
        calls.append(1)
        return abs(x[0] - y[0])

    return metric


def overflowing(x, y):
    return float(int(abs(x[0] - y[0]) * 1e15) ** 3)


def printing(x, y):
    print(end="")
    return abs(x[0] - y[0])


def changing(x, y):
    x[0] = 0.5
    return abs(x[0] - y[0])


def of_strings(x, y):
    return abs(x[0] - y[0]) * float(f"{1.0:.1f}")


def drawing(x, y):
    return abs(x[0] - y[0]) + 0 * np.random.rand()  # noqa: NPY002


@pytest.mark.parametrize(
    ("metric", "why"),
    [
        (counting([]), "refers to calls, a list"),
        (overflowing, "compiled it gives"),
        (printing, "calls print"),
        (changing, "changes its arguments"),
        (of_strings, "Numba cannot compile it"),
        (drawing, "draws random numbers"),
        (type("Metric", (), {"__call__": lambda self, x, y: abs(x[0] - y[0])})(), "not a function"),
    ],
)
@pytest.mark.parametrize("algorithm", ["brute", "ball_tree"])
def test_what_is_not_compiled_runs_scikit_learns_code_and_is_told(metric, why, algorithm):
    params = {"metric": metric, "algorithm": algorithm}
    est = NearestNeighbors(**params).fit(X[:30].copy())
    found = est.kneighbors(Q[:3].copy())
    reasons = [report.reason for report in fastml.explain(est).values() if report.reason]
    assert reasons
    assert why in reasons[0]
    theirs = sklearn.neighbors.NearestNeighbors(**params).fit(X[:30].copy()).kneighbors(Q[:3].copy())
    np.testing.assert_array_equal(found[1], theirs[1])
    with fastml.config_context(strict=True), pytest.raises(fastml.FallbackError, match=why):
        NearestNeighbors(**params).fit(X[:30].copy()).kneighbors(Q[:3].copy())


@pytest.mark.parametrize("algorithm", ["brute", "ball_tree"])
def test_an_error_of_the_function_reaches_the_caller(algorithm):
    def broken(x, y):
        raise KeyError("no distance today")

    def sometimes(x, y):
        if x[0] == 0.25 and y[0] < 0.3:
            raise ValueError("a quarter")
        return abs(x[0] - y[0])

    def beyond(x, y):  # reads outside of the vector, but not where it is looked at first
        return abs(x[0] - y[4 if x[0] == 0.25 else 0])

    with pytest.raises(KeyError, match="no distance today"):
        NearestNeighbors(algorithm=algorithm, metric=broken).fit(X).kneighbors(Q)
    far = np.vstack([Q, Q, Q, [[0.25, 0, 0, 0]], Q, Q])
    for metric, error in [(sometimes, ValueError), (beyond, IndexError)]:
        est = NearestNeighbors(algorithm=algorithm, metric=metric).fit(X)
        est.kneighbors(Q)
        with pytest.raises(error):
            est.kneighbors(far)


def test_values_that_are_not_finite_are_the_functions_own():
    def lonely(x, y):
        return np.inf if x[0] < 0.1 and y[0] > 0.9 else abs(x[0] - y[0])

    params = {"metric": lonely, "algorithm": "brute", "n_neighbors": 119}
    ours, theirs = (library.NearestNeighbors(**params).fit(X) for library in (fastml.neighbors, sklearn.neighbors))
    for a, b in zip(ours.kneighbors(Q), theirs.kneighbors(Q), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_global_that_changes_counts_as_it_is(monkeypatch):
    est = NearestNeighbors(metric=scaled).fit(X)
    before = est.set_params(algorithm="brute").fit(X).kneighbors(Q)[0]
    monkeypatch.setitem(globals(), "WEIGHT", 4.0)
    np.testing.assert_array_equal(est.kneighbors(Q)[0], 2 * before)


def test_copies_hold_scikit_learns_tree():
    est = KNeighborsClassifier(metric=weighted, metric_params={"w": np.ones(4)}).fit(X, X[:, 0] > 0.5)
    right = sklearn.neighbors.KNeighborsClassifier(**est.get_params()).fit(X, X[:, 0] > 0.5)
    for left in (pickle.loads(pickle.dumps(est)), fastml.to_sklearn(est)):
        assert sorted(vars(left)) == sorted(vars(right))
        np.testing.assert_array_equal(left.predict_proba(Q), right.predict_proba(Q))
        for a, b in zip(left._tree.get_arrays(), right._tree.get_arrays(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_threads_of_both_kinds():
    est = NearestNeighbors(metric=squares, algorithm="brute").fit(X)
    right = est.kneighbors(Q)

    def ask(n_threads):
        with fastml.config_context(n_threads=n_threads):
            return est.kneighbors(Q)

    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(ask, [1, 2, 3, 4] * 4):
            for a, b in zip(found, right, strict=True):
                np.testing.assert_array_equal(a, b)


def test_bad_input_is_scikit_learns_error():
    est = NearestNeighbors(metric=squares).fit(X)
    for call, error in [
        (lambda: est.kneighbors(Q[:, :3]), ValueError),
        (lambda: est.kneighbors(np.full((1, 4), np.nan)), ValueError),
        (lambda: est.kneighbors(Q, 500), ValueError),
        (lambda: NearestNeighbors(metric=squares, algorithm="kd_tree").fit(X), ValueError),
        (lambda: NearestNeighbors(metric=lambda x, y: "far").fit(X).kneighbors(Q), TypeError),
    ]:
        with pytest.raises(error):
            call()


def test_import_brings_no_compiler():
    program = "import sys, fastml.neighbors; fastml.neighbors.NearestNeighbors; print('numba' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "False"


def test_the_machine_code_is_kept_on_disk(tmp_path):
    program = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import mine, numpy as np
from fastml._kernels.neighbors import metric
X = np.random.RandomState(0).rand(30, 3)
print(metric.compiled(mine.far, {{}}, X, X).owners[0].cache_hits)
"""
    (tmp_path / "mine.py").write_text("def far(x, y):\n    return abs(x[0] - y[0])\n")
    env = {**__import__("os").environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    hits = [subprocess.check_output([sys.executable, "-c", program], text=True, env=env).strip() for _ in range(2)]
    assert hits == ["0", "1"]
