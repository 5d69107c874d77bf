import numpy as np
import pytest

import fastml._kernels as kernels
from fastml._kernels.kmeans.seeding import new_seeding
from tests.kernels.kmeans.steps import DTYPES, KINDS, LARGE_SIZES, SIZES, WEIGHTS, Problem, host_samples
from tests.kernels.twins import twins

FUSED = kernels.ISA != "v2"  # else dot products of dense samples are rounded twice an operation


@pytest.fixture(params=twins("kmeans.plusplus"), scope="module")
def plusplus(request):
    return request.param()


@pytest.fixture(params=[False, True], ids=["dense", "csr"])
def samples(request):
    return lambda X: host_samples(X, request.param)


@pytest.fixture(params=DTYPES)
def dtype(request):
    return request.param


def norms_of(X):
    return (X.astype(float) ** 2).sum(axis=1)


class State:
    """k-means++ on some samples, by one backend."""

    def __init__(self, plusplus, samples, X, weights, n_threads=1):
        self.plusplus, self.X, self.there, self.norms = plusplus, X, samples(X), norms_of(X)
        self.weights = None if weights is None else weights.astype(float)
        self.seeding, self.n_chosen, self.n_threads = new_seeding(len(X)), 0, n_threads

    def rows(self, indices):
        return self.X[indices].astype(float), self.norms[indices]

    def commit(self, index, take=0):
        self.plusplus.commit(
            self.there, self.norms, self.weights, *self.rows([index]), self.n_chosen, take, self.seeding, self.n_threads
        )
        self.n_chosen += 1

    def evaluate(self, indices, reach=None, sketch=None, basis=None):
        """Return the gains and how many samples were looked at."""
        rows, norms = self.rows(indices)
        bounds = reach, sketch, None if basis is None else sketch_of(rows, norms, basis)
        there = self.there, self.norms, self.weights
        return self.plusplus.evaluate(*there, rows, norms, bounds, self.seeding, self.n_threads)


def sketch_of(rows, norms, basis):
    coordinates = rows @ basis.T
    rest = np.sqrt(np.maximum(norms - (coordinates**2).sum(axis=1), 0))
    return np.ascontiguousarray(np.column_stack([coordinates, rest]), np.float32)


def test_by_hand(plusplus, samples, dtype):
    X, weights = np.array([[0], [1], [4], [9], [10]], dtype), np.array([1, 1, 2, 1, 0.5], dtype)
    state = State(plusplus, samples, X, weights)
    state.commit(0)
    assert state.seeding.closest.tolist() == [0, 1, 16, 81, 100]
    assert state.seeding.owner.tolist() == [0] * 5
    assert state.seeding.block_sums.tolist() == [0 + 1 + 32 + 81 + 50]
    # to the sample at 4: 9 of 1, 0 of 16, 25 of 81, 36 of 100; to the one at 9: 25 of 16, 0 of 81, 1 of 100
    assert list(state.evaluate([2, 3])[0]) == [2 * 16 + 56 + 0.5 * 64, 81 + 0.5 * 99]
    assert state.seeding.nearer.tolist() == [0, 0, 1, 3, 3]
    state.commit(3, take=1)
    assert state.seeding.closest.tolist() == [0, 1, 16, 0, 1]
    assert state.seeding.owner.tolist() == [0, 0, 0, 1, 1]
    assert state.seeding.block_sums.tolist() == [1 + 32 + 0.5]


@pytest.mark.parametrize("weights", WEIGHTS)
def test_the_plain_twins_state(plusplus, samples, dtype, weights):
    from fastml._kernels.kmeans import plusplus_jit

    for size in SIZES + LARGE_SIZES:
        for kind in KINDS:
            p = Problem(size, kind, weights, dtype)
            rng = np.random.RandomState(0)
            first, *trials = rng.randint(0, len(p.X), 1 + rng.randint(1, plusplus.MAX_TRIALS + 1))
            states = [State(module, samples, p.X, p.weights) for module in (plusplus, plusplus_jit)]
            potential = total(p) * norms_of(p.X).max()
            gains = []
            for state in states:
                state.commit(first)
                gains.append(state.evaluate(trials)[0])
            assert_same(*gains, potential, exact=False)
            if FUSED:
                np.testing.assert_array_equal(states[0].seeding.nearer, states[1].seeding.nearer)
            states[1].seeding.nearer[:] = states[0].seeding.nearer
            for state in states:
                state.commit(trials[-1], take=len(trials) - 1)
            for name in ("closest", "block_sums"):
                assert_same(*(getattr(state.seeding, name) for state in states), potential)
            np.testing.assert_array_equal(states[0].seeding.owner, states[1].seeding.owner)


def total(problem):
    return len(problem.X) if problem.weights is None else problem.weights.sum()


def assert_same(a, b, scale, exact=True):
    if exact and FUSED:
        np.testing.assert_array_equal(a, b)
    else:
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-13 * scale + 1e-300)


