"""Boosting on rounded targets by scikit-learn's bits, where bits decide.

Which of two equally good splits scikit-learn takes hangs on the last bits of its sums, these on the order of its
samples and on the targets, and the targets on the leaves of all trees before. Trees grow in our order as long as no
call is close: their splits are scikit-learn's, their values are but for rounding. At a close call the trees since the
last one grow once more as scikit-learn arranges the samples, bit by bit; so does the tree that met it.
"""

import numpy as np

from fastml.tree import _predict
from fastml.tree._draws import tree_seed

_ROUNDING = 2.0**-53
# So few samples that what a tree costs is not its sums.
_FEW = 256


def is_whole(targets, weights):
    """Tell whether all are whole numbers, and not so large that sums over the samples of a node are rounded."""
    with np.errstate(over="ignore"):
        sizes = np.abs(weights), np.abs(weights * np.square(targets, dtype=np.float64))
        are_exact = all(size.sum() < 2**53 for size in sizes)
        return are_exact and all(np.array_equal(np.rint(each), each) for each in (targets, weights))


def are_whole_columns(targets, weights):
    """Tell the same of what a user gives; None: all 1."""
    columns = [np.asarray(each) for each in (targets, 1 if weights is None else weights)]
    if any(each.dtype.kind not in "biuf" for each in columns):
        return False
    targets, weights = (each.astype(np.float64).reshape(-1) for each in columns)
    return weights.size in (1, targets.size) and is_whole(targets, weights)


class Replay:
    """The stages of one fit to half the squared error.

    Parameters
    ----------
    loss : HalfSquaredError
        Of scikit-learn.
    X : ndarray of shape (n_samples, n_features), float32
    y : ndarray of shape (n_samples,)
        Whole numbers; the samples' weights are, too.
    learning_rate : float
    n_threads : int
    always : bool
        Whether all trees need scikit-learn's bits.
    """

    def __init__(self, loss, X, y, learning_rate, n_threads, always):
        self.loss, self.X, self.y = loss, X, y
        self.learning_rate, self.n_threads, self.always = learning_rate, n_threads, always
        self.largest = float(np.abs(y).max(initial=0))
        self.rest, self.patience = 0, 1  # stages that are arranged at once: so many, and after the next close call
        self._caught_up()

    def _caught_up(self):
        self.start = None  # predictions before the trees that have not scikit-learn's bits
        self.pending = []  # (growth, tree, weights, mask, seed) of these
        self.doubt = 0.0  # how wrong that makes a target

    def residuals(self, raw_predictions):
        """Return what is left of the targets, in one column."""
        gradient = self.loss.gradient(y_true=self.y, raw_prediction=raw_predictions, sample_weight=None)
        return -gradient.reshape(len(self.y), -1)

    def grow(self, growth, raw_predictions, weights, mask, random_state):
        """Grow the tree of a stage; predictions may change in their last bits.

        Parameters
        ----------
        growth : Growth
        raw_predictions : ndarray of shape (n_samples, 1)
            Of the stages before.
        weights : ndarray of shape (n_samples,)
        mask : ndarray of shape (n_samples,), bool, or None
            The samples that count. None: all.
        random_state : {None, int, RandomState}

        Returns
        -------
        tree estimator
        """
        seed, targets = tree_seed(random_state), self.residuals(raw_predictions)
        counted = weights if mask is None else weights * mask
        options = {"seeds": [seed]}
        exact = not self.pending and is_whole(targets[:, 0], weights)
        tree = None
        at_once = self.always or len(self.y) <= _FEW or self.rest > 0
        if exact or not at_once:
            doubt = None if exact else self.doubt
            tree = growth.grow(self.X, targets, [counted], [random_state], doubt=doubt, **options)[0]
        if tree is None:
            if at_once:
                self.rest -= 1
            else:  # where ties are many, trees that are given up do not pay
                self.rest, self.patience = self.patience, 2 * self.patience
            if self.pending:
                self.catch_up(raw_predictions)
                targets = self.residuals(raw_predictions)
            return growth.grow(self.X, targets, [counted], [random_state], arranged=True, **options)[0]
        if not exact:
            if not self.pending:
                self.start = raw_predictions.copy()
            packed = None if mask is None else np.packbits(mask)
            self.pending.append((growth, tree, weights, packed, seed))
            self._doubt(tree.tree_, float(np.abs(targets).max()))
        return tree

    def _doubt(self, tree, farthest):
        """Add to the error of a target what the rounding of a tree's leaves makes of it; see doubt.h."""
        leaf = tree.children_left == -1
        n = tree.n_node_samples[leaf].astype(np.float64)
        errors = np.minimum(n, 64 * np.sqrt(n)) * (np.abs(tree.value[leaf, 0, 0]) + 4 * farthest / np.sqrt(n))
        self.doubt += 2 * _ROUNDING * (self.learning_rate * errors.max() + 2 * (self.largest + farthest))

    def catch_up(self, raw_predictions):
        """Give the trees and the predictions scikit-learn's bits."""
        if not self.pending:
            return
        raw = self.start
        for growth, tree, weights, packed, seed in self.pending:
            if packed is not None:
                weights = weights * np.unpackbits(packed, count=len(self.y))
            again = growth.grow(self.X, self.residuals(raw), [weights], [None], seeds=[seed], arranged=True)[0].tree_
            leaves = _predict.apply([again], self.X, n_threads=self.n_threads)[:, 0]
            raw[:, 0] += self.learning_rate * again.value[:, 0, 0].take(leaves)
            tree.tree_ = again
        raw_predictions[:] = raw
        self._caught_up()
