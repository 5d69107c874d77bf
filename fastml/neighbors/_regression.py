"""Regression by the nearest samples."""

import sklearn.neighbors

from fastml._dispatch import accelerated
from fastml._versions import fit_context
from fastml.neighbors._base import KNeighbors


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
