"""Single trees on several threads against scikit-learn's own, where sums are exact: the same trees, whatever ties."""

import numpy as np
import pytest
import sklearn.tree

import fastml
import fastml.tree

pytestmark = pytest.mark.usefixtures("trees_are_ours")


@pytest.mark.parametrize("seed", range(24))
@pytest.mark.parametrize("n_threads", [2, 3])
def test_whole_targets(seed, n_threads):
    r = np.random.RandomState(seed)
    n, d = int(r.choice([1500, 4000])), int(r.randint(12, 20))
    X = r.normal(size=(n, d))
    if seed % 2:
        X = X.round(seed % 3)
    if seed % 3 == 0:
        X[:, d // 2 :] = -X[:, : d - d // 2]  # the same splits, the sides changed
    if seed % 4 == 1:
        X[r.rand(n, d) < 0.05] = np.nan
    y = r.randint(0, [2, 5, 1000][seed % 3], n)
    name = ["DecisionTreeRegressor", "DecisionTreeClassifier"][seed % 2 if seed % 3 < 2 else 0]
    params = {"random_state": seed, "ccp_alpha": [0.0, 0.001][seed % 5 == 4], "max_depth": [None, 9][seed % 7 == 6]}
    weights = r.randint(0, 3, n) if seed % 4 == 2 else None
    theirs = getattr(sklearn.tree, name)(**params).fit(X, y, weights).tree_.__getstate__()
    with fastml.config_context(n_threads=n_threads):
        ours = getattr(fastml.tree, name)(**params).fit(X, y, weights).tree_.__getstate__()
    np.testing.assert_array_equal(ours["nodes"], theirs["nodes"])
    np.testing.assert_array_equal(ours["values"], theirs["values"])
    assert ours["max_depth"] == theirs["max_depth"]
