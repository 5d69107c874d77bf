"""Euclidean distances of all samples to all centres. Twin: distances_jit.py."""

import numpy as np

from libc.stdint cimport int32_t
from libc.stdlib cimport free, malloc

from fastml._kernels.runtime.interrupt cimport run_chunks
from fastml._kernels.runtime.pool cimport worker

from fastml._kernels._arrays import Csr


cdef extern from "distances.h" nogil:
    int FML_WIDE, FML_DISTANCE_ROWS

    ctypedef struct fml_distances:
        const void *X
        const int32_t *indices
        const int32_t *indptr
        const double *centers
        const double *c_norms
        void *out
        double *scratch
        Py_ssize_t n, d, k, scratch_size
        int is_f32
    void fml_distances_rows(void *task, Py_ssize_t chunk, int worker)


cdef void distances_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_distances_rows(task, i, worker())


def distances(
    X,                                       # in     (n_samples, n_features) or Csr, float32 or float64
    centers,                                 # in     (n_clusters, n_features)  float64
    const double[::1] c_norms,               # in     (n_clusters,)  squared norms
    out,                                     # out    (n_samples, n_clusters)  of the type of X
    int n_threads,
):
    """Euclidean distances by  sqrt(max(0, -2 x.c + |x|^2 + |c|^2)),  in float64.

    O(n_samples * n_features * n_clusters).
    """
    cdef fml_distances task
    cdef const int32_t[::1] indices, indptr
    cdef const double[::1] data64
    cdef const float[::1] data32
    cdef double[:, ::1] out64
    cdef float[:, ::1] out32
    cdef const double[:, ::1] rows = np.ascontiguousarray(centers.T if isinstance(X, Csr) else centers)
    cdef double row_ns
    values = X.data if isinstance(X, Csr) else X.reshape(-1)
    task.n, task.k = out.shape
    task.d, task.is_f32 = centers.shape[1], out.dtype == np.float32
    task.X, task.indices, task.indptr, task.centers, task.c_norms = NULL, NULL, NULL, &rows[0, 0], &c_norms[0]
    if task.is_f32:
        data32, out32 = values, out
        task.out = &out32[0, 0]
        if data32.shape[0]:
            task.X = &data32[0]
    else:
        data64, out64 = values, out
        task.out = &out64[0, 0]
        if data64.shape[0]:
            task.X = &data64[0]
    if isinstance(X, Csr):
        indices, indptr = X.indices, X.indptr
        task.indices, task.indptr = &indices[0] if indices.shape[0] else NULL, &indptr[0]
        task.scratch_size = task.k + 8
        row_ns = 5 + 0.5 * task.k * (1 + <double> len(values) / task.n)
    else:
        task.scratch_size = 2 * task.d * FML_WIDE + 8
        row_ns = 5 + 0.3 * task.d + 0.04 * task.k * (8 + <double> task.d)
    cdef Py_ssize_t n_chunks = (task.n + FML_DISTANCE_ROWS - 1) // FML_DISTANCE_ROWS
    n_threads = min(n_threads, n_chunks)
    task.scratch = <double *> malloc(sizeof(double) * task.scratch_size * n_threads)
    if task.scratch == NULL:
        raise MemoryError(f"no memory for {n_threads} tiles of {task.scratch_size} numbers")
    try:
        with nogil:
            run_chunks(distances_chunk, &task, n_chunks, row_ns * FML_DISTANCE_ROWS, n_threads)
    finally:
        free(task.scratch)
