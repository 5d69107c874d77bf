"""Chunks of samples, and what they amount to together: for gram.pyx and its twin."""

import numpy as np

_MOST = 32
_ROWS = 480  # four blocks of gram.h


def n_chunks_of(n_samples, n_columns):
    """Return a number of chunks whose products take no more memory than an eighth of the samples."""
    return max(1, min(_MOST, n_samples // max(_ROWS, 8 * n_columns)))


def together(weight, mean, products, is_centred):
    """Return the sum of weights, the mean (p + t,) and the products (p, p + t) of all chunks (Chan et al. 1983).

    weight : (n_chunks,); mean : (n_chunks, p + t); products : (n_chunks, p, p + t), around the chunk's mean.
    """
    total, centre, sums = weight[0], mean[0].copy(), products[0].copy()
    p = len(sums)
    for each, own, squares in zip(weight[1:], mean[1:], products[1:], strict=True):
        sums += squares
        if is_centred and total + each > 0:
            step, share = own - centre, each / (total + each)
            sums += total * share * np.multiply.outer(step[:p], step)
            centre += share * step
        total += each
    return float(total), centre, sums
