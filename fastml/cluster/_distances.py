"""Driver of the distances to all centres."""

import numpy as np

from fastml._dispatch import load, record
from fastml._kernels._arrays import Csr


def squared_norms(centers):
    """Squared norms of the centres (n_clusters,), float64; TypeError or ValueError where these are no numbers."""
    wide = np.asarray(centers, dtype=np.float64)
    return np.einsum("ij,ij->i", wide, wide)


def distances(X, centers, norms, *, n_threads):
    """Euclidean distances (n_samples, n_clusters) of an array or CSR matrix to the centres.

    In float32 where both are. norms : of :func:`squared_norms`.
    """
    record(n_threads=n_threads)
    themselves = X is centers
    X = X.astype(np.float32 if X.dtype == centers.dtype == np.float32 else np.float64, copy=False)
    kernel = load("kmeans.distances")
    samples = X if isinstance(X, np.ndarray) else Csr(X.data, X.indices, X.indptr)
    wide = np.ascontiguousarray(centers, dtype=np.float64)
    out = np.empty((X.shape[0], len(centers)), X.dtype)
    kernel.distances(samples, wide, norms, out, n_threads)
    if themselves:  # rounding may leave something of their distances, as scikit-learn knows too
        np.fill_diagonal(out, 0)
    return out
