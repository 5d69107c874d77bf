"""Samples and distances as the kernels of pairs take them."""

from typing import NamedTuple

import numpy as np

from fastml._kernels.neighbors.trees import CHEBYSHEV, EUCLIDEAN, MANHATTAN

# Samples of a tile, on either side: its 4,096 distances stay in the first-level cache.
SIDE = 64


class Points(NamedTuple):
    """Samples, of which row i counts as ``scale[i] * X[i]``.

    X      (n_samples, n_features)   float64 or float32
    scale  (n_samples,)              float64; or (0,): all are 1
    """

    X: np.ndarray
    scale: np.ndarray


class Metric(NamedTuple):
    """A distance of two samples, from the differences of their features in turn.

    added   EUCLIDEAN: squares are added up; MANHATTAN: absolute values; CHEBYSHEV: the largest absolute value
    root    whether the square root of that is taken
    factor  what it is multiplied by without a root
    expand  whether squares may be expanded into norms and a product, where that costs no more digits than the class of
            agreement allows (expanded.h)
    most    what it cannot exceed but for rounding: in a table, what does is cut down to it
    """

    added: int
    root: bool
    factor: float
    expand: bool
    most: float


# The cosine distance of two samples of length 1 is half the square of their difference: without the loss of digits that
# 1 minus their product has for samples near to each other.
METRICS = {
    "euclidean": Metric(EUCLIDEAN, True, 1.0, True, np.inf),
    "sqeuclidean": Metric(EUCLIDEAN, False, 1.0, True, np.inf),
    "manhattan": Metric(MANHATTAN, False, 1.0, False, np.inf),
    "chebyshev": Metric(CHEBYSHEV, False, 1.0, False, np.inf),
    "cosine": Metric(EUCLIDEAN, False, 0.5, True, 2.0),
}
