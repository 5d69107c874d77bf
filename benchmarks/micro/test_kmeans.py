"""The kernels of k-means on one thread: 20,000 samples of 32 features, 64 clusters."""

from typing import NamedTuple

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import make_blobs

from fastml._kernels._arrays import Csr
from fastml._kernels.kmeans.bounds import new_bounds
from fastml._kernels.kmeans.seeding import new_seeding

N_SAMPLES, N_FEATURES, N_CLUSTERS = 20_000, 32, 64


class Problem(NamedTuple):
    """Samples and, after one assignment, everything that the kernels of an iteration take."""

    X: object
    centers: np.ndarray
    norms: np.ndarray
    labels: np.ndarray

    @classmethod
    def of(cls, X, lloyd):
        centers = X[:: N_SAMPLES // N_CLUSTERS][:N_CLUSTERS]
        if sparse.issparse(X):
            X, centers = Csr(X.data, X.indices, X.indptr), centers.toarray()
        centers = np.ascontiguousarray(centers)
        norms, labels = np.einsum("ij,ij->i", centers, centers), np.full(N_SAMPLES, -1, np.int32)
        lloyd.assign(X, centers, norms, labels, None, None, None, 1)
        return cls(X, centers, norms, labels)

    def sums(self):
        return np.zeros_like(self.centers), np.zeros_like(self.norms)


@pytest.fixture
def blobs(dtype):
    X, _ = make_blobs(N_SAMPLES, N_FEATURES, centers=N_CLUSTERS, cluster_std=3, random_state=0)
    return X.astype(dtype)


@pytest.fixture(params=["lloyd", "lloyd_csr"])
def iteration(request, kernel, blobs):
    """A kernel of Lloyd's iteration and its problem; the sparse one has a quarter of the entries."""
    lloyd = kernel(f"kmeans.{request.param}")
    return lloyd, Problem.of(blobs if request.param == "lloyd" else thinned(blobs), lloyd)


def thinned(X):
    return sparse.csr_matrix(np.where(np.random.default_rng(0).random(X.shape) < 0.25, X, 0).astype(X.dtype))


def test_assign(benchmark, iteration):
    lloyd, (X, centers, norms, labels) = iteration
    n_changed, _ = benchmark(lloyd.assign, X, centers, norms, labels, None, None, None, 1)
    assert n_changed == 0


def test_add_up(benchmark, iteration):
    lloyd, problem = iteration
    sums, totals = problem.sums()
    benchmark(lloyd.add_up, problem.X, None, problem.labels, None, sums, totals, 1)
    assert totals.sum() == N_SAMPLES


def test_inertia(benchmark, iteration):
    lloyd, (X, centers, _, labels) = iteration
    assert benchmark(lloyd.inertia, X, None, centers, labels, 1) > 0


def test_average(benchmark, kernel, blobs):
    lloyd = kernel("kmeans.lloyd")
    problem = Problem.of(blobs, lloyd)
    sums, totals = problem.sums()
    lloyd.add_up(problem.X, None, problem.labels, None, sums, totals, 1)
    centers, shift = np.empty_like(sums), np.empty_like(totals)
    benchmark(lloyd.average, sums, totals, problem.centers, centers, shift)
    assert (shift > 0).all()


def test_assign_with_bounds(benchmark, blobs):
    """An iteration after all centres have moved by a thousandth: the bounds settle nearly every sample."""
    lloyd = pytest.importorskip("fastml._kernels.kmeans.lloyd", exc_type=ImportError)  # its twin keeps no bounds
    X, centers, norms, labels = Problem.of(blobs, lloyd)
    unknown = new_bounds(N_SAMPLES, N_CLUSTERS)
    lloyd.assign(X, centers, norms, labels, None, unknown, None, 1)
    moved = centers * X.dtype.type(1.001)
    norms, shift = np.einsum("ij,ij->i", moved, moved), np.linalg.norm(moved - centers, axis=1)
    bounds = lloyd.follow(moved, norms, shift, unknown, True, 0, 1)

    def fresh():
        fresh_bounds = bounds._replace(upper=bounds.upper.copy(), lower=bounds.lower.copy())
        return (X, moved, norms, labels.copy(), None, fresh_bounds, None, 1), {}

    _, n_evaluated = benchmark.pedantic(lloyd.assign, setup=fresh, rounds=20)
    assert n_evaluated < N_SAMPLES / 2


@pytest.mark.parametrize("form", ["minibatch", "minibatch_csr"])
def test_minibatch_update(benchmark, kernel, blobs, form):
    minibatch = kernel(f"kmeans.{form}")
    X, centers, _, labels = Problem.of(blobs if form == "minibatch" else thinned(blobs), minibatch)
    seen = np.ones(N_CLUSTERS, blobs.dtype)
    benchmark(minibatch.update, X, None, labels, centers.copy(), np.empty_like(centers), seen)
    assert seen.sum() > N_SAMPLES


def test_center(benchmark, kernel, blobs):
    moments = kernel("kmeans.moments")
    means, out, squares = blobs.mean(axis=0), np.empty_like(blobs), np.zeros(N_FEATURES, blobs.dtype)
    benchmark(moments.subtract_columns, blobs, means, out, squares, 1)
    assert abs(out.mean()) < 1e-3


@pytest.fixture
def half_way(kernel, blobs):
    """k-means++ when half of the centres are chosen: kernel, norms, samples in float64, state."""
    plusplus = kernel("kmeans.plusplus")
    norms, seeding = np.einsum("ij,ij->i", blobs, blobs, dtype=np.float64), new_seeding(N_SAMPLES)
    rows = np.ascontiguousarray(blobs, dtype=np.float64)
    for number in range(N_CLUSTERS // 2):
        row = slice(number, number + 1)
        if number:
            plusplus.evaluate(blobs, norms, None, rows[row], norms[row], 0, seeding, 1)
        plusplus.commit(blobs, norms, None, rows[row], norms[row], int(number > 0), seeding, 1)
    return plusplus, norms, rows, seeding


def test_plusplus_evaluate(benchmark, blobs, half_way):
    """The candidates of one step, in float64."""
    plusplus, norms, rows, seeding = half_way
    drawn = slice(N_CLUSTERS, N_CLUSTERS + 6)
    gains, n_opened = benchmark(plusplus.evaluate, blobs, norms, None, rows[drawn], norms[drawn], 0, seeding, 1)
    assert min(gains) >= 0
    assert n_opened == N_SAMPLES


def test_plusplus_estimate(benchmark, blobs, half_way):
    """The same in float32."""
    plusplus, _, _, seeding = half_way
    floats = plusplus.narrow(blobs, 1)
    if floats is None:
        pytest.skip("the twin estimates nothing")
    drawn = np.arange(N_CLUSTERS, N_CLUSTERS + 6)
    gains, excess = benchmark(plusplus.estimate, floats, None, drawn, 0.0, seeding.closest, None, seeding.nearer, 1)
    assert min(gains) > excess


def test_plusplus_narrow(benchmark, kernel, blobs):
    floats = benchmark(kernel("kmeans.plusplus").narrow, blobs, 1)
    assert floats is None or (floats.norms > 0).all()
