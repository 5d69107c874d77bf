"""Metrics by name, by brute force, and minkowski by trees too: distances are scikit-learn's to 1e-12.

Neighbours are but where that parts none.
"""

import numpy as np
import pytest
import sklearn.neighbors

import fastml
import fastml.neighbors
from fastml.neighbors import NearestNeighbors
from tests.cluster.cases import Draw
from tests.draws import laid_out
from tests.outcomes import plain_names

METRICS = ("minkowski", "minkowski", "weighted", "seuclidean", "mahalanobis", "hamming", "canberra", "braycurtis")
ESTIMATORS = ("KNeighborsClassifier", "KNeighborsRegressor", "RadiusNeighborsRegressor", "RadiusNeighborsClassifier")


def case_of(seed):
    """Return samples, queries (or None), and parameters of an estimator."""
    draw = Draw(97, seed, False)
    rng = draw.rng
    n, d = draw.one_of(2, 3, 9, 17, 64, 65, 130, 300), draw.one_of(1, 2, 3, 5, 16, 33)
    values = draw.values(draw.pick(blobs=10, normal=30, grid=30, duplicates=20, constant_columns=10), n, d)
    dtype = "float64" if rng.uniform() < 0.6 else draw.one_of("float32", "float32", "int64")
    if rng.uniform() < 0.15 and dtype == "float64":
        values = values + 1e6
    values = np.round(values).clip(-9, 9) if dtype == "int64" else values
    queries = draw.new_values(values, draw.one_of(1, 2, 7, 40))
    if rng.uniform() < 0.3:
        values[0] = queries[0] = 0
    metric, params = draw.one_of(*METRICS), {}
    if metric in ("minkowski", "weighted"):
        params["p"] = float(draw.one_of(0.5, 1.5, 3, 3, 4, 7.5, *[2] * 3 * (metric == "weighted")))
        if metric == "weighted":
            params["metric_params"] = {"w": np.round(rng.rand(d), 1) + (params["p"] < 1)}
    if metric == "seuclidean":
        params["metric_params"] = {"V": rng.rand(d) + 0.1}
    if metric == "mahalanobis":
        params["metric_params"] = {"VI": symmetric(rng, d)}
    params |= {"metric": "minkowski" if metric == "weighted" else metric, "algorithm": "brute"}
    if metric == "minkowski" and params["p"] > 1 and rng.uniform() < 0.6:
        params["algorithm"] = draw.one_of("kd_tree", "ball_tree", "auto")
    params["n_neighbors"] = int(draw.one_of(1, 2, 5, 9, 33, 40))
    if params["n_neighbors"] >= n:
        params["n_neighbors"] = 1
    layout = draw.pick(C=70, F=20, list=10)
    if metric == "braycurtis" and dtype == "int64":
        dtype = "float64"
    asked = None if rng.uniform() < 0.3 else laid_out(queries.astype(dtype), layout)
    return laid_out(values.astype(dtype), layout), asked, params


def symmetric(rng, d):
    """Return a form that is positive definite."""
    made = rng.randn(d, d)
    return made @ made.T + np.eye(d)


def narrow(X, Q):
    return any(getattr(part, "dtype", None) == np.float32 for part in (X, Q))


def answers(library, X, Q, params, radius):
    est = library.NearestNeighbors(**params, radius=radius).fit(X)
    found = est.kneighbors(Q), est.radius_neighbors(Q, sort_results=True), est.radius_neighbors(Q)
    return est, *found, est.kneighbors(Q, return_distance=False)


