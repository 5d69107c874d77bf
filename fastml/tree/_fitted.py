"""What a fitted tree tells of samples."""

import numpy as np
from scipy.sparse import issparse
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from fastml._dispatch import NotCovered, accelerated
from fastml._registry import Accelerated
from fastml._threads import effective_n_threads
from fastml._validate import clean_float32
from fastml.tree import _predict


def refuse_sparse(X):
    """Leave sparse samples to scikit-learn's own code."""
    if type(X) is not np.ndarray and issparse(X):
        raise NotCovered("X is sparse.")


class FittedTree(Accelerated):
    """Classes, values and leaves of samples."""

    def _validate_X_predict(self, X, check_input):
        checked = clean_float32(self, X, reset=False) if check_input else None
        return super()._validate_X_predict(X, check_input) if checked is None else checked

    def _samples(self, X, check_input):
        refuse_sparse(X)
        if "tree_" not in vars(self):
            check_is_fitted(self)
        if not check_input and (type(X) is not np.ndarray or X.dtype != np.float32 or X.ndim != 2):
            raise NotCovered("Unchecked samples are no table of float32.")
        return self._validate_X_predict(X, check_input)

    def _leaf_values(self, X):
        """Values of the samples' leaves: (n_samples, n_classes), or (n_samples, n_outputs, max_n_classes)."""
        values = _predict.values(self.tree_, np.ascontiguousarray(X), n_threads=effective_n_threads())
        return values[:, 0] if values.shape[1] == 1 else values

    @accelerated
    def predict(self, X, check_input=True):
        """Class or value of every sample.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, rounded to float32. Sparse ones run scikit-learn's own code.
        check_input : bool, default=True
            Whether to check X. Without, it is a float32 array.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Classes, of several that are equally probable the first; for regression float64.

        Raises
        ------
        NotFittedError
            If the estimator was not fitted.
        ValueError
            If X holds infinity, or NaN where the estimator takes none, or has another number of features than the
            samples of the fit.

        See Also
        --------
        apply : The leaves.

        Notes
        -----
        Class of agreement: identical. O(n_samples * depth). Memory: O(n_samples * n_outputs * n_classes).

        Examples
        --------
        >>> from fastml.tree import DecisionTreeRegressor
        >>> model = DecisionTreeRegressor().fit([[0.0], [1.0], [5.0], [6.0]], [1.0, 1.0, 2.0, 2.0])
        >>> model.predict([[2.0], [4.0]]).tolist()
        [1.0, 2.0]
        """
        values = self._leaf_values(self._samples(X, check_input))
        if not isinstance(self, ClassifierMixin):
            return values[..., 0]
        if self.n_outputs_ == 1:
            return self.classes_.take(values.argmax(axis=1), axis=0)
        labels = np.zeros(values.shape[:2], dtype=self.classes_[0].dtype)
        for k, classes in enumerate(self.classes_):
            labels[:, k] = classes.take(values[:, k].argmax(axis=1), axis=0)
        return labels

    @accelerated
    def apply(self, X, check_input=True):
        """Leaf of every sample.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, rounded to float32. Sparse ones run scikit-learn's own code.
        check_input : bool, default=True
            Whether to check X. Without, it is a float32 array.

        Returns
        -------
        leaves : ndarray of shape (n_samples,), int64
            Numbers of nodes of ``tree_``.

        Raises
        ------
        NotFittedError, ValueError
            As :meth:`predict`.

        See Also
        --------
        predict : Classes or values.

        Notes
        -----
        Class of agreement: identical. O(n_samples * depth). Memory: O(n_samples).

        Examples
        --------
        >>> from fastml.tree import DecisionTreeRegressor
        >>> model = DecisionTreeRegressor().fit([[0.0], [1.0], [5.0], [6.0]], [1.0, 1.0, 2.0, 2.0])
        >>> model.apply([[2.0], [4.0]]).tolist()
        [1, 2]
        """
        X = np.ascontiguousarray(self._samples(X, check_input))
        return _predict.apply((self.tree_,), X, n_threads=effective_n_threads())[:, 0]


class FittedClassifierTree(FittedTree):
    """Probabilities as well."""

    @accelerated
    def predict_proba(self, X, check_input=True):
        """Probabilities of the classes: their share, by weight, of the samples of the fit in the same leaf.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, rounded to float32. Sparse ones run scikit-learn's own code.
        check_input : bool, default=True
            Whether to check X. Without, it is a float32 array.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes), or list of n_outputs such arrays
            Columns in the order of ``classes_``.

        Raises
        ------
        NotFittedError, ValueError
            As :meth:`predict`.

        See Also
        --------
        predict : The most probable class.

        Notes
        -----
        Class of agreement: identical. O(n_samples * depth). Memory: the result.

        Examples
        --------
        >>> from fastml.tree import DecisionTreeClassifier
        >>> model = DecisionTreeClassifier(max_depth=1).fit([[0.0], [1.0], [5.0], [6.0]], ["a", "a", "a", "b"])
        >>> model.predict_proba([[2.0], [6.0]]).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
        """
        values = self._leaf_values(self._samples(X, check_input))
        if self.n_outputs_ == 1:
            return values[:, : self.n_classes_]
        return [values[:, k, :n] for k, n in enumerate(self.n_classes_)]
