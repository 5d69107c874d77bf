"""Driver of prediction by trees: for every sample its leaf in every tree, and what is looked up there.

    apply(trees, X, *, columns=None, n_threads)                       (n, n_trees) int64: leaves
    sum_values(trees, X, *, tables=None, columns=None, n_threads)     (n, width) float64: sums over the trees
    add_scaled(trees, X, scale, out, *, columns=None, n_threads)      None: out[:, t % n_outputs] += scale * value
    gather(trees, X, *, tables=None, columns=None, n_threads)         (n, n_trees, width) float64: by tree
    values(tree, X, *, n_threads)                                     (n, n_outputs, max_n_classes): one tree

trees    sequence of scikit-learn's own `Tree` objects. They are read anew at every call and nothing is kept, so that a
         tree changed by hand predicts as it is now.
X        (n_samples, n_features)  float32, C-contiguous; NaN is missing, infinities are values.
tables   one array a tree, (node_count,) or (node_count, width) float64: what counts instead of `tree.value`.
columns  one integer array a tree: which column of X is the tree's feature 0, 1, ...; None: X's own.

Trees that do not go together, or not with X, are scikit-learn's own code's to judge: NotCovered.

Sums are float64, tree by tree in the order given, starting from 0 (`add_scaled`: from `out`): scikit-learn's own bits.
"""

import numpy as np

from fastml._dispatch import NotCovered, load, record


def apply(trees, X, *, columns=None, n_threads):
    """Index of the leaf of every sample in every tree, (n_samples, n_trees) int64."""
    kernel = _prepare(trees, X, n_threads)
    out = np.empty((len(trees), len(X)), np.int64)  # as scikit-learn's result lies in memory
    with _one_forest:
        kernel.apply(trees, X, columns, out, n_threads)
    return out.T


def sum_values(trees, X, *, tables=None, columns=None, n_threads):
    """Sum the leaves' values over the trees, (n_samples, n_outputs * max_n_classes), or rows of `tables`."""
    kernel = _prepare(trees, X, n_threads)
    out = np.zeros((len(X), 1, _width(trees, tables)))
    with _one_forest:
        kernel.add_up(trees, tables, X, columns, 1.0, out, n_threads)
    return out[:, 0]


def add_scaled(trees, X, scale, out, *, columns=None, n_threads):
    """``out[:, t % n_outputs] += scale * value``, tree by tree, of one value a leaf; out (n_samples, n_outputs)."""
    kernel = _prepare(trees, X, n_threads)
    if out.dtype != np.float64 or out.ndim != 2 or len(out) != len(X) or not out.shape[1]:
        raise ValueError(f"out must be ({len(X)}, n_outputs) float64, not {out.shape} {out.dtype}")
    if not out.flags.c_contiguous:
        copy = np.ascontiguousarray(out)
        with _one_forest:
            kernel.add_up(trees, None, X, columns, scale, copy[:, :, np.newaxis], n_threads)
        out[:] = copy
        return
    with _one_forest:
        kernel.add_up(trees, None, X, columns, scale, out[:, :, np.newaxis], n_threads)


def gather(trees, X, *, tables=None, columns=None, n_threads):
    """Values of every tree's leaf, (n_samples, n_trees, width)."""
    kernel = _prepare(trees, X, n_threads)
    out = np.empty((len(X), len(trees), _width(trees, tables)))
    with _one_forest:
        kernel.gather(trees, tables, X, columns, out, n_threads)
    return out


def values(tree, X, *, n_threads):
    """Values of the leaves of one tree, (n_samples, n_outputs, max_n_classes)."""
    return gather((tree,), X, n_threads=n_threads).reshape(len(X), tree.n_outputs, tree.max_n_classes)


class _OneForest:
    """Within it, what a kernel says of trees that it cannot read, or not together, is the reason of a fallback."""

    def __enter__(self):
        pass

    def __exit__(self, kind, error, traceback):
        if kind is ValueError:
            raise NotCovered(f"The trees do not fit: {error}.") from error


_one_forest = _OneForest()


def _width(trees, tables):
    """Numbers that are looked up for a leaf."""
    if tables is None:
        return trees[0].n_outputs * trees[0].max_n_classes
    return tables[0].shape[1] if tables[0].ndim > 1 else 1


def _prepare(trees, X, n_threads):
    """Check what the kernels do not, and choose them. Work is counted in nodes, as if every tree were 16 deep."""
    if not len(trees):
        raise NotCovered("There are no trees to predict with.")
    if not isinstance(X, np.ndarray) or X.dtype != np.float32 or X.ndim != 2 or not X.flags.c_contiguous:
        raise ValueError(f"X must be a C-contiguous float32 array of 2 dimensions, not {getattr(X, 'dtype', type(X))}")
    record(n_threads=n_threads)
    return load("tree.predict", 16.0 * len(X) * len(trees))
