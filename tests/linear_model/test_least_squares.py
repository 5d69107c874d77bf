"""What least squares leave to scikit-learn, what must not matter, and bad input."""

import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn.linear_model
from sklearn.base import clone

import fastml
import fastml._kernels
import fastml.linear_model
from tests.bad_inputs import DATA, WEIGHTS, frame, good
from tests.levels import in_every_order
from tests.outcomes import ADDRESS, assert_same_outcome, plain_names
from tests.tree.bad_inputs import TARGETS, labels

NAMES = ("LinearRegression", "Ridge")
VALUES = (0, -1, 0.5, 2, "a", None, np.nan, np.inf, True, [0.5], [1.0, 2.0], np.float32(0.3))
PARAMETERS = {
    "fit_intercept": (None, "yes", 1, np.bool_(True)),
    "copy_X": (False, None),
    "tol": VALUES,
    "alpha": VALUES,
    "n_jobs": (1, -1, 0, 2.5),
    "positive": (True, None),
    "solver": ("auto", "cholesky", "svd", "lsqr", "sag", "lbfgs", "none", None),
    "max_iter": (1, 0),
}
by_name = pytest.mark.parametrize("name", NAMES)


def assert_same(action):
    assert_same_outcome(action, fastml.linear_model, sklearn.linear_model)


def fitting(name, X=good, y=labels, sample_weight=None, **params):
    """Return the action of fitting a new estimator to what ``X``, ``y`` and ``sample_weight`` build."""

    def action(library, left):
        left["estimator"] = est = getattr(library, name)(**params)
        assert est.fit(X(), y(), sample_weight=sample_weight and sample_weight()) is est
        return est.coef_.copy()

    return action


def samples(n=300, p=5):
    rng = np.random.RandomState(0)
    X = rng.randn(n, p)
    return X, X @ rng.randn(p) + rng.randn(n)


@by_name
def test_kernel_runs(name):
    X, y = samples()
    est = getattr(fastml.linear_model, name)().fit(X, y)
    assert plain_names(fastml.explain(est)["fit"]) == ("linear.gram",)
    est.predict(X)
    assert fastml.explain(est)["predict"].reason is None


@pytest.mark.parametrize(
    ("params", "change", "reason"),
    [
        ({"positive": True}, lambda X, y: (X, y), "positive"),
        ({}, lambda X, y: (sp.csr_matrix(X), y), "sparse"),
        ({}, lambda X, y: (X[:5], y[:5]), "no more samples"),
        ({}, lambda X, y: (np.hstack([X, X[:, :1]]), y), "alike"),
        ({}, lambda X, y: (np.hstack([X, np.full((len(X), 1), 0.1)]), y), "alike"),
        ({}, lambda X, y: (X * 1e-200, y), "alike"),
    ],
)
@by_name
def test_what_is_left_to_scikit_learn(name, params, change, reason):
    if name == "Ridge" and reason == "alike" and change(*samples())[0].max() > 1e-9:
        pytest.skip("a penalty settles it")
    X, y = change(*samples())
    ours = getattr(fastml.linear_model, name)(**params).fit(X, y)
    theirs = getattr(sklearn.linear_model, name)(**params).fit(X, y)
    if name == "Ridge" and reason == "alike":
        assert fastml.explain(ours)["fit"].reason is None
        np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-10)
        return
    assert reason in fastml.explain(ours)["fit"].reason
    np.testing.assert_array_equal(ours.coef_, theirs.coef_)
    assert getattr(ours, "rank_", None) == getattr(theirs, "rank_", None)
    with fastml.config_context(strict=True), pytest.raises(fastml.FallbackError, match=reason):
        getattr(fastml.linear_model, name)(**params).fit(X, y)


@pytest.mark.filterwarnings("ignore")
@by_name
def test_squares_beyond_what_floats_hold(name):
    assert_same(fitting(name, X=lambda: good() * 1e200))
    with fastml.config_context(strict=True), pytest.raises(fastml.FallbackError, match="beyond"):
        getattr(fastml.linear_model, name)().fit(good() * 1e200, labels())


@by_name
@pytest.mark.parametrize("size", [1e-100, 1e-30, 1e30, 1e100])
def test_sizes_of_samples(name, size):
    X, y = samples()
    params = {"alpha": 0.0} if name == "Ridge" else {}
    plain = getattr(sklearn.linear_model, name)(**params).fit(X, y)
    ours = getattr(fastml.linear_model, name)(**params).fit(X * size, y)
    np.testing.assert_allclose(ours.coef_ * size, plain.coef_, rtol=1e-10)
    assert fastml.explain(ours)["fit"].reason is None


def test_features_of_many_sizes_keep_their_digits():
    rng = np.random.RandomState(0)
    X = rng.randn(4_000, 6) * 10.0 ** np.arange(-2, 4) + 1e6
    coef = rng.randn(6) / 10.0 ** np.arange(-2, 4)
    model = fastml.linear_model.LinearRegression(tol=1e-9).fit(X, (X - 1e6) @ coef + 3)
    np.testing.assert_allclose(model.coef_, coef, rtol=1e-8)
    assert model.rank_ == 6


