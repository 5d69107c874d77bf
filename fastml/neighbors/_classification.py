"""Classification by the nearest samples."""

import numpy as np
import sklearn.neighbors

from fastml._dispatch import NotCovered, accelerated
from fastml._versions import fit_context
from fastml.neighbors import _votes
from fastml.neighbors._beside import Beside
from fastml.neighbors._kneighbors import KNeighbors
from fastml.neighbors._radius import RadiusNeighbors

extents = Beside()  # arrays of labels: the smallest, and the largest of each output


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
        found = self._classes_of_neighbors(_votes.shares, X)
        if found is None:
            return super().predict_proba(X)  # which asks for our neighbours
        return found if self.outputs_2d_ else found[0]

    @accelerated
    def predict(self, X):
        """Classes of samples: that with most votes, by weight, among the nearest samples; of several the first.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features) or None
            Samples. None: those of the fit, none of which is then its own neighbour.

        Returns
        -------
        y : ndarray of shape (n_queries,) or (n_queries, n_outputs)
            Classes, as in ``classes_``.

        Raises
        ------
        NotFittedError, ValueError
            As :meth:`predict_proba`.

        See Also
        --------
        predict_proba : The shares of all classes.

        Notes
        -----
        Class of agreement: identical, given the neighbours. They vote as they are found, by uniform weights and by
        distance: memory is the result, whatever the number of neighbours. Cost: :meth:`kneighbors`.

        Examples
        --------
        >>> from fastml.neighbors import KNeighborsClassifier
        >>> model = KNeighborsClassifier(n_neighbors=1).fit([[0.0], [1.0], [5.0], [6.0]], ["a", "a", "b", "b"])
        >>> model.predict([[2.0], [4.0]]).tolist()
        ['a', 'b']
        """
        found = self._classes_of_neighbors(_votes.winners, X)
        if found is None:
            return super().predict(X)
        classes = self.classes_ if self.outputs_2d_ else [self.classes_]
        y = np.empty(found.shape, dtype=classes[0].dtype)
        for o, names in enumerate(classes):
            y[:, o] = names.take(found[:, o])
        return y if self.outputs_2d_ else y.ravel()

    def _classes_of_neighbors(self, count, X):
        """Return what a function of _votes counts, or None."""
        ask = self._ask_neighbors(X)
        if ask is None:
            return None
        classes = self.classes_ if self.outputs_2d_ else [self.classes_]
        n_classes = [len(names) for names in classes]
        if not are_places(self._y, n_classes):
            return None
        return count(
            ask, self._y, n_classes, int(self.n_neighbors), by_distance=ask.by_distance, n_queries=ask.n_queries
        )


def are_places(labels, n_classes):
    """Tell whether labels are places among so many classes; after a fit they are, but both may be replaced by hand.

    Arrays are looked through once: it would take longer than the vote on one row.
    """
    extent = extents.get(labels)
    if extent is None:
        extent = labels.min(), np.atleast_1d(labels.max(axis=0)).tolist()
        extents.put(labels, extent)
    least, most = extent
    return least >= 0 and len(most) == len(n_classes) and all(m < n for m, n in zip(most, n_classes, strict=True))


class RadiusNeighborsClassifier(RadiusNeighbors, sklearn.neighbors.RadiusNeighborsClassifier):
    __doc__ = sklearn.neighbors.RadiusNeighborsClassifier.__doc__

    @accelerated
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
        self : RadiusNeighborsClassifier

        Raises
        ------
        ValueError
            If a parameter has a value that is not allowed; if X holds NaN or infinity, or y is continuous.

        See Also
        --------
        predict_proba : Probabilities of classes of other samples.

        Notes
        -----
        Class of agreement: identical attributes. Cost and memory: as :meth:`NearestNeighbors.fit`.

        Examples
        --------
        >>> from fastml.neighbors import RadiusNeighborsClassifier
        >>> model = RadiusNeighborsClassifier(radius=1.5).fit([[0.0], [1.0], [5.0], [6.0]], ["a", "a", "b", "b"])
        >>> model.predict([[2.0], [4.0]]).tolist()
        ['a', 'b']
        """
        return self._plant(X, y, super().fit)

    @accelerated
    def predict_proba(self, X):
        """Probabilities of the classes: their share, by weight, of the samples within the radius.

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
        NotFittedError
            If the estimator was not fitted.
        ValueError
            If X holds NaN or infinity, or has another number of features than the samples of the fit; if a sample has
            no neighbour and there is no `outlier_label`.

        Warns
        -----
        UserWarning
            If a sample has no neighbour, and `outlier_label` is none of the classes.

        See Also
        --------
        predict : The most probable class.

        Notes
        -----
        Class of agreement: identical with uniform weights, rounding by distance, as the sums are added up in the order
        of our tree. By brute force, uniform weights and one output scikit-learn's own code runs: it looks at
        parameters that may have changed since the fit. Memory: the neighbours, and the result.

        Examples
        --------
        >>> from fastml.neighbors import RadiusNeighborsClassifier
        >>> model = RadiusNeighborsClassifier(radius=2.5).fit([[0.0], [1.0], [5.0], [6.0]], ["a", "a", "b", "b"])
        >>> model.predict_proba([[3.0]]).tolist()
        [[0.5, 0.5]]
        """
        if vars(self).get("_fit_method") == "brute" and self.weights == "uniform" and not self.outputs_2d_:
            raise NotCovered("The votes of samples found by brute force within a radius have no kernel.")
        rows = self._voters(X)
        if rows is None:
            return super().predict_proba(X)  # which asks for our neighbours
        classes = self.classes_ if self.outputs_2d_ else [self.classes_]
        proba = _votes.shares_within(rows, self._y, [len(names) for names in classes], self.weights == "distance")
        if not np.diff(rows.indptr).all() and not self._place_outliers(rows, proba, classes):
            return super().predict_proba(X)  # raises the error, or warns
        return proba if self.outputs_2d_ else proba[0]

    def _place_outliers(self, rows, proba, classes):
        """Give queries without neighbours their class; False where there is none."""
        if self.outlier_label_ is None:
            return False
        outliers = np.flatnonzero(np.diff(rows.indptr) == 0)
        for shares, names, label in zip(proba, classes, self.outlier_label_, strict=True):
            place = np.flatnonzero(names == label)
            if place.size != 1:
                return False
            shares[outliers, place[0]] = 1
        return True
