"""The search for the split of one node, over the features that scikit-learn's generator draws."""

from typing import NamedTuple

import numpy as np

from fastml._kernels._jit import kernel
from fastml._kernels.runtime.random_jit import xorshift
from fastml._kernels.tree.absolute_error_jit import running_errors
from fastml._kernels.tree.arranged_jit import introsort
from fastml._kernels.tree.criteria_jit import (
    ABSOLUTE_ERROR,
    LEFT,
    RIGHT,
    SQUARED_ERROR,
    clear,
    clear_zeros,
    count_positive,
    leave_rest_to_the_right,
    move_to_left,
    proxy,
    sum_up_sides,
    value,
)

FEATURE_THRESHOLD = np.float32(1e-7)  # values that are no further apart are one
RAND_R_MAX = 2147483647.0


class Draws(NamedTuple):
    """What the drawing of features carries from node to node.

    seed       (1,) uint32
    features   (n_features,)  a permutation; those known to be constant in a node stand first
    constants  (n_features,)  the features found constant on the way down to the node
    """

    seed: np.ndarray
    features: np.ndarray
    constants: np.ndarray


class Candidate(NamedTuple):
    """A split: n_left of the members go to the left, 0 if it is none."""

    proxy: float
    feature: int
    threshold: float
    missing_left: bool
    n_left: int


@kernel
def judge(given, node, feature, lower, upper, n_left):
    """Return the proxy of the two sides, -inf where they break a rule."""
    if min(n_left, len(node.members) - n_left) < given.min_samples_leaf:
        return -np.inf
    if node.weight[LEFT] < given.min_weight_leaf or node.weight[RIGHT] < given.min_weight_leaf:
        return -np.inf
    if len(given.monotonic_cst) and given.monotonic_cst[feature] != 0:
        left, right = value(given, node, LEFT, 0, 0), value(given, node, RIGHT, 0, 0)
        bounded = left >= lower and right >= lower and left <= upper and right <= upper
        if not (bounded and (left - right) * given.monotonic_cst[feature] <= 0):
            return -np.inf
    return proxy(given, node)


@kernel
def scan(given, node, feature, values, order, missing_left, lower, upper, best):
    """Try all splits of the members in this order: by value, those that miss it at one end."""
    n = len(order)
    clear(node, LEFT)
    n_missing = np.isnan(values).sum()
    if given.criterion == ABSOLUTE_ERROR:
        left_errors, left_medians = running_errors(given.y, given.weights, node.members, node.ranks, order)
        reverse = order[::-1].copy()
        right_errors, right_medians = running_errors(given.y, given.weights, node.members, node.ranks, reverse)
    positive = count_positive(given, node, order)
    done = 0
    for n_left in range(1, n):
        before, after = values[order[n_left - 1]], values[order[n_left]]
        missing_alone = np.isnan(after) and not np.isnan(before)
        if not (missing_alone or after > before + FEATURE_THRESHOLD):
            continue
        if min(n_left, n - n_left) < given.min_samples_leaf:
            continue
        move_to_left(given, node, order, done, n_left)
        done = n_left
        leave_rest_to_the_right(given, node)
        clear_zeros(node, positive, n_left)
        if given.criterion == ABSOLUTE_ERROR:
            node.errors[LEFT], node.sums[LEFT, :, 0] = left_errors[n_left - 1], left_medians[n_left - 1]
            node.errors[RIGHT], node.sums[RIGHT, :, 0] = right_errors[n - n_left - 1], right_medians[n - n_left - 1]
        gain = judge(given, node, feature, lower, upper, n_left)
        if gain > best.proxy:
            threshold = np.inf if missing_alone else before / 2.0 + after / 2.0
            goes_left = missing_left if n_missing else n_left > n - n_left
            best = Candidate(gain, feature, threshold, goes_left, n_left)
    return best


