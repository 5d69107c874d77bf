"""Driver of logistic losses: the loss of a linear model with its derivatives, in one pass over the samples."""

import numpy as np

from fastml._dispatch import load, record
from fastml._kernels._arrays import Csr

__all__ = ["gradient_hessian", "loss_gradient"]


def loss_gradient(X, y, weights, raw, coef, *, fit_intercept, n_threads):
    """Return the sum of the losses, and its gradient, like `coef`.

    X       : (n_samples, n_features) array or CSR matrix with an entry, float64 or float32.
    y       : (n_samples,) of the type of X: classes 0, 1, ...
    weights : (n_samples,) of the type of X, or None: all 1.
    raw     : predictions, in the type of X, if they are known; or None.
    coef    : (n_features [+ 1], n_outputs) float64, the intercepts last; one output: two classes.

    The same sums whatever the number of threads.
    """
    return _kernel(n_threads).loss_gradient(_taken(X), y, weights, raw, coef, fit_intercept, n_threads)


def gradient_hessian(X, y, weights, raw, coef, *, fit_intercept, n_threads):
    """Return the gradient of the sum of the losses, its Hessian, and the weight of samples without second derivative.

    X is dense, and `coef` has one output; otherwise as :func:`loss_gradient`.
    """
    return _kernel(n_threads).gradient_hessian(X, y, weights, raw, coef, fit_intercept, n_threads)


def _kernel(n_threads):
    record(n_threads=n_threads)
    return load("linear.logistic", 0.0)


def _taken(X):
    return X if isinstance(X, np.ndarray) else Csr(X.data, X.indices, X.indptr)
