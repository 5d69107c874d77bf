"""What a fitted forest tells of samples: sums over its trees, in their order."""

import numpy as np

from fastml._dispatch import NotCovered, accelerated
from fastml._registry import Accelerated
from fastml._threads import effective_n_threads
from fastml._validate import clean_float32
from fastml.tree import _predict
from fastml.tree._classes import OURS
from fastml.tree._fitted import refuse_sparse


class FittedForest(Accelerated):
    """Leaves of samples, and the mean of their values."""

    def _validate_X_predict(self, X):
        fitted = vars(self).get("estimators_")
        checked = clean_float32(self, X, reset=False) if type(fitted) is list and fitted else None
        return super()._validate_X_predict(X) if checked is None else checked

    def _samples(self, X):
        refuse_sparse(X)
        X = self._validate_X_predict(X)
        if not OURS.keys() >= set(map(type, self.estimators_)):
            raise NotCovered("Some of estimators_ are none of scikit-learn's trees.")
        if any("tree_" not in vars(est) for est in self.estimators_):
            raise NotCovered("Some of estimators_ are not fitted.")
        return np.ascontiguousarray(X)

    def _trees(self):
        """Return the trees as they are now: a user may have changed them."""
        return [est.tree_ for est in self.estimators_]

    def _mean_leaf_values(self, X):
        """Mean over the trees: (n_samples, n_classes), or (n_samples, n_outputs, max_n_classes)."""
        trees = self._trees()
        if not self._are_ours(trees if self.n_outputs_ > 1 else trees[:1]):  # the kernel compares their sizes
            raise NotCovered("The trees have other outputs or classes than the forest.")
        mean = _predict.sum_values(trees, X, n_threads=effective_n_threads(self.n_jobs))
        mean /= len(self.estimators_)
        return mean if self.n_outputs_ == 1 else mean.reshape(len(X), self.n_outputs_, -1)

    def _are_ours(self, trees):
        """Tell whether trees have as many outputs and classes as the forest: others were added by a warm start."""
        n_classes = np.atleast_1d(vars(self).get("n_classes_", np.ones(self.n_outputs_)))
        return all(np.array_equal(tree.n_classes, n_classes) for tree in trees)

    @accelerated
    def apply(self, X):
        """Leaf of every sample in every tree.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, rounded to float32. Sparse ones run scikit-learn's own code.

        Returns
        -------
        leaves : ndarray of shape (n_samples, n_estimators), int64
            Numbers of nodes of each tree.

        Raises
        ------
        NotFittedError
            If the estimator was not fitted.
        ValueError
            If X holds infinity, or NaN where the trees take none, or has another number of features than the samples
            of the fit.

        See Also
        --------
        decision_path : All nodes that samples pass.

        Notes
        -----
        Class of agreement: identical. O(n_samples * n_estimators * depth). Memory: the result.

        Examples
        --------
        >>> from fastml.ensemble import RandomForestRegressor
        >>> model = RandomForestRegressor(3, bootstrap=False).fit([[0.0], [1.0], [5.0], [6.0]], [1.0, 1.0, 2.0, 2.0])
        >>> model.apply([[2.0], [4.0]]).tolist()
        [[1, 1, 1], [2, 2, 2]]
        """
        X = self._samples(X)
        return _predict.apply(self._trees(), X, n_threads=effective_n_threads(self.n_jobs))


class FittedForestClassifier(FittedForest):
    """Probabilities and classes."""

    @accelerated
    def predict_proba(self, X):
        """Probabilities of the classes: the mean of those of the trees.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, rounded to float32. Sparse ones run scikit-learn's own code.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes), or list of n_outputs such arrays
            Columns in the order of ``classes_``.

        Raises
        ------
        NotFittedError, ValueError
            As :meth:`apply`.

        See Also
        --------
        predict : The most probable class.

        Notes
        -----
        Class of agreement: identical to scikit-learn's with ``n_jobs=1``; with more, its sum is in random order.
        O(n_samples * n_estimators * depth). Memory: O(n_samples * n_outputs * n_classes).

        Examples
        --------
        >>> from fastml.ensemble import RandomForestClassifier
        >>> model = RandomForestClassifier(4, bootstrap=False).fit([[0.0], [1.0], [5.0], [6.0]], [0, 0, 1, 1])
        >>> model.predict_proba([[2.0], [6.0]]).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
        """
        values = self._mean_leaf_values(self._samples(X))
        if self.n_outputs_ == 1:
            return values
        return [values[:, k, :n].copy() for k, n in enumerate(self.n_classes_)]

    @accelerated
    def predict(self, X):
        """Class of every sample: that of the highest mean probability.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, rounded to float32. Sparse ones run scikit-learn's own code.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Of several classes that are equally probable the first.

        Raises
        ------
        NotFittedError, ValueError
            As :meth:`apply`.

        See Also
        --------
        predict_proba : The probabilities.

        Notes
        -----
        Class of agreement, cost and memory: those of :meth:`predict_proba`.

        Examples
        --------
        >>> from fastml.ensemble import RandomForestClassifier
        >>> model = RandomForestClassifier(4, bootstrap=False).fit([[0.0], [1.0], [5.0], [6.0]], ["a", "a", "b", "b"])
        >>> model.predict([[2.0], [6.0]]).tolist()
        ['a', 'b']
        """
        proba = self.predict_proba(X)  # a subclass may have its own
        if self.n_outputs_ == 1:
            return self.classes_.take(proba.argmax(axis=1), axis=0)
        labels = np.empty((len(proba[0]), self.n_outputs_), dtype=self.classes_[0].dtype)
        for k, classes in enumerate(self.classes_):
            labels[:, k] = classes.take(proba[k].argmax(axis=1), axis=0)
        return labels


class FittedForestRegressor(FittedForest):
    """Values."""

    @accelerated
    def predict(self, X):
        """Value of every sample: the mean of those of the trees.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, rounded to float32. Sparse ones run scikit-learn's own code.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs), float64

        Raises
        ------
        NotFittedError, ValueError
            As :meth:`apply`.

        See Also
        --------
        apply : The leaves.

        Notes
        -----
        Class of agreement: identical to scikit-learn's with ``n_jobs=1``; with more, its sum is in random order.
        O(n_samples * n_estimators * depth). Memory: the result.

        Examples
        --------
        >>> from fastml.ensemble import RandomForestRegressor
        >>> model = RandomForestRegressor(4, bootstrap=False).fit([[0.0], [1.0], [5.0], [6.0]], [1.0, 1.0, 2.0, 2.0])
        >>> model.predict([[2.0], [6.0]]).tolist()
        [1.0, 2.0]
        """
        return self._mean_leaf_values(self._samples(X))[..., 0]
