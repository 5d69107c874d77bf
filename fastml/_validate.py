"""The input checks: a fast path for clean arrays in front of scikit-learn's own.

scikit-learn's ``validate_data`` takes 25 to 40 µs however clean its input is, a third of a one-row ``predict``. Here
an array that needs no conversion and raises no objection passes in under 3 µs. Everything else goes to
scikit-learn's function, whose conversions, errors and warnings are therefore the same to the letter.
"""

import numpy as np
from scipy.sparse import csr_array, csr_matrix
from sklearn.metrics.pairwise import check_pairwise_arrays
from sklearn.utils.validation import validate_data

from fastml import _kernels
from fastml._versions import check_sample_weight, thread_config

if _kernels.ISA is not None:
    from fastml._kernels.runtime.finite import all_finite
else:

    def all_finite(X):
        """Tell whether every element is finite, in blocks that stay in the cache."""
        flat = X.reshape(-1)
        return all(np.isfinite(flat[i : i + 65536]).all() for i in range(0, flat.size, 65536))


_FLOATS = (np.float64, np.float32)


def check_X(
    est,
    X,
    *,
    reset,
    copy=False,
    dtype="numeric",
    order=None,
    ensure_all_finite=True,
    ensure_min_samples=1,
    ensure_min_features=1,
    force_writeable=False,
    accept_sparse=False,
    accept_large_sparse=True,
    **more,
):
    """Check the samples given to an estimator, as scikit-learn's ``validate_data(est, X, ...)`` does.

    Parameters
    ----------
    est : estimator
        Where `reset`, it gets ``n_features_in_`` and ``feature_names_in_``; else they are compared with `X`.
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
        The samples.
    reset : bool
        True in ``fit``.
    copy, dtype, order, ensure_all_finite, ensure_min_samples, ensure_min_features, force_writeable, \
accept_sparse, accept_large_sparse, **more
        Parameters of ``validate_data`` and :func:`sklearn.utils.check_array`.

    Returns
    -------
    {ndarray, sparse matrix} of shape (n_samples, n_features)
        `X` itself where it needs neither conversion nor copy. An ndarray is aligned.
    """
    if (
        not more
        and is_clean_array(X, dtype, 2)
        and (order is None or order == "C")
        and len(X) >= ensure_min_samples
        and X.shape[1] >= ensure_min_features
        and (copy or not force_writeable or X.flags.writeable)
        and (reset or _is_known(est, X))
        and (ensure_all_finite is False or thread_config()["assume_finite"] or all_finite(X))
    ):
        if reset:
            name_features(est, X)
        return X.copy() if copy else X
    if not more and not copy and accept_sparse == "csr" and is_clean_csr(X, dtype):
        enough = X.shape[0] >= ensure_min_samples and X.shape[1] >= ensure_min_features
        if enough and (reset or _is_known(est, X)) and (thread_config()["assume_finite"] or all_finite(X.data)):
            if reset:
                name_features(est, X)
            return X
    checked = validate_data(
        est,
        _on_host(X),
        reset=reset,
        copy=copy,
        dtype=dtype,
        order=order,
        ensure_all_finite=ensure_all_finite,
        ensure_min_samples=ensure_min_samples,
        ensure_min_features=ensure_min_features,
        force_writeable=force_writeable,
        accept_sparse=accept_sparse,
        accept_large_sparse=accept_large_sparse,
        **more,
    )
    return _aligned(checked)


def check_pairs(X, Y, *, ensure_all_finite=True):
    """Check two sets of samples, as scikit-learn's ``check_pairwise_arrays(X, Y, ensure_all_finite=...)`` does.

    Parameters
    ----------
    X : array-like of shape (n_samples_X, n_features)
        Samples.
    Y : array-like of shape (n_samples_Y, n_features) or None
        Others; None: `X` again.
    ensure_all_finite : bool or "allow-nan", default=True
        As in scikit-learn's.

    Returns
    -------
    X, Y : ndarray of shape (n_samples_X, n_features), (n_samples_Y, n_features)
        Of one type; those given, where they need no conversion. Aligned. One object if `Y` is None or `X`.
    """
    Y = X if Y is None else Y
    if (
        is_clean_array(X, None, 2)
        and X.size
        and (Y is X or (is_clean_array(Y, X.dtype.type, 2) and len(Y) and Y.shape[1] == X.shape[1]))
        and (thread_config()["assume_finite"] or (all_finite(X) and (Y is X or all_finite(Y))))
    ):
        return X, Y
    one, other = _on_host(X), _on_host(Y)
    one, other = check_pairwise_arrays(one, one if Y is X else other, ensure_all_finite=ensure_all_finite)
    x = _aligned(one)
    return x, x if other is one else _aligned(other)


