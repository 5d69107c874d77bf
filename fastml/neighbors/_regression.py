"""Regression by the nearest samples."""

import numpy as np
import sklearn.neighbors

from fastml._dispatch import accelerated
from fastml._versions import fit_context
from fastml.neighbors import _votes
from fastml.neighbors._kneighbors import KNeighbors
from fastml.neighbors._radius import RadiusNeighbors


class KNeighborsRegressor(KNeighbors, sklearn.neighbors.KNeighborsRegressor):
    __doc__ = sklearn.neighbors.KNeighborsRegressor.__doc__

    @accelerated
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y):
        """Take the samples and their targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.

        Returns
        -------
        self : KNeighborsRegressor

        Raises
        ------
        ValueError
            If a parameter has a value that is not allowed; if X holds NaN or infinity.

        See Also
        --------
        predict : Targets of other samples.

        Notes
        -----
        Class of agreement: identical attributes; ``_tree``, scikit-learn's own, is grown when something asks for it.
        Growing ours is O(n_samples * log(n_samples) * n_features); where scikit-learn searches by brute force, there is
        none. Memory: a copy of X in float64.

        Examples
        --------
        >>> from fastml.neighbors import KNeighborsRegressor
        >>> model = KNeighborsRegressor(n_neighbors=2).fit([[0.0], [1.0], [5.0], [6.0]], [0.0, 1.0, 5.0, 6.0])
        >>> model.predict([[0.2]]).tolist()
        [0.5]
        """
        return self._plant(X, y)

    @accelerated
    def predict(self, X):
        """Targets of samples: the mean, by weight, of those of the nearest samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features) or None
            Samples. None: those of the fit, none of which is then its own neighbour.

        Returns
        -------
        y : ndarray of shape (n_queries,) or (n_queries, n_outputs)
            Means.

        Raises
        ------
        NotFittedError, ValueError
            As :meth:`kneighbors`.

        See Also
        --------
        kneighbors : The nearest samples.

        Notes
        -----
        Class of agreement: identical, given the neighbours. They vote as they are found, by uniform weights and by
        distance: memory is the result, whatever the number of neighbours. Cost: :meth:`kneighbors`.

        Examples
        --------
        >>> from fastml.neighbors import KNeighborsRegressor
        >>> model = KNeighborsRegressor(n_neighbors=2).fit([[0.0], [1.0], [5.0], [6.0]], [0.0, 1.0, 5.0, 6.0])
        >>> model.predict([[0.2]]).tolist()
        [0.5]
        """
        ask = self._ask_neighbors(X) if vars(self).get("_fit_method") and is_plain(self._y) else None
        if ask is None:
            return super().predict(X)
        n_queries = ask.n_queries
        y = _votes.means(ask, self._y, int(self.n_neighbors), by_distance=ask.by_distance, n_queries=n_queries)
        return y.ravel() if self._y.ndim == 1 else y


class RadiusNeighborsRegressor(RadiusNeighbors, sklearn.neighbors.RadiusNeighborsRegressor):
    __doc__ = sklearn.neighbors.RadiusNeighborsRegressor.__doc__

    @accelerated
    def fit(self, X, y):
        """Take the samples and their targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.

        Returns
        -------
        self : RadiusNeighborsRegressor

        Raises
        ------
        ValueError
            If a parameter has a value that is not allowed; if X holds NaN or infinity.

        See Also
        --------
        predict : Targets of other samples.

        Notes
        -----
        Class of agreement: identical attributes. Cost and memory: as :meth:`NearestNeighbors.fit`.

        Examples
        --------
        >>> from fastml.neighbors import RadiusNeighborsRegressor
        >>> model = RadiusNeighborsRegressor(radius=1.5).fit([[0.0], [1.0], [5.0], [6.0]], [0.0, 1.0, 5.0, 6.0])
        >>> model.predict([[0.2]]).tolist()
        [0.5]
        """
        return self._plant(X, y, super().fit)

    @accelerated
    def predict(self, X):
        """Targets of samples: the mean, by weight, of those of the samples within the radius.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features) or None
            Samples. None: those of the fit, none of which is then its own neighbour.

        Returns
        -------
        y : ndarray of shape (n_queries,) or (n_queries, n_outputs)
            Means; NaN where there is no neighbour.

        Raises
        ------
        NotFittedError
            If the estimator was not fitted.
        ValueError
            If X holds NaN or infinity, or has another number of features than the samples of the fit.

        Warns
        -----
        UserWarning
            If a sample has no neighbour.

        See Also
        --------
        radius_neighbors : The samples within the radius.

        Notes
        -----
        Class of agreement: rounding, as the sums are added up in the order of our tree. Memory: the neighbours, and the
        result.

        Examples
        --------
        >>> from fastml.neighbors import RadiusNeighborsRegressor
        >>> model = RadiusNeighborsRegressor(radius=1.5).fit([[0.0], [1.0], [5.0], [6.0]], [0.0, 1.0, 5.0, 6.0])
        >>> model.predict([[0.2]]).tolist()
        [0.5]
        """
        rows = self._voters(X) if vars(self).get("_fit_method") and is_plain(self._y) else None
        if rows is None or not np.diff(rows.indptr).all():
            return super().predict(X)  # which asks for our neighbours, and warns where there are none
        y = _votes.means_within(rows, self._y, self.weights == "distance")
        return y.ravel() if self._y.ndim == 1 else y


def is_plain(y):
    """Tell whether targets are summed in float64."""
    return isinstance(y, np.ndarray) and y.dtype == np.float64 and y.ndim in (1, 2)
