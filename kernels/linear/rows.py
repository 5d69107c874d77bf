"""Memory of models that are fitted side by side: for sgd.pyx."""

import numpy as np

from fastml._kernels._arrays import Csr

L1 = (1, 3)  # the penalties of settings.PENALTIES that keep a number for each weight
_EIGHT = 8


def models_at_once(n_models, n_samples, X, n_threads):
    """Return how many models to fit side by side: their orders of the samples take no more memory than the samples."""
    data = X.data if isinstance(X, Csr) else X
    return min(n_models, max(n_threads, data.nbytes // (4 * n_samples)))


def with_zeros(X, coef):
    """Return the weights (n_models, n_features): for dense samples a copy, with zeros up to a multiple of eight."""
    coef = np.asarray(coef)
    if isinstance(X, Csr):
        return coef
    padded = np.zeros((len(coef), -(-coef.shape[1] // _EIGHT) * _EIGHT), coef.dtype)
    padded[:, : coef.shape[1]] = coef
    return padded
