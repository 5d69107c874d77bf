"""No feature has a third value: trees of whole targets are scikit-learn's to the bit, others those of sorted lists."""

import numpy as np
import pytest
import sklearn.ensemble
import sklearn.tree

import fastml
import fastml.ensemble
import fastml.tree

pytestmark = pytest.mark.usefixtures("trees_are_ours")

N = 2100  # fewer samples keep sorted lists
MODELS = {
    "tree": ("tree", "DecisionTreeRegressor", {}),
    "leaf sizes": ("tree", "DecisionTreeRegressor", {"min_samples_leaf": 7, "min_weight_fraction_leaf": 0.004}),
    "few features": ("tree", "DecisionTreeRegressor", {"max_features": 5}),
    "best first": ("tree", "DecisionTreeRegressor", {"max_leaf_nodes": 30}),
    "poisson": ("tree", "DecisionTreeRegressor", {"criterion": "poisson"}),
    "random": ("tree", "DecisionTreeRegressor", {"criterion": "poisson", "splitter": "random"}),
    "forest": ("ensemble", "RandomForestRegressor", {"n_estimators": 3, "max_features": 0.4}),
    "boosting": ("ensemble", "GradientBoostingRegressor", {"n_estimators": 4, "subsample": 0.6}),
    "classes": ("ensemble", "RandomForestClassifier", {"n_estimators": 2}),
}


def samples(kind):
    r = np.random.RandomState(0)
    if kind == "one-hot":
        return np.eye(15)[r.randint(15, size=N)]
    X = (r.rand(N, 12) < 0.4) * 1.0
    X[:, 3] = 7  # constant
    X[:, 5] *= 1e-8  # so close that scikit-learn takes them for equal
    X[:, 8] = -0.0 * X[:, 8] - X[:, 9]
    return X


def states(est):
    """Nodes and values of all trees of a fitted model."""
    trees = [tree.tree_.__getstate__() for tree in np.ravel(getattr(est, "estimators_", [est]))]
    return [np.array(state["nodes"].tolist()) for state in trees] + [state["values"] for state in trees]


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["one-hot", "binary"])
@pytest.mark.parametrize("model", MODELS)
def test_trees_are_those_of_sklearn(model, kind, weighted, n_threads):
    module, name, params = MODELS[model]
    X, r = samples(kind), np.random.RandomState(1)
    y = r.poisson(1 + X[:, 0] + 2 * X[:, 1])
    weights = r.randint(0, 3, N) if weighted else None
    ours, theirs = (getattr(getattr(library, module), name)(random_state=0, **params) for library in (fastml, sklearn))
    with fastml.config_context(n_threads=n_threads):
        ours.fit(X, y, weights)
    theirs.fit(X, y, weights)
    rounding = model == "boosting" or params.get("criterion") == "poisson"  # of impurities alone
    for mine, other in zip(states(ours), states(theirs), strict=True):
        if rounding:
            np.testing.assert_allclose(mine, other, rtol=1e-10, atol=1e-12)
        else:
            np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize("weighted", [False, True])
def test_sums_are_those_of_sorted_lists(weighted):
    X, r = samples("one-hot"), np.random.RandomState(2)
    y = X @ np.arange(15.0) / 7 + r.randn(N)
    weights = r.rand(N) if weighted else None
    params = {"min_samples_leaf": 20, "max_depth": 8, "random_state": 0}  # below, two dummies part a node alike
    plain = fastml.tree.DecisionTreeRegressor(**params).fit(X, y, weights)
    X = np.hstack([X, np.zeros((N, 1))])
    X[0, -1], X[1, -1] = 1, 2  # a third value, too few samples for a leaf
    listed = fastml.tree.DecisionTreeRegressor(**params).fit(X, y, weights)
    np.testing.assert_array_equal(plain.tree_.n_node_samples, listed.tree_.n_node_samples)
    np.testing.assert_array_equal(plain.tree_.impurity, listed.tree_.impurity)
