"""The distances of all samples from all others, on a GPU, written where they belong tile by tile.

Each is one chain of differences over the features, in float64 and without fused operations: no digits are lost to an
offset of the data, and the bits are the same in both directions.
"""

import numpy as np
from numba import cuda

from fastml._kernels._cuda import SIMULATED, THREADS, blocks, kernel, mul, sqrt, to_device
from fastml._kernels._cuda import device as device_function
from fastml._kernels.neighbors.trees import CHEBYSHEV, EUCLIDEAN

# The tile: a thread has ROWS x COLUMNS distances in registers, and the threads lie DOWN x ACROSS. Where an index is
# masked, the compiler sees that it is not negative.
SIDE, ACROSS, FEATURES = (8, 4, 2) if SIMULATED else (64, 16, 8)
DOWN = THREADS // ACROSS
ROWS, COLUMNS = SIDE // DOWN, SIDE // ACROSS
STRIDE = SIDE + 1  # the features of a sample are written to different banks
AREA = FEATURES * STRIDE
MEMORY = 1 << 28  # bytes of distances that lie on the device at once


def distances(x, y, metric, out, n_threads):
    """Compute the distances of all samples of x from all samples of y.

    x, y    samples, row i of which counts as ``scale[i] * X[i]``:
            X      (n_samples, n_features)  float64 or float32, both of the same type
            scale  (n_samples,)             float64; or (0,): all are 1
    metric  added   EUCLIDEAN, MANHATTAN or CHEBYSHEV of trees.py: squares, absolute values, the largest of these
            root    whether the square root of the sum is taken
            factor  what it is multiplied by without a root
            most    what it is cut down to
    out     (n_x, n_y)  float64 or float32
    """
    n_x, n_y = out.shape
    at_once = max(SIDE, MEMORY // (out.itemsize * n_y) // SIDE * SIDE)
    others = to_device(y.X), to_device(y.scale)
    part = cuda.device_array((min(at_once, n_x), n_y), out.dtype)
    for first in range(0, n_x, at_once):
        n_rows = min(at_once, n_x - first)
        rows = slice(first, first + n_rows)
        samples = to_device(x.X[rows]), to_device(x.scale[rows])
        fill[(blocks(n_y, SIDE), blocks(n_rows, SIDE)), THREADS](
            *samples, *others, metric.added, metric.root, metric.factor, metric.most, part
        )
        part[:n_rows].copy_to_host(out[rows])


@device_function
def farther(added, total, t):
    """Add one more feature, in which two samples are `t` apart."""
    if added == EUCLIDEAN:
        return total + mul(t, t)
    return max(total, abs(t)) if added == CHEBYSHEV else total + abs(t)


@device_function
def fetch(X, scale, first, f, tile):
    """Fetch FEATURES of SIDE samples, from the feature f on; beside the last ones: 0."""
    t = cuda.threadIdx.x & (THREADS - 1)
    g = t & (FEATURES - 1)
    for s in range(t // FEATURES, SIDE, THREADS // FEATURES):
        i, value = first + s, 0.0
        if i < X.shape[0] and f + g < X.shape[1]:
            value = np.float64(X[i, f + g])
            if scale.shape[0]:
                value = mul(scale[i], value)
        tile[g * STRIDE + s] = value


@kernel
def fill(X, x_scale, Y, y_scale, added, root, factor, most, out):
    x_tile = cuda.shared.array(AREA, np.float64)
    y_tile = cuda.shared.array(AREA, np.float64)
    totals = cuda.local.array((ROWS, COLUMNS), np.float64)
    t = cuda.threadIdx.x & (THREADS - 1)
    across, down = t & (ACROSS - 1), (t // ACROSS) & (DOWN - 1)
    x_first, y_first = cuda.blockIdx.y * SIDE, cuda.blockIdx.x * SIDE
    for r in range(ROWS):
        for c in range(COLUMNS):
            totals[r, c] = 0
    for f in range(0, X.shape[1], FEATURES):
        fetch(X, x_scale, x_first, f, x_tile)
        fetch(Y, y_scale, y_first, f, y_tile)
        cuda.syncthreads()
        for feature in range(FEATURES):  # beside the last one there is nothing between the samples
            g = (feature & (FEATURES - 1)) * STRIDE
            for r in range(ROWS):
                x = x_tile[g + down + r * DOWN]
                for c in range(COLUMNS):
                    totals[r, c] = farther(added, totals[r, c], x - y_tile[g + across + c * ACROSS])
        cuda.syncthreads()
    for r in range(ROWS):
        i = x_first + down + r * DOWN
        for c in range(COLUMNS):
            j = y_first + across + c * ACROSS
            if i < out.shape[0] and j < out.shape[1] and i < X.shape[0]:
                out[i, j] = min(sqrt(totals[r, c]) if root else mul(totals[r, c], factor), most)
