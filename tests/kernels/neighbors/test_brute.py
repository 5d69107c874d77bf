"""Brute force: the answer of the definition, to the bit, whatever floats can tell apart."""

import numpy as np
import pytest

from fastml._kernels.neighbors import ballot as ballots
from fastml._kernels.neighbors import rows
from fastml._kernels.neighbors.trees import EUCLIDEAN, Rows
from tests.kernels.neighbors import naive
from tests.kernels.twins import SIMULATED, twins

DTYPES = ("float64", "float32")
# The blocks of the simulator's kernel are of 8.
N_SAMPLES = (1, 17) if SIMULATED else (1, 2, 17, 63, 64, 65, 129, 300)
N_FEATURES = (3,) if SIMULATED else (1, 20)
MANY_FEATURES = (1, 11) if SIMULATED else (2, 4, 63, 130)
MANY, SOME = (30, 6) if SIMULATED else (300, 20)  # samples, queries


@pytest.fixture(params=twins("neighbors.brute"), scope="module")
def kernel(request):
    return request.param()


@pytest.fixture(params=DTYPES)
def dtype(request):
    return request.param


def samples(kind, n, d, dtype, seed=0):
    random = np.random.RandomState([seed, n, d])
    X = {
        "normal": lambda: random.randn(n, d),
        "lattice": lambda: random.randint(0, 3, (n, d)),
        "equal": lambda: np.full((n, d), 0.1),
        "far": lambda: random.randn(n, d) + (1e6 if dtype == "float64" else 100),
        "outlier": lambda: random.randn(n, d) * np.where(np.arange(n) == n // 2, 1e6, 1)[:, None],
        "huge": lambda: random.randn(n, d) * 1e30,
        "tiny": lambda: random.randn(n, d) * 1e-30,
        "mixed": lambda: random.randn(n, d) * 10.0 ** random.randint(-15, 16, (n, 1)),
    }[kind]()
    return np.ascontiguousarray(X, dtype)


KINDS = ("normal", "lattice", "equal", "far", "outlier", "huge", "tiny", "mixed")


def nearest(kernel, X, Q, k, selves=False, direct=False, n_threads=1):
    prepared = rows.unprepared(X) if direct else rows.allocate(X, kernel.BLOCK)
    kernel.narrow(prepared, n_threads)
    distances, indices = np.empty((len(Q), k)), np.empty((len(Q), k), np.int64)
    kernel.nearest(prepared, Q.astype(float), selves, distances, indices, n_threads)
    return distances, indices


def assert_nearest(kernel, X, Q, k, selves=False, direct=False):
    found = nearest(kernel, X, Q, k, selves, direct)
    for ours, right in zip(found, naive.nearest(X.astype(float), Q.astype(float), k, EUCLIDEAN, selves), strict=True):
        np.testing.assert_array_equal(ours, right)


def test_by_hand(kernel, dtype):
    X = np.array([[0, 0], [3, 4], [6, 8], [0, 1]], dtype)
    distances, indices = nearest(kernel, X, np.zeros((1, 2)), 4)
    assert distances.tolist() == [[0, 1, 5, 10]]
    assert indices.tolist() == [[0, 3, 1, 2]]


@pytest.mark.parametrize("direct", [False, True], ids=["blocks", "direct"])
@pytest.mark.parametrize("kind", KINDS)
def test_nearest(kernel, kind, dtype, direct):
    if SIMULATED and direct and kind != "far":
        pytest.skip("the same on a GPU, but for the origin")
    for n in N_SAMPLES:
        for d in N_FEATURES:
            X = samples(kind, n, d, dtype)
            asked = np.concatenate([X[: n // 2 + 1], samples(kind, SOME, d, dtype, seed=1)])
            for k in {min(n, 7)} if SIMULATED else {1, min(n, 7), min(n, 40)}:
                assert_nearest(kernel, X, asked, k, direct=direct)
            if n > 1:
                assert_nearest(kernel, X, X, min(n - 1, 9), selves=True, direct=direct)


def test_nearest_of_every_number(kernel):
    n = 20 if SIMULATED else 150
    X = samples("lattice", n, 3, "float64")
    for k in (1, 2, 3, 8, 20) if SIMULATED else (*range(1, 36), 63, 64, 65, 149, 150):
        assert_nearest(kernel, X, X[:SOME], k)
    assert_nearest(kernel, X, X, n - 1, selves=True)


def test_each_nearer_than_the_last(kernel, dtype):
    """Whatever a kernel keeps waiting, all samples pass."""
    n = 150 if SIMULATED else 3000
    X = np.arange(n, 0, -1, dtype=dtype)[:, None]
    assert_nearest(kernel, X, np.array([[0.0], [n / 2], [n]]), 4)


def test_few_or_many_queries(kernel):
    """Few share out the samples among the blocks of a GPU, many take several launches."""
    n = 25 if SIMULATED else 3000
    X = samples("lattice", n, 2, "float64")
    for n_queries in (1, 17) if SIMULATED else (1, 3, 400, 3000):
        assert_nearest(kernel, X, X[-n_queries:], 3)
    if SIMULATED:
        assert_nearest(kernel, X, X, 3, selves=True)


@pytest.mark.parametrize("d", MANY_FEATURES)
def test_many_features(kernel, dtype, d):
    assert_nearest(kernel, samples("normal", MANY, d, dtype), samples("normal", SOME, d, dtype, seed=1), 5)


def test_queries_elsewhere(kernel, dtype):
    """Far from all samples, where floats tell nothing apart, and beyond their range."""
    X = samples("normal", MANY, 5, dtype)
    for scale in (1e3, 1e7, 1e18, 1e30):
        assert_nearest(kernel, X, samples("normal", SOME, 5, "float64", seed=1) * scale, 6)


def test_nan_harms_nothing(kernel, dtype):
    X = samples("normal", MANY, 4, dtype)
    X[::3] = np.nan
    for direct in (False,) if SIMULATED else (False, True):
        for k in (5,) if SIMULATED else (5, 50):
            distances, indices = nearest(kernel, X, X, k, direct=direct)
            assert ((indices >= 0) & (indices < MANY)).all()
            assert (distances[::3] == np.inf).all()


def test_without_distances(kernel):
    X = samples("normal", MANY, 3, "float64")
    prepared, indices = rows.allocate(X, kernel.BLOCK), np.empty((MANY, 5), np.int64)
    kernel.narrow(prepared, 1)
    kernel.nearest(prepared, X, False, None, indices, 1)
    np.testing.assert_array_equal(indices, naive.nearest(X, X, 5, EUCLIDEAN)[1])


@pytest.mark.parametrize("k", [5, 40, 3000])
def test_threads_change_no_bit(kernel, k):
    if SIMULATED:
        pytest.skip("threads are the CPU's")
    X, asked = samples("normal", 3000, 8, "float64"), samples("normal", 300, 8, "float64", seed=1)
    right = nearest(kernel, X, asked, k)
    for n_threads in (2, 3, 8):
        for ours, first in zip(nearest(kernel, X, asked, k, n_threads=n_threads), right, strict=True):
            np.testing.assert_array_equal(ours, first)


MEASURES = (rows.DISTANCE, rows.SQUARE, rows.COSINE, rows.MANHATTAN, rows.CHEBYSHEV)


def told(measure, reduced):
    """Return what is told of reduced distances."""
    if measure == rows.COSINE:
        return np.minimum(reduced / 2, 2)
    return np.sqrt(reduced) if measure == rows.DISTANCE else reduced


def prepared(kernel, X, measure):
    if measure in (rows.MANHATTAN, rows.CHEBYSHEV):
        return rows.unprepared(X, measure)
    made = rows.allocate(X, kernel.BLOCK, measure)
    kernel.narrow(made, 1)
    return made


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("kind", ["normal", "lattice", "far"])
def test_measures(kernel, kind, measure):
    metric = max(0, measure - rows.COSINE)
    for n in (1, 33) if SIMULATED else (1, 33, 300):
        X, asked = samples(kind, n, 7, "float64"), samples(kind, 13, 7, "float64", seed=1)
        k = min(n, 5)
        distances, indices = np.empty((13, k)), np.empty((13, k), np.int64)
        kernel.nearest(prepared(kernel, X, measure), asked, False, distances, indices, 1)
        np.testing.assert_array_equal(indices, naive.nearest(X, asked, k, metric)[1])
        reduced = np.take_along_axis(naive.reduced_distances(asked, X, metric), indices, axis=1)
        np.testing.assert_array_equal(distances, told(measure, reduced))


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("measure", MEASURES)
def test_within(kernel, measure, direct):
    metric = max(0, measure - rows.COSINE)
    for kind, selves in (("normal", False), ("lattice", True), ("far", True)):
        X = samples(kind, 150, 5, "float64")
        reduced = naive.reduced_distances(X, X, metric)
        limits = np.sort(reduced, axis=1)[:, 20].copy()
        made = rows.unprepared(X, measure) if direct else prepared(kernel, X, measure)
        indptr = np.zeros(151, np.int64)
        kernel.count_within(made, X, selves, limits, indptr[1:], 1)
        np.cumsum(indptr, out=indptr)
        for sort in (False, True):
            found = Rows(indptr, np.empty(indptr[-1], np.int64), np.empty(indptr[-1]))
            kernel.fill_within(made, X, selves, limits, found, sort, 1)
            for q in range(150):
                inside = reduced[q] <= limits[q]
                inside[q] &= not selves
                here = slice(indptr[q], indptr[q + 1])
                right = told(measure, reduced[q])
                order = np.flatnonzero(inside)
                order = order[np.argsort(right[order], kind="stable")] if sort else order
                np.testing.assert_array_equal(found.indices[here], order)
                np.testing.assert_array_equal(found.distances[here], right[order])


def key_of(measure, weights, halves, Q, X):
    """Return keys of all pairs, added up feature by feature, and what is told of them."""
    (n, d), total, sizes = Q.shape, np.zeros((len(Q), len(X))), np.zeros((len(Q), len(X)))
    if measure == rows.MAHALANOBIS:
        for f in range(d):
            part = np.zeros(total.shape)
            for g in range(d):
                part += weights[f, g] * (Q[:, g, None] - X[:, g])
            total += part * (Q[:, f, None] - X[:, f])
        return total, np.sqrt(total)
    own, other = np.zeros((n, 1)), np.zeros(len(X))
    for f in range(d):
        q, x = Q[:, f, None], X[:, f]
        step, own, other = np.abs(q - x), own + np.abs(q), other + np.abs(x)
        sizes = np.abs(q) + np.abs(x)
        power = naive.half_power(step, halves)
        total += {
            rows.SQUARES: (q - x) * (q - x) * weights[min(f, len(weights) - 1)],
            rows.POWERS: power * weights[min(f, len(weights) - 1)],
            rows.HAMMING: q != x,
            rows.CANBERRA: np.abs(q - x) / np.where(sizes > 0, sizes, 1),
            rows.BRAY_CURTIS: np.abs(q - x),
        }[measure]
    if measure == rows.HAMMING:
        total /= d
    if measure == rows.BRAY_CURTIS:
        total /= np.where(own + other > 0, own + other, 1)
    told = np.sqrt(total) if measure == rows.SQUARES else total ** (2 / halves) if measure == rows.POWERS else total
    return total, told


@pytest.mark.parametrize("measure", range(rows.SQUARES, rows.BRAY_CURTIS + 1))
@pytest.mark.parametrize("kind", ["normal", "lattice", "far"])
def test_measures_of_their_own(kernel, kind, measure):
    for n, d in ((1, 1), (33, 3), (70, 18)):
        X, asked = samples(kind, n, d, "float64"), samples(kind, 13, d, "float64", seed=1)
        X[0] = asked[0] = 0
        random = np.random.RandomState(n)
        form, k = random.randn(d, d), min(n, 5)
        for halves in (1, 3, 6, 8, 31) if measure == rows.POWERS else (0,):
            weights = form @ form.T + np.eye(d) if measure == rows.MAHALANOBIS else random.rand(d)
            given = rows.unprepared(X, measure, weights, halves)
            keys, right = key_of(measure, weights, halves, asked, X)
            order = np.argsort(keys, axis=1, kind="stable")
            distances, indices = np.empty((13, k)), np.empty((13, k), np.int64)
            kernel.nearest(given, asked, False, distances, indices, 1)
            np.testing.assert_array_equal(indices, order[:, :k])
            right = np.take_along_axis(right, indices, axis=1)
            np.testing.assert_allclose(distances, right, rtol=1e-15 if measure == rows.POWERS else 0)
            limits, counts = np.sort(keys, axis=1)[:, n // 2].copy(), np.empty(13, np.int64)
            kernel.count_within(given, asked, False, limits, counts, 1)
            np.testing.assert_array_equal(counts, (keys <= limits[:, None]).sum(axis=1))


@pytest.mark.parametrize("k", [1, 7, 8, 20])
@pytest.mark.parametrize("by_distance", [False, True])
def test_votes(kernel, k, by_distance):
    """What is found, counted by hand."""
    X, asked = samples("normal", 200, 3, "float64"), samples("normal", 30, 3, "float64", seed=1)
    asked[0] = X[5]
    made = prepared(kernel, X, rows.DISTANCE)
    distances, indices = naive.nearest(X, asked, k, EUCLIDEAN)
    with np.errstate(divide="ignore"):
        weights = 1 / distances if by_distance else np.ones(distances.shape)
    alone = np.isinf(weights).any(axis=1)
    weights[alone] = np.isinf(weights[alone])
    labels = np.random.RandomState(0).randint(0, 3, (200, 2))
    votes = np.stack([(weights * (labels[indices, o] == c)).sum(axis=1) for o in (0, 1) for c in range(3)], axis=1)
    cast = ballots.tally(labels, np.array([0, 3, 6]), k, by_distance, 30)
    kernel.vote(made, asked, False, cast, 1)
    np.testing.assert_allclose(cast.votes, votes, rtol=1e-13)
    cast = ballots.elect(labels, np.array([0, 3, 6]), k, by_distance, 30)
    kernel.vote(made, asked, False, cast, 1)
    np.testing.assert_array_equal(cast.winners, votes.reshape(30, 2, 3).argmax(axis=2))
    targets = np.random.RandomState(1).randn(200, 2)
    cast = ballots.average(targets, k, by_distance, 30)
    kernel.vote(made, asked, False, cast, 1)
    means = (targets[indices] * weights[:, :, None]).sum(axis=1) / weights.sum(axis=1)[:, None]
    np.testing.assert_allclose(cast.votes, means, rtol=1e-12, atol=1e-13)
