"""The neighbours within a radius, and their votes."""

from numbers import Integral, Real

import numpy as np
from scipy.sparse import issparse

from fastml._dispatch import NotCovered, accelerated
from fastml._threads import effective_n_threads
from fastml.neighbors import _brute, _search, _sparse
from fastml.neighbors._fit import NeighborsSearch


class RadiusNeighbors(NeighborsSearch):
    """The neighbours within a radius."""

    @accelerated
    def radius_neighbors(self, X=None, radius=None, return_distance=True, sort_results=False):
        """Find the neighbours of samples within a radius, the border included.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features), default=None
            The samples. None: those of the fit, none of which is then its own neighbour.
        radius : float or array-like of shape (n_queries,), default=None
            Largest distance, in the units of X; None: the estimator's parameter.
        return_distance : bool, default=True
            Whether to return the distances too.
        sort_results : bool, default=False
            Whether to put the nearest first. Needs the distances.

        Returns
        -------
        neigh_dist : ndarray of shape (n_queries,), of ndarrays of float64
            Distances; only if `return_distance`.
        neigh_ind : ndarray of shape (n_queries,), of ndarrays of int64
            Which samples of the fit they belong to. Unsorted they come in the order of the tree; sorted, equally near
            ones by their index. Arrays of neighbouring samples may share memory.

        Raises
        ------
        NotFittedError
            If the estimator was not fitted.
        ValueError
            If X holds NaN or infinity, or has another number of features than the samples of the fit; if
            `sort_results` is asked for without `return_distance`.

        See Also
        --------
        radius_neighbors_graph : The same as a sparse matrix.

        Notes
        -----
        Class of agreement: identical, but for the order of what is not sorted. A sample counts if the square of its
        Euclidean distance is at most that of the radius; scikit-learn's trees compare so too, or where a whole
        branch lies within the radius by the distance itself, which may differ in the last bit. Haversine distances are
        compared by scikit-learn's reduced ones.

        Two walks through a k-d tree, to count and to write. Memory: the result.

        Examples
        --------
        >>> from fastml.neighbors import NearestNeighbors
        >>> model = NearestNeighbors(n_neighbors=1, radius=1.5).fit([[0.0], [1.0], [5.0], [6.0]])
        >>> distances, indices = model.radius_neighbors([[0.5]], sort_results=True)
        >>> indices[0].tolist()
        [0, 1]
        """
        by_function = self._by_function()
        radius = self.radius if radius is None else radius
        if by_function and self._is_well_put(X, return_distance, sort_results):
            queries = None if X is None else self._queries(X)
            if self._are_radii(radius, queries):
                options = {"with_distances": bool(return_distance), "sort": bool(sort_results)}
                return by_function.within(queries, radius, **options)
        rows = None if by_function else self._rows_within(X, radius, return_distance, sort_results)
        if rows is None:
            return super().radius_neighbors(X, radius, return_distance, sort_results)  # raises the error
        indices = _search.row_arrays(rows, rows.indices)
        return (_search.row_arrays(rows, rows.distances), indices) if return_distance else indices

    def _rows_within(self, X, radius, with_distances, sort=False):
        """Return the Rows of neighbours within a radius, or None where scikit-learn's code is to tell what is wrong."""
        measure = self._brute_measure()
        search = None if measure else self._tree_search(X is None)
        by_brute_force = self._fit_method == "brute"  # on the sphere without a measure
        if by_brute_force and not isinstance(radius, Real):
            raise NotCovered("Only a tree is asked about several radii.")
        among_sparse = issparse(self._fit_X)
        if by_brute_force and issparse(X) and not among_sparse:
            raise NotCovered("X is sparse.")
        if not self._is_well_put(None if among_sparse else X, with_distances, sort):
            return None
        queries = None if X is None else self._queries(X)
        if not self._are_radii(radius, queries):
            return None
        options = {
            "with_distances": bool(with_distances),
            "sort": bool(sort),
            "n_threads": effective_n_threads(self.n_jobs),
        }
        if measure:
            search = _sparse if among_sparse else _brute
            return search.within(self._fit_X, queries, radius, measure=measure, **options)
        return _search.within(search.planted, queries, radius, metric=search.metric, **options)

    @staticmethod
    def _is_well_put(X, with_distances, sort):
        return not issparse(X) and isinstance(sort, Integral | np.bool_) and bool(with_distances or not sort)

    def _are_radii(self, radius, queries):
        n_queries = self.n_samples_fit_ if queries is None else queries.shape[0]
        return isinstance(radius, Real) or np.shape(radius) in ((1,), (n_queries,))

    def _voters(self, X):
        """Return the Rows of those that vote on samples, or None where ``radius_neighbors`` is to be asked instead."""
        if type(self).radius_neighbors is not RadiusNeighbors.radius_neighbors or not (
            X is None or type(X) is np.ndarray
        ):
            return None
        if not (self.weights is None or isinstance(self.weights, str)) or self._by_function():
            return None
        return self._rows_within(X, self.radius, self.weights == "distance")
