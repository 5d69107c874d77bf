"""What the estimators of neighbours share: the fit, and the neighbours of samples."""

from collections.abc import Callable
from functools import cached_property, partial
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.neighbors import VALID_METRICS, BallTree, KDTree
from sklearn.utils.validation import check_is_fitted

from fastml._dispatch import NotCovered, accelerated
from fastml._registry import Accelerated
from fastml._threads import effective_n_threads
from fastml._validate import check_X
from fastml._versions import NeighborsBase
from fastml.neighbors import _brute, _measures, _search
from fastml.neighbors._beside import Beside
from fastml.neighbors._own_metric import ByFunction, balls, grow, is_of_function

TREES = {"kd_tree": KDTree, "ball_tree": BallTree}
# The parameter `metric` where trees have kernels, "minkowski" by its `p`; and the metrics of scikit-learn's trees.
OF_POWER = {1: "manhattan", 2: "euclidean", np.inf: "chebyshev"}
OF_TREE = {"EuclideanDistance64": "euclidean", "ManhattanDistance64": "manhattan", "ChebyshevDistance64": "chebyshev"}
# scikit-learn's rule of algorithm="auto": more features than these are searched by brute force.
MOST_FEATURES = 15


class Search(NamedTuple):
    """A planted tree, the number of the metric that it is asked by, and scikit-learn's own tree, if that was made."""

    planted: _search.Planted
    metric: int
    tree: KDTree | None = None


class Ask(NamedTuple):
    """A question to the neighbours of samples that were checked: called with a Ballot, it lets them vote."""

    vote: Callable
    by_distance: bool
    n_queries: int

    def __call__(self, ballot):
        self.vote(ballot)


searches = Beside()


class NeighborsSearch(Accelerated):
    """The fit: scikit-learn's own but for the tree."""

    def _plant(self, X, y=None, fit=None):
        """Fit as scikit-learn does, and grow a tree of ours in the place of its.

        Its own code does all else, told to make no tree: `fit`, a method of its; None: what all of its fits share.
        """
        searches.put(self, None)
        refuse(self, X)
        algorithm = self.algorithm
        self.algorithm = "brute"
        try:
            (fit or self._fit)(X, y)
        finally:
            self.algorithm = algorithm
        if callable(self.metric):
            if self._method() == "ball_tree":
                self._fit_method, n_threads = "ball_tree", effective_n_threads(self.n_jobs or None)
                self._tree, ball = grow(
                    self._fit_X, self.leaf_size, self.metric, self.effective_metric_params_, n_threads=n_threads
                )
                balls.put(self, (self._tree, ball))
            return self
        method = self._method()
        if method == "brute":
            return self
        self._fit_method = method
        del self._tree
        metric = _search.number_of(self.effective_metric_, self.effective_metric_params_)
        if metric is not None:
            planted = _search.plant(self._fit_X, n_threads=effective_n_threads(self.n_jobs or None))  # 0 fails later
            searches.put(self, Search(planted, metric))
        else:
            self._tree = self._plain_tree(self._fit_X)
        return self

    def _method(self):
        """Return how scikit-learn would search: its rule of ``algorithm="auto"``."""
        if self.algorithm != "auto":
            return self.algorithm
        metric, params = self.effective_metric_, self.effective_metric_params_
        if not takes_tree(self.n_neighbors, *self._fit_X.shape) or (metric == "minkowski" and params["p"] < 1):
            return "brute"
        if metric in VALID_METRICS["kd_tree"] and params.get("w") is None:
            return "kd_tree"
        return "ball_tree" if callable(metric) or metric in VALID_METRICS["ball_tree"] else "brute"

    def _plain_tree(self, X):
        """Return scikit-learn's own tree of some samples."""
        tree = TREES[self._fit_method]
        return tree(X, self.leaf_size, metric=self.effective_metric_, **self.effective_metric_params_)

    @cached_property
    def _tree(self):
        """scikit-learn's own tree, which its code may ask for; grown when it does."""
        if vars(self).get("_fit_method") not in TREES:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute '_tree'")
        search = searches.get(self)
        # `_fit_X` may have been edited since the fit
        tree = self._plain_tree(self._fit_X if search is None else search.planted.X)
        if search is not None:
            searches.put(self, search._replace(tree=tree))
        return tree

    def _complete(self):
        if vars(self).get("_fit_method") in TREES:
            self._tree  # noqa: B018

    def __getstate__(self):
        """Pickles and copies hold scikit-learn's tree; ours is grown anew when it is needed."""
        self._complete()
        return super().__getstate__()

    def _brute_measure(self):
        """Return the Measure by which every sample is compared; None: a tree is searched. Or it is not covered."""
        if "_fit_method" not in vars(self):
            check_is_fitted(self)
        if self.metric == "precomputed":
            raise NotCovered("metric='precomputed' has no kernel.")
        if self._fit_method in TREES:
            return None
        if self._fit_method != "brute":
            raise NotCovered(f"The neighbours are searched by algorithm={self._fit_method!r}.")
        if issparse(self._fit_X):
            raise NotCovered("The samples of the fit are sparse.")
        return _measures.measure_of(self.effective_metric_, self.effective_metric_params_, self._fit_X.shape[1])

    def _tree_search(self, itself):
        """Return the Search of the fitted model: that of the fit, or of the tree that it was given or loaded with."""
        search = searches.get(self)
        grown = vars(self).get("_tree")
        if search is None or search.tree is not grown or (grown is None and "_tree" in vars(self)):
            search = self._search_of_tree()
            searches.put(self, search)
        if itself and search.planted.X is not self._fit_X:
            raise NotCovered("The samples were changed after the fit.")
        return search

    def _search_of_tree(self):
        tree = self._tree
        metric = metric_of(tree) if type(tree) in TREES.values() else None
        if metric is None:
            raise NotCovered("The tree was grown for a metric that has no kernel.")
        if tree.get_arrays()[0].shape != self._fit_X.shape:
            raise NotCovered("The tree was grown from other samples.")
        planted = _search.plant(tree.get_arrays()[0], n_threads=effective_n_threads(self.n_jobs))
        return Search(planted._replace(X=self._fit_X), metric, tree)

    def _by_function(self):
        """Return the search by a function as metric, or None."""
        if "_fit_method" not in vars(self):
            check_is_fitted(self)
        if self._fit_method == "brute" and callable(self.effective_metric_) and not issparse(self._fit_X):
            return ByFunction(self, self.effective_metric_, self.effective_metric_params_)
        if self._fit_method == "ball_tree" and is_of_function(self._tree):
            return ByFunction(self, None, None)
        return None

    def _queries(self, X):
        """Check samples as scikit-learn does."""
        return check_X(self, X, reset=False, accept_sparse="csr", order="C")


