"""Bad input gives scikit-learn's exception with its text, or its success, and leaves the same estimator behind."""

import copy

import numpy as np
import pytest
import sklearn.linear_model

import fastml.linear_model
from fastml.linear_model import _base
from tests.bad_inputs import DATA, NOT_A_COUNT, WEIGHTS, N, frame, good
from tests.outcomes import ADDRESS, assert_same_outcome
from tests.tree.bad_inputs import TARGETS, labels

NAMES = ("SGDClassifier", "SGDRegressor", "Perceptron", "SGDOneClassSVM")
NUMBERS = (0, -1, 0.5, 1.0, 2, "a", None, np.nan, np.inf, True, [0.5], np.float32(0.3))
PARAMETERS = {
    "loss": ("hinge", "perceptron", "huber", "log", None, 1),
    "penalty": ("l1", "none", None, "L2", 2),
    "alpha": NUMBERS,
    "l1_ratio": NUMBERS,
    "eta0": NUMBERS,
    "power_t": NUMBERS,
    "tol": NUMBERS,
    "nu": NUMBERS,
    "epsilon": NUMBERS,
    "validation_fraction": NUMBERS,
    "max_iter": NOT_A_COUNT,
    "n_iter_no_change": NOT_A_COUNT,
    "average": (*NOT_A_COUNT, False),
    "learning_rate": ("constant", "optimal", "pa1", "pa2", "adaptive", "fast", None),
    "fit_intercept": (None, "yes", 1, 0, np.bool_(True)),
    "shuffle": (None, "yes", 1, 0),
    "warm_start": (None, 1),
    "early_stopping": (True, None, 1),
    "class_weight": ("balanced", {0: 2.0}, {0: 1, 5: 3}, "word", [1, 2]),
    "random_state": (0, np.int64(3), -1, 2.5, "a", 2**33),
    "n_jobs": (1, -1, 0, 2.5, "a"),
}


def assert_same(action):
    assert_same_outcome(action, fastml.linear_model, sklearn.linear_model)


def fitting(name, X=good, y=labels, method="fit", sample_weight=None, given=None, **params):
    """Return the action of fitting a new estimator to what ``X``, ``y`` and ``sample_weight`` build."""

    def action(library, left):
        left["estimator"] = est = getattr(library, name)(**({"random_state": 0} | params))
        extra = copy.deepcopy(given or {})  # weights to start from change in place
        if method == "partial_fit" and name in ("SGDClassifier", "Perceptron"):
            extra["classes"] = [0, 1, 2]
        assert getattr(est, method)(X(), y(), sample_weight=sample_weight and sample_weight(), **extra) is est
        return est.coef_.copy()

    return action


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("name", NAMES)
def test_data(name, data):
    assert_same(fitting(name, X=DATA[data]))
    assert_same(fitting(name, X=DATA[data], method="partial_fit"))

    def ask(library, left):
        left["estimator"] = est = getattr(library, name)(random_state=0).fit(good(), labels())
        return est.predict(DATA[data]())

    assert_same(ask)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("targets", TARGETS)
@pytest.mark.parametrize("name", NAMES)
def test_targets(name, targets):
    assert_same(fitting(name, y=TARGETS[targets]))
    assert_same(fitting(name, y=TARGETS[targets], method="partial_fit"))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("name", NAMES)
def test_weights(name, weights):
    assert_same(fitting(name, sample_weight=WEIGHTS[weights]))
    if name == "SGDClassifier":
        assert_same(fitting(name, sample_weight=WEIGHTS[weights], early_stopping=True))


def parameter_values():
    for parameter, values in PARAMETERS.items():
        for value in values:
            yield pytest.param(parameter, value, id=ADDRESS.sub("0x", f"{parameter}={value!r}")[:60])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("parameter", "value"), list(parameter_values()))
def test_parameters(parameter, value):
    for name in NAMES:
        if parameter in getattr(sklearn.linear_model, name)().get_params():
            assert_same(fitting(name, **{parameter: value}))
            assert_same(fitting(name, method="partial_fit", **{parameter: value}))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("given", [np.ones(2), np.ones((3, 3)), np.ones((1, 3)), np.ones((3, 3)).T, [1, 2, 3], "word"])
def test_start(name, given):
    assert_same(fitting(name, given={"coef_init": given}))
    assert_same(fitting(name, given={("offset" if "One" in name else "intercept") + "_init": given}))


@pytest.mark.parametrize("name", NAMES)
def test_one_class_unknown_classes_and_overflow(name):
    assert_same(fitting(name, y=lambda: np.ones(N)))
    assert_same(fitting(name, y=lambda: np.arange(N), method="partial_fit"))
    assert_same(fitting(name, X=lambda: good() * 1e200))
    assert_same(fitting(name, X=frame))


@pytest.mark.parametrize("name", NAMES)
def test_not_fitted_and_other_features(name):
    def ask(library, left):
        return getattr(library, name)().predict(good())

    def go_on(library, left):
        left["estimator"] = est = getattr(library, name)(random_state=0).fit(good(), labels())
        est.partial_fit(good()[:, :2], labels())

    assert_same(ask)
    assert_same(go_on)


@pytest.fixture
def all_are_large(monkeypatch):
    """Let the kernel look for NaN and infinity in samples of any size."""
    monkeypatch.setattr(_base, "_LARGE", 1)


def with_entries(dtype, *entries):
    X = np.random.RandomState(0).randn(60, 9).astype(dtype)
    for i, j, value in entries:
        X[i, j] = value
    return X


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("all_are_large")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float64", "float32", "longdouble", ">f8"])
@pytest.mark.parametrize(
    "entries", [(), [(0, 0, np.nan)], [(59, 8, np.inf)], [(7, 3, -np.inf), (8, 3, np.inf)], [(30, 5, 1e30)]]
)
def test_large_samples(name, dtype, entries):
    def X():
        return with_entries(dtype, *entries)

    def y():
        return np.arange(60) % 3

    assert_same(fitting(name, X=X, y=y))
    assert_same(fitting(name, X=lambda: np.asfortranarray(X()), y=y, shuffle=False))
    assert_same(fitting(name, X=X, y=lambda: np.zeros(60)))
    assert_same(fitting(name, X=X, y=y, sample_weight=lambda: np.ones(3)))
    assert_same(fitting(name, X=X, y=y, given={"coef_init": np.ones(2)}))
    if name in ("SGDClassifier", "Perceptron"):
        assert_same(fitting(name, X=X, y=lambda: y() + 5, method="partial_fit"))
        assert_same(fitting(name, X=X, y=y, early_stopping=True))

    def go_on(library, left):
        left["estimator"] = est = getattr(library, name)(random_state=0).fit(with_entries(dtype), y())
        est.partial_fit(X().astype("float32"), y())

    assert_same(go_on)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("all_are_large")
@pytest.mark.parametrize("data", DATA)
def test_data_of_any_size(data):
    assert_same(fitting("SGDClassifier", X=DATA[data]))


@pytest.mark.usefixtures("all_are_large")
@pytest.mark.parametrize("name", NAMES)
def test_weights_to_start_from_stay_where_samples_are_refused(name):
    start = np.ones((1, 9) if name in ("SGDClassifier", "Perceptron") else 9)
    est = getattr(fastml.linear_model, name)()
    with pytest.raises(ValueError, match="contains NaN"):
        est.fit(with_entries(float, (50, 3, np.nan)), np.arange(60) % 2, coef_init=start)
    assert (start == 1).all()
