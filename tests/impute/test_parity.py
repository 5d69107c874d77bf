"""Imputed values are scikit-learn's: the same donors, ties included, and their mean to rounding."""

import numpy as np
import pytest
import sklearn
import sklearn.impute
from sklearn.metrics.pairwise import nan_euclidean_distances

import fastml
import fastml.impute
from tests.outcomes import plain_names

from .agreement import assert_same_values
from .cases import imputer_case

BLOCK = 160


@pytest.mark.parametrize("block", range(4))
def test_generated_cases(block, record_parity):
    assert_same_values(imputer_case, range(block * BLOCK, (block + 1) * BLOCK), record_parity, "imputer")


@pytest.mark.slow
def test_numba_backend(record_parity):
    assert_same_values(imputer_case, range(5000, 5080), record_parity, "numba imputer", backend="numba")


def gappy(seed, n, d, share=0.1):
    rng = np.random.RandomState(seed)
    X = rng.randn(n, d)
    X[rng.uniform(size=X.shape) < share] = np.nan
    return X


def reason(est):
    return fastml.explain(est)["transform"].reason


def test_kernels_run():
    X = gappy(0, 200, 5)
    est = fastml.impute.KNNImputer()
    est.fit_transform(X)
    assert plain_names(fastml.explain(est)["transform"]) == ("neighbors.donors",)
    assert reason(est) is None
    with fastml.config_context(backend="numba"):
        est.transform(X[:3])
    assert fastml.explain(est)["transform"].backend == "numba"


@pytest.mark.parametrize("part", ["metric is a function", "squares of X overflow", "shares memory", "two types"])
def test_fallbacks(part):
    """scikit-learn's own code runs, with the reason."""
    X, params = gappy(1, 40, 4), {}
    others = X.copy()
    if part == "metric is a function":
        params["metric"] = lambda x, y, missing_values: np.nansum(np.abs(x - y))
    if part == "squares of X overflow":
        X *= 1e155
        others *= 1e155
    if part == "shares memory":
        params["copy"], others = False, X
    if part == "two types":
        params["missing_values"] = -1
        X[np.isnan(X)], others = -1, np.nan_to_num(others, nan=-1).astype("float32")
    with sklearn.config_context(working_memory=40 * 8 * 7 / 2**20), np.errstate(all="ignore"):
        found = {}
        for library in (fastml, sklearn):
            fit_to = X.copy()
            est = library.impute.KNNImputer(**params).fit(fit_to)
            found[library] = est.transform(fit_to if others is X else others.copy())
            if library is fastml:
                assert part in reason(est)
    np.testing.assert_array_equal(found[fastml], found[sklearn])


@pytest.mark.parametrize("rows", [1, 2, 7, 39])
def test_chunks(rows):
    """scikit-learn computes so many rows of distances at a time, of the last chunk fewer."""
    rng = np.random.RandomState(rows)
    X = rng.randint(0, 20, (80, 5)) * 0.1
    X[rng.uniform(size=X.shape) < 0.2] = np.nan
    for weights in ("uniform", "distance"):
        with sklearn.config_context(working_memory=80 * 8 * rows / 2**20):
            ours, theirs = (lib.impute.KNNImputer(weights=weights).fit_transform(X) for lib in (fastml, sklearn))
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize("offset", [0, 1e3])
def test_donors_are_the_nearest(offset):
    """Against distances by differences, where they tell all donors apart."""
    X = gappy(3, 300, 6) + offset
    apart = X[:, None] - X[None]
    with np.errstate(invalid="ignore"):
        exact = np.sqrt(np.nansum(apart**2, axis=2) * 6 / (~np.isnan(apart)).sum(axis=2))
    np.testing.assert_allclose(nan_euclidean_distances(X), exact, atol=1e-5)
    filled = fastml.impute.KNNImputer(n_neighbors=4).fit_transform(X)
    for i, column in np.argwhere(np.isnan(X)):
        donors = np.flatnonzero(~np.isnan(X[:, column]))
        nearest = donors[np.argsort(exact[i, donors])[:4]]
        assert filled[i, column] == pytest.approx(X[nearest, column].mean(), rel=1e-12)
