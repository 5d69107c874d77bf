"""DBSCAN: clusters are what core samples, those with enough neighbours, reach from each other.

Ester, Kriegel, Sander, Xu 1996, KDD.
"""

import numpy as np
import sklearn
import sklearn.cluster
from scipy.sparse import issparse
from sklearn.neighbors import BallTree, KDTree

from fastml._dispatch import NotCovered, accelerated
from fastml._registry import Accelerated
from fastml._threads import effective_n_threads
from fastml._validate import check_X
from fastml._versions import check_sample_weight, dbscan_inner, fit_context, validate_params
from fastml.cluster import _dbscan_search
from fastml.neighbors._fit import takes_tree
from fastml.neighbors._search import LARGEST_ARC
from fastml.neighbors._unsupervised import NearestNeighbors

TREES = {"kd_tree": KDTree, "ball_tree": BallTree}

# Beyond both, brute force by products of matrices is sooner where nothing clusters: 20,000 x 12 in 0.7 s, not 1.0 s.
MANY_FEATURES, FEW_SAMPLES = 8, 200


class DBSCAN(Accelerated, sklearn.cluster.DBSCAN):
    __doc__ = sklearn.cluster.DBSCAN.__doc__

    @accelerated
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, sample_weight=None):
        """Find core samples and clusters.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features), or (n_samples, n_samples)
            Samples, or distances if `metric` is "precomputed".
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            What a sample counts as a neighbour; it may be negative. None: 1.

        Returns
        -------
        self : DBSCAN
            With ``labels_`` (n_samples,), -1 for noise, ``core_sample_indices_`` and ``components_``, copies of the
            core samples.

        Raises
        ------
        ValueError
            If a parameter has a value that is not allowed; if X holds NaN or infinity or is not 2-d; if the shape of
            `sample_weight` does not fit X.
        FallbackError
            Under ``strict``, if X is sparse, if `metric` is neither Euclidean, haversine nor a function that Numba
            compiles, if scikit-learn searches by brute force among more than 8 features (by default from 16 on), if
            points lie beyond a pole, or if rounding decides which samples are neighbours. scikit-learn's own code runs
            otherwise.

        See Also
        --------
        dbscan : The same as a function.
        explain : Whether our kernel ran.

        Notes
        -----
        Class of agreement: identical. Clusters are numbered in the order of their first core samples; a sample that is
        not core belongs to the first cluster that reaches it. Pairs so near to `eps` that the answer hangs on the
        nodes of scikit-learn's tree are judged by these.

        O(n_samples * log(n_samples)) for few features, by a grid [1]_ or a k-d tree; O(n_samples ** 2) at worst.
        Memory: O(n_samples * n_features), however many neighbours there are; with a function as metric, all neighbours.

        References
        ----------
        .. [1] J. Gan and Y. Tao, "DBSCAN revisited: mis-claim, un-fixability, and approximation", SIGMOD 2015.

        Examples
        --------
        >>> from fastml.cluster import DBSCAN
        >>> DBSCAN(eps=1, min_samples=2).fit([[0.0], [1.0], [5.0], [6.0], [9.0]]).labels_.tolist()
        [0, 0, 1, 1, -1]
        """
        if callable(self.metric) and not issparse(X):
            return fit_by_function(self, X, sample_weight)
        refuse_other_metrics(self, X)
        X = check_X(self, X, reset=True, accept_sparse="csr")
        weights = None if sample_weight is None else check_sample_weight(sample_weight, X, dtype=None)
        search = searches_by(self, X)
        metric = "haversine" if self.metric == "haversine" else "euclidean"
        n_threads = effective_n_threads(self.n_jobs if search in TREES else self.n_jobs or None)
        found = _dbscan_search.dbscan(
            X,
            float(self.eps),  # whose squares overflow in narrow types of NumPy
            self.min_samples,
            weights,
            search=search,
            tree=lambda: tree_arrays(TREES[search](X, leaf_size=self.leaf_size, metric=metric)),
            on_sphere=metric == "haversine",
            n_threads=n_threads,
        )
        if found is None:
            raise NotCovered("which samples are neighbours, or core, hangs on how scikit-learn rounds.")
        self.labels_, self.core_sample_indices_ = found
        core = self.core_sample_indices_
        self.components_ = X.take(core, axis=0) if len(core) else np.empty((0, X.shape[1]))
        return self


