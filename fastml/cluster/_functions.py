"""The functions k_means and kmeans_plusplus."""

import numpy as np
import sklearn.cluster
from scipy.sparse import issparse
from sklearn.utils import check_array, check_random_state

from fastml._dispatch import NotCovered, accelerated
from fastml._threads import effective_n_threads
from fastml._validate import check_weights
from fastml._versions import validate_params
from fastml.cluster import _init
from fastml.cluster._kmeans import KMeans
from fastml.cluster._plusplus import MAX_TRIALS


@accelerated(plain=sklearn.cluster.k_means)
@validate_params(sklearn.cluster.k_means._skl_parameter_constraints, prefer_skip_nested_validation=False)
def k_means(
    X,
    n_clusters,
    *,
    sample_weight=None,
    init="k-means++",
    n_init="auto",
    max_iter=300,
    verbose=False,
    tol=1e-4,
    random_state=None,
    copy_x=True,
    algorithm="lloyd",
    return_n_iter=False,
):
    """K-means clustering as a function: see :class:`KMeans`, whose parameters these are.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Samples.
    n_clusters : int
        Number of clusters.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the samples.
    init, n_init, max_iter, verbose, tol, random_state, copy_x, algorithm
        Parameters of :class:`KMeans`.
    return_n_iter : bool, default=False
        Whether to return the number of iterations too.

    Returns
    -------
    centroid : ndarray of shape (n_clusters, n_features)
        The centres.
    label : ndarray of shape (n_samples,)
        Label of every sample.
    inertia : float
        Weighted sum of squared distances to the own centres.
    best_n_iter : int
        Iterations of the best run; only with `return_n_iter`.
    """
    est = KMeans(
        n_clusters=n_clusters,
        init=init,
        n_init=n_init,
        max_iter=max_iter,
        verbose=verbose,
        tol=tol,
        random_state=random_state,
        copy_x=copy_x,
        algorithm=algorithm,
    ).fit(X, sample_weight=sample_weight)
    found = est.cluster_centers_, est.labels_, est.inertia_
    return (*found, est.n_iter_) if return_n_iter else found


@accelerated(plain=sklearn.cluster.kmeans_plusplus)
@validate_params(sklearn.cluster.kmeans_plusplus._skl_parameter_constraints, prefer_skip_nested_validation=True)
def kmeans_plusplus(X, n_clusters, *, sample_weight=None, x_squared_norms=None, random_state=None, n_local_trials=None):
    """Choose samples as starting centres by greedy k-means++ (Arthur and Vassilvitskii 2007, SODA).

    Parameters
    ----------
    X : {array, sparse matrix} of shape (n_samples, n_features)
        Samples.
    n_clusters : int
        Number of centres.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the samples.
    x_squared_norms : array-like of shape (n_samples,), default=None
        Squared norms of the samples.
    random_state : int, RandomState instance or None, default=None
        Source of the draws.
    n_local_trials : int, default=None
        Candidates drawn per centre; None stands for ``2 + int(log(n_clusters))``.

    Returns
    -------
    centers : ndarray of shape (n_clusters, n_features)
        The chosen samples.
    indices : ndarray of shape (n_clusters,)
        Their numbers, identical to scikit-learn's. O(n_samples * n_features) per candidate. Memory: a copy of X in
        float32 where X is dense, and O(n_samples).
    """
    check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32])
    if not _is_covered(X):
        raise NotCovered("X is neither a plain array of float64, float32 or int64 nor a CSR matrix of floats.")
    if n_local_trials is not None and n_local_trials > MAX_TRIALS:
        raise NotCovered(f"n_local_trials={n_local_trials} is more than the {MAX_TRIALS} that the kernel takes.")
    weights = check_weights(sample_weight, X)
    if X.shape[0] < n_clusters:
        raise ValueError(f"n_samples={X.shape[0]} should be >= n_clusters={n_clusters}.")
    norms = None
    if x_squared_norms is not None:
        norms = check_array(x_squared_norms, dtype=X.dtype, ensure_2d=False)
        if norms.shape[0] != X.shape[0]:
            raise ValueError(
                f"The length of x_squared_norms {norms.shape[0]} should be equal to the length of n_samples "
                f"{X.shape[0]}."
            )
    seeds = _init.Seeds(X, weights, check_random_state(random_state), norms)
    return seeds.choose(n_clusters, n_local_trials, tell_apart=True, n_threads=effective_n_threads())


def _is_covered(X):
    """Tell whether the kernel takes these samples as they are: scikit-learn's function does not convert them."""
    if issparse(X):
        return X.format == "csr" and X.dtype in (np.float64, np.float32) and X.indices.dtype == np.int32
    return type(X) is np.ndarray and X.dtype in (np.float64, np.float32, np.int64)
