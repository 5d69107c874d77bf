"""Driver of imputation by the nearest donors.

    impute(rows, missing, samples, absent, columns, *, ...)      values of the missing entries

rows     (n_rows, n_features)      samples with at least one entry to be filled
missing  (n_rows, n_features)      bool
samples  (n_samples, n_features)   among which donors are searched;  absent: which of their entries are missing

The donors are those that scikit-learn takes, because distances are rounded as its BLAS rounds them: kmeans/gemm.py.
"""

import numpy as np

from fastml._dispatch import load, record
from fastml._kernels.kmeans.gemm import HAS_SIDE_CHAINS, HAS_SMALL_KERNELS, chain_ends, is_small
from fastml._kernels.neighbors.gaps import (
    ALIKE,
    ALONE,
    BY_CALLER,
    BY_DISTANCE,
    OPEN,
    Entries,
    Gifts,
    Incomplete,
    Rule,
    table,
)

WEIGHTS = {"uniform": ALIKE, "distance": BY_DISTANCE}
# From so many rows on it pays to arrange the donors (5,000 x 30: 1.3 ms, as long as 10 rows without).
WORTH_PREPARING = 10
# Distances of rows with open entries that are held at a time.
AT_A_TIME = 1 << 19
# Squares of rows beyond which distances, or their sums, may overflow.
LARGEST = {4: 1e37, 8: 1e307}


def impute(rows, missing, samples, absent, wanted, *, n_neighbors, weights, chunk, judge, n_threads):
    """Return the values (n_entries,) of the wanted entries of `missing`, row by row; None where squares overflow.

    wanted   (n_rows, n_features)  bool   which entries to fill, at least one in each row
    weights  "uniform", "distance" or a function of distances
    chunk    rows whose distances scikit-learn computes at once, by which its BLAS chooses among its ways to add up
    judge    function of the first row of a chunk and the last but one: scikit-learn's own distances, (n, n_samples)
    """
    record(n_threads=n_threads)
    dtype = np.float32 if rows.dtype == samples.dtype == np.float32 else np.float64
    donors, receivers = incomplete(samples, absent, dtype), incomplete(rows, missing, dtype)
    if not max(donors.norms.max(), receivers.norms.max()) < LARGEST[np.dtype(dtype).itemsize]:
        return None
    n_rows, n_features = rows.shape
    ends, gap_ends = (np.array(chain_ends(n_features, size)) for size in (8, np.dtype(dtype).itemsize))
    kind = BY_CALLER if callable(weights) else WEIGHTS[weights or "uniform"]
    k = min(n_neighbors, len(samples))
    rule = Rule(k, kind, ends, gap_ends, certain_rows(n_rows, chunk, donors.X))
    starts = np.concatenate([[0], np.cumsum(wanted.sum(axis=1))])
    columns = np.nonzero(wanted)[1]
    entries = Entries(starts, columns.astype(np.int32), len(samples) - absent.sum(axis=0))
    gifts = given(donors, receivers, entries, rule, n_threads)
    settle(gifts, donors, receivers, entries, rule, samples, weights, chunk, judge, n_threads)
    for column in np.unique(columns[gifts.states == ALONE]):
        mean = np.ma.array(samples[:, column], mask=absent[:, column]).mean()
        gifts.values[(columns == column) & (gifts.states == ALONE)] = mean
    return gifts.values


def incomplete(X, missing, dtype):
    """Return samples as the kernel takes them; their squares are added up in the order of X in memory."""
    X = X.astype(dtype)
    X[missing] = 0
    wide = X.astype(np.float64, copy=False)
    norms = np.einsum("ij,ij->i", wide, wide)
    return Incomplete(np.ascontiguousarray(X), np.ascontiguousarray(missing), norms)


def certain_rows(n_rows, chunk, samples):
    """Return how many rows, the first ones, have distances whose rounding we know."""
    last, (n_samples, n_features) = n_rows % chunk, samples.shape
    if HAS_SIDE_CHAINS and n_features >= 8 and n_samples >= 4:  # side_chains in kmeans/gemm.py
        if samples.itemsize == 4:  # most rows' products of what only one of the two has are SGEMM's
            return 0
        if chunk < n_rows and chunk % 2:
            return chunk - 1
        if n_rows % 2:
            return n_rows - 1

    def known(n):
        small = HAS_SMALL_KERNELS and is_small(n, n_features, n_samples)
        return n_samples == 1 or (n > 1 and not small)

    if chunk <= n_rows and not known(chunk):
        return 0
    return n_rows - last if last and not known(last) else n_rows


