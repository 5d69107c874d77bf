"""The driver of prediction over scikit-learn's own trees: its bits, and trees that are changed by hand."""

import numpy as np
import pytest
from sklearn import __version__
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import fastml
from fastml._dispatch import NotCovered
from fastml.tree import _predict

pytestmark = pytest.mark.skipif(__version__.startswith(("1.7", "1.8")), reason="nodes of another type")


@pytest.fixture(params=["cython", "numba"], autouse=True)
def backend(request):
    if request.param == "cython":
        from fastml import _kernels

        if _kernels.ISA is None:
            pytest.skip("a pure build: nothing is compiled")
    with fastml.config_context(backend=request.param):
        yield


def trees_of(model):
    return [tree.tree_ for tree in np.ravel(model.estimators_)]


def data(n_samples=600, missing=False, **options):
    X, y = make_classification(n_samples, 12, n_informative=6, random_state=0, **options)
    X = X.astype(np.float32)
    if missing:
        X[np.random.RandomState(0).rand(*X.shape) < 0.1] = np.nan
    return X, y


@pytest.mark.parametrize("n_rows", [1, 30, 600])
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("options", [{}, {"max_depth": 3}, {"max_leaf_nodes": 20}], ids=["full", "depth", "best first"])
def test_forest(n_rows, missing, options):
    X, y = data(missing=missing, n_classes=3)
    forest, rows = RandomForestClassifier(15, random_state=0, **options).fit(X, y), X[:n_rows]
    trees = trees_of(forest)
    leaves = _predict.apply(trees, rows, n_threads=1)
    np.testing.assert_array_equal(leaves, forest.apply(rows))
    assert leaves.strides == forest.apply(rows).strides
    np.testing.assert_array_equal(_predict.sum_values(trees, rows, n_threads=2) / 15, forest.predict_proba(rows))
    one = forest.estimators_[3]
    np.testing.assert_array_equal(_predict.values(one.tree_, rows, n_threads=1)[:, 0], one.predict_proba(rows))


def test_forest_of_several_outputs():
    X, _ = data()
    Y = np.random.RandomState(0).randint([3, 5], size=(600, 2))  # one of 3 classes, one of 5
    forest = RandomForestClassifier(5, random_state=0).fit(X, Y)
    sums = _predict.sum_values(trees_of(forest), X, n_threads=1).reshape(600, 2, -1) / 5
    for k, expected in enumerate(forest.predict_proba(X)):
        np.testing.assert_array_equal(sums[:, k, : expected.shape[1]], expected)


def test_regression_forest_and_boosting_in_stages():
    X, y = make_regression(500, 8, noise=1, random_state=0)
    X = X.astype(np.float32)
    forest = RandomForestRegressor(20, random_state=0).fit(X, y)
    np.testing.assert_array_equal(_predict.sum_values(trees_of(forest), X, n_threads=1)[:, 0] / 20, forest.predict(X))
    boosting = GradientBoostingRegressor(n_estimators=12, random_state=0).fit(X, y)
    out = np.full((500, 1), y.mean())
    for tree, expected in zip(trees_of(boosting), boosting.staged_predict(X), strict=True):
        _predict.add_scaled([tree], X, boosting.learning_rate, out, n_threads=1)
        np.testing.assert_array_equal(out[:, 0], expected)


def test_sums_into_a_transposed_array():
    X, y = data()
    trees = [DecisionTreeRegressor(max_depth=d, random_state=0).fit(X, y).tree_ for d in (1, 2, 3, 4)]
    plain, transposed = np.zeros((600, 2)), np.zeros((2, 600)).T
    _predict.add_scaled(trees, X, 0.1, plain, n_threads=1)
    _predict.add_scaled(trees, X, 0.1, transposed, n_threads=1)
    np.testing.assert_array_equal(transposed, plain)


@pytest.mark.parametrize("n_rows", [1, 600])
def test_trees_changed_by_hand(n_rows):
    X, y = data()
    tree, rows = DecisionTreeClassifier(random_state=0).fit(X, y).tree_, X[:n_rows]
    other = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X, 1 - y).tree_
    before = _predict.values(tree, rows, n_threads=1)
    tree.value[...] *= 2
    np.testing.assert_array_equal(_predict.values(tree, rows, n_threads=1), 2 * before)
    tree.children_left[0] = -1
    assert not _predict.apply([tree], rows, n_threads=1).any()
    tree.__setstate__(other.__getstate__())  # frees the arrays that were read above
    np.testing.assert_array_equal(_predict.values(tree, rows, n_threads=1), other.predict(rows).reshape(-1, 1, 2))


def test_what_does_not_fit_is_refused():
    X, y = data()
    tree = DecisionTreeClassifier(random_state=0).fit(X, y).tree_
    with pytest.raises(NotCovered, match="There are no trees"):
        _predict.apply([], X, n_threads=1)
    with pytest.raises(ValueError, match="C-contiguous float32"):
        _predict.apply([tree], X.astype(float), n_threads=1)
    with pytest.raises(ValueError, match="C-contiguous float32"):
        _predict.apply([tree], X.T, n_threads=1)
    with pytest.raises(NotCovered, match="grown on 12 features and is given 5"):
        _predict.values(tree, np.ascontiguousarray(X[:, :5]), n_threads=1)
    with pytest.raises(ValueError, match="out must be"):
        _predict.add_scaled([tree], X, 1.0, np.zeros(600), n_threads=1)
    with pytest.raises(NotCovered, match="the table of tree 0"):
        _predict.add_scaled([tree], X, 1.0, np.zeros((600, 1)), n_threads=1)
