"""Steps of Lloyd's iteration on CSR samples: the functions of lloyd.pyx with a Csr as X. Twin: lloyd_csr_jit.py.

The centres are transposed once a call, so that one entry of X meets all clusters in a few vectors.
"""

import numpy as np

from cython cimport floating
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc

from fastml._kernels.runtime.interrupt cimport run_chunks
from fastml._kernels.runtime.pool cimport worker

from fastml._kernels.kmeans.lloyd import average  # no-cython-lint
from fastml._kernels.kmeans.rows import to_device, to_host  # no-cython-lint

BOUNDED = FUSED = False              # no bounds are kept
DISTANCE_ROWS = 1024                 # as in lloyd.pyx


cdef extern from "csr.h" nogil:
    ctypedef struct fml_csr:
        const void *data
        const int32_t *indices
        const int32_t *indptr
        const void *weights
        const void *centers
        const void *c_norms
        const void *packed
        int32_t *labels
        unsigned char *touched
        void *sums
        void *totals
        void *values
        void *scratch
        Py_ssize_t scratch_size, n, d, k, width, chunk_rows, parts
        int64_t n_changed
        const void *halves
        unsigned char *unsure
        double c_norm_max
        int is_f32, elkan
    Py_ssize_t fml_csr_width(Py_ssize_t k, int is_f32)
    void fml_csr_pack(const fml_csr *t, void *packed)
    void fml_csr_assign_chunk(void *task, Py_ssize_t i, int worker)
    void fml_csr_sums_part(void *task, Py_ssize_t i)
    void fml_csr_inertia_chunk(void *task, Py_ssize_t i)
    void csr_distances_f64(const fml_csr *t, Py_ssize_t first, Py_ssize_t end, double *out)
    void csr_distances_f32(const fml_csr *t, Py_ssize_t first, Py_ssize_t end, float *out)


cdef void assign_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_csr_assign_chunk(task, i, worker())


cdef fml_csr new_task(X, const floating[:, ::1] centers):
    """A task with the samples and the centres; the memory stays the caller's."""
    cdef fml_csr task
    cdef const floating[::1] data = X.data
    cdef const int32_t[::1] indices = X.indices, indptr = X.indptr
    task.data = &data[0] if data.shape[0] else NULL
    task.indices = &indices[0] if indices.shape[0] else NULL
    task.indptr = &indptr[0]
    task.n, task.k, task.d = indptr.shape[0] - 1, centers.shape[0], centers.shape[1]
    task.is_f32, task.centers, task.weights, task.touched = floating is float, &centers[0, 0], NULL, NULL
    return task


cdef double row_ns(const fml_csr *task):
    """Work of one sample per cluster vector: an entry costs about a cache miss."""
    return 5.0 + 5.0 * task.indptr[task.n] / max(task.n, 1)


def assign(
    X,                                       # in     Csr of (n_samples, n_features)
    const floating[:, ::1] centers,          # in     (n_clusters, n_features)
    const floating[::1] c_norms,             # in     (n_clusters,)  squared norms
    int32_t[::1] labels,                     # inout  (n_samples,)   present labels, -1: none
    unsigned char[::1] touched,              # inout  (n_clusters,)  set to 1 where members changed; or None
    bounds,                                  # None
    elkan,                                   # inout  Elkan, or None: Lloyd's rule
    int n_threads,
):
    """See lloyd.assign. O(n_entries * n_clusters)."""
    cdef fml_csr task = new_task(X, centers)
    cdef Py_ssize_t item = sizeof(floating)
    if task.n == 0:
        return 0, 0
    task.c_norms, task.labels, task.n_changed, task.chunk_rows = &c_norms[0], &labels[0], 0, 256
    cdef const floating[:, ::1] halves
    cdef unsigned char[::1] unsure
    task.elkan = elkan is not None
    if task.elkan:
        halves, unsure = elkan
        task.halves, task.unsure = &halves[0, 0] if halves.shape[0] else NULL, &unsure[0]
        task.c_norm_max = np.sqrt(np.max(c_norms))
    if touched is not None:
        task.touched = &touched[0]
    task.width = fml_csr_width(task.k, task.is_f32)
    task.scratch_size = task.width * item + 64
    cdef Py_ssize_t n_chunks = (task.n + task.chunk_rows - 1) // task.chunk_rows
    n_threads = min(n_threads, n_chunks)
    cdef void *packed = malloc(task.width * task.d * item)
    task.packed, task.scratch = packed, malloc(task.scratch_size * n_threads)
    try:
        if packed == NULL or task.scratch == NULL:
            raise MemoryError(f"no memory for {task.width} x {task.d} transposed centres")
        with nogil:
            fml_csr_pack(&task, packed)
        vectors = 1 + task.width * item // 64
        run_chunks(assign_chunk, &task, n_chunks, task.chunk_rows * row_ns(&task) * vectors, n_threads)
    finally:
        free(packed)
        free(task.scratch)
    return task.n_changed, task.n