def given(donors, receivers, entries, rule, n_threads):
    """Ask the kernel."""
    n_rows, n_features = receivers.X.shape
    kernel = load("neighbors.donors", float(n_rows) * len(donors.X) * n_features)
    n_entries, blocks = len(entries.columns), None
    gifts = Gifts(np.empty(n_entries), np.empty(n_entries, np.uint8), None, None)
    if rule.weights == BY_CALLER:
        shape = n_entries, rule.k
        gifts = gifts._replace(donors=np.empty(shape, np.int64), distances=np.empty(shape))
    if n_rows >= WORTH_PREPARING:
        blocks = table(len(donors.X), n_features, kernel.BLOCK)
        kernel.prepare(donors, rule, blocks, n_threads)
    kernel.give(donors, blocks, receivers, entries, rule, gifts, n_threads)
    return gifts


def settle(gifts, donors, receivers, entries, rule, samples, weights, chunk, judge, n_threads):
    """Write the values of open entries, from the donors that scikit-learn's partition takes, and by users' weights."""
    row_of = np.repeat(np.arange(len(receivers.X)), np.diff(entries.starts))
    is_open = gifts.states == OPEN
    if rule.weights == BY_CALLER:
        served = np.flatnonzero(~is_open & (gifts.states != ALONE))
        for column in np.unique(entries.columns[served]):
            those = served[entries.columns[served] == column]
            k = min(rule.k, entries.supply[column])
            distances = gifts.distances[those, :k].astype(donors.X.dtype, copy=False)
            donors_of = gifts.donors[those, :k]
            values = np.where(donors_of < 0, 0, samples[donors_of, column])
            gifts.values[those] = average(values, distances, weights)
    for first, last, known in batches(np.unique(row_of[is_open]), len(donors.X), rule.certain, chunk, len(receivers.X)):
        if known:
            distances = np.empty((last - first, len(donors.X)))
            part = Incomplete(*(array[first:last] for array in receivers))
            load("neighbors.donors").measure(donors, part, rule, distances, n_threads)
            distances = distances.astype(donors.X.dtype, copy=False)  # NumPy parts float32 by other steps
        else:
            distances = judge(first, last)
        those = np.flatnonzero(is_open & (row_of >= first) & (row_of < last))
        for column in np.unique(entries.columns[those]):
            here = those[entries.columns[those] == column]
            present = np.flatnonzero(~donors.missing[:, column])
            k = min(rule.k, len(present))
            near = np.take(distances[row_of[here] - first], present, axis=1)
            taken = np.argpartition(near, k - 1, axis=1)[:, :k]
            near = np.take_along_axis(near, taken, axis=1)
            gifts.values[here] = average(samples[present, column][taken], near, weights)


def batches(rows, n_samples, certain, chunk, n_rows):
    """Yield ranges of rows that hold all of some, and whether their rounding is known.

    Few at a time, or scikit-learn's chunk where it is not.
    """
    at_a_time, end = max(1, AT_A_TIME // n_samples), 0
    for row in rows:
        if row < end:
            continue
        known = row < certain
        if known:
            first, end = row, min(row + at_a_time, certain)
        else:
            first = row // chunk * chunk
            end = min(first + chunk, n_rows)
        yield first, end, known


def average(values, distances, weights):
    """Return the means (n,) of donors' values (n, k), weighed by their distances; at distance NaN none counts."""
    shares = weights(distances) if callable(weights) else None
    if weights == "distance":
        with np.errstate(divide="ignore"):
            shares = 1 / distances
        met = np.isinf(shares)
        shares = np.where(met.any(axis=1, keepdims=True), met, shares)
    if shares is None:
        shares = np.ones_like(distances)
        shares[np.isnan(distances)] = 0
    else:
        shares[np.isnan(shares)] = 0
    return np.ma.average(np.ma.array(values), axis=1, weights=shares).data
