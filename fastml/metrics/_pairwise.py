"""The functions pairwise_distances, euclidean_distances, manhattan_distances and cosine_distances."""

import numpy as np
import sklearn.metrics
import sklearn.metrics.pairwise
from joblib import effective_n_jobs

from fastml._config import current
from fastml._dispatch import NotCovered, accelerated
from fastml._threads import effective_n_threads
from fastml._validate import check_pairs
from fastml._versions import validate_params
from fastml.metrics import _by_function, _pairs
from fastml.metrics._names import NAMES, NARROW, early, refuse

plain = sklearn.metrics.pairwise

# Up to so many features our tiles take less time than scikit-learn's product of matrices: for two arrays (100 x 10,000
# and more, 64 features: 1.24 times; 128: 0.96), where half is computed for twice as many. Its product of float32
# directions is one in float32.
WIDEST, WIDEST32 = 64, 32
# Below so many multiply-adds its checks take longer than all of ours (150 x 150, 128 features: 1.7 times as fast).
SMALL = 4e6
# As far as that, rounding tells squared norms that were given from those of the samples.
CLOSE = 1e-12


def refuse_wide(X, Y, metric):
    """Raise NotCovered where scikit-learn's product of matrices is as fast."""
    widest = WIDEST32 if metric == "cosine" and X.dtype == np.float32 else WIDEST
    widest = 2 * widest if Y is None or Y is X else widest
    work = float(X.size) * len(X if Y is None else Y)
    if X.shape[1] > widest and work > SMALL and current().device != "cuda":
        raise NotCovered(f"with {X.shape[1]} features scikit-learn's product of matrices is as fast.")


def refuse_wide_products(X, Y, metric):
    """As `refuse_wide`, where scikit-learn computes the distances from a product of matrices."""
    if metric is None or (isinstance(metric, str) and NAMES.get(metric) in NARROW):
        refuse_wide(X, Y, metric)


@accelerated(plain=plain.pairwise_distances)
@early(refuse_wide_products)
@validate_params(plain.pairwise_distances._skl_parameter_constraints, prefer_skip_nested_validation=True)
def pairwise_distances(X, Y=None, metric="euclidean", *, n_jobs=None, ensure_all_finite=True, **kwds):
    """Compute the distances of all samples from all others, or from those of a second array.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples_X, n_features), or (n_samples_X, n_samples_X)
        Samples, or distances if `metric` is "precomputed".
    Y : {array-like, sparse matrix} of shape (n_samples_Y, n_features), default=None
        Samples; None: those of `X`.
    metric : str or callable, default="euclidean"
        The name of a distance, or a function of two samples.
    n_jobs : int, default=None
        How many threads are used; see :func:`fastml.set_config`.
    ensure_all_finite : bool or "allow-nan", default=True
        Which values are an error. Of account for some distances only, as in scikit-learn.
    **kwds
        Parameters of the distance.

    Returns
    -------
    distances : ndarray of shape (n_samples_X, n_samples_Y)
        By the metric, in the units of `X` (by "sqeuclidean" their squares, by "cosine" without unit: from 0 to 2).
        float32 if `X` and `Y` are and the distance is Euclidean or "cosine", or several jobs are asked for; else
        float64.

    Raises
    ------
    ValueError, TypeError
        scikit-learn's: if a parameter has a value that is not allowed; if samples hold NaN or infinity, are not 2-d,
        or differ in their numbers of features.
    FallbackError
        Under ``strict``, if samples are sparse or beyond 1e100; if `metric` is not Euclidean, "sqeuclidean",
        "manhattan", "chebyshev", "cosine" or a function that can be compiled; if there are further parameters; or if
        Euclidean or cosine distances are asked for of so many features, 65 or more, that scikit-learn's product of
        matrices is as fast. scikit-learn's own code runs otherwise.

    See Also
    --------
    pairwise_distances_argmin_min : The nearest of each, without the table.
    explain : Whether our kernel ran.

    Notes
    -----
    Class of agreement: rounding. The distances are those of exact arithmetic to 1e-12, also where the data are far from
    the origin and scikit-learn's Euclidean and cosine distances lose digits.

    O(n_samples_X * n_samples_Y * n_features), each pair once. Memory: the result.

    Examples
    --------
    >>> from fastml.metrics import pairwise_distances
    >>> pairwise_distances([[0.0, 0.0], [3.0, 4.0]]).tolist()
    [[0.0, 5.0], [5.0, 0.0]]
    """
    if callable(metric):
        return _by_function.distances(X, Y, metric, kwds, n_jobs=n_jobs, ensure_all_finite=ensure_all_finite)
    squared = kwds.pop("squared", False) if metric in ("euclidean", "l2") else False
    if squared not in (False, True):
        raise NotCovered(f"squared={squared!r} is neither True nor False.")
    refuse(metric, kwds, X, Y)
    checked = metric not in plain.PAIRWISE_DISTANCE_FUNCTIONS
    X, Y = check_pairs(X, Y, ensure_all_finite=ensure_all_finite if checked else True)
    return table(X, Y, "squares" if squared else NAMES[metric], n_jobs=n_jobs)


