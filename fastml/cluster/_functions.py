"""The functions k_means and kmeans_plusplus."""

import numpy as np
import sklearn.cluster
from scipy.sparse import issparse
from sklearn.utils import check_array, check_random_state

from fastml._dispatch import NotCovered, accelerated
from fastml._threads import effective_n_threads
from fastml._validate import check_weights, has_int32_indices
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
        Weights of the samples; None: all 1.
    init, n_init, max_iter, verbose, tol, random_state, copy_x, algorithm
        Parameters of :class:`KMeans`.
    return_n_iter : bool, default=False
        Whether to return the number of iterations too.

    Returns
    -------
    centroid : ndarray of shape (n_clusters, n_features)
        The centres, in the units of X.
    label : ndarray of shape (n_samples,), int32
        Label of every sample.
    inertia : float
        Weighted sum of squared distances to the own centres, in squared units of X.
    best_n_iter : int
        Iterations of the best run; only with `return_n_iter`.

    Raises
    ------
    ValueError, RuntimeError
        As :meth:`KMeans.fit`, whose warnings are given, too.

    See Also
    --------
    KMeans : The estimator, which can label other samples.
    kmeans_plusplus : The starting centres alone.

    Notes
    -----
    Class of agreement: identical `label` and `best_n_iter`; rounding for `centroid` and `inertia`. Cost, memory and
    sources are those of :meth:`KMeans.fit`: O(n_samples * n_clusters * n_features) an iteration at most.

    Examples
    --------
    >>> from fastml.cluster import k_means
    >>> centers, labels, inertia = k_means([[0.0], [1.0], [5.0], [6.0]], 2, init=[[0.0], [5.0]])
    >>> labels.tolist(), inertia
    ([0, 0, 1, 1], 1.0)
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
    """Choose samples as starting centres by greedy k-means++ [1]_.

    Parameters
    ----------
    X : {array, sparse matrix} of shape (n_samples, n_features)
        Samples.
    n_clusters : int
        Number of centres.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the samples; None: all 1.
    x_squared_norms : array-like of shape (n_samples,), default=None
        Squared norms of the samples, in squared units of X; None: computed here.
    random_state : int, RandomState instance or None, default=None
        Source of the draws.
    n_local_trials : int, default=None
        Candidates drawn per centre; None stands for ``2 + int(log(n_clusters))``.

    Returns
    -------
    centers : ndarray of shape (n_clusters, n_features)
        The chosen samples, dense, of the dtype of X.
    indices : ndarray of shape (n_clusters,)
        Their numbers.

    Raises
    ------
    ValueError
        If a parameter has a value that is not allowed; if X holds NaN or infinity, is not 2-d or has fewer samples
        than clusters; if the shape of `sample_weight` or `x_squared_norms` does not fit X; if weights have both signs.
    FallbackError
        Under ``strict``, if X is neither an array of float64, float32 or int64 (whose squares may not be beyond int64)
        nor a CSR matrix of floats with 32-bit indices, or if `n_local_trials` is more than 16. scikit-learn's own
        function runs otherwise.

    See Also
    --------
    KMeans : Starts from such centres unless told otherwise.
    explain : Whether scikit-learn's own operations chose, where choices tied.

    Notes
    -----
    Class of agreement: identical, and the random generator is left in the same state.

    O(n_samples * n_features) a candidate, that is O(n_samples * n_features * n_clusters * n_local_trials) in all.
    Memory: a copy of a dense X in float32, and O(n_samples * n_local_trials). Integers and other memory orders are
    copied, too.

    References
    ----------
    .. [1] D. Arthur and S. Vassilvitskii, "k-means++: the advantages of careful seeding", SODA 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from fastml.cluster import kmeans_plusplus
    >>> X = np.array([[0.0], [1.0], [5.0], [6.0]])
    >>> centers, indices = kmeans_plusplus(X, 2, random_state=0)
    >>> np.array_equal(centers, X[indices])
    True
    """
    check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32])
    if not _is_covered(X):
        raise NotCovered(
            "X is neither a plain array of float64, float32 or (its squares too) int64 nor a CSR matrix of floats."
        )
    if n_local_trials is not None and n_local_trials > MAX_TRIALS:
        raise NotCovered(f"n_local_trials={n_local_trials} is more than the {MAX_TRIALS} that the kernel takes.")
    weights = None if sample_weight is None else check_weights(sample_weight, X)
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
        return X.format == "csr" and X.dtype in (np.float64, np.float32) and has_int32_indices(X)
    return type(X) is np.ndarray and (
        X.dtype in (np.float64, np.float32) or (X.dtype == np.int64 and not _squares_wrap(X))
    )


def _squares_wrap(X):
    """Tell whether squared distances may be more than int64 holds: scikit-learn's then wrap round."""
    largest = max(float(X.max(initial=0)), -float(X.min(initial=0)))
    return 4 * X[:1].size * largest**2 >= 2**63
