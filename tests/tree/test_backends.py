"""The Numba twins give the same trees as scikit-learn, through the same estimators."""

import numpy as np
import pytest

import fastml
import fastml.ensemble
import fastml.tree

from .agreement import assert_same_models
from .boosting_cases import adaboost_case, boosting_case, isolation_case
from .cases import forest_case, tie_case, tree_case

pytestmark = pytest.mark.usefixtures("trees_are_ours")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("build", "count"),
    [
        (tree_case, 150),
        (tie_case, 60),
        (forest_case, 50),
        (adaboost_case, 10),
        (boosting_case, 20),
        (isolation_case, 10),
    ],
)
def test_numba_backend(build, count, record_parity):
    seeds = range(10_000, 10_000 + count)
    assert_same_models(build, seeds, record_parity, f"numba {build.__name__}", backend="numba")


@pytest.mark.parametrize("make", [fastml.tree.DecisionTreeClassifier, fastml.ensemble.RandomForestClassifier])
def test_numba_backend_is_what_runs(make):
    X = np.random.RandomState(0).randn(40, 3)
    with fastml.config_context(backend="numba"):
        est = make(random_state=0).fit(X, X[:, 0] > 0)
    assert fastml.explain(est)["fit"].backend == "numba"
