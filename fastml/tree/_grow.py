"""Driver of growing trees: what is computed once per fit, who shares it, and how many trees grow at a time."""

from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from fastml._dispatch import load, record
from fastml._kernels.tree.tables import Rules

__all__ = ["MOST_COUNTED", "Rules", "are_counts", "batches", "converted", "grow", "narrowed", "prepare", "sharing"]

NO_LIMIT = 2**31 - 1  # of depth
_LITTLE = 1 << 20  # bytes of weights that need no thought
_FEW = 3000  # samples, whose sorted lists stay in the cache
_SEEN = 2048  # samples that are looked at for missing values
MOST_COUNTED = 1 << 21  # the weight of all samples that is counted stays below

_shared = ContextVar("shared", default=())  # the _Shared in force; other threads fit other things


class _Shared:
    """Samples that several trees are fitted to, and what the kernels have made of them."""

    def __init__(self, X, X32, n_trees):
        self.X, self.X32, self.n_trees = X, X32, n_trees
        self.features = {}  # (module of the kernel, random, presort, ranked): Features; "columns": those of X


@contextmanager
def sharing(X, X32, n_trees):
    """Let all trees that are fitted to this very array, in this thread, read the same features.

    For ensembles whose loops fit a tree a round. The samples must not change inside.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        The object that the trees' ``fit`` is given.
    X32 : ndarray of shape (n_samples, n_features), float32
        The same samples as the trees' own check would return them; `X` itself where it is float32.
    n_trees : int
        How many trees will be fitted to them.
    """
    token = _shared.set((*_shared.get(), _Shared(X, X32, n_trees)))
    try:
        yield
    finally:
        _shared.reset(token)


def are_counts(weights):
    """Tell whether two classes of such weights can be counted in one number, see table.h: all 1, or small counts.

    Parameters
    ----------
    weights : list of {None, ndarray of shape (n_samples,)}
        One entry a tree.
    """
    return all(
        each is None or (each.dtype == np.uint8 and each.max() < 128 and np.sum(each, dtype=np.int64) < MOST_COUNTED)
        for each in weights
    )


def converted(X):
    """Return the checked float32 samples of an array that is shared, and None for any other."""
    return next((shared.X32 for shared in _shared.get() if shared.X is X or shared.X32 is X), None)


def prepare(X, rules, n_threads, n_classes, counts, n_trees, once=False):
    """Return what a kernel computes once for all trees that are fitted to the same samples.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), float32
        Samples in any order. NaN: missing.
    rules : Rules
        How the trees will grow.
    n_threads : int
    n_classes : ndarray of shape (n_outputs,), intp, or None
        None: regression.
    counts : bool
        Whether all weights will be such that :func:`are_counts` tells.
    n_trees : int
        How many will be grown of them, unless the samples are shared.
    once : bool
        Whether one tree alone will be grown of them.

    Returns
    -------
    Features
    """
    kernel = load("tree.grow", float(X.size))
    # Sorted lists of all features, kept through the splits, pay where a node looks at more than an eighth of them:
    # parting a list costs 1.1 ns an entry, finding a feature's order anew some 9 ns. Where two classes are counted in
    # bins, at more than a third: of 50,000 samples bins took 0.83 times as long at 8 of 20 features, of 2,000 0.95
    # times at 4 and 1.16 times at 10, of 300 always longer.
    two = n_classes is not None and len(n_classes) == 1 and n_classes[0] <= 2
    binned = two and counts and rules.criterion == "gini" and rules.monotonic_cst is None and not rules.random
    binned = binned and _FEW <= len(X) < MOST_COUNTED and not _are_missing(X)
    presort = not rules.random and (rules.arranged or (3 if binned else 8) * rules.max_features > X.shape[1])
    shared = next((shared for shared in _shared.get() if shared.X32 is X), None)
    made, n_trees = ({}, n_trees) if shared is None else (shared.features, shared.n_trees)
    # Where few features are drawn in all, sorting them in every node costs less than the ranks of all features. At this
    # bound trees of ranks took 1.0 to 1.3 times as long for 60 to 20,000 samples (with bins 0.8 to 1.1 times); of 100
    # samples of 5,000 features, one drawn a node, 12 times.
    drawn = n_trees * rules.max_features * min(np.log2(len(X)), rules.max_depth)
    ranked = presort or rules.random or (1.0 if binned else 0.5) * drawn > X.shape[1]
    features = _made(made, kernel, X, n_threads, random=rules.random, presort=presort, ranked=ranked)
    if rules.arranged:
        if "columns" not in made:
            made["columns"] = np.ascontiguousarray(X.T)
        features = features._replace(columns=made["columns"])
    return features._replace(once=once and shared is None)


def _are_missing(X):
    """Tell whether most features seem to have missing values, which bins do not take."""
    return np.mean(np.isnan(X[:: max(len(X) // _SEEN, 1)]).any(axis=0)) > 0.5


def _made(made, kernel, X, n_threads, **how):
    """Return what the kernel has made of the samples, or makes now."""
    key = kernel, *how.values()
    if key not in made:
        made[key] = kernel.prepare(X, n_threads=n_threads, **how)
    return made[key]


def grow(features, y, n_classes, weights, min_weight_leaf, seeds, rules, n_threads):
    """Grow trees on the same samples.

    Parameters
    ----------
    features : Features
        Of :func:`prepare` under the same options.
    y : ndarray of shape (n_samples, n_outputs), float64, C order
        Targets; codes of the classes from 0 on.
    n_classes : ndarray of shape (n_outputs,), intp, or None
        None: regression.
    weights : list of {None, ndarray of shape (n_samples,), uint8 or float64}
        One entry a tree. None: all 1. Samples of weight 0 are left out.
    min_weight_leaf : list of float
        One entry a tree.
    seeds : list of int
        One entry a tree: start of its random stream, below 2**32.
    rules : Rules
        The criterion may also be a function, see ``_criterion.compiled``.
    n_threads : int

    Returns
    -------
    list of (nodes, values, max_depth), or None for a tree that was given up
        One entry a tree: nodes (n_nodes,) of ``NODE``, values (n_nodes, n_outputs, max_n_classes) float64.
    """
    record(n_threads=n_threads)
    kernel = load("tree.grow", float(y.size) * len(seeds))
    if not callable(rules.criterion):
        return kernel.grow(features, y, n_classes, weights, min_weight_leaf, seeds, rules, n_threads)
    from fastml.tree._criterion import compiled  # which imports Numba

    criterion = compiled(rules.criterion, y, n_classes)
    rules = rules._replace(criterion=criterion)
    grown = kernel.grow(features, y, n_classes, weights, min_weight_leaf, seeds, rules, n_threads)
    criterion.raise_error()
    return grown


def batches(n_trees, X, itemsize, n_threads):
    """Yield the slices of trees to grow at a time: their weights take little more memory than the samples do.

    But never less than two trees a thread: while the last of a batch grow, threads are idle.
    """
    size = max(2 * n_threads, max(X.nbytes, _LITTLE) // (max(itemsize, 1) * len(X)))
    for start in range(0, n_trees, size):
        yield slice(start, min(start + size, n_trees))


def narrowed(weights):
    """Return weights in the narrowest type that kernels take: small whole numbers in a byte."""
    if weights.min() >= 0 and weights.max() < 256:
        counts = weights.astype(np.uint8)
        if np.array_equal(counts, weights):
            return counts
    return weights.astype(np.float64, copy=False)
