"""The values of a new tree's leaves in gradient boosting: those that minimize the loss, or one Newton step to them.

Friedman 2001, Annals of Statistics 29:5, algorithm 1, step 5.
"""

import numpy as np

_LEAF = -1
_TINY = 1e-150
_NEWTON = ("HalfBinomialLoss", "HalfMultinomialLoss", "ExponentialLoss")


def leaf_values(loss, tree, leaves, y, neg_gradient, raw_prediction, weights, mask):
    """Return the leaves of a tree and their new values.

    Sums run over the samples of a leaf in their order and are rounded as scikit-learn's, which looks for them leaf
    by leaf: here one stable sort finds those of all leaves.

    Parameters
    ----------
    loss : BaseLoss
        Of scikit-learn, but for half the squared error, whose leaves are right as they are.
    tree : Tree
    leaves : ndarray of shape (n_samples,)
        Leaf of every sample.
    y, neg_gradient, raw_prediction, weights : ndarray of shape (n_samples,)
        Targets and what they are compared with, as the tree was fitted to them.
    mask : ndarray of shape (n_samples,), bool, or None
        The samples that the tree was fitted to. None: all.

    Returns
    -------
    nodes, values : ndarray of shape (n_leaves,)
        None and None where scikit-learn's own code has to look at it: a leaf without weight, or a value too large.
    """
    segments = _Segments(tree, leaves, mask)
    if segments.nodes is None:
        return None, None
    if type(loss).__name__ in _NEWTON:
        return segments.nodes, _newton(loss, segments, y, neg_gradient, weights)
    values = [
        loss.fit_intercept_only(y_true=y[own] - raw_prediction[own], sample_weight=weights[own])
        for own in segments.samples()
    ]
    return segments.nodes, np.array(values, dtype=np.float64)


def _newton(loss, segments, y, neg_gradient, weights):
    """Mean negative gradient over mean second derivative; None where one is not a number of good size."""
    name, factor = type(loss).__name__, 1.0
    if name == "ExponentialLoss":
        curvature = np.where(y == 0, -neg_gradient, neg_gradient)
    else:
        proba = y - neg_gradient
        curvature = proba * (1 - proba)
    total = segments.sums(weights)
    if not np.all(total):
        return None
    slope = segments.sums(neg_gradient * weights) / total
    if name == "HalfMultinomialLoss":
        slope *= (loss.n_classes - 1) / loss.n_classes
    curvature = segments.sums(curvature * weights) / total
    flat = np.abs(curvature) < _TINY
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.divide(slope, curvature, out=np.zeros_like(slope), where=~flat)
    return values * factor if np.all(np.isfinite(values)) else None


class _Segments:
    """The samples of every leaf, in their order."""

    def __init__(self, tree, leaves, mask):
        self.nodes = np.flatnonzero(tree.children_left == _LEAF)
        small = tree.node_count < 2**16  # 16 bits are sorted by counting
        kept = None if mask is None else np.flatnonzero(mask)
        keys = leaves if kept is None else leaves[kept]
        counts = np.bincount(keys, minlength=tree.node_count)[self.nodes]
        if not np.all(counts):
            self.nodes = None
            return
        # `reduceat` starts from the first number of a segment where `sum` starts from 0: a 0 in front of each.
        n_leaves = len(counts)
        keys = np.concatenate((self.nodes, keys))
        order = np.argsort(keys.astype(np.uint16) if small else keys, kind="stable")
        samples = np.arange(len(leaves)) if kept is None else kept
        self.padded = np.concatenate((np.full(n_leaves, len(leaves)), samples))[order]
        self.heads = np.cumsum(counts) - counts + np.arange(n_leaves)
        self.room = np.zeros(len(leaves) + 1)

    def sums(self, values):
        """Add up the values of each leaf's samples."""
        self.room[:-1] = values
        return np.add.reduceat(self.room[self.padded], self.heads)

    def samples(self):
        """List each leaf's samples."""
        return [own[1:] for own in np.split(self.padded, self.heads[1:])]
