"""Absolute errors of a growing set of samples about its median, as scikit-learn 1.9 finds them.

A Fenwick tree over the ranks of the targets holds the weights and the weighted targets of the samples seen so far:
the median stands where half of the weight is reached, and the error follows from the sums on either side of it.
"""

import numpy as np

from fastml._kernels._jit import kernel


@kernel
def target_ranks(y, members):
    """Ranks (n_outputs, n_members) of the members' targets; equal ones by their place among the members."""
    ranks = np.empty((y.shape[1], len(members)), np.int64)
    for k in range(y.shape[1]):
        for rank, m in enumerate(np.argsort(y[:, k][members], kind="mergesort")):
            ranks[k, m] = rank
    return ranks


@kernel
def add_at(tree, rank, amount):
    i = rank + 1
    while i < len(tree):
        tree[i] += amount
        i += i & -i


@kernel
def descend(tree, place, bit, rest, through):
    """Go on from ``place`` as long as the weight passed stays below ``rest`` (through: or reaches it)."""
    while bit:
        i = place + bit
        if i < len(tree) and (rest > tree[i] or (through and rest == tree[i])):
            rest -= tree[i]
            place = i
        bit >>= 1
    return place


@kernel
def halves(weights, half):
    """Find the ranks around which the weight is split in halves: two where it is reached exactly, else twice one.

    Where negative weights leave none, it is the number of ranks.
    """
    bit = 1
    while 2 * bit < len(weights):
        bit *= 2
    place, rest = 0, half
    while bit:
        i = place + bit
        if i < len(weights):
            if rest == weights[i]:
                return descend(weights, place, bit, rest, False), descend(weights, place, bit, rest, True)
            if rest > weights[i]:
                rest -= weights[i]
                place = i
        bit >>= 1
    return place, place


@kernel
def sums_below(weights, weighted, rank):
    """Return the sums over the ranks below ``rank``, their terms in the order in which the descent meets them."""
    place, bit, weight, weighted_y = 0, 1, 0.0, 0.0
    while 2 * bit < len(weights):
        bit *= 2
    while bit:
        if rank & bit:
            place += bit
            weight += weights[place]
            weighted_y += weighted[place]
        bit >>= 1
    return weight, weighted_y


@kernel
def running_errors(y, weights, members, ranks, order):
    """Return the errors (n,), summed over the outputs, and the medians (n, n_outputs) of order[:1], order[:2], ..."""
    n, n_outputs = len(order), y.shape[1]
    errors, medians = np.zeros(n), np.empty((n, n_outputs))
    for k in range(n_outputs):
        sorted_y = np.empty(n)
        for m in range(n):
            sorted_y[ranks[k, m]] = y[members[m], k]
        below, weighted = np.zeros(n + 1), np.zeros(n + 1)
        total, total_y = 0.0, 0.0
        for p in range(n):
            rank, w = ranks[k, order[p]], weights[members[order[p]]]
            add_at(below, rank, w)
            add_at(weighted, rank, w * sorted_y[rank])
            total += w
            total_y += w * sorted_y[rank]
            lower, upper = halves(below, 0.5 * total)
            lower, upper = min(lower, n - 1), min(upper, n - 1)
            median = sorted_y[upper] if lower == upper else (sorted_y[lower] + sorted_y[upper]) / 2
            w_left, wy_left = sums_below(below, weighted, upper)
            w_right, wy_right = total - w_left, total_y - wy_left
            errors[p] += (wy_right - median * w_right) + (median * w_left - wy_left)
            medians[p, k] = median
    return errors, medians