def metric_of(tree):
    """Return the number of the metric that scikit-learn's tree was grown for, or None."""
    metric = tree.__getstate__()[11]
    name = type(metric).__name__
    if name != "MinkowskiDistance64":
        return _search.number_of(OF_TREE.get(name), {})
    p, weights = metric.__getstate__()[:2]
    return None if len(weights) else _search.number_of("minkowski", {"p": p})


def named(metric, p):
    """Return the name of the metric that is used for the parameters, of those that have kernels."""
    return OF_POWER.get(p) if metric == "minkowski" else metric


def refuse(est, X):
    """Leave to scikit-learn's own code what has no kernel."""
    if est.algorithm not in ("auto", "kd_tree", "ball_tree", "brute"):
        raise NotCovered(f"algorithm={est.algorithm!r} has no kernel.")
    if isinstance(X, KDTree | BallTree | NeighborsBase):
        raise NotCovered(f"X is a fitted {type(X).__name__}.")
    if issparse(X):
        raise NotCovered("X is sparse.")
    if callable(est.metric):
        if est.algorithm == "kd_tree":
            raise NotCovered("k-d trees take no function as metric.")
        return
    if not isinstance(est.metric, str) or est.metric not in _measures.NAMES:
        raise NotCovered(f"metric={est.metric!r} has no kernel.")
    if est.algorithm in TREES and (est.metric_params or not _has_tree(est.metric, est.p)):
        raise NotCovered(f"metric={est.metric!r} has no kernel for trees with these parameters.")


def _has_tree(metric, p):
    if metric == "minkowski":
        return isinstance(p, Real) and (p in OF_POWER or (p >= 1 and _measures.halves_of(p) is not None))
    return metric in _search.METRICS


def takes_tree(n_neighbors, n_samples, n_features):
    """Tell whether scikit-learn's ``algorithm="auto"`` takes a tree, where the metric has one."""
    return n_features <= MOST_FEATURES and (n_neighbors is None or n_neighbors < n_samples // 2)


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
        exact, and may take another of two neighbours that are as near but for its error.

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
        if (by_function or measure) and issparse(X):
            raise NotCovered("X is sparse.")
        if issparse(X) or k > self.n_samples_fit_ - (X is None):
            return super().kneighbors(X, n_neighbors, return_distance)  # the same
        queries = None if X is None else self._queries(X)
        options = {"with_distances": bool(return_distance), "n_threads": effective_n_threads(self.n_jobs)}
        if by_function:
            distances, indices = by_function.nearest(queries, int(k), with_distances=bool(return_distance))
        elif measure:
            distances, indices = _brute.nearest(self._fit_X, queries, int(k), measure=measure, **options)
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
        if self._by_function():
            return None
        measure = self._brute_measure()
        if measure and not self._metric_is_as_fitted():
            raise NotCovered("The metric was changed after the fit.")  # scikit-learn's votes look at it
        if (
            not isinstance(k, Integral)
            or type(k) is bool
            or not 1 <= k <= self.n_samples_fit_ - (X is None)
            or issparse(X)
            or not len(self._fit_X) == len(self._y) == self.n_samples_fit_  # after edits
        ):
            return None
        search = None if measure else self._tree_search(X is None)
        queries = None if X is None else self._queries(X)
        options = {"n_threads": effective_n_threads(self.n_jobs)}
        if measure:
            vote = partial(_brute.vote, self._fit_X, queries, measure=measure, **options)
        else:
            vote = partial(_search.vote, search.planted, queries, metric=search.metric, **options)
        return Ask(vote, weights == "distance", self.n_samples_fit_ if X is None else len(queries))


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
        branch lies within the radius by the distance itself, which may differ in the last bit.

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
        if measure and not isinstance(radius, Real):
            raise NotCovered("Only a tree is asked about several radii.")
        if measure and issparse(X):
            raise NotCovered("X is sparse.")
        if not self._is_well_put(X, with_distances, sort):
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
            return _brute.within(self._fit_X, queries, radius, measure=measure, **options)
        return _search.within(search.planted, queries, radius, metric=search.metric, **options)

    @staticmethod
    def _is_well_put(X, with_distances, sort):
        return not issparse(X) and isinstance(sort, Integral | np.bool_) and bool(with_distances or not sort)

    def _are_radii(self, radius, queries):
        n_queries = self.n_samples_fit_ if queries is None else len(queries)
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
