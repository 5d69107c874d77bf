"""Searches by a metric of the user's: the kernel, its twin, and what is right."""

import numpy as np
import pytest

from tests.kernels.twins import twins

rng = np.random.RandomState(0)


def far(x, y, w):
    total = 0.0
    for j in range(len(x)):
        total += w * abs(x[j] - y[j])
    return total if total < 4 else np.inf


@pytest.mark.parametrize("load", twins("neighbors.callable"))
@pytest.mark.parametrize("dtypes", [(float, float), (np.float32, np.float32), (np.int64, float)])
def test_all_distances_and_the_nearest(load, dtypes):
    from fastml._kernels.neighbors import metric

    kernel = load()
    for n, d, k in [(1, 3, 1), (5, 3, 5), (300, 3, 7), (257, 70, 40)]:
        Q, X = rng.randint(0, 3, (20, d)).astype(dtypes[0]), (rng.rand(n, d) * 2).astype(dtypes[1])
        Q[0] = 0
        X[0], X[-1] = 0, X[0]
        narrow = Q.dtype == X.dtype == np.float32
        w = np.float32(1 / d) if narrow else 1 / d
        try:
            made = metric.compiled(far, {"w": w}, Q, X, narrow=narrow)
        except metric.Refused as reason:  # Numba adds up float32 in float64
            assert narrow, reason  # noqa: PT017
            continue
        right = np.array([[far(x, y, w) for y in X] for x in Q])
        out, open_ = np.empty(right.shape), np.zeros(len(Q), np.uint8)
        kernel.distances(made, Q, X, out, open_, 2)
        np.testing.assert_allclose(out, right, rtol=1e-6 if narrow else 0)
        np.testing.assert_array_equal(open_, ~np.isfinite(right).all(axis=1))
        distances, indices, open_ = np.empty((20, k)), np.empty((20, k), np.int64), np.zeros(20, np.uint8)
        kernel.nearest(made, Q, X, distances, indices, open_, 2)
        settled = np.flatnonzero(open_ == 0)
        ranked = np.argsort(right, axis=1, kind="stable")[:, :k]
        np.testing.assert_array_equal(indices[settled], ranked[settled])
        apart = (np.diff(np.sort(out, axis=1)[:, : k + 1]) > 0).all(axis=1)
        np.testing.assert_array_equal(open_ == 0, apart & np.isfinite(right).all(axis=1))


@pytest.mark.parametrize("load", twins("neighbors.callable"))
def test_doubt(load):
    """Distances of 1 and 1 + 1e-12 are settled if they are the function's own to the bit, and else open."""
    from fastml._kernels.neighbors import metric

    X = np.array([[0.0], [1.0], [-1.0 - 1e-12], [5.0]])
    made = metric.compiled(lambda x, y: abs(x[0] - y[0]), {}, X, X)
    for given, right in [(made, [0, 0]), (metric.doubted(made, np.array([1.0])), [1, 0])]:
        open_, indices = np.zeros(2, np.uint8), np.empty((2, 2), np.int64)
        load().nearest(given, np.array([[0.0], [5.0]]), X, None, indices, open_, 1)
        assert open_.tolist() == right
        assert indices.tolist() == [[0, 1], [3, 1]]
