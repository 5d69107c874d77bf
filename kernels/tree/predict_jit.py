"""Twin of predict.pyx: leaves of fitted trees, and what is kept of them. One thread."""

import numpy as np

from fastml._kernels._jit import kernel
from fastml._kernels.tree.held import hold


def apply(trees, X, columns, out, n_threads):
    for t, tree in enumerate(hold(trees, None, columns, X.shape[1], 0)):
        out[t] = leaves(tree, X)


def gather(trees, tables, X, columns, out, n_threads):
    for t, tree in enumerate(hold(trees, tables, columns, X.shape[1], out.shape[2])):
        out[:, t] = tree.table[leaves(tree, X)]


def add_up(trees, tables, X, columns, scale, out, n_threads):
    for t, tree in enumerate(hold(trees, tables, columns, X.shape[1], out.shape[2])):
        out[:, t % out.shape[1]] += scale * tree.table[leaves(tree, X)]


def leaves(tree, X):
    found = np.empty(len(X), np.int64)
    columns = np.arange(X.shape[1]) if tree.columns is None else tree.columns
    walk(tree.nodes, columns, X, found)
    return found


@kernel
def walk(nodes, columns, X, found):
    for i in range(len(X)):
        at = 0
        for _ in range(len(nodes)):  # so that references in a circle end, too
            node = nodes[at]
            if node.left_child < 0 or not 0 <= node.feature < len(columns):
                break
            left = goes_left(X[i, columns[node.feature]], node.threshold, node.missing_go_to_left)
            child = node.left_child if left else node.right_child
            if not 0 <= child < len(nodes):
                break
            at = child
        found[i] = at


@kernel
def goes_left(x, threshold, missing_go_to_left):
    """Compare in float64; what is missing goes where the node says."""
    return np.float64(x) <= threshold if x == x else missing_go_to_left != 0
