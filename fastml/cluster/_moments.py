"""Driver of the first pass over dense samples: means, centring, variances."""

import numpy as np

from fastml._dispatch import load


def center(X, *, keep, n_threads):
    """Subtract the mean of every column.

    keep : bool
        Leave X as it is and return a new array; else X itself changes.

    Returns the centred samples, the means and the variances, each with the bits of NumPy's X.mean(axis=0), X - means
    and X.var(axis=0).
    """
    n_samples, n_features = X.shape
    if n_features == 1:  # NumPy adds up a contiguous column pairwise
        means, variances = X.mean(axis=0), X.var(axis=0)
        return np.subtract(X, means, out=None if keep else X), means, variances
    kernel = load("kmeans.moments")
    means, squares = np.zeros(n_features, X.dtype), np.zeros(n_features, X.dtype)
    kernel.add_columns(X, means, n_threads)
    means /= n_samples
    if not keep and not X.flags.writeable:
        X -= means  # NumPy's error
    out = np.empty_like(X) if keep else X
    kernel.subtract_columns(X, means, out, squares, n_threads)
    squares /= n_samples
    if not np.isfinite(squares).all():
        out.var(axis=0)  # says what NumPy says of an overflow
    return out, means, squares
