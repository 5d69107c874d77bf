"""The kernels of one step of k-means, called with NumPy arrays wherever they work."""

import numpy as np
import pytest
import scipy.sparse as sp

from fastml._kernels._arrays import Csr
from fastml._kernels.kmeans.elkan import Elkan
from tests.kernels.twins import SIMULATED, twins

DTYPES = (np.float64, np.float32)
# (n_samples, n_features, n_clusters): one of each, and what goes beyond registers, tiles, blocks of threads and chunks
SIZES = [(1, 1, 1), (1, 5, 1), (2, 1, 2), (5, 4, 5), (19, 3, 4), (33, 7, 6), (70, 2, 3)]
LARGE_SIZES = [(65, 16, 17), (300, 9, 33), (1025, 4, 8), (2500, 33, 40), (5000, 2, 300)]
KINDS = ("normal", "grid", "duplicates")
WEIGHTS = ("none", "uniform", "zeros")


def dense_and_csr(name):
    """Return the parameters of a test over the backends of a kernel and of its CSR variant."""
    cases = [(param, sparse) for sparse in (False, True) for param in twins(f"{name}_csr" if sparse else name)]
    return [
        pytest.param((param.values[0], sparse), marks=param.marks, id=f"{'csr' if sparse else 'dense'}-{param.id}")
        for param, sparse in cases
    ]


def host_samples(X, sparse):
    """Return X itself, or the Csr of its entries, read-only where X is."""
    if not sparse:
        return X
    matrix = sp.csr_matrix(X)
    parts = matrix.data, matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    for part in parts:
        part.flags.writeable = X.flags.writeable
    return Csr(*parts)


class Steps:
    """A module with assign, add_up ... that takes and returns NumPy arrays."""

    def __init__(self, load, sparse):
        self.module, self.sparse = load(), sparse
        self.small_only = SIMULATED and self.module.__name__.endswith("_cuda")

    def samples(self, X):
        return self.module.to_device(host_samples(X, self.sparse))

    def assign(self, X, centers, labels, *, touched=None, elkan=None, n_threads=1):
        """Return the new labels and how many there are."""
        there = self.module.to_device(labels.copy())
        rule = elkan and elkan._replace(unsure=self.module.to_device(elkan.unsure))
        n_changed, n_evaluated = self.module.assign(
            self.samples(X), centers, squared_norms(centers), there, touched, None, rule, n_threads
        )
        assert n_evaluated == len(X)
        if elkan:
            elkan.unsure[:] = self.module.to_host(rule.unsure)
        return self.module.to_host(there), n_changed

    def add_up(self, X, weights, labels, sums, totals, *, touched=None, n_threads=1):
        to_device = self.module.to_device
        there = to_device(weights), to_device(labels)
        self.module.add_up(self.samples(X), *there, touched, sums, totals, n_threads)

    def inertia(self, X, weights, centers, labels, *, n_threads=1):
        to_device = self.module.to_device
        return self.module.inertia(self.samples(X), to_device(weights), centers, to_device(labels), n_threads)

    def average(self, sums, totals, centers_old):
        """Return the centres and how far each has moved."""
        centers, shift = np.empty_like(centers_old), np.empty(len(totals), totals.dtype)
        self.module.average(sums, totals, centers_old, centers, shift)
        return centers, shift


def squared_norms(centers):
    return np.einsum("ij,ij->i", centers, centers)


def elkan_rule(n_samples, centers, *, look_everywhere=False):
    """Elkan's rule with the halves of the distances between the centres, or without."""
    k = len(centers)
    halves = np.sqrt(((centers[:, None] - centers) ** 2).sum(axis=2)) / 2
    halves = np.vstack([halves, np.partition(halves, min(1, k - 1), axis=0)[min(1, k - 1)]]).astype(centers.dtype)
    return Elkan(halves[:0] if look_everywhere else halves, np.zeros(n_samples, np.uint8))


def no_labels(n):
    return np.full(n, -1, np.int32)


class Problem:
    """Samples, some of them zero, centres, labels and weights, in one dtype and with ties where the kind has them."""

    def __init__(self, size, kind, weights, dtype, seed=0):
        n, d, k = size
        rng = np.random.RandomState([seed, n, d, k])
        if kind == "normal":
            X, centers = rng.randn(n, d) * (rng.rand(n, d) < 0.8), rng.randn(k, d)
        elif kind == "grid":  # distances are small integers
            X, centers = rng.randint(-1, 2, (n, d)), rng.randint(-1, 2, (k, d))
        else:  # samples and centres come several times
            rows = rng.randn(max(1, min(n, k) // 2), d)
            X, centers = rows[rng.randint(0, len(rows), n)], rows[rng.randint(0, len(rows), k)]
        self.X, self.centers = np.ascontiguousarray(X, dtype), np.ascontiguousarray(centers, dtype)
        self.labels = rng.randint(-1, k, n).astype(np.int32)
        self.weights = {
            "none": None,
            "uniform": rng.uniform(0.1, 2, n).astype(dtype),
            "zeros": (rng.uniform(size=n) * (rng.uniform(size=n) < 0.5)).astype(dtype),
        }[weights]
        for array in vars(self).values():
            if array is not None:
                array.flags.writeable = False
