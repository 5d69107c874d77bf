"""The nearest samples to a point, and those within a radius of it."""

import sklearn.neighbors

from fastml._dispatch import accelerated
from fastml._versions import fit_context
from fastml.neighbors._kneighbors import KNeighbors
from fastml.neighbors._radius import RadiusNeighbors


class NearestNeighbors(KNeighbors, RadiusNeighbors, sklearn.neighbors.NearestNeighbors):
    __doc__ = sklearn.neighbors.NearestNeighbors.__doc__

    @accelerated
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Take the samples among which neighbours are searched.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        y : None
            Ignored.

        Returns
        -------
        self : NearestNeighbors

        Raises
        ------
        ValueError
            If a parameter has a value that is not allowed; if X holds NaN or infinity.

        See Also
        --------
        kneighbors, radius_neighbors : The neighbours.

        Notes
        -----
        Class of agreement: identical attributes; ``_tree``, scikit-learn's own, is grown when something asks for it.
        Growing ours is O(n_samples * log(n_samples) * n_features); where scikit-learn searches by brute force, there is
        none. Memory: a copy of X in float64.

        Examples
        --------
        >>> from fastml.neighbors import NearestNeighbors
        >>> model = NearestNeighbors(n_neighbors=1).fit([[0.0], [1.0], [5.0], [6.0]])
        >>> model.kneighbors([[4.0]], return_distance=False).tolist()
        [[2]]
        """
        return self._plant(X)