@pytest.mark.filterwarnings("ignore:Mind that for 0 < p < 1")
@pytest.mark.parametrize("block", range(2))
def test_generated_cases(block):
    for seed in range(block * 60, (block + 1) * 60):
        X, Q, params = case_of(seed)
        n_samples, asked = len(X), X if Q is None else Q
        everything = sklearn.neighbors.NearestNeighbors(**params | {"n_neighbors": n_samples}).fit(X)
        all_, order = everything.kneighbors(np.array(asked))  # of copies, to have the samples themselves too
        right = np.empty(all_.shape)
        np.put_along_axis(right, order, all_, axis=1)
        radius = float(np.quantile(right, 0.3)) * 1.0001
        est, *ours = answers(fastml.neighbors, X, Q, params, radius)
        _, *theirs = answers(sklearn.neighbors, X, Q, params, radius)
        assert all(report.reason is None for report in fastml.explain(est).values()), (seed, fastml.explain(est))
        rtol = 2e-6 if narrow(X, Q) else 1e-12
        tolerance = {"rtol": rtol, "atol": rtol * right.max(), "err_msg": f"{seed} {params}"}
        rows = np.arange(len(right))[:, None]
        (distances, indices), (plain, _) = ours[0], theirs[0]
        assert distances.dtype == plain.dtype
        np.testing.assert_array_equal(indices, ours[-1])
        np.testing.assert_allclose(distances, plain, **tolerance)
        np.testing.assert_allclose(distances, right[rows, indices], **tolerance)
        assert (np.diff(np.sort(indices, axis=1)) > 0).all(), seed
        assert not (Q is None and (indices == rows).any() and n_samples > 40), seed
        for found, other in zip(ours[1:3], theirs[1:3], strict=True):
            mine, members = (np.zeros(right.shape, bool) for _ in range(2))
            for i in range(len(right)):
                mine[i, found[1][i]], members[i, other[1][i]] = True, True
            at = np.concatenate([i * n_samples + row for i, row in enumerate(found[1])])
            np.testing.assert_allclose(np.concatenate(found[0]), right.ravel()[at], **tolerance)
            assert np.abs(right[mine != members] - radius).max(initial=0) <= 4 * rtol * radius + 1e-14, seed
        for found, members in zip(*ours[1], strict=True):
            assert (np.lexsort((members, found)) == np.arange(len(members))).all(), seed


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_predictions(name, weights):
    rng = np.random.RandomState(0)
    X, Q = rng.randn(200, 16), rng.randn(30, 16)
    y = rng.randint(0, 3, 200) if "Classifier" in name else rng.randn(200)
    for metric, params in (
        ("minkowski", {"p": 3}),
        ("minkowski", {"p": 2, "metric_params": {"w": rng.rand(16)}}),
        ("seuclidean", {"metric_params": {"V": rng.rand(16) + 0.1}}),
        ("mahalanobis", {"metric_params": {"VI": symmetric(rng, 16)}}),
        ("braycurtis", {}),
    ):
        radius = {"radius": 1e3} if "Radius" in name else {}
        ours, theirs = (
            getattr(lib.neighbors, name)(metric=metric, weights=weights, **params, **radius).fit(X, y)
            for lib in (fastml, sklearn)
        )
        method = "predict_proba" if "Classifier" in name else "predict"
        np.testing.assert_allclose(getattr(ours, method)(Q), getattr(theirs, method)(Q), rtol=1e-11)
        if "KN" in name:
            assert plain_names(fastml.explain(ours)[method]) == ("neighbors.brute",)


