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
        bits = 1 << take if self.n_chosen else 0
        self.plusplus.commit(
            self.there, self.norms, self.weights, *self.rows([index]), bits, self.seeding, self.n_threads
        )
        self.n_chosen += 1

    def evaluate(self, indices, bits=0):
        """Return the gains and how many samples were looked at."""
        there = self.there, self.norms, self.weights
        return self.plusplus.evaluate(*there, *self.rows(indices), bits, self.seeding, self.n_threads)


def test_by_hand(plusplus, samples, dtype):
    X, weights = np.array([[0], [1], [4], [9], [10]], dtype), np.array([1, 1, 2, 1, 0.5], dtype)
    state = State(plusplus, samples, X, weights)
    state.commit(0)
    assert state.seeding.closest.tolist() == [0, 1, 16, 81, 100]
    assert state.seeding.block_sums.tolist() == [0 + 1 + 32 + 81 + 50]
    # to the sample at 4: 9 of 1, 0 of 16, 25 of 81, 36 of 100; to the one at 9: 25 of 16, 0 of 81, 1 of 100
    assert list(state.evaluate([2, 3])[0]) == [2 * 16 + 56 + 0.5 * 64, 81 + 0.5 * 99]
    assert state.seeding.nearer.tolist() == [0, 0, 1, 3, 3]
    state.commit(3, take=1)
    assert state.seeding.closest.tolist() == [0, 1, 16, 0, 1]
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


def total(problem):
    return len(problem.X) if problem.weights is None else problem.weights.sum()


def assert_same(a, b, scale, exact=True):
    if exact and FUSED:
        np.testing.assert_array_equal(a, b)
    else:
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-13 * scale + 1e-300)


def test_only_samples_of_candidates_in_question_are_looked_at(plusplus, samples, dtype):
    X = np.random.RandomState(0).randn(5000, 6).astype(dtype)
    state = State(plusplus, samples, X, None)
    state.commit(0)
    candidates = [8, 17, 26]
    right, n_opened = state.evaluate(candidates)
    assert n_opened == 5000
    nearer = state.seeding.nearer.copy()
    state.seeding.nearer[:50] |= 2  # no harm in more than there are
    gains, n_opened = state.evaluate(candidates, bits=2)
    assert n_opened == len(set(np.flatnonzero(nearer & 2)) | set(range(50))) < 5000
    assert gains[1] == pytest.approx(right[1], rel=1e-12)
    np.testing.assert_array_equal(state.seeding.nearer, nearer)


SCALES = {
    "plain": lambda X: X,
    "far from zero": lambda X: X + 1e5,
    "large": lambda X: X * 1e30,
    "small": lambda X: X * 1e-30,
    "outliers": lambda X: np.where(np.arange(len(X))[:, None] % 100, X, X * 1e25),
    "duplicates": lambda X: X[np.random.RandomState(1).randint(0, min(20, len(X)), len(X))],
}


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("shape", [(1, 3), (700, 1), (4500, 12), (2048, 37)])
def test_estimates_hold_what_they_promise(plusplus, dtype, shape, scale, weighted):
    """No sample that is nearer is missed, and the gains are within what is said of them."""
    rng = np.random.RandomState(0)
    X = SCALES[scale](rng.randn(*shape)).astype(dtype)
    state = State(plusplus, lambda X: X, X, rng.uniform(0, 2, len(X)) if weighted else None)
    floats = plusplus.narrow(X, 2)
    if floats is None:
        pytest.skip("nothing is estimated")
    noise = 32 * (shape[1] + 4) * 2.0**-52 * state.norms.max()
    state.commit(0)
    for trials in (rng.randint(0, len(X), 9), rng.randint(0, len(X), 16)):
        right, _ = state.evaluate(trials)
        nearer, estimated = state.seeding.nearer.copy(), np.empty_like(state.seeding.nearer)
        closest, rounded = state.seeding.closest, state.seeding.closest.astype(np.float32)
        gains, excess = plusplus.estimate(floats, state.weights, trials, noise, closest, None, estimated, 2)
        assert not (nearer & ~estimated).any()
        slack = noise * (len(X) if state.weights is None else state.weights.sum())
        if np.isfinite(excess):
            assert (gains >= np.array(right) - slack).all()
            assert (np.array(gains) - excess <= np.array(right) + slack).all()
        if np.isfinite(rounded).all() and scale != "small":  # there the rounded distances are zeros
            plusplus.estimate(floats, state.weights, trials, noise, None, rounded, estimated, 1)
            assert not (nearer & ~estimated).any()
        state.commit(trials[0], take=0)


def test_estimates_are_near(plusplus):
    X = np.random.RandomState(0).randn(5000, 20)
    state, floats = State(plusplus, lambda X: X, X, None), plusplus.narrow(X, 1)
    if floats is None:
        pytest.skip("nothing is estimated")
    state.commit(0)
    trials = np.arange(1, 6)
    right, _ = state.evaluate(trials)
    nearer = state.seeding.nearer.copy()
    gains, excess = plusplus.estimate(floats, None, trials, 1e-12, state.seeding.closest, None, state.seeding.nearer, 1)
    np.testing.assert_allclose(gains, right, rtol=1e-3)
    assert excess < 1e-3 * max(right)
    assert (nearer != state.seeding.nearer).sum() < 5


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
        arguments = samples(p.X), norms, candidates, norms[trials]
        plusplus.rounded_distances(*arguments, None, None, out, 2)
        np.testing.assert_allclose(out, right, rtol=2e-7, atol=1e-13 * norms.max() + 1e-300)
        before, again = out[0].copy(), np.empty_like(out)
        plusplus.rounded_distances(*arguments, before, None, again, 1)
        np.testing.assert_array_equal(again, np.minimum(out, before))
        near = (out < before).any(axis=0).astype(np.uint16)
        plusplus.rounded_distances(*arguments, before, near, again, 1)
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
