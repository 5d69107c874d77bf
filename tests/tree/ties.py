"""Whether the first split in which two trees differ is a tie: two splits that are equally good in exact arithmetic.

Trees are states, as ``tree_.__getstate__()`` gives them; what they were grown from is a `Growth`. Weighted impurities
are computed in fractions, or in 50 decimal digits where they need a logarithm.
"""

from typing import NamedTuple

import numpy as np

from .impurities import Exact, goes_left

TIE = 1e-12  # of the weighted impurity of the root
NUMBERS = 1e-10  # of the root's impurity, of the largest value, of the total weight
EPSILON = float(np.finfo(float).eps)  # an impurity up to this makes a leaf


class Split(NamedTuple):
    """A split as it stands in a tree, and the samples of its node."""

    node: int
    feature: int
    threshold: float
    missing_go_to_left: bool
    rows: np.ndarray
    bounds: tuple  # of the node's value, by the monotonic constraints above


class Place:
    """Follows two trees from the root while they are equal: the samples of every node, and the bounds of its value."""

    def __init__(self, growth):
        self.growth = growth
        self.rows = {0: np.flatnonzero(growth.weights != 0)}
        self.bounds = {0: (-np.inf, np.inf)}
        self.parents = {0: 0}

    def split(self, node, record):
        rows, bounds = self.rows[node], self.bounds[node]
        return Split(node, record["feature"], record["threshold"], record["missing_go_to_left"], rows, bounds)

    def descend(self, split, record):
        left = goes_left(self.growth, split)
        children = split.rows[left], split.rows[~left]
        self.rows[record["left_child"]], self.rows[record["right_child"]] = children
        lower, upper = split.bounds
        below = above = split.bounds
        cst = 0 if self.growth.monotonic_cst is None else self.growth.monotonic_cst[split.feature]
        if cst and all(map(len, children)):
            middle = sum(value(self.growth, rows) for rows in children) / 2
            below, above = ((lower, middle), (middle, upper))[:: int(cst)]
        self.bounds[record["left_child"]], self.bounds[record["right_child"]] = below, above
        self.parents[record["left_child"]] = self.parents[record["right_child"]] = split.node

    def marginal_leaf(self, node, exact):
        """Tell whether rounding decides if a node is split at all, and so whether random numbers are drawn there."""
        growth, rows = self.growth, self.rows[node]
        min_samples_split, min_samples_leaf = growth.limits[:2]
        if len(rows) < max(min_samples_split, 2 * min_samples_leaf):
            return False
        weight = growth.weights[rows].sum()
        parents = self.rows[self.parents[node]]  # the impurity of a child is a difference of its parent's sums
        sizes = 1.0 if growth.n_classes is not None else np.maximum(growth.y[parents] ** 2, np.abs(growth.y[parents]))
        noise = (
            8 * EPSILON * (growth.weights[parents] @ np.broadcast_to(sizes, (len(parents), growth.y.shape[1]))).sum()
        )
        near_pure = abs(float(exact.total(rows)) / weight - EPSILON) <= noise / weight
        return near_pure or bool(growth.min_weight_leaf and abs(weight - 2 * growth.min_weight_leaf) <= TIE * weight)


def value(growth, rows):
    """Return a node's value, that monotonic constraints compare, in ordinary precision."""
    y, weights = growth.y[rows, 0], growth.weights[rows]
    if growth.impurity == "absolute_error":
        return float(Exact(growth).median(rows, 0))
    return float(weights @ (y == 0 if growth.n_classes is not None else y) / weights.sum())


def compare(growth, theirs, ours):
    """Compare two trees from the root on. Return None if they are equal, "" for a tie, or what differs."""
    place = Place(growth)
    steps = _best_first if growth.best_first else _depth_first
    for step, (mine, yours) in enumerate(steps(theirs, ours)):
        created = (1 + 2 * (step - 1), 2 + 2 * (step - 1)) if growth.best_first and step else (step,)
        for node in created:
            if sentence := _numbers(theirs, ours, node):
                return "" if _same_median(place, node, theirs, ours) else sentence
        if mine is None and yours is None:
            continue
        splits = [None if k is None else place.split(k, t["nodes"][k]) for k, t in ((mine, theirs), (yours, ours))]
        if None in splits or splits[0][:4] != splits[1][:4]:
            return _shown(place, splits)
        place.descend(splits[0], theirs["nodes"][mine])
    if growth.best_first:
        for node in range(theirs["node_count"]):
            if sentence := _numbers(theirs, ours, node):
                return sentence
    return None if theirs["max_depth"] == ours["max_depth"] else f"depth {ours['max_depth']}"


def _depth_first(theirs, ours):
    """Yield for every node, in the order in which nodes are made, its number twice: None where it is a leaf."""
    for node in range(theirs["node_count"]):  # while they agree, none has a node that the other lacks
        yield tuple(node if tree["nodes"]["left_child"][node] >= 0 else None for tree in (theirs, ours))


