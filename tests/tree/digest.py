"""Digests of models: ``python -m tests.tree.digest`` prints one line of JSON, to be compared between processes."""

import json

import numpy as np

import fastml
import fastml.ensemble
import fastml.tree
from tests.levels import digest

from .agreement import observe
from .boosting_cases import adaboost_case, boosting_case, isolation_case
from .cases import Case, forest_case, tie_case, tree_case

N_CASES = {tree_case: 60, tie_case: 40, forest_case: 15, adaboost_case: 6, boosting_case: 10, isolation_case: 6}
SMALL = [(build, seed) for build, count in N_CASES.items() for seed in range(7000, 7000 + count)]

# Large enough that several threads share the work within a tree: module, name, shape, what the samples are like.
LARGE = (
    "tree DecisionTreeClassifier 12000x8 normal gini",
    "tree DecisionTreeClassifier 20000x6 grid entropy",
    "tree DecisionTreeClassifier 12000x8 missing gini",
    "tree DecisionTreeRegressor 12000x8 normal squared_error",
    "tree DecisionTreeRegressor 12000x8 missing squared_error",
    "tree DecisionTreeRegressor 6000x6 normal poisson",
    "tree DecisionTreeRegressor 1500x4 grid absolute_error",
    "tree ExtraTreeClassifier 12000x8 normal gini",
    "tree ExtraTreeRegressor 12000x8 grid squared_error",
    "ensemble RandomForestClassifier 4000x8 normal gini",
    "ensemble RandomForestRegressor 4000x8 normal squared_error",
    "ensemble ExtraTreesClassifier 4000x8 grid gini",
    "ensemble ExtraTreesClassifier 300x40 zeros gini",
    "ensemble GradientBoostingRegressor 8000x6 normal squared_error",
    "ensemble IsolationForest 4000x8 normal none",
)


def large_case(name):
    """Return the case in the words of its name."""
    module, estimator, shape, kind, criterion = name.split()
    n, d = map(int, shape.split("x"))
    rng = np.random.RandomState(n + d)
    X = rng.randint(0, 50, (n, d)).astype(float) if kind == "grid" else rng.randn(n, d)
    y = X[:, 0] * X[:, 1] + rng.randn(n)
    if estimator.endswith("Classifier"):
        y = np.digitize(y, np.quantile(y, [0.3, 0.5, 0.9]))
    elif criterion == "poisson":
        y = np.abs(y)
    if kind == "zeros":  # of both signs, and else nothing but missing values
        X = np.where(X < 0, -0.0, 0.0)
    if kind in ("missing", "zeros"):
        X[rng.uniform(size=(n, d)) < 0.05] = np.nan
    params = {"random_state": 1} | ({} if module == "tree" else {"n_estimators": 6})
    if criterion != "none" and "Boosting" not in estimator:
        params["criterion"] = criterion
    return Case(0, (name,), module, estimator, params, X.astype(np.float32), y, None, X[::3], exact=False)


def observed(case):
    with fastml.config_context(strict="Boost" not in case.name):
        return observe(fastml, case)


def small_digests():
    return {f"{build.__name__}({seed})": digest(observed(build(seed))) for build, seed in SMALL}


def digests():
    return small_digests() | {name: digest(observed(large_case(name))) for name in LARGE}


def main():
    with fastml.config_context(n_threads=2):
        print(json.dumps(digests()))


if __name__ == "__main__":
    main()
