"""Twin of lloyd_csr.pyx: Lloyd's iteration on CSR samples in its plainest form. One thread.

No operation is fused: none is in scikit-learn's loops over the entries of a row.
"""

import math

import numpy as np

from fastml._kernels._jit import kernel
from fastml._kernels.kmeans.lloyd_jit import average, decide_elkan, relabel, smallest  # noqa: F401 (average: the driver's)
from fastml._kernels.kmeans.rows import to_device, to_host  # noqa: F401 (the driver's)

BOUNDED = FUSED = False


@kernel
def squared_distance(X, i, c, c_norm):
    """||x_i - c||^2 from the squared norm of c, as scikit-learn sums it."""
    total = X.data.dtype.type(0)
    for p in range(X.indptr[i], X.indptr[i + 1]):
        y = c[X.indices[p]]
        e = X.data[p] - y
        total += e * e - y * y
    return max(total + c_norm, X.data.dtype.type(0))


@kernel
def distances(X, i, centers, c_norms, out):
    for j in range(len(centers)):
        out[j] = math.sqrt(squared_distance(X, i, centers[j], c_norms[j]))


@kernel
def scores(X, i, transposed, c_norms, out):
    """out[j] = c_norms[j] - 2 x_i.c_j."""
    out[:] = 0
    for p in range(X.indptr[i], X.indptr[i + 1]):
        for j in range(len(out)):
            out[j] += transposed[X.indices[p], j] * X.data[p]
    for j in range(len(out)):
        out[j] = c_norms[j] - (out[j] + out[j])


def assign(X, centers, c_norms, labels, touched, bounds, elkan, n_threads):
    if elkan is not None:
        return assign_elkan(X, centers, c_norms, labels, touched, *elkan)
    return assign_lloyd(X, centers, c_norms, labels, touched)


@kernel
def assign_elkan(X, centers, c_norms, labels, touched, halves, unsure):
    n_samples, largest_norm = len(X.indptr) - 1, math.sqrt(c_norms.max())
    values, n_changed = np.empty_like(c_norms), 0
    for i in range(n_samples):
        distances(X, i, centers, c_norms, values)
        reaching = 4 * np.finfo(values.dtype).eps * (X.indptr[i + 1] - X.indptr[i] + 4)
        label, doubtful = decide_elkan(values, halves, labels[i], largest_norm, 0.0, reaching)
        if doubtful:
            unsure[i] = 1
        n_changed += relabel(labels, touched, i, label)
    return n_changed, n_samples


@kernel
def assign_lloyd(X, centers, c_norms, labels, touched):
    n_samples = len(X.indptr) - 1
    transposed = centers.T.copy()
    values = np.empty_like(c_norms)
    n_changed = 0
    for i in range(n_samples):
        scores(X, i, transposed, c_norms, values)
        n_changed += relabel(labels, touched, i, smallest(values))
    return n_changed, n_samples


@kernel
def add_up(X, weights, labels, touched, sums, totals, n_threads):
    for j in range(len(sums)):
        if touched is None or touched[j]:
            sums[j] = 0
            totals[j] = 0
    for i in range(len(X.indptr) - 1):
        j = labels[i]
        if touched is None or touched[j]:
            w = sums.dtype.type(1) if weights is None else weights[i]
            totals[j] += w
            for p in range(X.indptr[i], X.indptr[i + 1]):
                sums[j, X.indices[p]] += X.data[p] * w


def inertia(X, weights, centers, labels, n_threads):
    return sum_of_distances(X, weights, centers, squared_norms(centers), labels)


@kernel
def sum_of_distances(X, weights, centers, c_norms, labels):
    n_samples = len(X.indptr) - 1
    total = centers.dtype.type(0)
    for i in range(n_samples):
        value = squared_distance(X, i, centers[labels[i]], c_norms[labels[i]])
        total += value if weights is None else value * weights[i]
    return total


def squared_distances(X, centers, labels, rows):
    first, end, _ = rows.indices(len(labels))
    out = np.empty(end - first, centers.dtype)
    own_distances(X, centers, squared_norms(centers), labels, first, out)
    return out


@kernel
def own_distances(X, centers, c_norms, labels, first, out):
    for i in range(first, first + len(out)):
        out[i - first] = squared_distance(X, i, centers[labels[i]], c_norms[labels[i]])


def squared_norms(centers):
    """By NumPy's order of summation, which is scikit-learn's."""
    return np.einsum("ij,ij->i", centers, centers)


def row(X, i):
    entries = slice(X.indptr[i], X.indptr[i + 1])
    return X.indices[entries], X.data[entries]
