"""One step of mini-batch k-means (Sculley 2010, WWW) on dense samples.

Twins: minibatch_jit.py (plain), minibatch_csr.pyx (CSR).
"""

import numpy as np

from cython cimport floating
from libc.stdint cimport int32_t

from fastml._kernels.kmeans.minibatch cimport fml_minibatch, run_update

from fastml._kernels.kmeans.lloyd import assign, inertia, to_device, to_host  # no-cython-lint


def update(
    const floating[:, ::1] X,                # in     (n_samples, n_features)
    const floating[::1] weights,             # in     (n_samples,)   or None: all 1
    const int32_t[::1] labels,               # in     (n_samples,)
    const floating[:, ::1] centers_old,      # in     (n_clusters, n_features)
    floating[:, ::1] centers,                # out    (n_clusters, n_features)  may be centers_old
    floating[::1] seen,                      # inout  (n_clusters,)  weight that each centre has been given so far
):
    """Centres as the means of all samples ever given to them. O((n_samples + n_clusters) * n_features)."""
    cdef fml_minibatch task
    cdef floating[::1] joined = np.empty_like(seen)
    task.X, task.indices, task.indptr = &X[0, 0], NULL, NULL
    with nogil:
        run_update(&task, weights, centers_old, centers, seen, joined, labels)
