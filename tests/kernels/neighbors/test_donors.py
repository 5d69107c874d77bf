"""Donors for missing entries: those of the definition, tile or not, and distances right by exact arithmetic."""

import numpy as np
import pytest

from fastml._kernels.neighbors import gaps
from tests.kernels.twins import twins

SHAPES = ((1, 1), (2, 3), (9, 1), (40, 5), (65, 12), (130, 33))


@pytest.fixture(params=twins("neighbors.donors"), scope="module")
def kernel(request):
    return request.param()


@pytest.fixture(params=["float64", "float32"])
def dtype(request):
    return request.param


def incomplete(seed, n, d, dtype, share=0.2):
    rng = np.random.RandomState(seed)
    X, missing = rng.randn(n, d).astype(dtype), rng.uniform(size=(n, d)) < share
    X[missing] = 0
    return gaps.Incomplete(X, missing, (X.astype(float) ** 2).sum(axis=1))


def rule(d, k=3, weights=gaps.ALIKE, certain=10**6):
    return gaps.Rule(k, weights, np.array([d]), np.array([d]), certain)


def entries_of(receivers, donors):
    wanted = receivers.missing & ~donors.missing.all(axis=0)
    some = wanted.any(axis=1)
    receivers = gaps.Incomplete(*(part[some] for part in receivers))
    starts = np.concatenate([[0], np.cumsum(wanted[some].sum(axis=1))])
    columns = np.nonzero(wanted[some])[1].astype(np.int32)
    return receivers, gaps.Entries(starts, columns, (~donors.missing).sum(axis=0))


def measured(kernel, donors, receivers):
    distances = np.empty((len(receivers.X), len(donors.X)))
    kernel.measure(donors, receivers, rule(donors.X.shape[1]), distances, 1)
    return distances


def give(kernel, donors, receivers, entries, asked, arranged=True, n_threads=1):
    n, table = len(entries.columns), None
    gifts = gaps.Gifts(np.empty(n), np.empty(n, np.uint8), np.empty((n, asked.k), np.int64), np.empty((n, asked.k)))
    if arranged:
        table = gaps.table(*donors.X.shape, kernel.BLOCK)
        kernel.prepare(donors, asked, table, n_threads)
    kernel.give(donors, table, receivers, entries, asked, gifts, n_threads)
    return gifts


def test_by_hand(kernel, dtype):
    """The distance between [3, -, -, 6] and [1, -, 4, 5] is the root of 4 / 2 * (4 + 1)."""
    X = np.array([[3, 0, 0, 6], [1, 0, 4, 5], [0, 9, 0, 0]], dtype)
    missing = np.array([[0, 1, 1, 0], [0, 1, 0, 0], [1, 0, 1, 1]], bool)
    samples = gaps.Incomplete(X, missing, (X.astype(float) ** 2).sum(axis=1))
    found = measured(kernel, samples, samples)
    np.testing.assert_allclose(found[:2, :2], [[0, np.sqrt(10)], [np.sqrt(10), 0]], rtol=1e-6)
    assert np.isnan(found[2, :2]).all()
    receivers, entries = entries_of(samples, samples)
    gifts = give(kernel, samples, receivers, entries, rule(4, k=1))
    assert gifts.states.tolist() == [gaps.ALONE, gaps.DECIDED] + [gaps.ALONE] * 4
    assert gifts.values[1] == 4
    assert gifts.donors[1].tolist() == [1]


def test_distances_are_right(kernel, dtype):
    donors, receivers = incomplete(0, 50, 7, dtype), incomplete(1, 30, 7, dtype)
    both = ~donors.missing & ~receivers.missing[:, None]
    apart = np.where(both, donors.X.astype(np.longdouble) - receivers.X[:, None], 0)
    exact = np.sqrt((apart**2).sum(axis=2) * 7 / both.sum(axis=2))
    rtol = 1e-12 if dtype == "float64" else 1e-4
    np.testing.assert_allclose(measured(kernel, donors, receivers), exact.astype(float), rtol=rtol)


@pytest.mark.parametrize("weights", [gaps.ALIKE, gaps.BY_DISTANCE, gaps.BY_CALLER])
def test_donors(kernel, dtype, weights):
    """By a sort of all distances."""
    for n, d in SHAPES:
        for k in (1, 4, 40):
            donors = incomplete(n, n, d, dtype, share=0.3)
            receivers, entries = entries_of(incomplete(n + 1, 14, d, dtype), donors)
            if not len(entries.columns):
                continue
            distances = measured(kernel, donors, receivers)
            both = [give(kernel, donors, receivers, entries, rule(d, k, weights), arranged) for arranged in (0, 1)]
            for one, other in zip(*both, strict=True):
                np.testing.assert_array_equal(one, other)
            row_of = np.repeat(np.arange(len(receivers.X)), np.diff(entries.starts))
            for e, (i, column) in enumerate(zip(row_of, entries.columns, strict=True)):
                assert_right(both[0], e, distances[i], donors, column, k, weights)


def assert_right(gifts, e, distances, donors, column, k, weights):
    usable = np.flatnonzero(~donors.missing[:, column] & ~np.isnan(distances))
    near = usable[np.lexsort((usable, distances[usable]))]
    taken = near[:k]
    assert gifts.donors[e, : len(taken)].tolist() == taken.tolist()
    np.testing.assert_array_equal(gifts.distances[e, : len(taken)], distances[taken])
    assert (gifts.donors[e, len(taken) :] == -1).all()
    assert np.isnan(gifts.distances[e, len(taken) :]).all()
    tied = len(near) > k and distances[near[k - 1]] == distances[near[k]]
    assert gifts.states[e] == (gaps.ALONE if not len(near) else gaps.OPEN if tied else gaps.DECIDED)
    if gifts.states[e] == gaps.DECIDED and weights != gaps.BY_CALLER:
        shares = 1 / distances[taken] if weights == gaps.BY_DISTANCE and distances[taken[0]] else np.ones(len(taken))
        right = np.average(donors.X[taken, column].astype(float), weights=shares)
        assert gifts.values[e] == pytest.approx(right, rel=1e-6, abs=1e-6)


def test_doubt_leaves_open(kernel):
    """Where scikit-learn's rounding is not known, entries are open whose donors it might choose between."""
    donors = incomplete(0, 60, 5, "float64")
    donors.X[1::2], donors.missing[1::2], donors.norms[1::2] = donors.X[::2], donors.missing[::2], donors.norms[::2]
    donors.X[1::2] *= 1 + 1e-15
    receivers, entries = entries_of(incomplete(1, 20, 5, "float64"), donors)
    states = [give(kernel, donors, receivers, entries, rule(5, 3, certain=certain)).states for certain in (0, 20)]
    assert set(states[0]) == {gaps.OPEN, gaps.ALONE}
    assert (states[1] == gaps.DECIDED).any()


def test_threads_change_no_bit(kernel):
    donors = incomplete(0, 400, 20, "float64")
    receivers, entries = entries_of(donors, donors)
    right = give(kernel, donors, receivers, entries, rule(20, 5, gaps.BY_DISTANCE))
    for n_threads in (2, 3, 8):
        ours = give(kernel, donors, receivers, entries, rule(20, 5, gaps.BY_DISTANCE), n_threads=n_threads)
        for one, other in zip(ours, right, strict=True):
            np.testing.assert_array_equal(one, other)