def clean_float32(est, X, *, reset):
    """Return dense samples in float32 where they raise no question: the fast path of trees, which compute in it.

    Parameters
    ----------
    est : estimator
        As in :func:`check_X`.
    X : object
        The samples.
    reset : bool
        True in ``fit``.

    Returns
    -------
    ndarray of shape (n_samples, n_features), float32, or None
        In the memory order of `X`, C or Fortran; `X` itself where it is float32. None where scikit-learn's own check
        has to look at it, and nothing has changed: whatever is not an array of floats, NaN, values beyond float32.
    """
    if type(X) is not np.ndarray or X.ndim != 2 or not X.size:
        return None
    kind, flags = X.dtype.type, X.flags
    if kind not in _FLOATS or not X.dtype.isnative or not flags.aligned or not (reset or _is_known(est, X)):
        return None
    if not (flags.c_contiguous or flags.f_contiguous):
        return None
    if kind is not np.float32:
        with np.errstate(over="ignore"):  # scikit-learn's check warns of it
            X = X.astype(np.float32)
    if not all_finite(X if flags.c_contiguous else X.T):
        return None
    if reset:
        name_features(est, X)
    return X


def narrowed(X):
    """Return samples that scikit-learn's check has passed in float32, aligned and in C order; no copy if they are.

    None where trees have to look at them themselves: what is not a table of finite numbers.
    """
    if type(X) is not np.ndarray or X.ndim != 2 or X.dtype.kind not in "biuf":
        return None
    with np.errstate(over="ignore"):
        X32 = np.require(X, np.float32, ["C", "A"])
    return X32 if all_finite(X32) else None


def is_clean_target(y, n_samples):
    """Tell whether targets, one or several a sample, are an array of finite numbers in which nothing is to convert."""
    if type(y) is not np.ndarray or y.ndim not in (1, 2) or len(y) != n_samples or not y.size:
        return False
    if y.dtype.kind in "biu":
        return True
    return y.dtype.type in _FLOATS and y.dtype.isnative and y.flags.carray and all_finite(y)


def check_weights(sample_weight, X, dtype=None):
    """Check sample weights, as scikit-learn's ``_check_sample_weight(sample_weight, X, dtype=...)`` does.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,), number or None
        The weights. None and a number stand for equal weights.
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
        The checked samples.
    dtype : {np.float64, np.float32}, default=None
        None: that of `X`.

    Returns
    -------
    ndarray of shape (n_samples,)
        Aligned and C-contiguous, of the dtype; `sample_weight` itself where that needs no conversion.
    """
    n_samples, dtype = X.shape[0], dtype or X.dtype.type
    if sample_weight is None and n_samples and dtype in _FLOATS:
        return np.ones(n_samples, dtype=dtype)
    if (
        is_clean_array(sample_weight, dtype, 1)
        and len(sample_weight) == n_samples
        and (thread_config()["assume_finite"] or all_finite(sample_weight))
        and sample_weight.any()  # newer versions of scikit-learn refuse all-zero weights
    ):
        return sample_weight
    return _aligned(check_sample_weight(_on_host(sample_weight), X, dtype=dtype))


def is_clean_array(array, dtype, ndim):
    """Tell whether an array can be taken as it is, its values and its numbers of rows and columns apart."""
    if type(array) is not np.ndarray or array.ndim != ndim:
        return False
    kind = array.dtype.type
    if kind not in _FLOATS or not array.dtype.isnative:
        return False
    if kind is not dtype and dtype is not None and dtype != "numeric" and not (type(dtype) is list and kind in dtype):
        return False
    flags = array.flags
    return flags.c_contiguous and flags.aligned


def is_clean_csr(X, dtype):
    """Tell whether CSR samples can be taken as they are, their values and their numbers of rows and columns apart."""
    if type(X) not in (csr_matrix, csr_array) or X.ndim != 2 or not X.data.size:
        return False
    return (
        has_int32_indices(X)
        and all(part.flags.carray for part in (X.indices, X.indptr))
        and is_clean_array(X.data, dtype, 1)
    )


def has_int32_indices(X):
    """Tell whether both arrays of indices of CSR samples are of the type that kernels take."""
    return X.indices.dtype == X.indptr.dtype == np.int32


def name_features(est, X):
    """Note how many features samples without names have."""
    if hasattr(est, "feature_names_in_"):
        delattr(est, "feature_names_in_")
    est.n_features_in_ = X.shape[1]


def _is_known(est, X):
    """Tell whether samples without names are what the fitted estimator expects."""
    n_features = X.shape[1]
    return getattr(est, "feature_names_in_", None) is None and getattr(est, "n_features_in_", n_features) == n_features


def _on_host(array):
    """Bring an array that lies on a GPU (CuPy's, PyTorch's, Numba's) to the host, where scikit-learn can look at it."""
    if not (hasattr(array, "__cuda_array_interface__") or hasattr(array, "__cuda_ndarray__")):
        return array
    from fastml._kernels import _cuda

    return _cuda.to_host(_cuda.to_device(array))


def _aligned(array):
    """Copy the rare array that does not start at a multiple of its item size: kernels load whole vectors."""
    if isinstance(array, np.ndarray) and not array.flags.aligned:
        return array.copy()
    return array
