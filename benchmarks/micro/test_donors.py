"""Donors for missing entries, on one thread."""

import numpy as np
import pytest

from fastml._kernels.neighbors import gaps

N_SAMPLES, N_FEATURES = 2_000, 20


@pytest.mark.parametrize("n_rows", [1, 200])
def test_give(benchmark, kernel, dtype, n_rows):
    donors_kernel = kernel("neighbors.donors")
    rng = np.random.default_rng(0)
    X, missing = rng.random((N_SAMPLES, N_FEATURES)).astype(dtype), rng.random((N_SAMPLES, N_FEATURES)) < 0.1
    missing[:, 0] = np.arange(N_SAMPLES) < 500
    X[missing] = 0
    donors = gaps.Incomplete(X, missing, (X.astype(float) ** 2).sum(axis=1))
    receivers = gaps.Incomplete(*(part[:n_rows] for part in donors))
    ends = np.array([N_FEATURES])
    rule = gaps.Rule(5, gaps.ALIKE, ends, ends, n_rows)
    starts = np.concatenate([[0], np.cumsum(receivers.missing.sum(axis=1))])
    columns = np.nonzero(receivers.missing)[1].astype(np.int32)
    entries = gaps.Entries(starts, columns, (~missing).sum(axis=0))
    gifts = gaps.Gifts(np.empty(len(columns)), np.empty(len(columns), np.uint8), None, None)
    table = None
    if n_rows > 1:
        table = gaps.table(N_SAMPLES, N_FEATURES, donors_kernel.BLOCK)
        donors_kernel.prepare(donors, rule, table, 1)
    benchmark(donors_kernel.give, donors, table, receivers, entries, rule, gifts, 1)
    assert (gifts.states == gaps.DECIDED).all()
