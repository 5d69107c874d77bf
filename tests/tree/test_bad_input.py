"""Bad input gives scikit-learn's exception with its text, or its success, and leaves the same estimator behind."""

import numpy as np
import pytest
import sklearn
import sklearn.ensemble
import sklearn.tree

import fastml
import fastml.ensemble
import fastml.tree
from tests.bad_inputs import DATA, WEIGHTS, frame, good
from tests.outcomes import ADDRESS, assert_same_outcome

from .bad_inputs import PARAMETERS, TARGETS, labels

pytestmark = pytest.mark.usefixtures("trees_are_ours")

TREES = ("DecisionTreeClassifier", "DecisionTreeRegressor")
FITS = (*TREES, "RandomForestClassifier", "ExtraTreesRegressor", "GradientBoostingClassifier", "AdaBoostRegressor")
OTHERS = ("ExtraTreeClassifier", "RandomTreesEmbedding", "IsolationForest", "BaggingClassifier")
ASKS = [
    *((name, method) for name in ("DecisionTreeClassifier", "RandomForestClassifier") for method in
      ("predict", "predict_proba", "apply", "decision_path")),
    *((name, "predict") for name in ("DecisionTreeRegressor", "ExtraTreesRegressor", "BaggingClassifier")),
    ("GradientBoostingClassifier", "decision_function"),
    ("AdaBoostRegressor", "predict"),
    ("IsolationForest", "score_samples"),
    ("RandomTreesEmbedding", "transform"),
]  # fmt: skip


def assert_same(action):
    assert_same_outcome(action, fastml, sklearn)


def new(library, name, **params):
    module = library.tree if hasattr(library.tree, name) else library.ensemble
    few = {} if module is library.tree else {"n_estimators": 3}
    few |= {"max_depth": 1} if "GradientBoosting" in name else {}  # below equally good splits the models differ
    return getattr(module, name)(**({"random_state": 0} | few | params))


def fitting(name, X=good, y=labels, sample_weight=None, **params):
    """Return the action of fitting a new estimator to what ``X``, ``y`` and ``sample_weight`` build."""

    def action(library, left):
        left["estimator"] = est = new(library, name, **params)
        assert est.fit(X(), y(), sample_weight=sample_weight and sample_weight()) is est
        return leaves(est)

    return action


def leaves(est):
    """Return what tells models apart."""
    return est.tree_.value.copy() if hasattr(est, "tree_") else None


def asking(name, method, X, train=good):
    """Return the action of asking an estimator fitted to ``train()`` about what ``X`` builds."""

    def action(library, left):
        left["estimator"] = est = new(library, name).fit(train(), labels())
        result = getattr(est, method)(X())
        return result if isinstance(result, np.ndarray) else None

    return action


def test_adaboost_of_weights_whose_sum_overflows():
    with np.errstate(over="ignore"):
        assert_same(fitting("AdaBoostClassifier", sample_weight=lambda: np.full(len(labels()), 1e308)))


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("name", FITS + OTHERS)
def test_data_to_fit(name, data):
    assert_same(fitting(name, X=DATA[data]))


@pytest.mark.parametrize("targets", TARGETS)
@pytest.mark.parametrize("name", FITS + OTHERS)
def test_targets(name, targets):
    assert_same(fitting(name, y=TARGETS[targets]))


@pytest.mark.parametrize("targets", ["negative", "zero", "words", "NaN", "two columns"])
@pytest.mark.parametrize("name", ["DecisionTreeRegressor", "RandomForestRegressor"])
def test_targets_of_poisson(name, targets):
    assert_same(fitting(name, y=TARGETS[targets], criterion="poisson"))


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("name", FITS + OTHERS)
def test_weights(name, weights):
    assert_same(fitting(name, sample_weight=WEIGHTS[weights]))


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize(("name", "method"), ASKS)
def test_data_for_a_fitted_model(name, method, data):
    assert_same(asking(name, method, DATA[data]))


@pytest.mark.parametrize("data", [name for name in DATA if "frame" in name or "column" in name])
@pytest.mark.parametrize(("name", "method"), ASKS)
def test_data_for_a_model_with_feature_names(name, method, data):
    assert_same(asking(name, method, DATA[data], train=frame))


def parameter_values():
    for owner, parameters in PARAMETERS.items():
        for name, values in parameters.items():
            for value in values:
                label = ADDRESS.sub("0x", f"{owner}-{name}={value!r}").replace("\n", "")[:80]
                yield pytest.param(owner, {name: value}, id=label)


@pytest.mark.parametrize(("owner", "params"), list(parameter_values()))
def test_parameters(owner, params):
    binary = "monotonic_cst" in params
    assert_same(fitting(owner, y=(lambda: labels() > 0) if binary else labels, **params))


@pytest.mark.parametrize("y", ["three classes", "two columns"])
@pytest.mark.parametrize("owner", [*TREES, "RandomForestClassifier"])
def test_constraints_that_do_not_suit(owner, y):
    y = labels if y == "three classes" else TARGETS["two columns"]
    assert_same(fitting(owner, y=y, monotonic_cst=[1, 0, 0]))