def add_up(
    X,                                       # in     Csr of (n_samples, n_features)
    weights,                                 # in     (n_samples,)   or None: all 1
    int32_t[::1] labels,                     # in     (n_samples,)
    unsigned char[::1] touched,              # in     (n_clusters,)  clusters to add up; or None: all
    floating[:, ::1] sums,                   # inout  (n_clusters, n_features)
    floating[::1] totals,                    # inout  (n_clusters,)
    int n_threads,
):
    """See lloyd.add_up. O(n_entries)."""
    cdef fml_csr task = new_task(X, sums)
    task.labels, task.sums, task.totals = &labels[0], &sums[0, 0], &totals[0]
    cdef const floating[::1] given = weights
    if given is not None:
        task.weights = &given[0]
    if touched is not None:
        task.touched = &touched[0]
    task.parts = min(n_threads, task.k)
    run_chunks(fml_csr_sums_part, &task, task.parts, task.n * row_ns(&task) / task.parts, n_threads)


def inertia(
    X,                                       # in     Csr of (n_samples, n_features)
    weights,                                 # in     (n_samples,)   or None: all 1
    const floating[:, ::1] centers,          # in     (n_clusters, n_features)
    int32_t[::1] labels,                     # in     (n_samples,)
    int n_threads,
):
    """See lloyd.inertia. O(n_entries + n_clusters * n_features)."""
    cdef fml_csr task = new_task(X, centers)
    task.chunk_rows = DISTANCE_ROWS
    cdef Py_ssize_t n_chunks = (task.n + task.chunk_rows - 1) // task.chunk_rows, i
    cdef const floating[::1] c_norms = np.einsum("ij,ij->i", centers, centers)
    cdef floating[::1] values = np.empty(task.n, np.float32 if floating is float else np.float64)
    cdef floating total = 0
    task.labels, task.c_norms, task.values = &labels[0], &c_norms[0], &values[0]
    cdef const floating[::1] given = weights
    if given is not None:
        task.weights = &given[0]
    run_chunks(fml_csr_inertia_chunk, &task, n_chunks, task.chunk_rows * row_ns(&task), n_threads)
    with nogil:
        for i in range(task.n):
            total += values[i]
    return total


def squared_distances(X, const floating[:, ::1] centers, int32_t[::1] labels, rows):
    """Squared distances of a slice of the samples to their centres."""
    cdef fml_csr task = new_task(X, centers)
    cdef Py_ssize_t first, end
    first, end, _ = rows.indices(task.n)
    cdef const floating[::1] c_norms = np.einsum("ij,ij->i", centers, centers)
    out = np.empty(end - first, np.float32 if floating is float else np.float64)
    cdef floating[::1] value = out
    task.labels, task.c_norms = &labels[0], &c_norms[0]
    if floating is float:
        csr_distances_f32(&task, first, end, &value[0])
    else:
        csr_distances_f64(&task, first, end, &value[0])
    return out


def row(X, i):
    """Columns and values of a sample."""
    entries = slice(X.indptr[i], X.indptr[i + 1])
    return X.indices[entries], X.data[entries]
