"""The k nearest neighbours, and their votes."""

from collections.abc import Callable
from functools import partial
from numbers import Integral
from typing import NamedTuple

from scipy.sparse import issparse

from fastml._dispatch import NotCovered, accelerated
from fastml._threads import effective_n_threads
from fastml.neighbors import _brute, _search, _sparse
from fastml.neighbors._fit import NeighborsSearch, named


class Ask(NamedTuple):
    """A question to the neighbours of samples that were checked: called with a Ballot, it lets them vote."""

    vote: Callable
    by_distance: bool
    n_queries: int

    def __call__(self, ballot):
        self.vote(ballot)


class KNeighbors(NeighborsSearch):
    """The k nearest neighbours."""

    @accelerated
    def kneighbors(self, X=None, n_neighbors=None, return_distance=True):
        """Find the nearest neighbours of samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features), default=None
            The samples. None: those of the fit, none of which is then its own neighbour.
        n_neighbors : int, default=None
            How many; None: as many as the estimator's parameter says.
        return_distance : bool, default=True
            Whether to return the distances too.

        Returns
        -------
        neigh_dist : ndarray of shape (n_queries, n_neighbors), float64
            Distances in the units of X, nearest first; only if `return_distance`.
        neigh_ind : ndarray of shape (n_queries, n_neighbors), int64
            Which samples of the fit they belong to. Of equally near ones the first.

        Raises
        ------
        NotFittedError
            If the estimator was not fitted.
        ValueError
            If X holds NaN or infinity, or has another number of features than the samples of the fit; if
            `n_neighbors` is less than 1, or more than there are samples.
        TypeError
            If `n_neighbors` is not an integer.

        See Also
        --------
        kneighbors_graph : The same as a sparse matrix.

        Notes
        -----
        Class of agreement: identical; equally near neighbours apart, which scikit-learn takes as they come. Distances
        are computed in float64, feature by feature, as scikit-learn's trees compute them; its brute force is less
        exact, and may take another of two neighbours that are as near but for its error. Haversine distances are those
        of its formula, for neighbours that a tree of unit vectors finds.

        A walk through a k-d tree (Friedman, Bentley, Finkel [1]_): about O(log(n_samples)) a query where there are
        few features, O(n_samples * n_features) at worst, as by brute force. Memory: the result, and by brute force a
        copy of the samples in float32.

        References
        ----------
        .. [1] J. H. Friedman, J. L. Bentley and R. A. Finkel, "An algorithm for finding best matches in logarithmic
           expected time", ACM Transactions on Mathematical Software 3, 1977.

        Examples
        --------
        >>> from fastml.neighbors import NearestNeighbors
        >>> model = NearestNeighbors(n_neighbors=1).fit([[0.0], [1.0], [5.0], [6.0]])
        >>> model.kneighbors([[2.0]])
        (array([[1.]]), array([[1]]))
        """
        by_function = self._by_function()
        measure = None if by_function else self._brute_measure()
        search = None if by_function or measure else self._tree_search(X is None)
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        if not isinstance(k, Integral) or k < 1 or type(k) is bool:
            return super().kneighbors(X, n_neighbors, return_distance)  # raises the error
        among_sparse = issparse(self._fit_X)
        if (by_function or self._fit_method == "brute") and issparse(X) and not among_sparse:
            raise NotCovered("X is sparse.")
        if (issparse(X) and not among_sparse) or k > self.n_samples_fit_ - (X is None):
            return super().kneighbors(X, n_neighbors, return_distance)  # the same
        queries = None if X is None else self._queries(X)
        options = {"with_distances": bool(return_distance), "n_threads": effective_n_threads(self.n_jobs)}
        if by_function:
            distances, indices = by_function.nearest(queries, int(k), with_distances=bool(return_distance))
        elif measure:
            search = _sparse if among_sparse else _brute
            distances, indices = search.nearest(self._fit_X, queries, int(k), measure=measure, **options)
        else:
            distances, indices = _search.nearest(search.planted, queries, int(k), metric=search.metric, **options)
        return (distances, indices) if return_distance else indices

    def _metric_is_as_fitted(self):
        given, used = self.metric_params or {}, self.effective_metric_params_
        if self.effective_metric_ == "minkowski":
            as_used = given.get("p", self.p) == self.p == used["p"] and given.get("w") is used.get("w")
            return self.metric == "minkowski" and as_used
        known = given.keys() == used.keys() and all(given[name] is used[name] for name in given)
        return known and named(self.metric, self.p) == self.effective_metric_

    def _ask_neighbors(self, X):
        """Return an Ask for the nearest of samples, or None where ``kneighbors`` is to be asked instead."""
        k, weights = self.n_neighbors, self.weights
        if type(self).kneighbors is not KNeighbors.kneighbors or not (weights is None or isinstance(weights, str)):
            return None
        if self._by_function() or self.effective_metric_ == "haversine":
            return None
        measure = self._brute_measure()
        if measure and not self._metric_is_as_fitted():
            raise NotCovered("The metric was changed after the fit.")  # scikit-learn's votes look at it
        among_sparse = issparse(self._fit_X)
        if (
            not isinstance(k, Integral)
            or type(k) is bool
            or not 1 <= k <= self.n_samples_fit_ - (X is None)
            or (issparse(X) and not among_sparse)
            or not self._fit_X.shape[0] == len(self._y) == self.n_samples_fit_  # after edits
        ):
            return None
        search = None if measure else self._tree_search(X is None)
        queries = None if X is None else self._queries(X)
        options = {"n_threads": effective_n_threads(self.n_jobs)}
        if measure:
            vote = partial((_sparse if among_sparse else _brute).vote, self._fit_X, queries, measure=measure, **options)
        else:
            vote = partial(_search.vote, search.planted, queries, metric=search.metric, **options)
        return Ask(vote, weights == "distance", self.n_samples_fit_ if X is None else queries.shape[0])
