"""The functions silhouette_samples and silhouette_score.  Rousseeuw 1987, J. Comput. Appl. Math. 20, 53-65."""

import numpy as np
import sklearn
import sklearn.metrics
from scipy.sparse import issparse
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import check_random_state, check_X_y

from fastml._dispatch import NotCovered, accelerated
from fastml._threads import effective_n_threads
from fastml._versions import check_number_of_labels, validate_params
from fastml.metrics import _by_function, _cluster_distances, _samples
from fastml.metrics._names import NAMES, NARROW, refuse


@accelerated(plain=sklearn.metrics.silhouette_samples)
@validate_params(sklearn.metrics.silhouette_samples._skl_parameter_constraints, prefer_skip_nested_validation=True)
def silhouette_samples(X, labels, *, metric="euclidean", **kwds):
    """Compute the silhouette of every sample: how much nearer it is to its own cluster than to the next one.

    ``(b - a) / max(a, b)``, where `a` is the mean distance from the other samples of its cluster and `b` the least mean
    distance from the samples of another one [1]_.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features), or (n_samples, n_samples)
        Samples, or distances if `metric` is "precomputed".
    labels : array-like of shape (n_samples,)
        The cluster of every sample, by any names.
    metric : str or callable, default="euclidean"
        A distance of :func:`sklearn.metrics.pairwise_distances`.
    **kwds
        Parameters of the distance, and `n_jobs`.

    Returns
    -------
    silhouette : ndarray of shape (n_samples,)
        From -1 to 1, without unit. 0 for a sample that is alone in its cluster. float32 if X is and the distance is
        Euclidean or "cosine", else float64.

    Raises
    ------
    ValueError
        If a parameter has a value that is not allowed; if X holds NaN or infinity or is not 2-d; if `labels` do not fit
        X, or there are not 2 to ``n_samples - 1`` of them.
    FallbackError
        Under ``strict``, if X is sparse or beyond 1e100; if `metric` is not Euclidean, "sqeuclidean", "manhattan",
        "chebyshev", "cosine" or a function that can be compiled; or if there are further parameters that are not the
        function's. scikit-learn's own code runs otherwise.

    See Also
    --------
    silhouette_score : Their mean.
    explain : Whether our kernel ran.

    Notes
    -----
    Class of agreement: rounding. Distances are added up from differences: the result is that of exact arithmetic to
    1e-12, also where the data are far from the origin and scikit-learn's Euclidean distances lose digits.

    O(n_samples ** 2 * n_features), each pair once (by a function, twice). Memory: O(n_samples).

    References
    ----------
    .. [1] P. J. Rousseeuw, "Silhouettes: a graphical aid to the interpretation and validation of cluster analysis",
       J. Comput. Appl. Math. 20, 1987.

    Examples
    --------
    >>> from fastml.metrics import silhouette_samples
    >>> silhouette_samples([[0.0], [1.0], [5.0], [6.0]], [0, 0, 1, 1]).round(3).tolist()
    [0.818, 0.778, 0.778, 0.818]
    """
    check_call(X, metric, kwds)
    X, labels = check_X_y(X, labels, accept_sparse=["csr"])
    X, scale, metric = as_kernels_take(X, metric, kwds, len(X))
    return of_clean(X, scale, labels, metric, kwds)


@accelerated(plain=sklearn.metrics.silhouette_score)
@validate_params(sklearn.metrics.silhouette_score._skl_parameter_constraints, prefer_skip_nested_validation=True)
def silhouette_score(X, labels, *, metric="euclidean", sample_size=None, random_state=None, **kwds):
    """Compute the mean silhouette of all samples, or of some.

    Parameters
    ----------
    X, labels, metric, **kwds
        As of :func:`silhouette_samples`.
    sample_size : int, default=None
        How many samples are drawn, among which alone distances are computed; None: all count.
    random_state : int, RandomState instance or None, default=None
        Source of the draw.

    Returns
    -------
    silhouette : float
        From -1 to 1.

    Raises
    ------
    ValueError, FallbackError
        As :func:`silhouette_samples`.

    See Also
    --------
    silhouette_samples : The single values, what they mean and what they cost.

    Notes
    -----
    Class of agreement: rounding; the samples drawn are scikit-learn's. Cost, memory and source are those of
    :func:`silhouette_samples`.

    Examples
    --------
    >>> from fastml.metrics import silhouette_score
    >>> round(silhouette_score([[0.0], [1.0], [5.0], [6.0]], ["a", "a", "b", "b"]), 3)
    0.798
    """
    check_call(X, metric, kwds)
    X, labels = check_X_y(X, labels, accept_sparse=["csr"])
    n_samples = len(X) if sample_size is None else min(sample_size, len(X))
    X, scale, metric = as_kernels_take(X, metric, kwds, n_samples)
    if sample_size is not None:  # nothing may be refused any more: the generator moves on
        chosen = check_random_state(random_state).permutation(len(X))[:sample_size]
        X, labels, scale = X[chosen], labels[chosen], scale[chosen] if len(scale) else scale
    return float(np.mean(of_clean(X, scale, labels, metric, kwds)))


def check_call(X, metric, kwds):
    """Raise NotCovered where no kernel has this distance, or takes these samples."""
    params = set(kwds) - {"n_jobs"}
    if not callable(metric):
        refuse(metric, params, X)
    elif issparse(X) or "working_memory" in params:
        raise NotCovered("a function is called for samples in an array, as many at a time as we like.")
    if not isinstance(kwds.get("n_jobs"), int | None):
        raise NotCovered(f"n_jobs={kwds['n_jobs']!r} is no number of threads.")


def as_kernels_take(X, metric, kwds, n_samples):
    """Return samples, what they are multiplied by, and the metric; raise NotCovered out of their range."""
    if callable(metric):
        X, metric = _by_function.among(X, metric, kwds, n_samples)
        return X, np.empty(0), metric
    X = X if X.dtype == np.float32 else X.astype(np.float64, copy=False)
    scale = _samples.scale_of(X, NAMES[metric])
    if scale is None:
        raise NotCovered("X holds values beyond 1e100, none above 1e-100, or a sample without a direction.")
    return X, scale, NAMES[metric]


def of_clean(X, scale, labels, metric, kwds):
    """Return the silhouettes of checked samples."""
    encoder = LabelEncoder()
    codes = encoder.fit_transform(labels)
    n_clusters = len(encoder.classes_)
    check_number_of_labels(n_clusters, len(X))
    n_threads = effective_n_threads(kwds.get("n_jobs"))
    if not isinstance(metric, str):
        return _cluster_distances.silhouettes_by_function(X, codes, n_clusters, metric, n_threads=n_threads)
    dtype = X.dtype if metric in NARROW else np.float64
    return _cluster_distances.silhouettes(X, scale, codes, n_clusters, metric, dtype=dtype, n_threads=n_threads)
