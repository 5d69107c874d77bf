"""Trees, forests, bagging are scikit-learn's: bit for bit where its sums are exact, elsewhere up to shown ties."""

import numpy as np
import pytest
import sklearn.ensemble
import sklearn.tree

import fastml.ensemble
import fastml.tree

from .agreement import assert_same_models
from .cases import bagging_case, forest_case, tie_case, tree_case

pytestmark = pytest.mark.usefixtures("trees_are_ours")

BLOCK = 100
EXACT = [
    *((tree_case, block) for block in range(24)),
    *((forest_case, block) for block in range(4)),
    *((bagging_case, block) for block in range(3)),
]
MORE = [
    *((tree_case, block) for block in range(24, 40)),
    *((forest_case, block) for block in range(4, 10)),
    *((bagging_case, block) for block in range(3, 6)),
]


def seeds(block):
    return range(block * BLOCK, (block + 1) * BLOCK)


@pytest.mark.parametrize(("build", "block"), EXACT)
def test_bits(build, block, record_parity):
    verdicts = assert_same_models(build, seeds(block), record_parity, build.__name__)
    assert not any(verdict.tie for verdict in verdicts)
    # A drawn threshold is 0.0 or -0.0 as the first row has it.
    assert sum(verdict.unstable for verdict in verdicts) <= 1


@pytest.mark.slow
@pytest.mark.parametrize(("build", "block"), MORE)
def test_bits_of_more(build, block, record_parity):
    test_bits(build, block, record_parity)


@pytest.mark.parametrize("block", range(5))
def test_ties(block, record_parity):
    assert_same_models(tie_case, seeds(block), record_parity, "tie_case")


@pytest.mark.slow
@pytest.mark.parametrize("block", range(5, 16))
def test_more_ties(block, record_parity):
    test_ties(block, record_parity)


def test_constraints_of_the_caller_stay():
    """scikit-learn turns the signs of a classifier's constraints round in the caller's own array of int8."""
    X, y = np.random.RandomState(0).randn(40, 2), np.arange(40) % 2
    constraints = np.array([1, -1], dtype=np.int8)
    est = fastml.tree.DecisionTreeClassifier(monotonic_cst=constraints, random_state=0).fit(X, y)
    np.testing.assert_array_equal(constraints, [1, -1])
    right = sklearn.tree.DecisionTreeClassifier(monotonic_cst=[1, -1], random_state=0).fit(X, y)
    np.testing.assert_array_equal(est.tree_.threshold, right.tree_.threshold)


@pytest.mark.parametrize("bootstrap", [True, False])
@pytest.mark.parametrize("share", [0.1, np.float32(0.1), np.float32(0.2)])
def test_shares_of_float32(share, bootstrap):
    random = np.random.RandomState(0)
    X = random.standard_normal((30, 4)).round(1)
    y = (X[:, 0] + X[:, 1] > 0).astype(int)
    options = {"n_estimators": 20, "random_state": 7, "min_weight_fraction_leaf": share, "bootstrap": bootstrap}
    ours, theirs = (m.ensemble.RandomForestClassifier(**options).fit(X, y) for m in (fastml, sklearn))
    sizes = [[tree.tree_.node_count for tree in model.estimators_] for model in (ours, theirs)]
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize("name", ["DecisionTreeClassifier", "ExtraTreeRegressor"])
def test_the_classes_compared_are_two(name):
    assert getattr(fastml.tree, name) is not getattr(sklearn.tree, name)
    assert issubclass(getattr(fastml.tree, name), getattr(sklearn.tree, name))
