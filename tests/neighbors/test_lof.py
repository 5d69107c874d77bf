"""Local outlier factors are scikit-learn's to 1e-12, labels equal; where neighbours tie, its own tree judges."""

import warnings

import numpy as np
import pytest
import sklearn.neighbors
from sklearn.utils.estimator_checks import parametrize_with_checks

import fastml
import fastml.neighbors
from tests.agreement import watched
from tests.bad_inputs import DATA, NOT_A_COUNT, good
from tests.checks import expected_failures
from tests.cluster.cases import Draw
from tests.draws import laid_out
from tests.outcomes import ADDRESS, assert_same_outcome, plain_names

from .agreement import unequal

ESTIMATORS = [
    fastml.neighbors.LocalOutlierFactor(**params) for params in ({}, {"novelty": True, "algorithm": "kd_tree"})
]


def lof_case(seed):
    """Return samples, others, and parameters."""
    draw = Draw(59, seed, False)
    rng = draw.rng
    n, d = draw.one_of(2, 3, 5, 20, 21, 60, 129, 300, 600), draw.one_of(1, 2, 2, 3, 4, 8, 15)
    kind = draw.pick(blobs=15, normal=20, grid=25, duplicates=25, equal_rows=5, constant_columns=10)
    values = draw.values(kind, n, d)
    dtype = "float64" if kind == "grid" or rng.uniform() < 0.7 else "float32"
    params = {
        "n_neighbors": int(draw.one_of(1, 2, 5, 20, 20, 33, 700)),
        "algorithm": draw.one_of("auto", "kd_tree", "kd_tree", "ball_tree"),
        "metric": draw.one_of("minkowski", "minkowski", "manhattan", "chebyshev"),
        "contamination": draw.one_of("auto", "auto", 0.1, 0.5),
        "novelty": bool(rng.uniform() < 0.5),
    }
    if params["n_neighbors"] >= n // 2:  # else by brute force, which is off by rounding in scikit-learn
        params["algorithm"] = "kd_tree"
    layout = draw.pick(C=70, F=20, list=10)
    return laid_out(values.astype(dtype), layout), draw.new_values(values, 40).astype(dtype), params


def observe(library, X, others, params):
    seen = {}
    with watched(seen):
        est = library.LocalOutlierFactor(**params)
        if params["novelty"]:
            est.fit(X)
            seen["scores"], seen["predicted"] = est.score_samples(others), est.predict(others)
        else:
            seen["labels"] = est.fit_predict(X)
        seen["factors"], seen["offset"] = est.negative_outlier_factor_, np.array(est.offset_)
        seen["neighbours"], seen["fitted"] = est.n_neighbors_, sorted(set(vars(est)) - {"_tree"})
        seen["distances"] = est._distances_fit_X_
    return seen


@pytest.mark.parametrize("block", range(2))
def test_generated_cases(block):
    for seed in range(block * 120, (block + 1) * 120):
        X, others, params = lof_case(seed)
        ours, theirs = (observe(library, X, others, params) for library in (fastml.neighbors, sklearn.neighbors))
        assert ours.keys() == theirs.keys(), (seed, params, ours.get("exception"), theirs.get("exception"))
        for name, right in theirs.items():
            if name in ("factors", "scores", "offset"):
                rtol = 1e-12 if right.dtype == np.float64 else 1e-5
                np.testing.assert_allclose(ours[name], right, rtol=rtol, err_msg=f"{seed} {params} {name}")
                assert ours[name].dtype == right.dtype
            else:
                assert unequal(ours[name], right) is None, (seed, params, name)


@pytest.mark.filterwarnings("ignore:Duplicate values")
def test_what_ran():
    X = np.random.RandomState(0).randn(700, 3)
    est = fastml.neighbors.LocalOutlierFactor().fit(X)
    assert plain_names(fastml.explain(est)["fit"]) == ("neighbors.kd_tree",)
    assert fastml.explain(est)["fit"].notes == ()
    assert plain_names(fastml.explain(est.set_params(algorithm="ball_tree").fit(X))["fit"]) == ("neighbors.kd_tree",)
    est = fastml.neighbors.LocalOutlierFactor().fit(np.round(X))
    assert "tie" in fastml.explain(est)["fit"].notes[0]


@pytest.mark.parametrize("d", [3, 20])
def test_brute_force(d):
    """scikit-learn's distances are off by rounding there, and factors with them."""
    X = np.random.RandomState(d).randn(300, d)
    params = {"algorithm": "brute", "novelty": True}
    ours, right = (lib.neighbors.LocalOutlierFactor(**params).fit(X) for lib in (fastml, sklearn))
    np.testing.assert_allclose(ours.negative_outlier_factor_, right.negative_outlier_factor_, rtol=1e-12)
    np.testing.assert_array_equal(ours.predict(X + 0.1), right.predict(X + 0.1))
    assert plain_names(fastml.explain(ours)["kneighbors"]) == ("neighbors.brute",)
    lattice = np.random.RandomState(d).randint(0, 3, (150, d)).astype(float)
    for X in (lattice, np.repeat(lattice[:40], 5, axis=0)):
        ours, right = (lib.neighbors.LocalOutlierFactor(**params).fit(X) for lib in (fastml, sklearn))
        np.testing.assert_allclose(ours.negative_outlier_factor_, right.negative_outlier_factor_, rtol=1e-12)


