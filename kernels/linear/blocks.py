"""Blocks of rows and memory of one pass over the samples: for logistic.pyx."""

import numpy as np

_BLOCK_BYTES = 48 << 10  # of a block's rows: with what comes of them, they stay in the second cache
_MAX_ROWS = 256
_MIN_HESSIAN_ROWS = 64  # below, reading and writing the Hessian takes longer than adding to it
_MIN_GRADIENT_ROWS = 32  # so the gradient of several classes
_MAX_CHUNKS = 32


def chunks_of(n, d, k, width, n_entries, is_sparse, is_hessian, n_sums, panel):
    """Return the rows of a block and of a chunk, and the numbers of a worker's scratch and of a chunk's sums.

    The chunks do not depend on the number of threads; zeroing and adding up their sums takes little beside the samples.
    """
    rows = _MAX_ROWS if is_sparse else min(_MAX_ROWS, max(8, _BLOCK_BYTES // (8 * d)) // 8 * 8)
    rows = max(rows, _MIN_HESSIAN_ROWS if is_hessian else _MIN_GRADIENT_ROWS if k > 1 else 0)
    if is_hessian:
        sums = n_sums + d * ((d + 5) // 4 * 4)
    else:
        sums = n_sums + (-(-d // 8) * 8 if k == 1 else (d + 1) * width)
    n_blocks = -(-n // rows)
    n_chunks = min(n_blocks, _MAX_CHUNKS, max(1, n_entries // (16 * sums)))
    scratch = rows * (panel + 4 if k == 1 else width) + (0 if is_sparse else rows * d)
    return rows, -(-n_blocks // n_chunks) * rows, scratch, sums


def padded(coef, d, fit_intercept):
    """Return the weights, padded with zeros, the intercepts, -inf where there is no output, and their number.

    One output: (d rounded up to a multiple of eight,); several: (d * width,).
    """
    k = coef.shape[1]
    if k == 1:
        w = np.zeros(-(-d // 8) * 8)
        w[:d] = coef[:d, 0]
        return w, np.array([coef[d, 0] if fit_intercept else 0.0]), 1
    width = -(-k // 4) * 4
    w, bias = np.zeros((d, width)), np.full(width, -np.inf)
    w[:, :k] = coef[:d]
    bias[:k] = coef[d] if fit_intercept else 0.0
    return w.reshape(-1), bias, width
