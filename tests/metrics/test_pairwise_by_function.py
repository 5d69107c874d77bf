"""Functions as metrics, of tables of distances and of silhouettes."""

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.metrics

import fastml
import fastml.metrics
from tests.outcomes import assert_same_outcome, plain_names

random = np.random.RandomState(0)
X = random.randn(110, 3)
Y = random.randn(100, 3)
LABELS = np.arange(110) % 4


def longest_step(x, y):
    return np.max(np.abs(x - y))


def weighted(x, y, w):
    total = 0.0
    for j in range(len(x)):
        total += w[j] * abs(x[j] - y[j])
    return total


def one_sided(x, y):
    return np.maximum(x - y, 0.0).max()


def never_zero(x, y):
    return 1.0 + abs(x[0] - y[0])


def raising(x, y):
    raise RuntimeError("no distance today")


def both(call):
    return tuple(call(library) for library in (fastml.metrics, sklearn.metrics))


@pytest.mark.parametrize(
    ("metric", "params", "dtype"),
    [  # Numba adds up the others in float64 where samples are float32
        (longest_step, {}, np.float64),
        (longest_step, {}, np.float32),
        (never_zero, {}, np.float64),
        (weighted, {"w": np.ones(3)}, np.float64),
    ],
)
def test_tables(metric, params, dtype):
    for options in ({}, {"n_jobs": 2}):
        for pair in ((X.astype(dtype),), (X.astype(dtype), Y.astype(dtype)), (np.asfortranarray(X.astype(dtype)),)):
            with fastml.config_context(strict=True):
                ours = fastml.metrics.pairwise_distances(*pair, metric=metric, **params, **options)
            theirs = sklearn.metrics.pairwise_distances(*pair, metric=metric, **params, **options)
            assert ours.dtype == theirs.dtype
            np.testing.assert_allclose(ours, theirs, rtol=1e-12 if dtype == np.float64 else 1e-6)
    assert plain_names(fastml.explain(fastml.metrics.pairwise_distances)["pairwise_distances"]) == (
        "neighbors.callable",
    )


def test_functions_that_are_not_symmetric():
    ours, theirs = both(lambda library: library.pairwise_distances(X, metric=one_sided))
    np.testing.assert_array_equal(ours, theirs)
    assert "not symmetric" in fastml.explain(fastml.metrics.pairwise_distances)["pairwise_distances"].reason
    with fastml.config_context(strict=True):
        ours, theirs = both(lambda library: library.pairwise_distances(X, Y, metric=one_sided))
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_silhouettes(dtype):
    samples = X.astype(dtype)
    for labels in (LABELS, np.minimum(np.arange(110), 1), np.array(["b", "a"])[LABELS % 2]):
        with fastml.config_context(strict=True):
            ours = fastml.metrics.silhouette_samples(samples, labels, metric=longest_step)
        theirs = sklearn.metrics.silhouette_samples(samples, labels, metric=longest_step)
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12 if dtype == np.float64 else 1e-5)
    states = np.random.RandomState(3), np.random.RandomState(3)
    ours, theirs = (
        library.silhouette_score(samples, LABELS, metric=longest_step, sample_size=105, random_state=state, n_jobs=2)
        for library, state in zip((fastml.metrics, sklearn.metrics), states, strict=True)
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-12 if dtype == np.float64 else 1e-5)
    assert states[0].randint(10**9) == states[1].randint(10**9)


def test_what_is_scikit_learns():
    integers = (X * 10).astype(int)
    for pair in ((X[:20],), (integers,), (sp.csr_matrix(X),), (X, Y.astype(np.float32)), (X[:, 0],), ([[1, "a"]],),
                 (X, Y[:, :2]), (np.full((110, 2), np.nan),), (None,)):  # fmt: skip
        for metric in (longest_step, raising):
            assert_same_outcome(
                lambda library, left, pair=pair, metric=metric: library.pairwise_distances(*pair, metric=metric),
                fastml.metrics,
                sklearn.metrics,
            )
    for kwds in ({}, {"working_memory": 1}, {"n_jobs": 0}, {"unknown": 1}, {"w": np.ones(3)}):
        for samples in (X, integers, X[:9]):
            for metric in (longest_step, weighted, raising):
                assert_same_outcome(
                    lambda library, left, X=samples, metric=metric, kwds=kwds: library.silhouette_samples(
                        X, LABELS[: len(X)], metric=metric, **kwds
                    ),
                    fastml.metrics,
                    sklearn.metrics,
                )
