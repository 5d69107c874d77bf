"""Twin of grow.pyx: the growing of trees in its plainest form. One thread; it reads the columns only."""

from typing import NamedTuple

import numpy as np

from fastml._kernels._jit import kernel
from fastml._kernels.tree.arranged_jit import part
from fastml._kernels.tree.criteria_jit import (
    ABSOLUTE_ERROR,
    ALL,
    ENTROPY,
    GINI,
    LEFT,
    POISSON,
    RIGHT,
    SQUARED_ERROR,
    USER_OF_CLASSES,
    USER_OF_SUMS,
    improvement,
    impurity,
    middle_value,
    sum_up,
    sum_up_sides,
    value,
)
from fastml._kernels.tree.split_jit import Draws, find_split, goes_left, sides
from fastml._kernels.tree.tables import NODE, Features

CRITERIA = {
    "gini": GINI,
    "entropy": ENTROPY,
    "squared_error": SQUARED_ERROR,
    "absolute_error": ABSOLUTE_ERROR,
    "poisson": POISSON,
}
NO_PARENT, NO_CHILD, NO_FEATURE = -1, -1, -2
EPSILON = np.finfo(np.float64).eps


class Given(NamedTuple):
    """What a tree grows from: samples and rules, all in one type so that the kernels are compiled once."""

    columns: np.ndarray
    y: np.ndarray
    n_classes: np.ndarray
    weights: np.ndarray
    weight: float
    criterion: int
    user: int
    random: bool
    max_features: int
    max_depth: int
    min_samples_split: int
    min_samples_leaf: int
    min_weight_leaf: float
    min_impurity_decrease: float
    monotonic_cst: np.ndarray
    arranged: bool


class Task(NamedTuple):
    """A node to be made, of the samples[start:end]."""

    start: int
    end: int
    depth: int
    parent: int
    is_left: bool
    impurity: float
    n_constants: int
    lower: float
    upper: float


class Made(NamedTuple):
    """A node that was made of a task, and its split."""

    node_id: int
    task: Task
    is_leaf: bool
    improvement: float
    left: Task
    right: Task


@kernel
def children(given, task, node_id, feature, pos, middle, left, right, n_constants):
    """Return the tasks of the children, of impurities left and right: bounds are handed down, a middle parts them."""
    cst = given.monotonic_cst[feature] if len(given.monotonic_cst) else 0
    left_upper, right_lower = (middle, middle) if cst > 0 else (task.upper, task.lower)
    left_lower, right_upper = (middle, middle) if cst < 0 else (task.lower, task.upper)
    depth = task.depth + 1
    return (
        Task(task.start, pos, depth, node_id, True, left, n_constants, left_lower, left_upper),
        Task(pos, task.end, depth, node_id, False, right, n_constants, right_lower, right_upper),
    )


@kernel
def forget_constants(t):
    """Return the task without the constant features: growing best first, every node finds its own."""
    return Task(t.start, t.end, t.depth, t.parent, t.is_left, t.impurity, 0, t.lower, t.upper)


@kernel
def store_value(given, node, task, values):
    for k in range(values.shape[0]):
        for c in range(given.n_classes[k]):
            values[k, c] = value(given, node, ALL, k, c)
    if len(given.monotonic_cst):
        if values[0, 0] < task.lower:
            values[0, 0] = task.lower
        elif values[0, 0] > task.upper:
            values[0, 0] = task.upper
        if given.criterion <= USER_OF_CLASSES and values.shape[1] > 1:
            values[0, 1] = 1 - values[0, 0]


@kernel
def make_leaf(nodes, node_id):
    nodes[node_id].left_child = NO_CHILD
    nodes[node_id].right_child = NO_CHILD
    nodes[node_id].feature = NO_FEATURE
    nodes[node_id].threshold = NO_FEATURE


@kernel
def make_node(given, draws, samples, task, nodes, values, node_id):
    members = samples[task.start : task.end].copy()
    n = len(members)
    node = sum_up(given, members)
    is_root = task.parent < 0
    own = impurity(given, node, ALL, np.arange(n)) if is_root else task.impurity
    is_leaf = (
        task.depth >= given.max_depth
        or n < given.min_samples_split
        or n < 2 * given.min_samples_leaf
        or node.weight[ALL] < 2 * given.min_weight_leaf
        or own <= EPSILON
    )
    made = Made(node_id, task, True, 0.0, task, task)
    if not is_leaf:
        split, n_constants = find_split(given, draws, node, task.n_constants, task.lower, task.upper)
        is_leaf = split.n_left == 0
    if not is_leaf:
        values_there = given.columns[split.feature][members]
        is_left = goes_left(values_there, split.threshold, split.missing_left)
        order, n_left = part(is_left, node.order) if given.arranged else sides(is_left)
        for m in range(n):
            samples[task.start + m] = members[order[m]]
        sum_up_sides(given, node, order, n_left)
        left = impurity(given, node, LEFT, order[:n_left])
        right = impurity(given, node, RIGHT, order[n_left:])
        gain = improvement(given, node, own, left, right)
        is_leaf = gain + EPSILON < given.min_impurity_decrease

    nodes[node_id].impurity = own
    nodes[node_id].n_node_samples = n
    nodes[node_id].weighted_n_node_samples = node.weight[ALL]
    if not is_root and task.is_left:
        nodes[task.parent].left_child = node_id
    elif not is_root:
        nodes[task.parent].right_child = node_id
    store_value(given, node, task, values[node_id])
    if is_leaf:
        make_leaf(nodes, node_id)
        return made
    nodes[node_id].feature = split.feature
    nodes[node_id].threshold = split.threshold
    nodes[node_id].missing_go_to_left = split.missing_left
    middle, pos = middle_value(given, node), task.start + n_left
    tasks = children(given, task, node_id, split.feature, pos, middle, left, right, n_constants)
    return Made(node_id, task, False, gain, tasks[0], tasks[1])


