"""Twin of dbscan.pyx: DBSCAN as scikit-learn runs it, on samples sorted by their longest feature. One thread."""

import math

import numpy as np

from fastml._kernels._jit import fma, kernel
from fastml._kernels.neighbors.density import BALL_TREE, KD_TREE, SPHERE
from fastml._kernels.neighbors.kd_tree_jit import haversine
from fastml._kernels.runtime.interrupt_jit import slices

IN, OUT, OPEN = range(3)


def cluster(X, limits, tree, density, labels, core, n_threads):
    lengths = X.max(axis=0) - X.min(axis=0)
    order = np.argsort(X[:, lengths.argmax()], kind="stable")
    keys, reach = X[order, lengths.argmax()], math.sqrt(limits.outside) * (1 + 1e-9)
    pairs, open_ = (X, order, keys, reach, limits, tree), np.zeros(1, np.int64)
    weights = np.ones(len(X)) if density.weights is None else density.weights
    for part in slices(len(X)):
        find_core(*pairs, density.min_samples, weights, density.doubt, core, open_, *part)
    if open_[0]:
        return int(open_[0])
    labels[:] = -1
    places, stack, state = np.argsort(order), np.empty(len(X), np.int64), np.zeros(3, np.int64)
    for part in slices(np.count_nonzero(core)):
        expand(*pairs, core, places, labels, stack, state, *part)
    for part in slices(len(X)):
        check(*pairs, core, labels, open_, *part)
    return int(open_[0])


@kernel
def find_core(X, order, keys, reach, limits, tree, min_samples, weights, doubt_of_one, core, open_, begin, end):
    """Which samples have enough neighbours, themselves included."""
    for p in range(begin, end):
        least = most = sizes = number = 0.0
        for q in range(np.searchsorted(keys, keys[p] - reach), len(order)):
            if keys[q] > keys[p] + reach:
                break
            i, j = order[p], order[q]
            answer = judge(X, limits, tree, i, j)
            if answer != OUT:
                least += weights[j] if answer == IN or weights[j] < 0 else 0.0
                most += weights[j] if answer == IN or weights[j] > 0 else 0.0
                sizes += abs(weights[j])
                number += 1
        doubt = doubt_of_one * number * sizes
        core[order[p]] = least - doubt >= min_samples
        if not core[order[p]] and most + doubt >= min_samples:
            open_[0] += 1


@kernel
def expand(X, order, keys, reach, limits, tree, core, places, labels, stack, state, begin, end):
    """Give each core sample that has no label yet a new one, and all that can be reached from it.

    begin, end: which of the core samples, in the order in which they are reached.
    state (3,): where to look for the next without a label, how many wait on the stack, how many labels there are.
    """
    start, n_waiting, number = state
    for _ in range(begin, end):
        if not n_waiting:
            while not core[start] or labels[start] >= 0:
                start += 1
            labels[start], stack[0], n_waiting = number, start, 1
            number += 1
        n_waiting -= 1
        i = stack[n_waiting]
        p = places[i]
        for q in range(np.searchsorted(keys, keys[p] - reach), len(order)):
            if keys[q] > keys[p] + reach:
                break
            j = order[q]
            if labels[j] < 0 and judge(X, limits, tree, i, j) == IN:
                labels[j] = number - 1
                if core[j]:
                    stack[n_waiting] = j
                    n_waiting += 1
    state[0], state[1], state[2] = start, n_waiting, number


@kernel
def check(X, order, keys, reach, limits, tree, core, labels, open_, begin, end):
    """Count pairs that are open and would change a label if they were neighbours."""
    for p in range(begin, end):
        if not core[order[p]]:
            continue
        for q in range(np.searchsorted(keys, keys[p] - reach), len(order)):
            if keys[q] > keys[p] + reach:
                break
            i, j = order[p], order[q]
            changes = labels[i] != labels[j] if core[j] else labels[j] < 0 or labels[i] < labels[j]
            if changes and judge(X, limits, tree, i, j) == OPEN:
                open_[0] += 1


@kernel
def judge(X, limits, tree, i, j):
    """Whether scikit-learn's search finds sample j from sample i; see dbscan_pairs.h."""
    if limits.search == SPHERE:
        reduced = haversine(limits.points[i], limits.points[j])
        if reduced <= limits.near:
            return IN
        if reduced > limits.far:
            return OUT
        return OPEN if tree is None else walk(X, limits, tree, i, j, reduced)
    square, powers, exact = 0.0, 0.0, True
    for f in range(X.shape[1]):
        x = X[i, f] - X[j, f]
        square += x * x
        exact = exact and fma(x, x, -(x * x)) == 0
    if square <= limits.inside:
        return IN
    if square > limits.outside:
        return OUT
    if limits.search == KD_TREE:
        two = 2.0 if limits.eps > 0 else 0.0  # a variable: the compiler would replace the C library's pow
        for f in range(X.shape[1]):
            powers += abs(X[i, f] - X[j, f]) ** two
        if exact:
            powers = square
        if square <= limits.square and powers <= limits.root_square:
            return IN
        if square > limits.square and powers > limits.root_square:
            return OUT
    if tree is None:
        return OPEN
    return walk(X, limits, tree, i, j, square)


@kernel
def arc_to_ball(point, centre):
    """Return the distance on the sphere from a point, with its cosine, to the centre of a ball, without one."""
    reduced = haversine(point, (centre[0], centre[1], math.cos(centre[0])))
    return 2 * math.asin(math.sqrt(reduced))


@kernel
def walk(X, limits, tree, i, j, square):
    """Go the way of scikit-learn's radius query from its root towards sample j."""
    two, half = (2.0, 0.5) if limits.eps > 0 else (0.0, 0.0)
    node, place = 0, tree.places[j]
    while True:
        least = most = 0.0
        for f in range(0 if limits.search == SPHERE else X.shape[1]):
            x = X[i, f]
            if limits.search == BALL_TREE:
                least += (x - tree.low[node, f]) * (x - tree.low[node, f])
                continue
            below, above = tree.low[node, f] - x, x - tree.high[node, f]
            least += (0.5 * ((below + abs(below)) + (above + abs(above)))) ** two
            most += max(abs(below), abs(above)) ** two
        if limits.search == BALL_TREE or limits.search == SPHERE:
            distance = math.sqrt(least)
            if limits.search == SPHERE:
                distance = arc_to_ball(limits.points[i], tree.low[node])
            least, most = max(0.0, distance - tree.radii[node]), distance + tree.radii[node]
        else:
            least, most = least**half, most**half
        if least > limits.eps:
            return OUT
        if most <= limits.eps:
            return IN
        if 2 * node + 1 >= len(tree.ends):
            return IN if square <= limits.square else OUT
        node = 2 * node + 1 + int(place >= tree.ends[2 * node + 1])
