"""Boosting, isolation forests and embeddings are scikit-learn's, up to shown ties."""

import numpy as np
import pytest
import sklearn.ensemble

import fastml.ensemble

from .agreement import ROUNDING, assert_same_models, differences, observe
from .boosting_cases import adaboost_case, boosting_case, embedding_case, isolation_case, whole_boosting_case

pytestmark = pytest.mark.usefixtures("trees_are_ours")

AGREE = 0.95  # of gradient boosting's cases have the same training scores, stage by stage

CASES = {adaboost_case: 150, boosting_case: 200, isolation_case: 80, embedding_case: 50}
MORE = {adaboost_case: 250, boosting_case: 800, isolation_case: 120, embedding_case: 100}


def judged(build, seeds, record_parity):
    verdicts = assert_same_models(build, seeds, record_parity, build.__name__)
    if build is boosting_case:
        assert sum(verdict.scores_agree for verdict in verdicts) >= AGREE * len(verdicts)
        assert not any(verdict.tie for verdict in verdicts if is_whole(verdict.case))
    elif build is not adaboost_case:  # one candidate a split: no ties
        assert not any(verdict.tie for verdict in verdicts)


def is_whole(case):
    """Tell whether targets and weights are whole numbers, and the loss one of those that add and subtract them."""
    numbers = [case.y] if case.sample_weight is None else [case.y, case.sample_weight]
    return case.params["loss"] in ("squared_error", "absolute_error") and all(
        np.array_equal(part, np.rint(np.asarray(part, dtype=float))) for part in numbers
    )


@pytest.mark.parametrize("build", CASES)
def test_generated_cases(build, record_parity):
    judged(build, range(CASES[build]), record_parity)


@pytest.mark.parametrize("scale", [10**4, 10**7, 2**30])
def test_large_whole_weights(scale):
    for seed in range(8):
        random = np.random.RandomState(seed)
        X = random.standard_normal((200, 4)).round(1)
        X[:, 3] = -X[:, 0]  # each split of the one is as good as one of the other
        y, weights = np.round(3 * X[:, 0] + random.standard_normal(200)), random.randint(scale, 2 * scale, 200)
        ours, theirs = (
            module.GradientBoostingRegressor(n_estimators=10, random_state=0).fit(X, y, weights)
            for module in (fastml.ensemble, sklearn.ensemble)
        )
        for one, other in zip(ours.estimators_.ravel(), theirs.estimators_.ravel(), strict=True):
            np.testing.assert_array_equal(one.tree_.feature, other.tree_.feature)
            np.testing.assert_array_equal(one.tree_.threshold, other.tree_.threshold)


@pytest.mark.slow
@pytest.mark.parametrize("build", MORE)
def test_more_generated_cases(build, record_parity):
    judged(build, range(CASES[build], CASES[build] + MORE[build]), record_parity)


def assert_equal_splits(seeds):
    """Assert that models of whole targets have scikit-learn's splits, and predictions but for rounding."""
    for seed in seeds:
        case = whole_boosting_case(seed)
        with fastml.config_context(strict=True):
            ours = observe(fastml, case)
        theirs = observe(sklearn, whole_boosting_case(seed))
        assert not differences(ours, theirs, ROUNDING), str(case)
        for mine, yours in zip(ours.get("trees", []), theirs.get("trees", []), strict=True):
            for name in ("left_child", "right_child", "feature", "threshold"):
                np.testing.assert_array_equal(mine["nodes"][name], yours["nodes"][name], f"{case}: {name}")


def test_whole_targets_leave_nothing_to_rounding():
    assert_equal_splits(range(300))


@pytest.mark.slow
def test_more_whole_targets_leave_nothing_to_rounding():
    assert_equal_splits(range(300, 1000))


@pytest.mark.parametrize("n", [1000, 6000])
def test_large_nodes_with_twin_columns_have_the_same_splits(n):
    r = np.random.RandomState(n)
    bits, grid = r.randint(0, 2, (n, 3)), r.randint(0, 40, (n, 2))
    X = np.hstack([bits, 1 - bits, grid, grid**2, r.randn(n, 2)])
    y = np.rint(3 * X[:, 0] + X[:, 6] / 9 + r.randn(n))
    params = {"n_estimators": 40, "random_state": 0, "subsample": 0.7 if n > 1000 else 1.0}
    mine = fastml.ensemble.GradientBoostingRegressor(**params).fit(X, y)
    yours = sklearn.ensemble.GradientBoostingRegressor(**params).fit(X, y)
    for a, b in zip(mine.estimators_[:, 0], yours.estimators_[:, 0], strict=True):
        np.testing.assert_array_equal(a.tree_.feature, b.tree_.feature)
    np.testing.assert_allclose(mine.predict(X), yours.predict(X), rtol=1e-12)


def test_a_warm_start_goes_on_from_the_bits():
    r = np.random.RandomState(3)
    X = np.repeat(r.randn(300, 3), 2, axis=1)
    X[:, 1] *= -1
    y = np.rint(4 * X[:, 0] + 3 * r.randn(300))
    params = {"random_state": 0, "warm_start": True}
    models = [library.ensemble.GradientBoostingRegressor(**params) for library in (fastml, sklearn)]
    for n_estimators in (7, 30, 60):
        for model in models:
            model.set_params(n_estimators=n_estimators).fit(X, y)
    for a, b in zip(models[0].estimators_[:, 0], models[1].estimators_[:, 0], strict=True):
        np.testing.assert_array_equal(a.tree_.value, b.tree_.value)
