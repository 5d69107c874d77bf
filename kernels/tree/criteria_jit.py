"""Criteria: what the samples of a node, and of the two sides of a split, sum up to, and how impure that is.

Every sum takes its terms in an order that does not depend on how the samples are kept: of a node and of the two
sides in the end by sample, of the sides in the search by value, then sample. The right side is the rest.
"""

from math import log
from typing import NamedTuple

import numpy as np

from fastml._kernels._jit import call_numbers, kernel
from fastml._kernels.tree.absolute_error_jit import running_errors, target_ranks

GINI, ENTROPY, USER_OF_CLASSES, SQUARED_ERROR, ABSOLUTE_ERROR, POISSON, USER_OF_SUMS = range(7)
ALL, LEFT, RIGHT = range(3)
LN2 = log(2.0)
POSITIVE = 10 * np.finfo(np.float64).eps  # a sum of Poisson targets of at most this is none


class Node(NamedTuple):
    """The samples of a node and what they sum up to: first axis of 3, the whole node and two sides.

    members   (n,)  samples, ascending, or as scikit-learn arranges them
    ranks     (n_outputs, n)  of the members' targets; for the absolute error, else empty
    sums      (3, n_outputs, max_n_classes)  weights of the classes; weighted targets; absolute error: medians
    weight    (3,)
    errors    (3,)  weighted squares of the targets; absolute error: absolute errors
    order     (n,)  of the members, if scikit-learn's arrangement counts: as the features drawn so far have sorted them
    """

    members: np.ndarray
    ranks: np.ndarray
    sums: np.ndarray
    weight: np.ndarray
    errors: np.ndarray
    order: np.ndarray


@kernel
def add(given, node, side, member, sign=1.0):
    i = node.members[member]
    w = sign * given.weights[i]
    node.weight[side] += w
    for k in range(given.y.shape[1]):
        y = given.y[i, k]
        if given.criterion <= USER_OF_CLASSES:
            node.sums[side, k, np.int64(y)] += w
        elif given.criterion != ABSOLUTE_ERROR:
            node.sums[side, k, 0] += w * y
            node.errors[side] += w * y * y


@kernel
def clear(node, side):
    node.sums[side] = 0
    node.weight[side] = 0
    node.errors[side] = 0


@kernel
def leave_rest_to_the_right(given, node):
    node.weight[RIGHT] = node.weight[ALL] - node.weight[LEFT]
    if given.criterion != ABSOLUTE_ERROR:
        node.errors[RIGHT] = node.errors[ALL] - node.errors[LEFT]
        for k in range(node.sums.shape[1]):
            for c in range(node.sums.shape[2]):
                node.sums[RIGHT, k, c] = node.sums[ALL, k, c] - node.sums[LEFT, k, c]


@kernel
def from_nearer_end(given):
    """Whether sums of a side are taken from where fewer samples are, as scikit-learn does.

    Where all targets beyond are zero nothing is left of them then, which Poisson's criterion asks for.
    """
    if given.criterion == ABSOLUTE_ERROR:
        return False
    quick = given.criterion in (GINI, ENTROPY, SQUARED_ERROR)
    return given.arranged or not (quick and given.y.shape[1] == 1 and not len(given.monotonic_cst))


@kernel
def move_to_left(given, node, order, done, n_left):
    """Sum up the members order[:n_left] on the left, of which the first `done` are there."""
    n = len(order)
    if n_left - done <= n - n_left or not from_nearer_end(given):
        for m in order[done:n_left]:
            add(given, node, LEFT, m)
        return
    node.sums[LEFT] = node.sums[ALL]
    node.weight[LEFT] = node.weight[ALL]
    node.errors[LEFT] = node.errors[ALL]
    for m in order[n_left:][::-1]:
        add(given, node, LEFT, m, -1.0)


@kernel
def count_positive(given, node, order):
    """Return the targets above 0 of order[:j] for every j, by output: Poisson's; else nothing."""
    counts = np.zeros((len(order) + 1 if given.criterion == POISSON else 0, given.y.shape[1]), np.int64)
    for j in range(len(counts) - 1):
        for k in range(counts.shape[1]):
            counts[j + 1, k] = counts[j, k] + (given.y[node.members[order[j]], k] > 0)
    return counts


@kernel
def clear_zeros(node, positive, n_left):
    """Take what rounding leaves of sums of zeros for zero: Poisson's criterion forbids such sides."""
    if len(positive):
        for k in range(positive.shape[1]):
            if positive[n_left, k] == 0:
                node.sums[LEFT, k, 0] = 0
            if positive[n_left, k] == positive[-1, k]:
                node.sums[RIGHT, k, 0] = 0


@kernel
def sum_up(given, members):
    n, shape = len(members), (3, given.y.shape[1], given.n_classes.max())
    ranks = target_ranks(given.y, members[: n if given.criterion == ABSOLUTE_ERROR else 0])
    node = Node(members, ranks, np.zeros(shape), np.zeros(3), np.zeros(3), np.arange(n))
    for m in range(n):
        add(given, node, ALL, m)
    if given.criterion == ABSOLUTE_ERROR and n:
        errors, medians = running_errors(given.y, given.weights, members, ranks, np.arange(n)[::-1].copy())
        node.errors[ALL] = errors[-1]
        node.sums[ALL, :, 0] = medians[-1]
    return node


