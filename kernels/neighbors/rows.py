"""Samples as the brute-force kernel takes them."""

from typing import NamedTuple

import numpy as np

# What is told of a neighbour: its Euclidean distance, the square of it, half of that and at most 2 (between samples of
# length 1 the cosine distance); or another distance, which takes no blocks, and float64 samples: the root of a weighted
# sum of squares, or of powers, that of a quadratic form, and those that scikit-learn calls by these names.
DISTANCE, SQUARE, COSINE, MANHATTAN, CHEBYSHEV, SQUARES, POWERS, MAHALANOBIS, HAMMING, CANBERRA, BRAY_CURTIS = range(11)
SLAB = 32  # features whose squares are one chain of additions where distances are cosine ones
# Of the distances without weights.
NO_WEIGHTS = np.zeros(1)
# Samples whose mean is the origin.
SOME = 256


class NarrowRows(NamedTuple):
    """The samples, and in float32 the same counted from a point amid them; `narrow` of brute fills the last three.

    X       (n_samples, n_features)         float64 or float32
    origin  (n_features,)                   float64
    blocks  (n_blocks, n_features, BLOCK)   float32   one sample a column, BLOCK as the kernel has it
    norms   (n_blocks, BLOCK)               float32   their squares; beside the last sample: infinite
    reach   (n_blocks,)                     float32   a block's largest norm, rounded up
    measure as above
    weights (n_features,)                   float64   of SQUARES and POWERS; (n_features, n_features) of MAHALANOBIS
    halves  twice the power of POWERS, 1 to 32

    Without blocks, norms and reach (None) every sample is compared in float64.
    """

    X: np.ndarray
    origin: np.ndarray
    blocks: np.ndarray | None
    norms: np.ndarray | None
    reach: np.ndarray | None
    measure: int
    weights: np.ndarray
    halves: int


def unprepared(X, measure=DISTANCE, weights=NO_WEIGHTS, halves=0):
    """Return the samples alone, for few queries."""
    return NarrowRows(X, np.zeros(X.shape[1]), None, None, None, measure, weights, halves)


def allocate(X, block, measure=DISTANCE):
    """Return unfilled NarrowRows. The origin is the mean of some; any point does that is not far from most samples."""
    n_samples, n_features = X.shape
    n_blocks = -(-n_samples // block)
    return NarrowRows(
        X,
        X[:: -(-n_samples // SOME)].mean(axis=0, dtype=np.float64),
        np.empty((n_blocks, n_features, block), np.float32),
        np.empty((n_blocks, block), np.float32),
        np.empty(n_blocks, np.float32),
        measure,
        NO_WEIGHTS,
        0,
    )
