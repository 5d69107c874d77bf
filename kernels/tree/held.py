"""The arrays of fitted trees, for the kernels that are written in Python; predict.pyx looks at them itself."""

from typing import NamedTuple

import numpy as np

from fastml._kernels.tree.tables import NODE


class Held(NamedTuple):
    """One tree as a kernel reads it; valid only until the tree changes.

    nodes    (n_nodes,)  NODE
    table    (n_nodes, width)  float64: what is looked up for a leaf; None: nothing is
    columns  (n_features of the tree,)  int64: column of X of every feature; None: the same
    """

    nodes: np.ndarray
    table: np.ndarray | None
    columns: np.ndarray | None


def hold(trees, tables, columns, n_features, width):
    """Return one Held a tree; `width` 0 where nothing is looked up."""
    held, first = [], None
    for name, each in (("tables", tables), ("columns", columns)):
        if each is not None and len(each) != len(trees):
            raise ValueError(f"there are {len(trees)} trees, and {len(each)} {name}")
    for t, tree in enumerate(trees):
        state = tree.__getstate__()
        nodes, table = state["nodes"], tables[t] if tables is not None else state["values"]
        if nodes.dtype != NODE or not len(nodes):
            raise ValueError(f"tree {t} has no nodes that could be read: {len(nodes)} of type {nodes.dtype}")
        own = None if columns is None else np.ascontiguousarray(columns[t], np.int64)
        seen = n_features if own is None else len(own)
        if tree.n_features != seen:
            raise ValueError(f"tree {t} was grown on {tree.n_features} features and is given {seen}")
        if own is not None and len(own) and not 0 <= own.min() <= own.max() < n_features:
            raise ValueError(f"columns of tree {t} are {own.min()} to {own.max()}, and X has {n_features}")
        if width:
            n_outputs = table.shape[1] if tables is None and table.ndim > 1 else None
            first = n_outputs if t == 0 else first
            if n_outputs != first:
                raise ValueError(f"tree {t} has {n_outputs} outputs, tree 0 has {first}")
            if table.dtype != np.float64 or table.size != len(nodes) * width:
                raise ValueError(
                    f"the table of tree {t} is {table.shape} {table.dtype}, not ({len(nodes)}, {width}) float64"
                )
            table = np.ascontiguousarray(table).reshape(len(nodes), width)
        held.append(Held(nodes, table if width else None, own))
    return held