@accelerated(plain=plain.euclidean_distances)
@early(lambda X, Y, _: refuse_wide(X, Y, "euclidean"))
@validate_params(plain.euclidean_distances._skl_parameter_constraints, prefer_skip_nested_validation=True)
def euclidean_distances(X, Y=None, *, Y_norm_squared=None, squared=False, X_norm_squared=None):
    """Compute the Euclidean distances of all samples from all others, or from those of a second array.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples_X, n_features)
        Samples.
    Y : {array-like, sparse matrix} of shape (n_samples_Y, n_features), default=None
        Samples; None: those of `X`.
    Y_norm_squared, X_norm_squared : array-like of shape (n_samples,), (n_samples, 1) or (1, n_samples), default=None
        Squared norms of the samples. Our kernel needs none: it runs where they are right.
    squared : bool, default=False
        Whether squares of distances are returned.

    Returns
    -------
    distances : ndarray of shape (n_samples_X, n_samples_Y)
        In the units of `X`, or their squares. float32 if `X` and `Y` are, else float64.

    Raises
    ------
    ValueError, TypeError
        As :func:`pairwise_distances`.
    FallbackError
        Under ``strict``, if samples are sparse, wide or beyond 1e100; or if the norms are not those of the samples.

    See Also
    --------
    pairwise_distances : Other distances; what they cost and their class of agreement.

    Notes
    -----
    Class of agreement: rounding, as of :func:`pairwise_distances`.

    Examples
    --------
    >>> from fastml.metrics.pairwise import euclidean_distances
    >>> euclidean_distances([[0.0, 0.0]], [[3.0, 4.0], [0.0, 1.0]]).tolist()
    [[5.0, 1.0]]
    """
    refuse("euclidean", (), X, Y)
    X, Y = check_pairs(X, Y)
    for samples, squares in ((X, X_norm_squared), (Y, Y_norm_squared)):
        if squares is not None and not are_norms(squares, samples):
            raise NotCovered("the norms given are not those of the samples.")
    return table(X, Y, "squares" if squared else "euclidean")


@accelerated(plain=plain.manhattan_distances)
@validate_params(plain.manhattan_distances._skl_parameter_constraints, prefer_skip_nested_validation=True)
def manhattan_distances(X, Y=None):
    """Compute the L1 distances of all samples from all others, or from those of a second array.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples_X, n_features)
        Samples.
    Y : {array-like, sparse matrix} of shape (n_samples_Y, n_features), default=None
        Samples; None: those of `X`.

    Returns
    -------
    distances : ndarray of shape (n_samples_X, n_samples_Y), float64
        In the units of `X`.

    Raises
    ------
    ValueError, TypeError, FallbackError
        As :func:`pairwise_distances`.

    See Also
    --------
    pairwise_distances : Other distances; what they cost and their class of agreement.

    Examples
    --------
    >>> from fastml.metrics.pairwise import manhattan_distances
    >>> manhattan_distances([[0.0, 0.0]], [[3.0, 4.0], [0.0, 1.0]]).tolist()
    [[7.0, 1.0]]
    """
    refuse("manhattan", (), X, Y)
    return table(*check_pairs(X, Y), "manhattan")


@accelerated(plain=plain.cosine_distances)
@early(lambda X, Y, _: refuse_wide(X, Y, "cosine"))
@validate_params(plain.cosine_distances._skl_parameter_constraints, prefer_skip_nested_validation=True)
def cosine_distances(X, Y=None):
    """Compute the cosine distances of all samples from all others, or from those of a second array.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples_X, n_features)
        Samples.
    Y : {array-like, sparse matrix} of shape (n_samples_Y, n_features), default=None
        Samples; None: those of `X`.

    Returns
    -------
    distances : ndarray of shape (n_samples_X, n_samples_Y)
        1 minus the cosine of the angle: from 0 to 2, without unit. float32 if `X` and `Y` are, else float64.

    Raises
    ------
    ValueError, TypeError, FallbackError
        As :func:`pairwise_distances`; the last one also if a sample is zero.

    See Also
    --------
    pairwise_distances : Other distances; what they cost and their class of agreement.

    Examples
    --------
    >>> from fastml.metrics.pairwise import cosine_distances
    >>> cosine_distances([[1.0, 0.0]], [[0.0, 2.0], [-3.0, 0.0]]).tolist()
    [[1.0, 2.0]]
    """
    refuse("cosine", (), X, Y)
    return table(*check_pairs(X, Y), "cosine")


def table(X, Y, metric, n_jobs=None):
    """Return the distances of checked samples."""
    if X.dtype not in (np.float64, np.float32):
        raise NotCovered(f"there is no kernel for samples of {X.dtype}.")
    n_threads = effective_n_threads(n_jobs)
    narrow = X.dtype == np.float32 and (metric in (*NARROW, "squares") or effective_n_jobs(n_jobs) > 1)
    return _pairs.distances(X, Y, metric, dtype=np.float32 if narrow else np.float64, n_threads=n_threads)


def are_norms(squares, samples):
    """Tell whether these are the squared norms of samples, but for rounding."""
    if not isinstance(squares, np.ndarray) or squares.dtype != np.float64 or samples.dtype not in (float, np.float32):
        return False
    n = len(samples)
    right = np.einsum("ij,ij->i", samples, samples, dtype=np.float64)
    return squares.shape in ((n,), (n, 1), (1, n)) and np.allclose(squares.ravel(), right, rtol=CLOSE, atol=0)
