"""GPU twin of predict.pyx: a thread a sample, which passes through tree after tree; samples may lie on the device.

The sums have the bits of the other twins: one owner adds them up in the order of the trees.
"""

import numpy as np
from numba import cuda

from fastml._kernels._cuda import THREADS, blocks, kernel, mul, to_device, to_host
from fastml._kernels._cuda import device as device_function
from fastml._kernels.tree.held import hold


def apply(trees, X, columns, out, n_threads):
    out[:] = leaves(hold(trees, None, columns, X.shape[1], 0), X)


def gather(trees, tables, X, columns, out, n_threads):
    held = hold(trees, tables, columns, X.shape[1], out.shape[2])
    for t, found in enumerate(leaves(held, X)):
        out[:, t] = held[t].table[found]


def add_up(trees, tables, X, columns, scale, out, n_threads):
    held = hold(trees, tables, columns, X.shape[1], out.shape[2])
    if held and out.size:
        sums = to_device(out)
        table = to_device(np.concatenate([tree.table for tree in held]))
        add_values[blocks(len(X), THREADS), THREADS](*packed(held), table, to_device(X), np.float64(scale), sums)
        out[:] = to_host(sums)


def leaves(held, X):
    """Leaves of all samples in all trees, (n_trees, n_samples), on the host."""
    if not held or not len(X):
        return np.empty((len(held), len(X)), np.int64)
    found = cuda.device_array((len(held), len(X)), np.int64)
    find_leaves[blocks(len(X), THREADS), THREADS](*packed(held), to_device(X), found)
    return to_host(found)


def packed(held):
    """Nodes of all trees, one after the other, on the device.

    first       (n_trees + 1,)  int64: where each tree begins
    thresholds  (n_nodes,)  float32, rounded down: a float32 is <= the one where it is <= the other
    columns     (n_nodes,)  int32; -1: a leaf
    children    (n_nodes, 2)  int32: left and right, within the tree
    missing     (n_nodes,)  uint8: whether what is missing goes to the left
    """
    first = np.cumsum([0] + [len(tree.nodes) for tree in held])
    nodes = np.concatenate([tree.nodes for tree in held])
    return (
        to_device(first),
        to_device(rounded_down(nodes["threshold"])),
        to_device(np.concatenate([columns_of(tree) for tree in held])),
        to_device(np.stack([nodes["left_child"], nodes["right_child"]], axis=1).astype(np.int32)),
        to_device(nodes["missing_go_to_left"]),
    )


def columns_of(tree):
    features = tree.nodes["feature"]
    n_features = np.iinfo(np.int32).max if tree.columns is None else len(tree.columns)
    inner = (tree.nodes["left_child"] >= 0) & (features >= 0) & (features < n_features)
    columns = features if tree.columns is None else tree.columns[np.where(inner, features, 0)] if inner.any() else 0
    return np.where(inner, columns, -1).astype(np.int32)


def rounded_down(thresholds):
    with np.errstate(over="ignore"):
        rounded = thresholds.astype(np.float32)
    return np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)


@device_function
def leaf(first, thresholds, columns, children, missing, X, t, i):
    """Place of a sample's leaf in tree t; a reference that leads out of the tree ends the walk."""
    begin = first[t]
    n_nodes = first[t + 1] - begin
    at = 0
    for _ in range(n_nodes):
        node = begin + at
        column = columns[node]
        if column < 0 or column >= X.shape[1]:
            break
        x = X[i, column]
        left = x <= thresholds[node] or (x != x and missing[node] != 0)
        child = children[node, 0 if left else 1]
        if child < 0 or child >= n_nodes:
            break
        at = child
    return at


@kernel
def find_leaves(first, thresholds, columns, children, missing, X, found):
    i = cuda.grid(1)
    if i < X.shape[0]:
        for t in range(found.shape[0]):
            found[t, i] = leaf(first, thresholds, columns, children, missing, X, t, i)


@kernel
def add_values(first, thresholds, columns, children, missing, table, X, scale, sums):
    i = cuda.grid(1)
    if i < X.shape[0]:
        for t in range(first.shape[0] - 1):
            node = first[t] + leaf(first, thresholds, columns, children, missing, X, t, i)
            group = t % sums.shape[1]
            for j in range(sums.shape[2]):
                sums[i, group, j] += mul(scale, table[node, j])