def test_threads_change_no_bit():
    X = np.round(np.random.RandomState(0).randn(6000, 3), 1)
    factors = []
    for n_threads in (1, 2, 8):
        with fastml.config_context(n_threads=n_threads):
            factors.append(fastml.neighbors.LocalOutlierFactor().fit(X).negative_outlier_factor_)
    np.testing.assert_array_equal(factors[0], factors[1])
    np.testing.assert_array_equal(factors[0], factors[2])


@pytest.mark.filterwarnings("ignore:Duplicate values", "ignore:.* had been imported before patch_sklearn")
@pytest.mark.parametrize("algorithm", ["kd_tree", "brute"])
def test_ties_where_scikit_learn_is_patched(algorithm):
    X = np.random.RandomState(0).randint(0, 9, (700, 2)).astype(float)
    right = sklearn.neighbors.LocalOutlierFactor(algorithm=algorithm).fit(X).negative_outlier_factor_
    fastml.patch_sklearn()
    try:
        est = sklearn.neighbors.LocalOutlierFactor(algorithm=algorithm).fit(X)
    finally:
        fastml.unpatch_sklearn()
    assert type(est) is fastml.neighbors.LocalOutlierFactor
    np.testing.assert_allclose(est.negative_outlier_factor_, right, rtol=1e-12)


def test_frames_raise_no_warning_of_names():
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame(np.round(np.random.RandomState(0).randn(600, 2), 1), columns=["a", "b"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        est = fastml.neighbors.LocalOutlierFactor(n_neighbors=3, novelty=True).fit(X)
        est.kneighbors(X)


@pytest.mark.filterwarnings("ignore:cannot use tree with sparse input", "ignore:n_neighbors")
@parametrize_with_checks(
    ESTIMATORS, expected_failed_checks=lambda e: expected_failures(sklearn.neighbors.LocalOutlierFactor)
)
def test_estimator(estimator, check):
    check(estimator)


def assert_same(action):
    assert_same_outcome(action, fastml.neighbors, sklearn.neighbors)


def fitted(library, left, X, **params):
    left["estimator"] = est = library.LocalOutlierFactor(**params)
    try:
        return est.fit(X)
    finally:
        getattr(est, "_tree", None)  # ours is made when it is asked for


PARAMETERS = {
    "n_neighbors": (*NOT_A_COUNT, 19, 20, 21),
    "contamination": (0, 0.5, 0.6, "auto", "word", None, -1, np.nan),
    "novelty": (True, 1, None),
    "algorithm": ("tree", None, "ball_tree", "brute"),
    "metric": ("correlation", "precomputed", "word", None, lambda x, y: 0.0),
    "metric_params": ({}, {"p": 3}, {"x": 1}, 3),
    "p": (1, np.inf, 3, 0, -1, None, np.nan, [1]),
    "n_jobs": (0, 2, 1.5),
}


def parameter_values():
    for parameter, values in PARAMETERS.items():
        for value in values:
            yield pytest.param(parameter, value, id=ADDRESS.sub("0x", f"{parameter}={value!r}")[:60])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("parameter", "value"), list(parameter_values()))
def test_parameters(parameter, value):
    def action(library, left):
        est = fitted(library, left, np.abs(good()), **{"n_neighbors": 4} | {parameter: value})
        return est.negative_outlier_factor_

    assert_same(action)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("data", DATA)
def test_data(data):
    def fit(library, left):
        fitted(library, left, DATA[data](), n_neighbors=2)
        return library.LocalOutlierFactor(n_neighbors=2).fit_predict(DATA[data]())

    def score(library, left):
        return fitted(library, left, good(), n_neighbors=2, novelty=True).score_samples(DATA[data]())

    assert_same(fit)
    assert_same(score)


@pytest.mark.parametrize("method", ["predict", "fit_predict", "score_samples", "decision_function", "kneighbors"])
@pytest.mark.parametrize("novelty", [False, True])
def test_what_is_not_there(method, novelty):
    assert_same(lambda library, left: getattr(library.LocalOutlierFactor(novelty=novelty), method)(good()))


@pytest.mark.filterwarnings("ignore:Duplicate values")
def test_samples_too_large_for_our_distances_are_left_to_scikit_learn_with_as_many_neighbours():
    rng = np.random.default_rng(0)
    for _ in range(20):  # one neighbour more would raise an error in some: distances are NaN
        X = rng.normal(size=(7, 1)) * 1e160
        found = []
        for library in (sklearn.neighbors, fastml.neighbors):
            model = library.LocalOutlierFactor(n_neighbors=1, algorithm="brute")
            try:
                found.append(model.fit(X).negative_outlier_factor_)
            except ValueError as error:
                found.append(str(error))
        np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("metric", ["manhattan", "euclidean"])
def test_where_many_tie_by_brute_force_scikit_learn_searches_alone(metric):
    X = np.random.default_rng(0).integers(0, 3, (200, 3)).astype(float)
    model = fastml.neighbors.LocalOutlierFactor(algorithm="brute", metric=metric).fit(X)
    plain = sklearn.neighbors.LocalOutlierFactor(algorithm="brute", metric=metric).fit(X)
    assert "neighbours tie" in str(fastml.explain(model))
    np.testing.assert_array_equal(model.negative_outlier_factor_, plain.negative_outlier_factor_)