@kernel
def sum_up_sides(given, node, order, n_left):
    """Sum up the members order[:n_left] on the left, the others on the right."""
    clear(node, LEFT)
    move_to_left(given, node, order, 0, n_left)
    if given.arranged:  # squares are not taken from the nearer end
        node.errors[LEFT] = 0
        for m in order[:n_left]:
            i = node.members[m]
            node.errors[LEFT] += given.weights[i] * given.y[i, 0] * given.y[i, 0]
    leave_rest_to_the_right(given, node)
    if given.criterion == ABSOLUTE_ERROR:
        for side, run, n in ((LEFT, order, n_left), (RIGHT, order[::-1].copy(), len(order) - n_left)):
            errors, medians = running_errors(given.y, given.weights, node.members, node.ranks, run)
            node.errors[side] = errors[n - 1]
            node.sums[side, :, 0] = medians[n - 1]


@kernel
def value(given, node, side, k, c):
    if given.criterion == ABSOLUTE_ERROR:
        return node.sums[side, k, c]
    return node.sums[side, k, c] / node.weight[side]


@kernel
def middle_value(given, node):
    """Half-way between the two sides, of one output."""
    left, right = node.sums[LEFT, 0, 0], node.sums[RIGHT, 0, 0]
    if given.criterion == ABSOLUTE_ERROR:
        return (left + right) / 2
    return left / (2 * node.weight[LEFT]) + right / (2 * node.weight[RIGHT])


@kernel
def poisson_loss(given, node, side, members):
    loss = 0.0
    for k in range(given.y.shape[1]):
        if node.sums[side, k, 0] <= POSITIVE:
            return np.inf
        mean = node.sums[side, k, 0] / node.weight[side]
        for m in members:
            y = given.y[node.members[m], k]
            if y != 0:
                loss += given.weights[node.members[m]] * (y * log(y / mean))
    return loss / (node.weight[side] * given.y.shape[1])


@kernel
def impurity(given, node, side, members):
    """Impurity of the whole node or one side; Poisson's takes a look at the members there."""
    if given.criterion == POISSON:
        return poisson_loss(given, node, side, members)
    n_outputs, weight = given.y.shape[1], node.weight[side]
    if given.criterion == ABSOLUTE_ERROR:
        return node.errors[side] / (weight * n_outputs)
    if given.criterion == USER_OF_SUMS:
        return call_numbers(given.user, np.array([weight, node.sums[side, 0, 0], node.errors[side]]))
    total = node.errors[side] / weight if given.criterion == SQUARED_ERROR else 0.0
    for k in range(n_outputs):
        if given.criterion == SQUARED_ERROR:
            mean = node.sums[side, k, 0] / weight
            total -= mean * mean
        elif given.criterion == GINI:
            squares = 0.0
            for count in node.sums[side, k]:
                squares += count * count
            total += 1.0 - squares / (weight * weight)
        elif given.criterion == USER_OF_CLASSES:
            total += call_numbers(given.user, node.sums[side, k, : given.n_classes[k]])
        else:
            for count in node.sums[side, k]:
                if count > 0.0:
                    share = count / weight
                    total -= share * (log(share) / LN2)
    return total / n_outputs


@kernel
def proxy(given, node):
    """Return the improvement without the terms that all splits of the node share."""
    if given.criterion == SQUARED_ERROR:
        left, right = 0.0, 0.0
        for k in range(given.y.shape[1]):
            left += node.sums[LEFT, k, 0] * node.sums[LEFT, k, 0]
            right += node.sums[RIGHT, k, 0] * node.sums[RIGHT, k, 0]
        return left / node.weight[LEFT] + right / node.weight[RIGHT]
    if given.criterion == POISSON:
        left, right = 0.0, 0.0
        for k in range(given.y.shape[1]):
            if node.sums[LEFT, k, 0] <= POSITIVE or node.sums[RIGHT, k, 0] <= POSITIVE:
                return -np.inf
            left -= node.sums[LEFT, k, 0] * (log(node.sums[LEFT, k, 0] / node.weight[LEFT]) / LN2)
            right -= node.sums[RIGHT, k, 0] * (log(node.sums[RIGHT, k, 0] / node.weight[RIGHT]) / LN2)
        return -left - right
    nobody = node.members[:0]
    right = node.weight[RIGHT] * impurity(given, node, RIGHT, nobody)
    return -right - node.weight[LEFT] * impurity(given, node, LEFT, nobody)


@kernel
def improvement(given, node, parent, left, right):
    weight = node.weight
    rest = parent - weight[RIGHT] / weight[ALL] * right - weight[LEFT] / weight[ALL] * left
    return weight[ALL] / given.weight * rest