@pytest.mark.parametrize(
    "params",
    [
        {"metric": "minkowski", "p": 3.3},
        {"metric": "minkowski", "p": 20},
        {"metric": "seuclidean", "metric_params": {"V": np.array([1.0, 0.0, 1.0])}},
        {"metric": "mahalanobis", "metric_params": {"VI": np.diag([1.0, -0.1, 1.0])}},
        {"metric": "mahalanobis", "metric_params": {"VI": np.zeros((3, 3))}},
        {"metric": "hamming", "metric_params": {"w": np.array([1.0, 2.0, 1.0])}},
        {"metric": "canberra", "algorithm": "auto"},
        {"metric": "minkowski", "p": 3.3, "algorithm": "auto"},
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_what_has_no_kernel_runs_scikit_learns_code(params):
    X, Q = np.random.RandomState(0).randn(40, 3), np.random.RandomState(1).randn(9, 3)
    params = {"algorithm": "brute", "n_neighbors": 3} | params
    ours, theirs = (lib.neighbors.NearestNeighbors(**params).fit(X) for lib in (fastml, sklearn))
    for mine, right in zip(ours.kneighbors(Q), theirs.kneighbors(Q), strict=True):
        np.testing.assert_array_equal(mine, right)
    assert fastml.explain(ours)["kneighbors"].reason
    assert type(ours._tree) is type(theirs._tree)


def test_whole_numbers_by_braycurtis():
    """Of them scikit-learn takes SciPy's, which divides by other sums."""
    X = np.random.RandomState(0).randint(-2, 3, (30, 2))
    ours, theirs = (lib.neighbors.NearestNeighbors(metric="braycurtis", algorithm="brute") for lib in (fastml, sklearn))
    found = [est.fit(X).kneighbors(X[:5].astype(dtype))[0] for est in (ours, theirs) for dtype in (int, float)]
    np.testing.assert_array_equal(found[:2], found[2:])
    assert "SciPy" in fastml.explain(ours)["kneighbors"].reason


@pytest.mark.parametrize("metric", ["seuclidean", "mahalanobis", "minkowski"])
def test_errors_are_scikit_learns(metric):
    X = np.random.RandomState(0).randn(40, 16)
    for given in (None, {}, {"V": np.ones(3)}, {"VI": np.eye(3)}, {"w": np.ones(3)}, {"w": -np.ones(16)}, {"x": 1}):
        said = []
        for lib in (fastml, sklearn):
            try:
                est = lib.neighbors.NearestNeighbors(metric=metric, p=3, metric_params=given).fit(X)
                said.append(est.kneighbors(X[:3] + 0.1)[0].shape)
            except Exception as error:
                said.append((type(error), str(error)))
        assert said[0] == said[1], given


def test_edited_parameters():
    """Votes look at the parameters as they are, searches at those of the fit."""
    X, y = np.random.RandomState(0).randn(60, 16), np.arange(60) % 3
    for change in ({"p": 4}, {"metric": "canberra"}, {"metric_params": {"w": np.ones(16)}}):
        found = []
        for lib in (fastml, sklearn):
            est = lib.neighbors.KNeighborsClassifier(metric="minkowski", p=3).fit(X, y).set_params(**change)
            found.append((est.predict_proba(X + 0.1), est.kneighbors(X)[0]))
        np.testing.assert_allclose(found[0][0], found[1][0])
        np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("metric", ["minkowski", "hamming", "canberra", "braycurtis"])
def test_outlier_factors(metric):
    rng = np.random.RandomState(0)
    for X in (rng.randn(200, 16), rng.randint(0, 3, (200, 16)) + 0.0):
        params = {"metric": metric, "p": 1.5, "novelty": True}
        ours, theirs = (lib.neighbors.LocalOutlierFactor(**params).fit(X) for lib in (fastml, sklearn))
        np.testing.assert_allclose(ours.negative_outlier_factor_, theirs.negative_outlier_factor_, rtol=1e-10)
        np.testing.assert_allclose(ours.score_samples(X[::-1] + 0.1), theirs.score_samples(X[::-1] + 0.1), rtol=1e-10)


def test_backends_and_threads_change_no_bit():
    X = np.random.RandomState(0).randn(300, 17).round(1)
    est = NearestNeighbors(metric="minkowski", p=2.5, metric_params={"w": np.arange(17.0)}, radius=20).fit(X)
    found = []
    for options in ({"n_threads": 1}, {"n_threads": 3}, {"backend": "numba"}):
        with fastml.config_context(**options):
            found.append((*est.kneighbors(), *est.radius_neighbors(X)))
    for other in found[1:]:
        for mine, right in zip(other, found[0], strict=True):
            for a, b in zip(mine, right, strict=True):
                np.testing.assert_array_equal(a, b)
