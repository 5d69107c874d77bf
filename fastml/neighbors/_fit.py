"""The fit that the estimators of neighbours share, and what it leaves for searches."""

from numbers import Real
from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.neighbors import VALID_METRICS, BallTree, KDTree
from sklearn.utils.validation import check_is_fitted

from fastml._dispatch import NotCovered, note
from fastml._lazy import lazy
from fastml._registry import Accelerated
from fastml._threads import effective_n_threads
from fastml._validate import check_X
from fastml._versions import NeighborsBase
from fastml._warnings import call_from
from fastml.neighbors import _measures, _search
from fastml.neighbors._beside import Beside
from fastml.neighbors._own_metric import ByFunction, balls, grow, is_of_function

TREES = {"kd_tree": KDTree, "ball_tree": BallTree}
FITTED = KDTree, BallTree, NeighborsBase
# The parameter `metric` where trees have kernels, "minkowski" by its `p`; and the metrics of scikit-learn's trees.
OF_POWER = {1: "manhattan", 2: "euclidean", np.inf: "chebyshev"}
OF_TREE = {
    "EuclideanDistance64": "euclidean",
    "ManhattanDistance64": "manhattan",
    "ChebyshevDistance64": "chebyshev",
    "HaversineDistance64": "haversine",
}
# scikit-learn's rule of algorithm="auto": more features than these are searched by brute force.
MOST_FEATURES = 15


class Search(NamedTuple):
    """A planted tree, the number of the metric that it is asked by, and scikit-learn's own tree, if that was made."""

    planted: _search.Planted
    metric: int
    tree: KDTree | None = None


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
            home = next(cls.__module__ for cls in type(self).__mro__ if cls.__module__.startswith("sklearn."))
            call_from(home, fit or self._fit, X, y)
        finally:
            self.algorithm = algorithm
        if issparse(self._fit_X):
            return self
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
        metric, planted = _search.number_of(self.effective_metric_, self.effective_metric_params_), None
        if metric is not None:
            n_threads = effective_n_threads(self.n_jobs or None)  # 0 fails later
            planted = _search.plant(self._fit_X, metric=metric, n_threads=n_threads)
        if planted is not None:
            searches.put(self, Search(planted, metric))
            return self
        if metric is not None:
            note(f"scikit-learn's own tree: {_search.BEYOND}")
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

    @lazy
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
        sparse = issparse(self._fit_X)
        if self.effective_metric_ == "haversine" and not self.effective_metric_params_ and not sparse:
            return None
        measure = _measures.measure_of(self.effective_metric_, self.effective_metric_params_, self._fit_X.shape[1])
        if sparse and self.effective_metric_ not in _measures.OF_SPARSE:
            raise NotCovered(f"metric={self.effective_metric_!r} has no kernel for sparse samples.")
        return measure

    def _tree_search(self, itself):
        """Return the Search of the fitted model: that of the fit, or of the tree that it was given or loaded with."""
        if self._fit_method == "brute":  # on the sphere
            return Search(_search.Planted(self._fit_X), _search.number_of(self.effective_metric_, {}))
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
        planted = _search.plant(tree.get_arrays()[0], metric=metric, n_threads=effective_n_threads(self.n_jobs))
        if planted is None:
            raise NotCovered(_search.BEYOND)
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
    if isinstance(X, FITTED):
        raise NotCovered(f"X is a fitted {type(X).__name__}.")
    if issparse(X) and (callable(est.metric) or est.algorithm in TREES):
        raise NotCovered("X is sparse.")
    if callable(est.metric):
        if est.algorithm == "kd_tree":
            raise NotCovered("k-d trees take no function as metric.")
        return
    if not isinstance(est.metric, str) or est.metric not in _measures.NAMES | _search.METRICS.keys():
        raise NotCovered(f"metric={est.metric!r} has no kernel.")
    if est.metric == "haversine" and est.algorithm == "kd_tree":
        raise NotCovered("k-d trees take no haversine distances.")
    if est.algorithm in TREES and (est.metric_params or not _has_tree(est.metric, est.p)):
        raise NotCovered(f"metric={est.metric!r} has no kernel for trees with these parameters.")


def _has_tree(metric, p):
    if metric == "minkowski":
        return isinstance(p, Real) and (p in OF_POWER or (p >= 1 and _measures.halves_of(p) is not None))
    return metric in _search.METRICS


def takes_tree(n_neighbors, n_samples, n_features):
    """Tell whether scikit-learn's ``algorithm="auto"`` takes a tree, where the metric has one."""
    return n_features <= MOST_FEATURES and (n_neighbors is None or n_neighbors < n_samples // 2)
