"""One step of mini-batch k-means on CSR samples: see minibatch.pyx. Twin: minibatch_csr_jit.py."""

import numpy as np

from cython cimport floating
from libc.stdint cimport int32_t

from fastml._kernels.kmeans.minibatch cimport fml_minibatch, run_update

from fastml._kernels.kmeans.lloyd_csr import assign, inertia, to_device, to_host  # no-cython-lint


def update(
    X,                                       # in     Csr of (n_samples, n_features)
    weights,                                 # in     (n_samples,)   or None: all 1
    const int32_t[::1] labels,               # in     (n_samples,)
    const floating[:, ::1] centers_old,      # in     (n_clusters, n_features)
    floating[:, ::1] centers,                # out    (n_clusters, n_features)  may be centers_old
    floating[::1] seen,                      # inout  (n_clusters,)
):
    """See minibatch.update. O(n_entries + n_clusters * n_features)."""
    cdef fml_minibatch task
    cdef floating[::1] joined = np.empty_like(seen)
    cdef const floating[::1] data = X.data, given = weights
    cdef const int32_t[::1] indices = X.indices, indptr = X.indptr
    task.X = &data[0] if data.shape[0] else NULL
    task.indices, task.indptr = &indices[0] if indices.shape[0] else NULL, &indptr[0]
    with nogil:
        run_update(&task, given, centers_old, centers, seen, joined, labels)
