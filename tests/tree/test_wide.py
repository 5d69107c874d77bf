"""Few of many features are drawn by few trees: these are scikit-learn's too, and no feature is ranked before."""

import numpy as np
import pytest
import sklearn.ensemble
import sklearn.tree

import fastml.ensemble
import fastml.tree

pytestmark = pytest.mark.usefixtures("trees_are_ours")

MODELS = {
    "best": ("tree", "DecisionTreeClassifier", {"max_features": "sqrt"}),
    "one": ("tree", "DecisionTreeRegressor", {"max_features": 1, "max_depth": 3}),
    "random": ("tree", "ExtraTreeClassifier", {}),
    "leaves": ("tree", "DecisionTreeRegressor", {"max_features": "log2", "max_leaf_nodes": 12}),
    "medians": ("tree", "DecisionTreeRegressor", {"max_features": "log2", "criterion": "absolute_error"}),
    "forest": ("ensemble", "RandomForestClassifier", {"n_estimators": 3}),
    "extra": ("ensemble", "ExtraTreesRegressor", {"n_estimators": 2, "max_features": 5}),
    "boosting": ("ensemble", "AdaBoostRegressor", {"n_estimators": 3, "estimator": {"max_features": "sqrt"}}),
}


def states(est):
    """Nodes and values of all trees of a fitted model."""
    trees = [tree.tree_.__getstate__() for tree in getattr(est, "estimators_", [est])]
    return [np.array(state["nodes"].tolist()) for state in trees] + [state["values"] for state in trees]


def samples(kind):
    r = np.random.RandomState(0)
    X = r.randn(70, 1500)
    if kind == "sparse":
        X *= r.rand(*X.shape) < 0.1
    elif kind == "binary":
        X = (X > 0).astype(np.float32)
    elif kind == "missing":
        X[r.rand(*X.shape) < 0.1] = np.nan
    return (np.asfortranarray(X) if kind == "columns" else X), r.randint(0, 3, 70), r.randint(0, 50, 70)


@pytest.mark.parametrize("kind", ["rows", "columns", "sparse", "binary", "missing"])
@pytest.mark.parametrize("model", MODELS)
def test_the_models_are_scikit_learns(model, kind, monkeypatch):
    X, classes, targets = samples(kind)
    module, name, params = MODELS[model]
    if kind == "missing" and model in ("boosting", "medians"):
        X = np.nan_to_num(X)
    made = []
    kernel = pytest.importorskip("fastml._kernels.tree.grow")
    prepare = kernel.prepare
    monkeypatch.setattr(kernel, "prepare", lambda *args, **how: made.append(prepare(*args, **how)) or made[-1])
    fitted = []
    for library in (sklearn, fastml):
        inner = (
            {} if "estimator" not in params else {"estimator": library.tree.DecisionTreeRegressor(max_features="sqrt")}
        )
        est = getattr(getattr(library, module), name)(random_state=1, **params | inner)
        fitted.append(states(est.fit(X, classes if name.endswith("Classifier") else targets)))
    for theirs, ours in zip(*fitted, strict=True):
        np.testing.assert_array_equal(theirs, ours)
    assert made
    assert all(features.values is None for features in made)


@pytest.mark.parametrize("max_features", [5, 40])
def test_boosting_on_whole_targets(max_features):
    X, _, y = samples("rows")
    theirs, ours = (
        library.ensemble.GradientBoostingRegressor(n_estimators=4, max_features=max_features, random_state=1).fit(X, y)
        for library in (sklearn, fastml)
    )
    for one, other in zip(theirs.estimators_.ravel(), ours.estimators_.ravel(), strict=True):
        for state, same in zip(states(one), states(other), strict=True):
            np.testing.assert_array_equal(state, same)
    reason = fastml.explain(ours)["fit"].reason or ""
    assert ("max_features=5 draws few of 1500" in reason) is (max_features == 5)


def test_boosting_tells_of_lists_too():
    X, _, y = samples("rows")
    est = fastml.ensemble.GradientBoostingRegressor(n_estimators=1, max_features=5).fit(X.tolist(), y)
    assert "scikit-learn's own code grew the trees." in str(fastml.explain(est)["fit"])


@pytest.mark.parametrize("n_classes", [(2, 50), (2, 40, 2), (300,)])
@pytest.mark.parametrize("splitter", ["best", "random"])
@pytest.mark.parametrize("weighted", [False, True])
def test_outputs_of_many_classes(n_classes, splitter, weighted):
    r = np.random.RandomState(1)
    X = r.randn(600, 4).round(1)
    X[r.rand(*X.shape) < 0.05] = np.nan
    y = np.stack([r.randint(0, k, 600) for k in n_classes], axis=1)
    weights = r.randint(0, 400, 600) if weighted else None
    theirs, ours = (
        library.tree.DecisionTreeClassifier(splitter=splitter, random_state=1).fit(X, y, weights)
        for library in (sklearn, fastml)
    )
    for one, other in zip(states(theirs), states(ours), strict=True):
        np.testing.assert_array_equal(one, other)
