"""Tables of distances are those of exact arithmetic to 1e-12 and never farther from it than scikit-learn's."""

import numpy as np
import pytest
import sklearn
import sklearn.metrics
import sklearn.metrics.pairwise
from joblib import parallel_config

import fastml
import fastml.metrics
import fastml.metrics.pairwise
from fastml.metrics._names import NAMES
from tests.kernels.pairwise import naive

N_CASES = 1000
METRICS = tuple(NAMES)


def samples(random, n, d, kind, dtype):
    X = {
        "normal": lambda: random.randn(n, d),
        "lattice": lambda: random.randint(1, 4, (n, d)).astype(float),
        "duplicates": lambda: random.randn(3, d)[random.randint(3, size=n)],
        "clusters": lambda: random.randn(3, d)[random.randint(3, size=n)] + random.randn(n, d) * 1e-3,
        "far": lambda: random.randn(n, d) + (1e6 if dtype == "float64" else 100),
        "constant": lambda: np.full((n, d), 0.1),
    }[kind]()
    layout = (np.ascontiguousarray, np.asfortranarray, lambda X: np.repeat(X, 2, axis=0)[::2])[random.randint(3)]
    return layout(X.astype(dtype))


def pair(seed):
    """Return two arrays, the second may be None, a metric, and the number of jobs."""
    random = np.random.RandomState(seed)
    kind = ("normal", "lattice", "duplicates", "clusters", "far", "constant")[random.randint(6)]
    dtype, d = ("float64", "float32")[random.randint(2)], random.choice([1, 2, 3, 7, 8, 9, 20, 32])
    sizes = [random.choice([1, 2, 63, 64, 65, random.randint(3, 100)]) for _ in range(2)]
    X = samples(random, sizes[0], d, kind, dtype)
    Y = (None, X, samples(random, sizes[1], d, kind, dtype), X[:: random.choice([-1, 2])])[random.randint(4)]
    return X, Y, METRICS[seed % len(METRICS)], random.choice([None, 1, 2])


def assert_near(found, exact, theirs, metric, err_msg):
    """Compare with the exact distances to rounding, of the type and of unit vectors; and with how exact others are."""
    rtol, atol = (2e-7, 1e-7) if found.dtype == np.float32 else (1e-12, 2e-15)
    atol = atol if metric == "cosine" else 0
    np.testing.assert_allclose(found, exact, rtol=rtol, atol=atol, err_msg=err_msg)
    assert np.abs(found - exact).max() <= np.abs(theirs - exact).max() + rtol * np.abs(exact).max() + atol, err_msg


def test_tables():
    with fastml.config_context(strict=True):
        for seed in range(N_CASES):
            X, Y, metric, n_jobs = pair(seed)
            ours, theirs = (
                library.pairwise_distances(X, Y, metric, n_jobs=n_jobs) for library in (fastml.metrics, sklearn.metrics)
            )
            assert (ours.dtype, ours.shape, ours.flags.c_contiguous) == (theirs.dtype, theirs.shape, True), seed
            assert_near(ours, naive.distances(X, NAMES[metric], Y).astype(float), theirs, NAMES[metric], f"{seed}")
            if Y is None or Y is X:
                np.testing.assert_array_equal(ours, ours.T)
                assert not ours.diagonal().any(), seed


def test_functions_of_one_distance():
    with fastml.config_context(strict=True):
        for seed in range(200):
            X, Y, *_ = pair(seed)
            for name in ("manhattan", "cosine", "euclidean"):
                ours, theirs = (
                    getattr(library, f"{name}_distances")(X, Y)
                    for library in (fastml.metrics.pairwise, sklearn.metrics.pairwise)
                )
                assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
                np.testing.assert_array_equal(ours, fastml.metrics.pairwise_distances(X, Y, metric=name))
            squares, theirs = (
                library.euclidean_distances(X, Y, squared=True)
                for library in (fastml.metrics.pairwise, sklearn.metrics.pairwise)
            )
            exact = naive.distances(X, "sqeuclidean", Y).astype(float)
            assert squares.dtype == theirs.dtype
            assert_near(squares, exact, theirs, "sqeuclidean", f"{seed}")


