"""The distance of two samples, in plain form: what the tile of tile.h computes for many."""

import math

import numpy as np

from fastml._kernels._jit import kernel
from fastml._kernels.neighbors.trees import CHEBYSHEV, MANHATTAN


@kernel
def feature(points, i, f):
    x = np.float64(points.X[i, f])
    return points.scale[i] * x if len(points.scale) else x


@kernel
def distance(x, i, y, j, metric):
    """Return the distance of sample i of x from sample j of y, both Points."""
    total = 0.0
    for f in range(x.X.shape[1]):
        t = feature(x, i, f) - feature(y, j, f)
        if metric.added == MANHATTAN:
            total += abs(t)
        elif metric.added == CHEBYSHEV:
            total = max(total, abs(t))
        else:
            total += t * t
    return math.sqrt(total) if metric.root else total * metric.factor
