"""Least squares compared with scikit-learn's over generated cases."""

import warnings

import numpy as np
import sklearn.linear_model

import fastml
import fastml.linear_model
from tests.agreement import blocks

from .least_squares_cases import least_squares_case

BLOCK = 100
SHOWN = ("coef_", "intercept_", "rank_", "singular_", "n_iter_", "solver_", "n_features_in_")


def fitted(library, case, X, y):
    est = getattr(library, case.estimator)(**case.params)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of matrices that are nearly singular, where scikit-learn's code runs
        return est.fit(X, y, **case.given)


def condition(case):
    """Return the condition number of the samples, the columns less their means and scaled to the same length."""
    X = case.X.astype(np.float64)
    weight = case.given.get("sample_weight", np.ones(len(X)))
    if case.params["fit_intercept"]:
        X = X - np.average(X, axis=0, weights=weight)
    X = X * np.sqrt(weight)[:, np.newaxis]
    X /= np.linalg.norm(X, axis=0).clip(1e-300)
    s = np.linalg.svd(X, compute_uv=False)
    return s[0] / max(s[-1], 1e-16 * s[0], 1e-300)


def assert_same(case, ours, theirs, exact):
    """`exact`: a model of scikit-learn's in float64."""
    report = fastml.explain(ours)["fit"]
    assert sorted(vars(ours)) == sorted(vars(theirs))
    # Rounding is amplified by the condition number, times the rest that no weights explain by its square: in
    # scikit-learn's own results, too.
    allowed = 1e-11 + 1e-15 * condition(case) ** 2 if case.X.dtype == np.float64 else 2e-6
    for name in SHOWN:
        if not hasattr(theirs, name):
            continue
        one, other = getattr(ours, name), getattr(theirs, name)
        assert type(one) is type(other)
        if report.reason is not None or not isinstance(other, np.ndarray | np.floating):
            np.testing.assert_array_equal(one, other, err_msg=f"{case} {name}")
            continue
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        true = getattr(exact, name)
        scale = np.abs(true).max()
        if name == "intercept_":
            scale = max(scale, np.abs(exact.coef_).max() * np.abs(case.X).max(), np.abs(case.y).max())
        np.testing.assert_allclose(one, true, rtol=0, atol=allowed * scale, err_msg=f"{case} {name}")
    return report.reason is None


def judge(seed, **options):
    case = least_squares_case(seed)
    with fastml.config_context(**options):
        ours = fitted(fastml.linear_model, case, case.X, case.y)
    theirs = fitted(sklearn.linear_model, case, case.X, case.y)
    exact = theirs
    if case.X.dtype == np.float32:
        y = case.y.astype(np.float32).astype(np.float64)
        if "sample_weight" in case.given:
            case.given["sample_weight"] = case.given["sample_weight"].astype(np.float32).astype(np.float64)
        if "alpha" in case.params:
            case.params["alpha"] = np.asarray(case.params["alpha"], np.float32).astype(np.float64)
        exact = fitted(sklearn.linear_model, case, case.X.astype(np.float64), y)
    return assert_same(case, ours, theirs, exact)


@blocks(6, quick=1)
def test_same_models(block):
    n_covered = sum(judge(seed) for seed in range(block * BLOCK, (block + 1) * BLOCK))
    assert n_covered > 0.6 * BLOCK


def test_same_models_of_the_twin():
    assert sum(judge(seed, backend="numba") for seed in range(100)) > 60