@pytest.mark.parametrize("metric", ["euclidean", "l2", "sqeuclidean", "cityblock", "chebyshev"])
def test_nearest(metric):
    for seed in range(80):
        random = np.random.RandomState(seed)
        X, Y, *_ = pair(seed)
        Y = X[: 1 + len(X) // 2] if Y is None else Y
        if seed % 3 == 0:  # many: by the search of neighbours
            Y = samples(random, 70, X.shape[1], "duplicates", X.dtype)
        axis, squared = random.randint(2), metric == "euclidean" and random.rand() < 0.3
        options = {"metric": metric, "axis": axis, "metric_kwargs": {"squared": True} if squared else None}
        with fastml.config_context(strict=True):
            indices, found = fastml.metrics.pairwise_distances_argmin_min(X, Y, **options)
            np.testing.assert_array_equal(fastml.metrics.pairwise_distances_argmin(X, Y, **options), indices)
        theirs = sklearn.metrics.pairwise_distances_argmin_min(X, Y, **options)
        assert (indices.dtype, found.dtype, found.shape) == (theirs[0].dtype, theirs[1].dtype, theirs[1].shape), seed
        exact = naive.distances(X, "sqeuclidean" if squared else NAMES[metric], Y)
        exact = exact if axis else exact.T
        least = exact.min(axis=1)
        first = (exact <= least[:, None] * (1 + 1e-14)).argmax(axis=1)
        wide = found.dtype == np.float64
        np.testing.assert_allclose(found, least.astype(float), rtol=1e-12 if wide else 1e-6, err_msg=f"{seed}")
        if seed % 3:
            np.testing.assert_array_equal(indices, first, err_msg=f"{seed}")
        np.testing.assert_allclose(
            np.take_along_axis(exact, indices[:, None], axis=1)[:, 0].astype(float), least.astype(float), rtol=1e-14
        )


def test_jobs_of_a_context_narrow_float32():
    X = np.random.RandomState(0).rand(20, 3).astype(np.float32)
    for n_jobs in (1, 2):
        with parallel_config(n_jobs=n_jobs, backend="threading"):
            ours, theirs = (library.pairwise_distances(X, metric="l1") for library in (fastml.metrics, sklearn.metrics))
        assert ours.dtype == theirs.dtype == (np.float32 if n_jobs == 2 else np.float64)


def test_wide_samples_are_scikit_learns():
    X = np.random.RandomState(0).rand(200, 300)
    for name in ("euclidean_distances", "cosine_distances", "pairwise_distances"):
        ours, theirs = (getattr(library.pairwise, name) for library in (fastml.metrics, sklearn.metrics))
        np.testing.assert_array_equal(ours(X), theirs(X))
        assert "product of matrices" in fastml.explain(ours)[name].reason
    few = fastml.metrics.pairwise_distances_argmin
    np.testing.assert_array_equal(few(X, X[:20]), np.append(np.arange(20), few(X[20:], X[:20])))
    assert "as fast" in fastml.explain(few)["pairwise_distances_argmin"].reason


def test_values_that_are_not_finite_are_scikit_learns():
    X = np.random.RandomState(0).rand(10, 3)
    X[3, 1] = np.nan
    for options in ({"ensure_all_finite": False}, {"ensure_all_finite": "allow-nan"}):
        ours, theirs = (
            library.pairwise_distances(X, metric="chebyshev", **options)
            for library in (fastml.metrics, sklearn.metrics)
        )
        np.testing.assert_array_equal(ours, theirs)
    with sklearn.config_context(assume_finite=True):
        np.testing.assert_array_equal(
            fastml.metrics.pairwise.manhattan_distances(X), sklearn.metrics.pairwise.manhattan_distances(X)
        )
