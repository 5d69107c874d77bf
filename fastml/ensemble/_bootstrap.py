"""How much every sample counts in every tree of a forest, as scikit-learn draws it."""

import numpy as np

from fastml._dispatch import load
from fastml._validate import check_weights
from fastml.tree import _grow
from fastml.tree._draws import generator


class Weights:
    """Weights of the samples in each tree of a forest, and the least weight of a leaf.

    Parameters
    ----------
    y : ndarray of shape (n_samples, n_outputs), float64
        Targets.
    weights : ndarray of shape (n_samples,), or None
        Of the samples in the whole forest: with `n_drawn` the probabilities by which they are drawn.
    n_drawn : int, or None
        How often a sample is drawn for a tree. None: all trees see all samples.
    balanced : bool
        Whether the classes of every tree's own draw have the same weight.
    share : float
        Of the tree's whole weight that a leaf needs.

    Attributes
    ----------
    itemsize : int
        Bytes that a sample's weight takes in a tree; 0 where all trees share the same weights.
    are_counts : bool
        Whether the kernels can count them, see ``_grow.are_counts``.
    """

    def __init__(self, y, weights, n_drawn, balanced, share):
        self._n_samples, self._n_drawn, self._share = len(y), n_drawn, share
        self._same = self._cumulated = self._first = self._codes = None
        self.itemsize = 0
        if n_drawn is None:
            if weights is not None:
                weights = check_weights(weights, y, np.float64)  # those of classes may be none
                self._same, self._total = _grow.narrowed(weights), np.sum(weights)
            self.are_counts = _grow.are_counts([self._same])
            return
        self.itemsize, self.are_counts = 8 if balanced else 1, not balanced and n_drawn < _grow.MOST_COUNTED
        # NumPy refuses to draw True samples, or more than fit into memory, in its own words.
        self._may_be_bytes = n_drawn is not True and n_drawn <= np.iinfo(np.uint8).max * len(y)
        if weights is not None:
            probabilities = weights / np.sum(weights)
            generator(0).choice(len(y), p=probabilities)  # whatever is wrong with them is its error
            self._cumulated = np.cumsum(probabilities, dtype=np.float64)  # as numpy's choice, float32 too
            self._cumulated /= self._cumulated[-1]
            parts = 1 << (4 * len(y)).bit_length()  # a power of 2: it multiplies and divides without rounding
            self._first = np.searchsorted(self._cumulated, np.arange(parts) / parts, side="right").astype(np.int32)
        if balanced:
            self._codes = [column.astype(np.intp) for column in y.T]

    def of(self, seeds):
        """Return weights and least weights of leaves for the trees of some seeds."""
        if self._n_drawn is None:
            total = self._n_samples if self._same is None else self._total
            return [self._same] * len(seeds), [self._share * total] * len(seeds)
        weights = [self._drawn(seed) for seed in seeds]
        if self._codes is None:
            total = np.float64(self._n_drawn)  # as scikit-learn's sum: a share of float32 is then widened
            return weights, [self._share * total] * len(seeds)
        return weights, [self._share * np.sum(each) for each in weights]

    def _drawn(self, seed):
        """Return the weights in one tree."""
        if self._cumulated is None and self._codes is None and self._may_be_bytes:
            counts = _counted(seed, self._n_drawn, self._n_samples)
            if counts is not None:
                return counts
        draw = generator(seed)
        if self._cumulated is None:
            drawn = draw.randint(0, self._n_samples, self._n_drawn)
        else:
            drawn = self._above(draw.random_sample(self._n_drawn))
        counts = np.bincount(drawn, minlength=self._n_samples)
        if self._codes is not None:
            return self._balanced(counts)
        small = self._n_drawn < 256 or counts.max() < 256
        return counts.astype(np.uint8 if small else np.float64)

    def _above(self, numbers):
        """Return the first samples whose cumulated probability is above some numbers: numpy's `choice`.

        Most of them are the first of their part of the unit interval; the others are searched for.
        """
        found = self._first[(numbers * len(self._first)).astype(np.intp)]
        further = np.flatnonzero(self._cumulated[found] <= numbers)
        found[further] = np.searchsorted(self._cumulated, numbers[further], side="right")
        return found

    def _balanced(self, counts):
        """Multiply counts by the weights that make all classes among them weigh the same."""
        factors = 1.0
        for codes in self._codes:
            n_of_class = np.bincount(codes, weights=counts)
            drawn = n_of_class > 0
            weights = np.zeros(len(drawn))
            weights[drawn] = self._n_drawn / (np.count_nonzero(drawn) * n_of_class[drawn])
            factors = factors * weights[codes]
        return counts * factors


def _counted(seed, n_drawn, n_samples):
    """Return how often ``RandomState(seed)`` draws each sample, in a byte each; None where that is not enough.

    NumPy's draw and count take 20 bytes a sample for a while, more than the rest of a small tree.
    """
    if type(seed) is not int:
        return None
    random = load("runtime.random")
    state, counts = np.empty(625, np.uint32), np.zeros(n_samples, np.uint8)
    random.seed(state, seed)
    return counts if random.count_draws(state, n_drawn, counts) else None