def test_samples_that_the_bounds_rule_out_gain_nothing(plusplus, samples, dtype):
    """All groups of samples but the last have a centre; the candidates are in the last."""
    rng = np.random.RandomState(0)
    groups = np.arange(5000) % 9
    X = (rng.uniform(-50, 50, (9, 12))[groups] + rng.randn(5000, 12)).astype(dtype)
    state = State(plusplus, samples, X, None)
    for index in range(8):
        state.evaluate([index])
        state.commit(index)
    candidates = [8, 17, 26]
    right, n_opened = state.evaluate(candidates)
    assert n_opened == 5000
    nearer = state.seeding.nearer.copy()
    assert set(groups[nearer != 0]) == {8}
    reach = plusplus.reach_of(X[candidates].astype(float), X[:8].astype(float), 1e-9)
    basis = np.ascontiguousarray(np.linalg.qr(rng.randn(12, 6))[0].T)
    dense = isinstance(state.there, np.ndarray)
    sketch = plusplus.draw_sketch(state.there, state.norms, basis, 2) if dense else None
    for bounds in ((reach,), (None, sketch, basis), (reach, sketch, basis)):
        gains, n_opened = state.evaluate(candidates, *bounds)
        np.testing.assert_allclose(gains, right, rtol=1e-12)
        np.testing.assert_array_equal(state.seeding.nearer, nearer)
        if bounds[0] is not None or sketch is not None:
            assert n_opened < 2500


def test_reach_is_a_quarter_of_the_squared_distance_to_the_nearest_candidate(plusplus):
    candidates, centers = np.array([[3.0, 0.0], [0.0, 8.0]]), np.array([[0.0, 0.0], [3.0, 8.0], [3.0, 0.0]])
    reach = plusplus.reach_of(candidates, centers, 0.0)
    np.testing.assert_allclose(reach, [9 / 4, 9 / 4, 0], rtol=1e-8)
    assert (reach <= [9 / 4, 9 / 4, 0]).all()
    assert (plusplus.reach_of(candidates, centers, 0.5) <= reach - 0.5 + 1e-12).all()


@pytest.mark.parametrize("n", [1, 5, 256, 257, 3000])
@pytest.mark.parametrize("weighted", [False, True])
def test_find_is_a_search_in_the_running_sums(plusplus, n, weighted):
    rng = np.random.RandomState(n)
    closest = rng.randint(0, 5, n).astype(float)
    closest[-1] = 3
    weights = rng.randint(1, 4, n).astype(float) if weighted else None
    products = closest * weights if weighted else closest
    sums = products.cumsum()
    block_sums = np.array([products[i : i + 256].sum() for i in range(0, n, 256)])
    targets = rng.uniform(size=40) * sums[-1]
    targets = targets[np.abs(targets[:, None] - sums).min(axis=1) > 1e-3]
    found = plusplus.find(closest, weights, block_sums, targets, 1e-6)
    np.testing.assert_array_equal(found, np.searchsorted(sums, targets))


def test_find_leaves_close_calls_undecided(plusplus):
    closest, block_sums = np.array([1.0, 2.0, 4.0]), np.array([7.0])
    for targets in ([1.0], [0.5, 3.0001], [2.9999], [7.0001]):
        assert plusplus.find(closest, None, block_sums, np.array(targets), 1e-3) is None
    assert plusplus.find(closest, None, block_sums, np.array([0.5, 3.1]), 1e-3).tolist() == [0, 2]


def test_distances_rounded_to_float32(plusplus, samples):
    for size in SIZES + LARGE_SIZES:
        p = Problem(size, "normal", "none", np.float32)
        trials = np.random.RandomState(0).randint(0, len(p.X), 5)
        candidates, norms = p.X[trials].astype(float), norms_of(p.X)
        right = ((p.X[None].astype(float) - candidates[:, None]) ** 2).sum(axis=2)
        out = np.empty((5, len(p.X)), np.float32)
        arguments = samples(p.X), norms, candidates, norms[trials], (None, None, None)
        plusplus.rounded_distances(*arguments, None, out, 2)
        np.testing.assert_allclose(out, right, rtol=2e-7, atol=1e-13 * norms.max() + 1e-300)
        before, again = out[0].copy(), np.empty_like(out)
        plusplus.rounded_distances(*arguments, before, again, 1)
        np.testing.assert_array_equal(again, np.minimum(out, before))


def test_threads_change_no_bit(plusplus, samples, dtype):
    p = Problem((9000, 7, 3), "normal", "uniform", dtype)
    results = []
    for n_threads in (1, 2, 3, 8):
        state = State(plusplus, samples, p.X, p.weights, n_threads)
        state.commit(5)
        gains, _ = state.evaluate([1, 2, 3])
        state.commit(2, take=1)
        results.append((gains, *state.seeding))
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)