def _best_first(theirs, ours):
    """Yield, in the order in which nodes are split, the nodes that the two trees split: None where one has stopped."""
    split_at = [{left: node for node, left in enumerate(t["nodes"]["left_child"]) if left > 0} for t in (theirs, ours)]
    for step in range(max(map(len, split_at))):
        yield tuple(nodes.get(1 + 2 * step) for nodes in split_at)


def _numbers(theirs, ours, node):
    """Return what differs by more than rounding between the numbers of a node, or ""."""
    a, b = ours["nodes"][node], theirs["nodes"][node]
    if a["n_node_samples"] != b["n_node_samples"]:
        return f"node {node} has {a['n_node_samples']} samples instead of {b['n_node_samples']}"
    root = theirs["nodes"][0]
    for name in ("impurity", "weighted_n_node_samples"):
        if not _near(a[name], b[name], NUMBERS * abs(root[name]) + 4 * EPSILON * (name == "impurity")):
            return f"node {node}: {name} {a[name]!r} instead of {b[name]!r}"
    values = theirs["values"]
    if (a["left_child"] < 0) != (b["left_child"] < 0):  # boosting gives leaves other values: the split is to be judged
        return ""
    if not _near(ours["values"][node], values[node], NUMBERS * np.abs(values).max() + 1e-14).all():
        return f"node {node}: value {ours['values'][node].ravel()} instead of {values[node].ravel()}"
    return ""


def _same_median(place, node, theirs, ours):
    """Tell whether the values of a node are medians both: any number is between two halves of equal weight."""
    if place.growth.impurity != "absolute_error":
        return False
    exact, rows = Exact(place.growth), place.rows[node]
    room = TIE * float(exact.total(place.rows[0]))
    errors = [exact.absolute_errors(rows, tree["values"][node].ravel()) for tree in (theirs, ours)]
    return abs(float(errors[0] - errors[1])) <= room


def _near(a, b, tolerance):
    with np.errstate(invalid="ignore"):
        return (np.abs(a - b) <= tolerance) | (a == b) | (np.isnan(a) & np.isnan(b))


def _shown(place, splits):
    """Return "" if it is shown that the splits (or a split and a leaf, None) are equally good; else what differs."""
    growth, exact = place.growth, Exact(place.growth)
    root = exact.total(place.rows[0])
    room = TIE * abs(float(root))
    given = [split for split in splits if split]
    gains = [exact.gain(split) for split in given]
    if len(given) == 2 and given[0][:2] == given[1][:2]:  # node and feature
        if np.array_equal(*(goes_left(growth, split) for split in given)):  # the rest follows from these
            return f"{_brief(given[1])} instead of {_brief(given[0])}"
    if any(marginal(growth, split) for split in given):
        return ""
    if len(given) == 2:
        equal = abs(float(gains[0] - gains[1])) <= room
    else:
        weight = growth.weights.sum()
        decrease = abs(float(gains[0]) / weight + EPSILON - growth.min_impurity_decrease)
        equal = decrease <= room / weight + 4 * EPSILON
    if equal or any(place.marginal_leaf(node, exact) for node in place.rows):
        return ""
    brief = [f"gain {float(g):.17g} by {_brief(split)}" for g, split in zip(gains, given, strict=True)]
    theirs, ours = brief if len(brief) == 2 else (brief[0], "a leaf") if splits[0] else ("a leaf", brief[0])
    return f"{ours} instead of {theirs}, of a root's {float(root):.6g}"


def _brief(split):
    return f"node {split.node}: X[{split.feature}] <= {split.threshold!r}, missing left {split.missing_go_to_left}"


def marginal(growth, split):
    """Tell whether rounding decides if a split satisfies the limits of weight, monotony and positive sums."""
    left = goes_left(growth, split)
    sides = split.rows[left], split.rows[~left]
    if not all(map(len, sides)):
        return False
    weights = [growth.weights[rows].sum() for rows in sides]
    if growth.min_weight_leaf and any(abs(w - growth.min_weight_leaf) <= TIE * sum(weights) for w in weights):
        return True
    if growth.impurity == "poisson":  # no child may have a sum of at most EPSILON, which is a difference of sums
        whole, *parts = (growth.weights[rows] @ growth.y[rows] for rows in (split.rows, *sides))
        return bool(np.any(np.minimum(*parts) <= EPSILON + TIE * whole))
    if growth.monotonic_cst is not None and growth.monotonic_cst[split.feature]:
        below, above = (value(growth, rows) for rows in sides)
        scale = TIE * max(abs(growth.y).max(), 1e-300)
        pairs = (below, above), *((v, bound) for v in (below, above) for bound in split.bounds)
        return any(abs(a - b) <= scale for a, b in pairs)
    return False