@by_name
def test_number_of_threads(name):
    rng = np.random.RandomState(0)
    X, y = rng.randn(20_000, 30), rng.randn(20_000, 2)
    coefs = []
    for n_threads in (1, 2, 5):
        with fastml.config_context(n_threads=n_threads):
            model = getattr(fastml.linear_model, name)().fit(X, y, sample_weight=np.abs(y[:, 0]))
            coefs.append(np.vstack([model.coef_.T, model.intercept_]))
    np.testing.assert_array_equal(coefs[0], coefs[1])
    np.testing.assert_array_equal(coefs[0], coefs[2])


@by_name
def test_order_in_memory(name):
    X, y = samples(n=500, p=21)
    weights = np.abs(X[:, 0])
    models = [
        getattr(fastml.linear_model, name)().fit(laid_out, y, sample_weight=weights)
        for laid_out in in_every_order(X).values()
    ]
    for model in models:
        np.testing.assert_array_equal(model.coef_, models[0].coef_)
        assert model.intercept_ == models[0].intercept_


@by_name
def test_samples_are_left_as_they_are(name):
    X, y = samples()
    before = X.copy(), y.copy()
    getattr(fastml.linear_model, name)().fit(X, y, sample_weight=np.ones(len(X)))
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])


@by_name
@pytest.mark.parametrize("targets", [1, 2])
def test_asked_in_every_way(name, targets):
    X, y = samples()
    y = y if targets == 1 else np.c_[y, -y]
    plain = getattr(sklearn.linear_model, name)().fit(X, y)
    ours = getattr(fastml.linear_model, name)().fit(X, y)
    vars(ours).update(vars(plain))
    for given in (X, X[:1], X.astype(np.float32), np.asfortranarray(X), sp.csr_matrix(X), sp.csc_array(X), X.tolist()):
        np.testing.assert_array_equal(ours.predict(given), plain.predict(given))
    for model in (pickle.loads(pickle.dumps(ours)), fastml.to_sklearn(ours)):
        np.testing.assert_array_equal(model.predict(X), plain.predict(X))
    assert not hasattr(clone(ours), "coef_")
    assert ours.score(X, y) == plain.score(X, y)


@by_name
def test_names_of_features(name):
    def named(library, left):
        left["estimator"] = est = getattr(library, name)().fit(frame(), labels())
        return est.predict(frame())

    def others(library, left):
        est = getattr(library, name)().fit(frame(), labels())
        return est.predict(frame(("a", "b", "x")))

    def without(library, left):
        est = getattr(library, name)().fit(frame(), pd.Series(labels()))
        return est.predict(good())

    def another_number(library, left):
        return getattr(library, name)().fit(good(), labels()).predict(good()[:, :2])

    for action in (named, others, without, another_number, lambda library, left: getattr(library, name)().predict(1)):
        assert_same(action)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("data", DATA)
@by_name
def test_data(name, data):
    if data != "broadcast":  # equal rows, whose weights are but rounding
        assert_same(fitting(name, X=DATA[data]))

    def ask(library, left):
        left["estimator"] = est = getattr(library, name)().fit(good(), labels())
        est.coef_, est.intercept_ = np.array([1.0, -0.5, 0.3]), 0.25
        return est.predict(DATA[data]())

    assert_same(ask)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("targets", TARGETS)
@by_name
def test_targets(name, targets):
    if (name, targets) != ("LinearRegression", "large"):  # SciPy warns of the squares of what is left
        assert_same(fitting(name, y=TARGETS[targets]))
    assert_same(fitting(name, X=lambda: good().astype("float32"), y=TARGETS[targets]))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("weights", WEIGHTS)
@by_name
def test_weights(name, weights):
    assert_same(fitting(name, sample_weight=WEIGHTS[weights]))


def parameter_values():
    for parameter, values in PARAMETERS.items():
        for value in values:
            yield pytest.param(parameter, value, id=ADDRESS.sub("0x", f"{parameter}={value!r}")[:60])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("parameter", "value"), list(parameter_values()))
@by_name
def test_parameters(name, parameter, value):
    if parameter in getattr(sklearn.linear_model, name)().get_params():
        random_state = {"random_state": 0} if name == "Ridge" else {}
        assert_same(fitting(name, **random_state, **{parameter: value}))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("order", "CF")
@by_name
def test_samples_that_are_not_finite(name, order, value):
    def X():
        X = np.array(np.random.RandomState(0).randn(500, 9), order=order)
        X[499, 8] = X[0, 1] = value
        return X

    for weights in (None, lambda: np.arange(500) % 499 + 0.0):
        for fit_intercept in (True, False):
            y = np.arange(500.0)
            assert_same(fitting(name, X=X, y=lambda y=y: y, sample_weight=weights, fit_intercept=fit_intercept))
