"""Isolation forests: scikit-learn's parameters and defaults over our trees.

Liu, Ting, Zhou 2008, ICDM.
"""

from numbers import Integral

import numpy as np
import sklearn.ensemble
from scipy.sparse import issparse
from sklearn.utils import check_random_state

from fastml._dispatch import NotCovered, accelerated
from fastml._registry import Accelerated
from fastml._threads import effective_n_threads
from fastml._validate import clean_float32
from fastml._versions import check_sample_weight, fit_context
from fastml.ensemble._bagging_base import FastBagging
from fastml.ensemble._growth import are_trees, ours
from fastml.tree import _predict
from fastml.tree._fitted import refuse_sparse


class FittedIsolation(Accelerated):
    """Fit and scores."""

    @accelerated
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        """Grow trees that isolate samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, rounded to float32. Sparse ones run scikit-learn's own code.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Probabilities by which the samples are drawn, up to a factor; None: all the same.

        Returns
        -------
        self : IsolationForest
            With ``estimators_``, a list of trees, ``max_samples_`` and ``offset_``.

        Raises
        ------
        ValueError
            If a parameter has a value that is not allowed; if X is not 2-d, or the number of weights is not that of
            the samples.

        Warns
        -----
        UserWarning
            If `max_samples` is more than there are; if `warm_start` leaves nothing to do.

        See Also
        --------
        score_samples : How normal samples are.

        Notes
        -----
        Class of agreement: identical. O(n_estimators * max_samples * log(max_samples)), and the scores where
        `contamination` is a number. Memory: the trees, and a copy of X where it is not float32.

        Examples
        --------
        >>> from fastml.ensemble import IsolationForest
        >>> model = IsolationForest(random_state=0).fit([[0.0], [1.0], [2.0], [1.0], [99.0]])
        >>> model.predict([[1.0], [99.0]]).tolist()
        [1, -1]
        """
        refuse_sparse(X)
        X32 = clean_float32(self, X, reset=True)
        if X32 is None or (isinstance(self.max_samples, Integral) and self.max_samples > len(X)):
            return super().fit(X, y, sample_weight)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X32, dtype=None)
        n_samples, most = len(X32), self.max_samples
        noise = check_random_state(self.random_state).uniform(size=n_samples)
        if isinstance(most, str):
            most = min(256, n_samples)
        elif not isinstance(most, Integral):
            most = int(most * n_samples)
        self.max_samples_ = most
        max_depth = int(np.ceil(np.log2(max(most, 2))))
        self._fit(X32, noise, most, max_depth, check_input=False, sample_weight=sample_weight)
        self._average_path_length_per_tree, self._decision_path_lengths = _paths(self.estimators_)
        self.offset_ = -0.5  # that of the paper
        if self.contamination != "auto":
            self.offset_ = np.percentile(self._score_samples(X32), 100.0 * self.contamination)
        return self

    def _get_estimator(self):
        return ours(super()._get_estimator())

    @accelerated
    def score_samples(self, X):
        """How normal samples are: minus the anomaly score of the original paper.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, rounded to float32. Sparse ones run scikit-learn's own code.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Between -1 and 0; the lower, the fewer splits isolate the sample.

        Raises
        ------
        NotFittedError
            If the forest was not fitted.
        ValueError
            If X has another number of features than the samples of the fit.

        See Also
        --------
        fit : Grows the trees.

        Notes
        -----
        Class of agreement: identical to scikit-learn's on one thread; on more, its sum is in random order.
        O(n_samples * n_estimators * depth). Memory: the result.

        Examples
        --------
        >>> from fastml.ensemble import IsolationForest
        >>> model = IsolationForest(random_state=0).fit([[0.0], [1.0], [2.0], [1.0], [99.0]])
        >>> normal, odd = model.score_samples([[1.0], [99.0]])
        >>> bool(normal > odd)
        True
        """
        refuse_sparse(X)
        X32 = clean_float32(self, X, reset=False)
        return super().score_samples(X) if X32 is None else self._score_samples(X32)

    def _compute_score_samples(self, X, subsample_features):
        if issparse(X) or not are_trees(self.estimators_):
            return super()._compute_score_samples(X, subsample_features)
        trees = [tree.tree_ for tree in self.estimators_]
        paths = zip(self._decision_path_lengths, self._average_path_length_per_tree, strict=True)
        lengths = [passed + expected - 1.0 for passed, expected in paths]
        columns = self.estimators_features_ if subsample_features else None
        X = np.ascontiguousarray(X)
        n_threads = effective_n_threads()
        try:
            depths = _predict.sum_values(trees, X, tables=lengths, columns=columns, n_threads=n_threads)[:, 0]
        except NotCovered:  # what is wrong is its error
            return super()._compute_score_samples(X, subsample_features)
        longest = len(trees) * _expected_length(np.array([self._max_samples]))
        return 2 ** -np.divide(depths, longest, out=np.ones_like(depths), where=longest != 0)


class IsolationForest(FittedIsolation, sklearn.ensemble.IsolationForest, FastBagging):
    __doc__ = sklearn.ensemble.IsolationForest.__doc__


def _paths(estimators):
    """Return the expected lengths of the paths below the nodes of each tree, and the nodes' depths, from 1 on."""
    nodes = [est.tree_.__getstate__()["nodes"] for est in estimators]
    ends = np.cumsum([len(each) for each in nodes])
    nodes = np.concatenate(nodes)
    expected = _expected_length(nodes["n_node_samples"])
    depths = np.ones(len(nodes), dtype=np.int64)
    # Nodes of all trees, level by level; a node's children are counted from the first node of its tree.
    level = first = np.append(0, ends[:-1])
    while len(level):
        inner = nodes["left_child"][level] >= 0
        level, first = level[inner], first[inner]
        children = [first + nodes[side][level] for side in ("left_child", "right_child")]
        for each in children:
            depths[each] = depths[level] + 1
        level, first = np.concatenate(children), np.tile(first, 2)
    return tuple(np.split(expected, ends[:-1])), tuple(np.split(depths, ends[:-1]))


def _expected_length(counts):
    """Mean length of the paths that an unsuccessful search takes in binary trees over so many samples."""
    lengths = np.zeros(len(counts))
    lengths[counts == 2] = 1.0
    many = counts[counts > 2]
    lengths[counts > 2] = 2.0 * (np.log(many - 1.0) + np.euler_gamma) - 2.0 * (many - 1.0) / many
    return lengths
