"""Fitted models are scikit-learn's: they pickle, convert, are shown and inspected, and answer from what they hold."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import sklearn.ensemble
import sklearn.tree
from sklearn.base import clone
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.tree import export_graphviz, export_text, plot_tree
from sklearn.tree._tree import Tree

import fastml
import fastml.ensemble
import fastml.tree

from ..outcomes import assert_same_outcome
from .agreement import state_difference, trees_of

pytestmark = pytest.mark.usefixtures("trees_are_ours")

rng = np.random.RandomState(0)
X = rng.randn(120, 4)
Y = (X[:, 0] + 0.3 * rng.randn(120) > 0).astype(int) + (X[:, 1] > 0.5)
FEW_TIES = {"max_depth": 2, "min_samples_leaf": 10, "random_state": 0}  # no splits of equal residuals
MAKERS = {
    "tree": lambda library: library.tree.DecisionTreeClassifier(max_depth=4, random_state=0),
    "regression tree": lambda library: library.tree.DecisionTreeRegressor(max_depth=4, random_state=0),
    "extra tree": lambda library: library.tree.ExtraTreeRegressor(max_depth=4, random_state=0),
    "forest": lambda library: library.ensemble.RandomForestClassifier(5, random_state=0),
    "regression forest": lambda library: library.ensemble.ExtraTreesRegressor(5, random_state=0),
    "bagging": lambda library: library.ensemble.BaggingClassifier(n_estimators=4, random_state=0),
    "AdaBoost": lambda library: library.ensemble.AdaBoostClassifier(n_estimators=4, random_state=0),
    "boosting": lambda library: library.ensemble.GradientBoostingClassifier(n_estimators=4, **FEW_TIES),
    "regression boosting": lambda library: library.ensemble.GradientBoostingRegressor(n_estimators=4, **FEW_TIES),
    "isolation forest": lambda library: library.ensemble.IsolationForest(n_estimators=4, random_state=0),
}
SINGLE = [name for name in MAKERS if name.endswith("tree")]
ENSEMBLES = [name for name in MAKERS if name not in SINGLE]


def fitted(name, library=fastml):
    return MAKERS[name](library).fit(X, Y)


def answers(est, data=X):
    methods = ("predict", "predict_proba", "decision_function", "score_samples", "apply")
    return {method: getattr(est, method)(data) for method in methods if hasattr(est, method)}


def assert_equal_answers(one, other, rtol=0):
    assert one.keys() == other.keys()
    for method, answer in one.items():
        np.testing.assert_allclose(answer, other[method], rtol=rtol, err_msg=method)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda est: pickle.loads(pickle.dumps(est))])
@pytest.mark.parametrize("name", MAKERS)
def test_copies_answer_alike(name, again):
    est = fitted(name)
    twin = again(est)
    assert type(twin) is type(est)
    assert vars(twin).keys() == vars(est).keys()
    assert_equal_answers(answers(twin), answers(est))
    for mine, yours in zip(trees_of(twin.fit(X, Y)), trees_of(est), strict=True):
        assert not state_difference(mine.tree_.__getstate__(), yours.tree_.__getstate__())


@pytest.mark.parametrize("name", MAKERS)
def test_clones_and_refits_forget(name):
    est = fitted(name)
    first = answers(est)
    assert_equal_answers(answers(clone(est).fit(X, Y)), first)
    est.fit(X[:50, :2], Y[:50])
    assert est.n_features_in_ == 2
    assert_equal_answers(answers(est.fit(X, Y)), first)


@pytest.mark.parametrize("name", MAKERS)
def test_trees_are_genuine(name):
    for tree in trees_of(fitted(name)):
        assert type(tree.tree_) is Tree
        assert isinstance(tree, sklearn.tree.DecisionTreeClassifier | sklearn.tree.DecisionTreeRegressor)


@pytest.mark.parametrize("name", MAKERS)
def test_to_sklearn(name):
    est, right = fitted(name), fitted(name, sklearn)
    plain = fastml.to_sklearn(est)
    assert type(plain) is type(right)
    assert {type(tree) for tree in trees_of(plain)} == {type(tree) for tree in trees_of(right)}
    assert_equal_answers(answers(plain), answers(est), rtol=1e-13)
    assert b"fastml" not in pickle.dumps(plain)


@pytest.mark.parametrize("name", SINGLE)
def test_exports(name):
    plt = pytest.importorskip("matplotlib.pyplot")
    est, right = fitted(name), fitted(name, sklearn)
    assert export_text(est) == export_text(right)
    assert export_graphviz(est) == export_graphviz(right)
    figure = plt.figure()
    drawn = [[text.get_text() for text in plot_tree(tree, ax=figure.gca())] for tree in (est, right)]
    plt.close(figure)
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize("name", [name for name in MAKERS if name != "isolation forest"])
def test_inspection(name):
    est, right = fitted(name), fitted(name, sklearn)
    importances = [
        permutation_importance(model, X, Y, n_repeats=2, random_state=0).importances for model in (est, right)
    ]
    np.testing.assert_allclose(*importances, rtol=1e-12, atol=1e-14)
    for kind in ("average", "individual"):
        curves = [
            partial_dependence(model, X, [0], grid_resolution=5, method="brute", kind=kind)[kind]
            for model in (est, right)
        ]
        np.testing.assert_allclose(*curves, rtol=1e-10, atol=1e-12)


RECURSIVE = {
    "tree": MAKERS["regression tree"],
    "forest": lambda library: library.ensemble.RandomForestRegressor(5, random_state=0),
    "boosting": MAKERS["regression boosting"],
}


@pytest.mark.parametrize("name", RECURSIVE)
def test_partial_dependence_by_recursion(name):
    models = [RECURSIVE[name](library).fit(X, Y) for library in (fastml, sklearn)]
    curves = [
        partial_dependence(model, X, [0, 1], grid_resolution=5, method="recursion")["average"] for model in models
    ]
    np.testing.assert_allclose(*curves, rtol=1e-10)


@pytest.mark.parametrize("name", SINGLE)
def test_pruning(name):
    paths = [
        MAKERS[name](library).set_params(max_depth=None).cost_complexity_pruning_path(X, Y)
        for library in (fastml, sklearn)
    ]
    for key in ("ccp_alphas", "impurities"):
        np.testing.assert_array_equal(paths[0][key], paths[1][key])
    alpha = paths[0].ccp_alphas[len(paths[0].ccp_alphas) // 2]
    pruned = [
        MAKERS[name](library).set_params(ccp_alpha=alpha).fit(X, Y).tree_.__getstate__()
        for library in (fastml, sklearn)
    ]
    assert not state_difference(*pruned)


def edit(est):
    """Change every leaf by hand."""
    for i, tree in enumerate(trees_of(est)):
        values = tree.tree_.value
        values[...] = values[:, :, ::-1] if values.shape[2] > 1 else values * (i + 2) - 1
        tree.tree_.threshold[0] += 0.25


@pytest.mark.parametrize("rows", [1, 120])
@pytest.mark.parametrize("name", MAKERS)
def test_edited_trees_are_heeded(name, rows):
    est, right = fitted(name), fitted(name, sklearn)
    before = answers(est, X[:rows])
    edit(est)
    edit(right)
    assert_equal_answers(answers(est, X[:rows]), answers(right, X[:rows]), rtol=1e-10)
    if rows > 1 and name != "isolation forest":
        assert any((answer != before[method]).any() for method, answer in answers(est).items())


@pytest.mark.parametrize("rows", [1, 120])
@pytest.mark.parametrize("name", ["forest", "regression forest", "bagging"])
def test_edited_estimators_are_heeded(name, rows):
    est, right = fitted(name), fitted(name, sklearn)
    answers(est), answers(right)
    for model in (est, right):
        model.estimators_ = [*model.estimators_[:2], model.estimators_[0]]
    assert_equal_answers(answers(est, X[:rows]), answers(right, X[:rows]), rtol=1e-12)


@pytest.mark.parametrize("edit", ["tree", "classes_"])
def test_a_tree_put_into_adaboost_votes_for_the_classes_it_knows(edit):
    est, right = fitted("AdaBoost"), fitted("AdaBoost", sklearn)
    for model in (est, right):
        if edit == "tree":
            model.estimators_[0] = sklearn.tree.DecisionTreeClassifier(max_depth=2).fit(X[Y > 0], Y[Y > 0])
        else:
            model.classes_ = np.array([10, 11, 12])
    assert type(right.estimators_[1]) is not type(est.estimators_[1])
    if edit == "tree":  # of one kind with the others
        est.estimators_[0] = fastml.tree.DecisionTreeClassifier(max_depth=2).fit(X[Y > 0], Y[Y > 0])
    np.testing.assert_array_equal(est.predict(X), right.predict(X))
    np.testing.assert_allclose(est.decision_function(X), right.decision_function(X))


def test_estimators_may_be_of_both_kinds():
    est, right = fitted("forest"), fitted("forest", sklearn)
    est.estimators_ = [right.estimators_[0], *est.estimators_[1:]]
    assert_equal_answers(answers(est), answers(right))
    right.estimators_ = [est.estimators_[1], *right.estimators_[1:]]
    assert_equal_answers(answers(right)["predict"].shape and answers(right), answers(right))


@pytest.mark.parametrize("name", MAKERS)
def test_eight_python_threads_at_once(name):
    data = [np.random.RandomState(seed).randn(300 + 40 * seed, 4) for seed in range(8)]

    def work(seed):
        with fastml.config_context(n_threads=1 + seed % 3):
            est = MAKERS[name](fastml).fit(data[seed], (data[seed][:, 0] > 0).astype(int))
            return {method: answer.tobytes() for method, answer in answers(est, data[seed]).items()}

    alone = [work(seed) for seed in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            assert list(pool.map(work, range(8))) == alone


@pytest.mark.parametrize("name", MAKERS)
def test_one_model_answers_eight_threads(name):
    est = fitted(name)
    right = {method: answer.tobytes() for method, answer in answers(est).items()}
    with ThreadPoolExecutor(8) as pool:
        for seen in pool.map(lambda _: answers(est), range(24)):
            assert {method: answer.tobytes() for method, answer in seen.items()} == right


@pytest.mark.parametrize("name", MAKERS)
def test_arguments_are_not_changed(name):
    data, y, weights = X.astype(np.float32), Y.copy(), np.linspace(0.1, 1, len(X))
    kept = [array.copy() for array in (data, y, weights)]
    answers(MAKERS[name](fastml).fit(data, y, sample_weight=weights), data)
    for array, before in zip((data, y, weights), kept, strict=True):
        np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize(
    "ensemble", ["BaggingClassifier", "BaggingRegressor", "AdaBoostClassifier", "AdaBoostRegressor"]
)
def test_trees_of_the_other_kind_are_left_to_scikit_learn(ensemble):
    X, y = np.arange(12.0)[:, None], np.arange(12) % 3
    kind = "DecisionTreeRegressor" if "Classifier" in ensemble else "DecisionTreeClassifier"

    def predictions(library, left):
        tree = getattr(library.tree, kind)(max_depth=3)
        model = getattr(library.ensemble, ensemble)(tree, n_estimators=2, random_state=0)
        return model.fit(X, y.astype(float)).predict(X)

    assert_same_outcome(predictions, fastml, sklearn)


def test_a_tree_fitted_inside_an_ensembles_fit_forgets_the_names_of_its_features():
    X, y = np.random.RandomState(0).rand(30, 3).astype(np.float32), np.arange(30) % 5
    tree = fastml.tree.DecisionTreeRegressor()

    def monitor(*_):
        tree.fit(pd.DataFrame(X, columns=list("abc")), y).fit(X, y)

    fastml.ensemble.GradientBoostingRegressor(n_estimators=1).fit(X, y, monitor=monitor)
    assert not hasattr(tree, "feature_names_in_")


@pytest.mark.parametrize("name", ["AdaBoostClassifier", "AdaBoostRegressor", "BaggingClassifier", "IsolationForest"])
def test_samples_that_are_not_aligned(name):
    X = np.zeros(100 * 3 * 4 + 1, np.uint8)[1:].view(np.float32).reshape(100, 3)
    X[:] = np.random.RandomState(0).normal(size=X.shape)
    y = (X[:, 0] > 0).astype(int)
    assert not X.flags.aligned
    ours, theirs = (
        getattr(library.ensemble, name)(random_state=0, n_estimators=5).fit(X, y).predict(X)
        for library in (fastml, sklearn)
    )
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("y", [Y > 0, Y, Y + 0.5], ids=["two classes", "three", "regression"])
def test_what_boosting_starts_from_may_be_edited(y):
    """It is remembered by its value: a change by hand counts at once."""
    kind = "Regressor" if y.dtype == float else "Classifier"
    est, right = (
        getattr(library.ensemble, f"GradientBoosting{kind}")(n_estimators=2, **FEW_TIES).fit(X, y)
        for library in (fastml, sklearn)
    )
    for rows in (1, 120):
        assert_equal_answers(answers(est, X[:rows]), answers(right, X[:rows]))
    for model in (est, right):
        edited = model.init_.constant_ if kind == "Regressor" else model.init_.class_prior_
        edited[...] = np.linspace(0.1, 0.2, edited.size).reshape(edited.shape)
    for rows in (1, 120):
        assert_equal_answers(answers(est, X[:rows]), answers(right, X[:rows]))
    for model in (est, right):
        del model.init_.n_outputs_
    assert_same_outcome(lambda model, left: model.predict(X), est, right)


@pytest.mark.parametrize("name", ["boosting", "regression boosting"])
def test_boosting_does_not_ask_again_what_it_starts_from(name, monkeypatch):
    est = fitted(name)
    est.predict(X)
    monkeypatch.setattr(fastml.ensemble._gb_start, "init_raw_predictions", None)
    est.predict(X)


@pytest.mark.parametrize("name", ["RandomForestClassifier", "ExtraTreesClassifier"])
def test_a_forest_predicts_by_the_probabilities_of_its_subclass(name):
    X = np.random.RandomState(0).normal(size=(60, 3))
    y = (X[:, 0] > 0).astype(int)

    def predictions(library, left):
        plain = getattr(library.ensemble, name)

        class Contrary(plain):
            def predict_proba(self, X):
                return super().predict_proba(X)[:, ::-1]

        contrary = Contrary(5, random_state=0).fit(X, y)
        by_hand = plain(5, random_state=0).fit(X, y)
        by_hand.predict_proba = lambda X: np.tile([1.0, 0.0], (len(X), 1))
        return contrary.predict(X), by_hand.predict(X)

    assert_same_outcome(predictions, fastml, sklearn)
