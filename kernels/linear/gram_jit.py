"""Twin of gram.pyx in NumPy's own products of matrices, which Numba would call in the same way."""

from itertools import pairwise

import numpy as np

from fastml._kernels.linear.moments import n_chunks_of, together


def products(X, y, weights, shift, is_centred, n_threads):
    n, p = X.shape
    bounds = np.linspace(0, n, n_chunks_of(n, p + y.shape[1]) + 1).astype(int)
    parts = [_part(X, y, weights, shift, is_centred, slice(*ends)) for ends in pairwise(bounds)]
    return together(*(np.array(each) for each in zip(*parts, strict=True)), is_centred)


def _part(X, y, weights, shift, is_centred, rows):
    columns = np.hstack([X[rows].astype(np.float64), y[rows]]) - shift
    weight = np.ones(len(columns)) if weights is None else weights[rows]
    total, mean = weight.sum(), np.zeros(len(shift))
    if is_centred and total > 0:
        mean = weight @ columns / total
        columns -= mean
    columns *= np.sqrt(weight)[:, np.newaxis]
    return total, mean, columns[:, : X.shape[1]].T @ columns