@kernel
def best_threshold(given, node, feature, values, lower, upper, best):
    if given.arranged:
        return scan(given, node, feature, values, node.order, False, lower, upper, best)
    missing = np.isnan(values)
    present, absent = np.flatnonzero(~missing), np.flatnonzero(missing)
    present = present[np.argsort(values[present].astype(np.float64), kind="mergesort")]
    order = np.concatenate((present, absent))
    best = scan(given, node, feature, values, order, False, lower, upper, best)
    if len(absent):
        order = np.concatenate((absent, present))
        best = scan(given, node, feature, values, order, True, lower, upper, best)
    return best


@kernel
def goes_left(values, threshold, missing_left):
    return (values <= threshold) | (np.isnan(values) & missing_left)


@kernel
def sides(left):
    """Return the members in the order left, right, each ascending, and how many are left."""
    return np.concatenate((np.flatnonzero(left), np.flatnonzero(~left))), left.sum()


@kernel
def random_threshold(given, node, feature, values, extremes, seed, lower, upper, best):
    low, high, n_missing = extremes
    threshold = (np.float64(high) - np.float64(low)) * np.float64(xorshift(seed)) / RAND_R_MAX + np.float64(low)
    missing_left = n_missing > 0 and xorshift(seed) % np.uint32(2) == 1
    if threshold == high:
        threshold = np.float64(low)
    order, n_left = sides(goes_left(values, threshold, missing_left))
    if min(n_left, len(order) - n_left) < given.min_samples_leaf:
        return best
    sum_up_sides(given, node, order, n_left)
    clear_zeros(node, count_positive(given, node, order), n_left)
    gain = judge(given, node, feature, lower, upper, n_left)
    if gain > best.proxy:
        return Candidate(gain, feature, threshold, missing_left if n_missing else n_left > len(order) - n_left, n_left)
    return best


@kernel
def extent(values):
    """Return the smallest and largest value that are there, and how many are missing."""
    low, high, n_missing = np.float32(np.inf), np.float32(-np.inf), 0
    for x in values:
        if np.isnan(x):
            n_missing += 1
        low = x if x < low else low
        high = x if x > high else high
    return low, high, n_missing


@kernel
def draw(seed, low, high):
    return low + np.int64(xorshift(seed)) % (high - low)


@kernel
def parts_alike(given, node):
    """Whether every split of the node is the same but for rounding: of two samples. The first one wins."""
    simple = given.criterion == SQUARED_ERROR and given.y.shape[1] == 1 and not len(given.monotonic_cst)
    return simple and not (given.random or given.arranged) and len(node.members) == 2


@kernel
def find_split(given, draws, node, n_known, lower, upper):
    """Find the best split and the number of constant features, of which n_known come from above.

    Features are drawn without replacement; they stand, in this order: known constants drawn, known constants, found
    constants, not drawn, drawn and looked through.
    """
    features, constants = draws.features, draws.constants
    best = Candidate(-np.inf, 0, 0.0, False, 0)
    n_visited, n_drawn, n_found, end = 0, 0, 0, len(features)
    while end > n_known + n_found and (n_visited < given.max_features or n_visited <= n_found + n_drawn):
        n_visited += 1
        j = draw(draws.seed, n_drawn, end - n_found)
        if j < n_known:
            features[n_drawn], features[j] = features[j], features[n_drawn]
            n_drawn += 1
            continue
        j += n_found
        feature = features[j]
        values = given.columns[feature][node.members]
        if given.arranged:
            introsort(values, node.order)
        low, high, n_missing = extremes = extent(values)
        if n_missing == len(values) or (n_missing == 0 and high <= low + FEATURE_THRESHOLD):
            features[j], features[n_known + n_found] = features[n_known + n_found], features[j]
            n_found += 1
            continue
        end -= 1
        features[end], features[j] = features[j], features[end]
        if best.n_left and parts_alike(given, node):
            continue
        if given.random:
            best = random_threshold(given, node, feature, values, extremes, draws.seed, lower, upper, best)
        else:
            best = best_threshold(given, node, feature, values, lower, upper, best)
    features[:n_known] = constants[:n_known]
    constants[n_known : n_known + n_found] = features[n_known : n_known + n_found]
    return best, n_known + n_found
