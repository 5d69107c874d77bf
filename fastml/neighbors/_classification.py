"""Classification by the nearest samples."""

import numpy as np
import sklearn.neighbors

from fastml._dispatch import accelerated
from fastml._versions import fit_context
from fastml.neighbors._base import KNeighbors


class KNeighborsClassifier(KNeighbors, sklearn.neighbors.KNeighborsClassifier):
    __doc__ = sklearn.neighbors.KNeighborsClassifier.__doc__

    @accelerated
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y):
        """Take the samples and their classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Classes.

        Returns
        -------
        self : KNeighborsClassifier

        Raises
        ------
        ValueError
            If a parameter has a value that is not allowed; if X holds NaN or infinity, or y is continuous.

        See Also
        --------
        predict : Classes of other samples.

        Notes
        -----
        Class of agreement: identical attributes; ``_tree``, scikit-learn's own, is grown when something asks for it.
        Growing ours is O(n_samples * log(n_samples) * n_features); where scikit-learn searches by brute force, there is
        none. Memory: a copy of X in float64.

        Examples
        --------
        >>> from fastml.neighbors import KNeighborsClassifier
        >>> model = KNeighborsClassifier(n_neighbors=1).fit([[0.0], [1.0], [5.0], [6.0]], ["a", "a", "b", "b"])
        >>> model.predict([[2.0], [4.0]]).tolist()
        ['a', 'b']
        """
        return self._plant(X, y)

    @accelerated
    def predict_proba(self, X):
        """Probabilities of the classes: their share, by weight, of the nearest samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features) or None
            Samples. None: those of the fit, none of which is then its own neighbour.

        Returns
        -------
        proba : ndarray of shape (n_queries, n_classes), or list of n_outputs such arrays
            Columns in the order of ``classes_``.

        Raises
        ------
        NotFittedError, ValueError
            As :meth:`kneighbors`; ValueError also if a function given as `weights` gives a sample nothing but zeros.

        See Also
        --------
        predict : The most probable class.

        Notes
        -----
        Class of agreement: identical, given the neighbours. Cost and memory: :meth:`kneighbors`, and the result.

        Examples
        --------
        >>> from fastml.neighbors import KNeighborsClassifier
        >>> model = KNeighborsClassifier(n_neighbors=2).fit([[0.0], [1.0], [5.0], [6.0]], ["a", "a", "b", "b"])
        >>> model.predict_proba([[2.0], [3.5]]).tolist()
        [[1.0, 0.0], [0.5, 0.5]]
        """
        brute = vars(self).get("_fit_method") == "brute"
        if (
            not brute
            or callable(self.effective_metric_)
            or self.weights != "uniform"
            or self.outputs_2d_
            or self.n_neighbors > self.n_samples_fit_
        ):
            return super().predict_proba(X)  # which asks for our neighbours
        self._by_brute_force()  # or it is not covered
        return shares(self._y[self.kneighbors(X, return_distance=False)], len(self.classes_))


def shares(labels, n_classes):
    """Share of each class in rows of labels, (n, n_classes)."""
    n, k = labels.shape
    places = labels + n_classes * np.arange(n)[:, np.newaxis]
    return np.bincount(places.ravel(), minlength=n * n_classes).reshape(n, n_classes) / k
