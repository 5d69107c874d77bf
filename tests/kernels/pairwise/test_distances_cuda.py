"""Distances of all samples from all others on a GPU: the bits of the definition, and what the kernel compiles into."""

from collections import namedtuple

import numpy as np
import pytest

from fastml._kernels.neighbors.trees import CHEBYSHEV, EUCLIDEAN, MANHATTAN
from tests.kernels.neighbors import naive
from tests.kernels.ptx import by_capability, compiled, count

Points = namedtuple("Points", "X scale")
Metric = namedtuple("Metric", "added root factor most")

METRICS = {
    "euclidean": Metric(EUCLIDEAN, True, 1.0, np.inf),
    "sqeuclidean": Metric(EUCLIDEAN, False, 1.0, np.inf),
    "manhattan": Metric(MANHATTAN, False, 1.0, np.inf),
    "chebyshev": Metric(CHEBYSHEV, False, 1.0, np.inf),
    "cosine": Metric(EUCLIDEAN, False, 0.5, 2.0),
}


@pytest.fixture
def kernel():
    from numba import cuda

    if not cuda.is_available():
        pytest.skip("neither NUMBA_ENABLE_CUDASIM=1 nor a GPU")
    from fastml._kernels.pairwise import distances_cuda

    return distances_cuda


def points(n, d, dtype, scaled, seed):
    random = np.random.RandomState([seed, n, d])
    return Points((random.randn(n, d) + 100).astype(dtype), random.rand(n) if scaled else np.empty(0))


def counted(points):
    """Return the samples as they count."""
    X = points.X.astype(float)
    return X * points.scale[:, None] if len(points.scale) else X


def right(x, y, metric, dtype):
    reduced = naive.reduced_distances(counted(x), counted(y), metric.added)
    return np.minimum(np.sqrt(reduced) if metric.root else reduced * metric.factor, metric.most).astype(dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", METRICS)
def test_distances(kernel, name, dtype):
    for n_x, n_y, d, scaled in ((1, 1, 1, False), (9, 17, 3, False), (8, 5, 4, True)):
        x, y = points(n_x, d, dtype, scaled, 0), points(n_y, d, dtype, scaled, 1)
        out = np.full((n_x, n_y), np.nan, dtype)
        kernel.distances(x, y, METRICS[name], out, 1)
        np.testing.assert_array_equal(out, right(x, y, METRICS[name], dtype))


def test_samples_from_themselves(kernel):
    x, out = points(10, 3, "float64", False, 0), np.empty((10, 10))
    kernel.distances(x, x, METRICS["euclidean"], out, 1)
    np.testing.assert_array_equal(out, out.T)
    assert not out.diagonal().any()


def test_what_does_not_lie_on_the_device_at_once(kernel, monkeypatch):
    monkeypatch.setattr(kernel, "MEMORY", 1)
    x, y, out = points(19, 2, "float64", True, 0), points(3, 2, "float64", True, 1), np.empty((19, 3))
    kernel.distances(x, y, METRICS["euclidean"], out, 1)
    np.testing.assert_array_equal(out, right(x, y, METRICS["euclidean"], "float64"))


@pytest.mark.parametrize("kind", ["f32", "f64"])
@by_capability
def test_ptx(cc, kind):
    signature = (
        '{"fill": (T[:, ::1], float64[::1], T[:, ::1], float64[::1], int64, boolean, float64, float64, T[:, ::1])}'
    )
    text = compiled("pairwise.distances_cuda", signature, cc, kind)["fill"]
    assert ".visible .entry" in text
    assert not count(r"\b(?:ld|st)\.local|\bfma\.|\bmul\.f", text)