@pytest.mark.parametrize("method", ["predict", "apply", "decision_path", "feature_importances_", "get_depth"])
@pytest.mark.parametrize("name", FITS)
def test_not_fitted(name, method):
    def action(library, left):
        left["estimator"] = est = new(library, name)
        if method.endswith("_") or method.startswith("get"):
            return getattr(est, method)() if method.startswith("get") else getattr(est, method)
        return getattr(est, method)(good())

    assert_same(action)


@pytest.mark.parametrize("data", ["NaN", "inf", "one row", "one column more", "frame", "words", "no columns", "csr"])
@pytest.mark.parametrize("name", FITS)
def test_a_failed_fit_leaves_the_fitted_model_as_scikit_learn_does(name, data):
    def action(library, left):
        left["estimator"] = est = new(library, name).fit(frame(), labels())
        est.fit(DATA[data](), labels())

    assert_same(action)


@pytest.mark.parametrize("change", [{"n_estimators": 1}, {"n_estimators": 3}, {"n_estimators": 0}, {"max_depth": -1}])
@pytest.mark.parametrize("name", [name for name in FITS + OTHERS if "Tree" not in name or "Trees" in name])
def test_a_warm_start_that_goes_wrong(name, change):
    def action(library, left):
        if "AdaBoost" in name:
            change.pop("max_depth", None)
        left["estimator"] = est = new(library, name)
        if "warm_start" in est.get_params():
            est.set_params(warm_start=True)
        est.fit(good(), labels())
        est.set_params(**{k: v for k, v in change.items() if k in est.get_params()}).fit(good(), labels())

    assert_same(action)


def many(n=30):
    """Samples, and as many classes, of which scikit-learn warns."""
    return np.random.RandomState(0).normal(size=(n, 3)), np.arange(n)


WORDS = np.array([f"class {i}" for i in range(30)], dtype=object)
MANY_CLASSES = {
    "integers": np.arange(30),
    "words": WORDS,
    "a column": WORDS[:, None],
    "two columns": np.c_[WORDS, WORDS[::-1]],
    "fractions": np.arange(30) + 0.5,
    "beyond int64": np.arange(30) * 1e300,
    "words beside numbers": np.where(np.arange(30) % 2, WORDS, 1),
    "objects": np.arange(30).astype(object),
    "bytes": WORDS.astype(bytes),
}
UNSUITED = [{}, {"max_depth": 0}, {"monotonic_cst": [1, 0, 0]}, {"monotonic_cst": [1, 0]}, {"max_leaf_nodes": 2**60}]


@pytest.mark.parametrize("y", MANY_CLASSES)
@pytest.mark.parametrize("name", ["DecisionTreeClassifier", "RandomForestClassifier"])
@pytest.mark.parametrize("params", UNSUITED, ids=str)
def test_warnings_before_a_tree_is_refused_come_once(name, params, y):
    X, _ = many()
    assert_same(fitting(name, X=lambda: X, y=lambda: MANY_CLASSES[y], **params))


@pytest.mark.parametrize("y", MANY_CLASSES)
@pytest.mark.parametrize("params", UNSUITED, ids=str)
@pytest.mark.parametrize("name", ["AdaBoostClassifier", "BaggingClassifier"])
def test_warnings_of_an_ensemble_of_trees_come_once(name, params, y):
    X, _ = many()

    def action(library, left):
        tree = library.tree.DecisionTreeClassifier(**params)
        left["estimator"] = est = getattr(library.ensemble, name)(tree, n_estimators=2, random_state=0)
        est.fit(X, MANY_CLASSES[y])

    assert_same(action)


@pytest.mark.parametrize("params", [{}, {"class_weight": "balanced", "warm_start": True}, {"n_jobs": 0}], ids=str)
def test_targets_without_an_out_of_bag_score_are_warned_of_once(params):
    X, _ = many()
    y = MANY_CLASSES["two columns"]
    assert_same(fitting("RandomForestClassifier", X=lambda: X, y=lambda: y, oob_score=True, **params))


@pytest.mark.parametrize("monotonic_cst", [None, [1, 0]])
@pytest.mark.parametrize("name", [*FITS, *OTHERS])
def test_no_jobs(name, monotonic_cst):
    def action(library, left):
        left["estimator"] = est = new(library, name).fit(frame(), labels())
        known = {"n_jobs": 0, "n_estimators": 5, "monotonic_cst": monotonic_cst}
        est.set_params(**{key: value for key, value in known.items() if key in est.get_params()})
        est.fit(good(), labels())

    assert_same(action)


def test_a_column_of_negative_targets_is_warned_of_once():
    X, y = many()
    assert_same(fitting("RandomForestRegressor", X=lambda: X, y=lambda: -y[:, None], criterion="poisson"))


def test_negative_weights_of_many_classes_are_warned_of_once():
    X, y = many()
    weights = np.where(y == 3, -1.0, 1.0)
    assert_same(fitting("RandomForestClassifier", X=lambda: X, y=lambda: y, sample_weight=lambda: weights))


@pytest.mark.parametrize("X", [good, lambda: [["word"]]], ids=["good", "word"])
@pytest.mark.parametrize("method", ["staged_predict", "staged_score", "staged_predict_proba"])
@pytest.mark.parametrize("name", ["AdaBoostClassifier", "AdaBoostRegressor"])
def test_stages_of_an_unfitted_model(name, method, X):
    def action(library, left):
        targets = [labels()[: len(X())]] if method == "staged_score" else []
        list(getattr(new(library, name), method)(X(), *targets))

    assert_same(action)