@kernel
def sift_up(frontier, hole, made):
    while hole > 0 and frontier[(hole - 1) // 2].improvement < made.improvement:
        frontier[hole] = frontier[(hole - 1) // 2]
        hole = (hole - 1) // 2
    frontier[hole] = made


@kernel
def push(frontier, made):
    frontier.append(made)
    sift_up(frontier, len(frontier) - 1, made)


@kernel
def pop(frontier):
    """Take the node of the largest improvement; of equal ones the one that push_heap and pop_heap of libstdc++ give."""
    top, last, n = frontier[0], frontier[-1], len(frontier) - 1
    frontier.pop()
    hole = 0
    while 2 * hole + 1 < n:
        child = 2 * hole + 2
        if child == n or frontier[child].improvement < frontier[child - 1].improvement:
            child -= 1
        frontier[hole] = frontier[child]
        hole = child
    if n:
        sift_up(frontier, hole, last)
    return top


@kernel
def root_task(samples):
    return Task(0, len(samples), 0, NO_PARENT, False, np.inf, 0, -np.inf, np.inf)


@kernel
def grow_depth_first(given, draws, samples, nodes, values):
    stack, n_nodes, depth = [root_task(samples)], 0, 0
    while stack:
        made = make_node(given, draws, samples, stack.pop(), nodes, values, n_nodes)
        n_nodes += 1
        depth = max(depth, made.task.depth)
        if not made.is_leaf:
            stack.append(made.right)
            stack.append(made.left)
    return n_nodes, depth


@kernel
def grow_best_first(given, draws, samples, n_splits, nodes, values):
    frontier = [make_node(given, draws, samples, root_task(samples), nodes, values, 0)]
    n_nodes, depth = 1, 0
    while frontier:
        made = pop(frontier)
        depth = max(depth, made.task.depth)
        if made.is_leaf or n_splits <= 0:
            make_leaf(nodes, made.node_id)  # missing_go_to_left stays, as in scikit-learn
            continue
        n_splits -= 1
        left = make_node(given, draws, samples, forget_constants(made.left), nodes, values, n_nodes)
        right = make_node(given, draws, samples, forget_constants(made.right), nodes, values, n_nodes + 1)
        n_nodes += 2
        push(frontier, left)
        push(frontier, right)
    return n_nodes, depth


def prepare(X, random, presort, n_threads, ranked=True):
    columns = np.ascontiguousarray(X.T)
    missing = np.isnan(columns).sum(axis=1, dtype=np.int64)
    return Features(columns, None, None, None, None, missing, None)


def grow_one(features, y, n_classes, weights, min_weight_leaf, seed, rules):
    criterion = CRITERIA.get(rules.criterion, USER_OF_SUMS if n_classes is None else USER_OF_CLASSES)
    weights = np.ones(len(y)) if weights is None else weights.astype(np.float64)
    given = Given(
        features.columns,
        y,
        np.ones(y.shape[1], np.int64) if n_classes is None else n_classes.astype(np.int64),
        weights,
        float(weights.cumsum()[-1]),  # added one by one
        criterion,
        getattr(rules.criterion, "address", 0),
        bool(rules.random),
        int(rules.max_features),
        int(rules.max_depth),
        int(rules.min_samples_split),
        int(rules.min_samples_leaf),
        float(min_weight_leaf),
        float(rules.min_impurity_decrease),
        np.empty(0, np.int8) if rules.monotonic_cst is None else np.ascontiguousarray(rules.monotonic_cst, np.int8),
        bool(rules.arranged),
    )
    samples = np.flatnonzero(weights)
    max_leaves = len(samples) if rules.max_leaf_nodes < 0 else min(rules.max_leaf_nodes, len(samples))
    nodes = np.zeros(max(2 * max_leaves - 1, 1), NODE)
    values = np.zeros((len(nodes), y.shape[1], int(given.n_classes.max())))
    n_features = len(given.columns)
    draws = Draws(np.array([seed], np.uint32), np.arange(n_features), np.empty(n_features, np.int64))
    if rules.max_leaf_nodes < 0:
        n_nodes, depth = grow_depth_first(given, draws, samples, nodes, values)
    else:
        n_nodes, depth = grow_best_first(given, draws, samples, rules.max_leaf_nodes - 1, nodes, values)
    nodes.resize(n_nodes, refcheck=False)  # not a copy, which would leave the padding to chance
    values.resize((n_nodes, *values.shape[1:]), refcheck=False)
    return nodes, values, depth


def grow(features, y, n_classes, weights, min_weight_leaf, seeds, rules, n_threads):
    if rules.doubt is not None and rules.criterion == "squared_error" and not rules.arranged:
        return [None] * len(seeds)  # every call might be close
    trees = zip(weights, min_weight_leaf, seeds, strict=True)
    return [grow_one(features, y, n_classes, w, least, seed, rules) for w, least, seed in trees]
