"""Twin of donors.pyx: all distances of a receiver, then the nearest donors of each of its entries. One thread."""

import math

import numpy as np

from fastml._kernels._jit import fma, kernel
from fastml._kernels.neighbors.gaps import ALIKE, ALONE, BY_CALLER, BY_DISTANCE, DECIDED, OPEN
from fastml._kernels.neighbors.kd_tree_jit import take

BLOCK = 8


def prepare(donors, rule, table, n_threads):
    """Leave the table alone: the plain way needs none."""


def give(donors, table, receivers, entries, rule, gifts, n_threads):
    """See donors.give."""
    none = np.empty((0, rule.k))
    given, distances = (none.astype(np.int64), none) if gifts.donors is None else (gifts.donors, gifts.distances)
    give_all(donors, receivers, entries, rule, gifts.values, gifts.states, given, distances)


def measure(donors, receivers, rule, distances, n_threads):
    """See donors.measure."""
    measure_all(donors, receivers, rule, distances)


@kernel
def measure_all(donors, receivers, rule, distances):
    for i in range(len(receivers.X)):
        for j in range(len(donors.X)):
            distances[i, j] = distance(donors, receivers, rule, i, j)


@kernel
def distance(donors, receivers, rule, i, j):
    """scikit-learn's, to the bit: see donors_impl.h."""
    x, y, no_x, no_y = receivers.X[i], donors.X[j], receivers.missing[i], donors.missing[j]
    zero = x[0] - x[0]
    dot, ours, theirs, common, f = 0.0, zero, zero, 0, 0
    for end in rule.ends:
        chain = 0.0
        for g in range(f, end):
            chain = fma(np.float64(x[g]), np.float64(y[g]), chain)
        dot, f = dot + chain, end
    f = 0
    for end in rule.gap_ends:
        chain_x, chain_y = zero, zero
        for g in range(f, end):
            if no_x[g]:
                chain_y += y[g] * y[g]
            elif no_y[g]:
                chain_x += x[g] * x[g]
            else:
                common += 1
        ours, theirs, f = ours + chain_x, theirs + chain_y, end
    if common == 0:
        return np.nan
    square = np.float64(-2 * dot + receivers.norms[i] + donors.norms[j])
    return finished(square, ours, theirs, common, x)


@kernel
def finished(square, ours, theirs, common, x):
    """Round in the type of `x` at each step, as scikit-learn's arrays do."""
    part = np.empty(1, x.dtype)
    part[0] = max(square, 0.0)
    part[0] = part[0] - ours
    part[0] = part[0] - theirs
    part[0] = max(np.float64(part[0]), 0.0)
    part[0] = np.float64(part[0]) / common
    part[0] = np.float64(part[0]) * len(x)  # a product of two float32 is exact in float64
    part[0] = np.sqrt(part[0])
    return np.float64(part[0])


@kernel
def give_all(donors, receivers, entries, rule, values, states, given, distances):
    found, at = np.empty(rule.k + 1), np.empty(rule.k + 1, np.int64)
    apart = np.empty(len(donors.X))
    for i in range(len(receivers.X)):
        for j in range(len(donors.X)):
            apart[j] = distance(donors, receivers, rule, i, j)
        for e in range(entries.starts[i], entries.starts[i + 1]):
            column = entries.columns[e]
            found[:], at[:] = np.inf, np.iinfo(np.int64).max
            for j in range(len(donors.X)):
                if not (donors.missing[j, column] or math.isnan(apart[j])):
                    take(found, at, apart[j], j)
            n_found = (found < np.inf).sum()
            taken = min(n_found, rule.k)
            values[e], states[e] = 0.0, DECIDED
            if n_found == 0:
                states[e] = ALONE
            elif in_doubt(donors, receivers, rule, i, found, at, n_found):
                states[e] = OPEN
            elif rule.weights != BY_CALLER:
                values[e] = mean(donors, rule, column, found[:taken], at[:taken])
            for j in range(rule.k if len(given) else 0):
                given[e, j] = at[j] if j < taken else -1
                distances[e, j] = found[j] if j < taken else np.nan


@kernel
def in_doubt(donors, receivers, rule, i, found, at, n_found):
    k = rule.k
    if i < rule.certain:
        return n_found > k and found[k - 1] == found[k]
    norm, d = 0.0, donors.X.shape[1]
    for j in range(n_found):
        norm = max(norm, donors.norms[at[j]])
    unit = (16.0 * d + 64) * (2.0**-24 if donors.X.itemsize == 4 else 2.0**-53)
    doubt = 4 * unit * (norm + receivers.norms[i]) * d + 2.0**-1000
    if rule.weights != ALIKE and found[0] * found[0] <= 2.0**20 * doubt:
        return True
    return n_found > k and found[k] * found[k] - found[k - 1] * found[k - 1] <= doubt


@kernel
def mean(donors, rule, column, found, at):
    """Mean of the donors' values; weights are of the type of the samples."""
    weights = np.ones(len(found), donors.X.dtype)
    if rule.weights == BY_DISTANCE:
        for j in range(len(found)):
            weights[j] = found[j]
            weights[j] = 1 / weights[j]
        if math.isinf(weights[0]):
            for j in range(len(found)):
                weights[j] = 1.0 if math.isinf(weights[j]) else 0.0
    total, sum_of_weights = 0.0, 0.0
    for j in range(len(found)):
        total += np.float64(weights[j]) * np.float64(donors.X[at[j], column])
        sum_of_weights += np.float64(weights[j])
    return total / sum_of_weights