def fit_by_function(est, X, sample_weight):
    """Fit by a function as metric, with the neighbours that our search finds; memory: all of them."""
    X = check_X(est, X, reset=True, accept_sparse="csr")
    weights = None if sample_weight is None else check_sample_weight(sample_weight, X)
    model = NearestNeighbors(
        radius=est.eps,
        algorithm=est.algorithm,
        leaf_size=est.leaf_size,
        metric=est.metric,
        metric_params=est.metric_params,
        p=est.p,
        n_jobs=est.n_jobs,
    ).fit(X)
    neighbors = model.radius_neighbors(X, return_distance=False)
    if weights is None:
        counts = np.fromiter(map(len, neighbors), np.intp, len(neighbors))
    else:
        counts = np.array([np.sum(weights[row]) for row in neighbors])
    core = np.asarray(counts >= est.min_samples, dtype=np.uint8)
    est.labels_ = np.full(len(X), -1, dtype=np.intp)
    dbscan_inner(core, neighbors, est.labels_)
    est.core_sample_indices_ = np.flatnonzero(core)
    est.components_ = X[est.core_sample_indices_].copy() if core.any() else np.empty((0, X.shape[1]))
    return est


def refuse_other_metrics(est, X):
    """Raise NotCovered but for Euclidean and haversine distances between samples that are no sparse matrix."""
    if issparse(X):
        raise NotCovered("X is sparse.")
    covered = est.metric in ("euclidean", "haversine") or (est.metric == "minkowski" and est.p == 2)
    if not isinstance(est.metric, str) or not covered or est.metric_params:
        raise NotCovered(f"metric={est.metric!r} with these parameters is not the Euclidean one, nor haversine.")
    if est.metric == "haversine" and (est.algorithm == "kd_tree" or float(est.eps) > LARGEST_ARC):
        raise NotCovered(f"haversine distances take no k-d tree, and have a kernel for eps up to {LARGEST_ARC}.")
    if est.p is not None and not est.p > 0:
        raise NotCovered(f"p={est.p!r} is not positive.")
    if not 1e-18 < float(est.eps) < 1e18:
        raise NotCovered(f"the square of eps={est.eps!r} is out of the range of float32.")


def searches_by(est, X):
    """Return how scikit-learn searches for neighbours of these samples: what rounding does depends on it."""
    search = est.algorithm
    if search == "auto":  # by the rule of its NearestNeighbors, whose n_neighbors is 5
        search = "brute" if not takes_tree(5, *X.shape) else "ball_tree" if est.metric == "haversine" else "kd_tree"
    if search == "brute" and not sklearn.get_config().get("enable_cython_pairwise_dist", True):
        raise NotCovered("scikit-learn is configured to compute distances by NumPy.")
    if search == "brute" and X.shape[1] > MANY_FEATURES and len(X) > FEW_SAMPLES:
        raise NotCovered("of many features, scikit-learn's brute force by products of matrices is sooner.")
    return search


def tree_arrays(tree):
    """Return the arrays of scikit-learn's tree that tell which nodes a sample lies in, and where they are."""
    _, order, nodes, bounds = tree.get_arrays()
    return np.asarray(order), nodes["idx_end"], nodes["radius"], bounds[0], bounds[-1]


@accelerated(plain=sklearn.cluster.dbscan)
@validate_params(sklearn.cluster.dbscan._skl_parameter_constraints, prefer_skip_nested_validation=False)
def dbscan(
    X,
    eps=0.5,
    *,
    min_samples=5,
    metric="minkowski",
    metric_params=None,
    algorithm="auto",
    leaf_size=30,
    p=2,
    sample_weight=None,
    n_jobs=None,
):
    """DBSCAN as a function: see :class:`DBSCAN`, whose parameters these are.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features), or (n_samples, n_samples)
        Samples, or distances if `metric` is "precomputed".
    eps, min_samples, metric, metric_params, algorithm, leaf_size, p, n_jobs
        Parameters of :class:`DBSCAN`. `eps` is in the units of X.
    sample_weight : array-like of shape (n_samples,), default=None
        What a sample counts as a neighbour; None: 1.

    Returns
    -------
    core_samples : ndarray of shape (n_core_samples,)
        Indices of the core samples.
    labels : ndarray of shape (n_samples,)
        Clusters of the samples, -1 for noise.

    Raises
    ------
    ValueError, FallbackError
        As :meth:`DBSCAN.fit`.

    See Also
    --------
    DBSCAN : The estimator.

    Notes
    -----
    Class of agreement: identical. Cost, memory and sources are those of :meth:`DBSCAN.fit`.

    Examples
    --------
    >>> from fastml.cluster import dbscan
    >>> core_samples, labels = dbscan([[0.0], [1.0], [5.0], [6.0], [9.0]], eps=1, min_samples=2)
    >>> core_samples.tolist(), labels.tolist()
    ([0, 1, 2, 3], [0, 0, 1, 1, -1])
    """
    est = DBSCAN(
        eps=eps,
        min_samples=min_samples,
        metric=metric,
        metric_params=metric_params,
        algorithm=algorithm,
        leaf_size=leaf_size,
        p=p,
        n_jobs=n_jobs,
    ).fit(X, sample_weight=sample_weight)
    return est.core_sample_indices_, est.labels_
