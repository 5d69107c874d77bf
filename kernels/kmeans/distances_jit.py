"""Twin of distances.pyx: Euclidean distances of all samples to all centres. One thread."""

import math

import numpy as np

from fastml._kernels._arrays import Csr
from fastml._kernels._jit import fma, kernel


def distances(X, centers, c_norms, out, n_threads):
    fill = csr_distances if isinstance(X, Csr) else dense_distances
    fill(X, np.ascontiguousarray(centers.T), c_norms, out)


@kernel
def dense_distances(X, transposed, c_norms, out):
    dots = np.empty(len(c_norms))
    for i in range(len(X)):
        norm = 0.0
        dots[:] = 0
        for f in range(X.shape[1]):
            x = np.float64(X[i, f])
            norm = fma(x, x, norm)
            for j in range(len(dots)):
                dots[j] = fma(x, transposed[f, j], dots[j])
        write_row(dots, norm, c_norms, out[i])


@kernel
def csr_distances(X, transposed, c_norms, out):
    dots = np.empty(len(c_norms))
    for i in range(len(out)):
        norm = 0.0
        dots[:] = 0
        for p in range(X.indptr[i], X.indptr[i + 1]):
            x = np.float64(X.data[p])
            norm += x * x
            for j in range(len(dots)):
                dots[j] += transposed[X.indices[p], j] * x
        write_row(dots, norm, c_norms, out[i])


@kernel
def write_row(dots, norm, c_norms, out):
    for j in range(len(dots)):
        square = out.dtype.type((norm - (dots[j] + dots[j])) + c_norms[j])  # float32 is rounded before the root
        out[j] = math.sqrt(out.dtype.type(0) if square < 0 else square)
