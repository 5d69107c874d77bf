"""The functions pairwise_distances_argmin and pairwise_distances_argmin_min."""

import numpy as np
import sklearn
import sklearn.metrics

from fastml._dispatch import NotCovered, accelerated
from fastml._threads import effective_n_threads
from fastml._validate import check_pairs
from fastml._versions import validate_params
from fastml.metrics import _pairs
from fastml.metrics._names import NAMES, NARROW, PRODUCT, early, refuse
from fastml.neighbors import _brute
from fastml.neighbors._measures import measure_of

# By cosine, rounding says in scikit-learn which of almost equally near samples is the nearest.
KNOWN = NAMES.keys() - {"cosine"}

# Tiles against the search by float32 first: of 2, 32, 128 and 784 features they are even with 300, 80, 50 and 100
# samples in Y.
FEW, SOME, SMALL = 8, 64, 4096
# Of more features, scikit-learn's product of matrices compares many samples with up to MANY in Y as fast, or of
# VERY_WIDE ones with twice as many, and any code does with one in Y. But for less work than LITTLE, in multiply-adds,
# its checks take longer than all of ours.
WIDE, VERY_WIDE, MANY, LITTLE = 64, 512, 128, 1e6


def refuse_wide(X, Y, metric):
    """Raise NotCovered where scikit-learn's own code is as fast."""
    if Y is None or Y.shape[1] <= WIDE or float(len(X)) * Y.size <= LITTLE:
        return
    if len(Y) >= (MANY if Y.shape[1] <= VERY_WIDE else 2 * MANY):
        return
    if len(Y) == 1 or metric is None or (isinstance(metric, str) and NAMES.get(metric) in PRODUCT):
        raise NotCovered(f"with Y of the shape {Y.shape} scikit-learn's own code is as fast.")


@accelerated(plain=sklearn.metrics.pairwise_distances_argmin)
@early(refuse_wide)
@validate_params(
    sklearn.metrics.pairwise_distances_argmin._skl_parameter_constraints, prefer_skip_nested_validation=False
)
def pairwise_distances_argmin(X, Y, *, axis=1, metric="euclidean", metric_kwargs=None):
    """Find the nearest sample of Y for each sample of X.

    Parameters
    ----------
    X, Y, axis, metric, metric_kwargs
        As of :func:`pairwise_distances_argmin_min`.

    Returns
    -------
    argmin : ndarray of shape (n_samples_X,), int64
        Indices into `Y`, the lowest of equally near ones.

    Raises
    ------
    ValueError, TypeError, FallbackError
        As :func:`pairwise_distances_argmin_min`.

    See Also
    --------
    pairwise_distances_argmin_min : Their distances too; what it costs and its class of agreement.

    Examples
    --------
    >>> from fastml.metrics import pairwise_distances_argmin
    >>> pairwise_distances_argmin([[0.0], [7.0]], [[1.0], [5.0], [1.0]]).tolist()
    [0, 1]
    """
    return nearest(X, Y, axis, metric, metric_kwargs, with_distances=False)[0]


@accelerated(plain=sklearn.metrics.pairwise_distances_argmin_min)
@early(refuse_wide)
@validate_params(
    sklearn.metrics.pairwise_distances_argmin_min._skl_parameter_constraints, prefer_skip_nested_validation=False
)
def pairwise_distances_argmin_min(X, Y, *, axis=1, metric="euclidean", metric_kwargs=None):
    """Find the nearest sample of Y for each sample of X, and how far it is.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples_X, n_features)
        Samples.
    Y : {array-like, sparse matrix} of shape (n_samples_Y, n_features)
        Others.
    axis : {0, 1}, default=1
        0: the nearest sample of `X` is found for each of `Y`.
    metric : str or callable, default="euclidean"
        A distance of :func:`pairwise_distances`.
    metric_kwargs : dict, default=None
        Its parameters.

    Returns
    -------
    argmin : ndarray of shape (n_samples_X,), int64
        Indices into `Y`, the lowest of equally near ones.
    distances : ndarray of shape (n_samples_X,)
        In the units of `X`. float64; float32 where `X` and `Y` are and not both are in C order.

    Raises
    ------
    ValueError, TypeError
        scikit-learn's: if a parameter has a value that is not allowed; if samples hold NaN or infinity, are not 2-d,
        or differ in their numbers of features.
    FallbackError
        Under ``strict``, if samples are sparse; if `metric` is not Euclidean, "sqeuclidean", "manhattan" or
        "chebyshev"; if there are parameters other than ``squared``; or if `Y` is of so few wide samples, below 128 of
        65 or more features, that scikit-learn's own code is as fast. It runs otherwise.

    See Also
    --------
    pairwise_distances : All distances.
    explain : Whether our kernel ran.

    Notes
    -----
    Class of agreement: rounding of distances, to 1e-12, by exact ones; indices are identical unless two samples are as
    near but for the rounding of scikit-learn's distances.

    O(n_samples_X * n_samples_Y * n_features). Memory: that of the result, and a copy of `Y` in float32.

    Examples
    --------
    >>> from fastml.metrics import pairwise_distances_argmin_min
    >>> indices, distances = pairwise_distances_argmin_min([[0.0], [7.0]], [[1.0], [5.0]])
    >>> indices.tolist(), distances.tolist()
    ([0, 1], [1.0, 2.0])
    """
    return nearest(X, Y, axis, metric, metric_kwargs, with_distances=True)


def nearest(X, Y, axis, metric, metric_kwargs, *, with_distances):
    """Return indices, and distances or None."""
    metric_kwargs, called = dict(metric_kwargs or {}), metric
    if metric == "euclidean" and metric_kwargs.get("squared") is True:
        metric = "sqeuclidean"
        del metric_kwargs["squared"]
    refuse(metric, metric_kwargs, X, Y, known=KNOWN)
    X, Y = check_pairs(X, Y)
    if X.dtype not in (np.float64, np.float32):
        raise NotCovered(f"there is no kernel for samples of {X.dtype}.")
    if axis == 0:
        X, Y = Y, X
    wide = X.flags.c_contiguous and Y.flags.c_contiguous and sklearn.get_config()["enable_cython_pairwise_dist"]
    n_threads = effective_n_threads()
    if len(Y) <= FEW or (len(Y) <= SOME and Y.size <= SMALL) or float(len(X)) * Y.size <= LITTLE:
        distances, indices = _pairs.nearest(X, Y, NAMES[metric], with_distances=with_distances, n_threads=n_threads)
    else:
        measure = measure_of(metric, {}, X.shape[1])
        found = _brute.nearest(Y, X, 1, measure=measure, with_distances=with_distances, n_threads=n_threads)
        distances, indices = (None if part is None else part[:, 0] for part in found)
    if not with_distances:
        return indices, None
    narrow = X.dtype == np.float32 and not wide and NAMES[called] in NARROW
    return indices, distances.astype(np.float32 if narrow else np.float64, copy=False)
