"""Brute force: the nearest samples by Euclidean distance. Twin: brute_jit.py.

The arrays are described in rows.py, the way there in brute.h.
"""

import numpy as np

from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

from fastml._kernels.runtime.interrupt cimport run_chunks
from fastml._kernels.runtime.pool cimport worker


cdef extern from "brute.h" nogil:
    int FML_NARROW, FML_ASKED, FML_KEPT, FML_BLOCKS

    ctypedef struct fml_pair:
        pass

    ctypedef struct fml_rows:
        const void *X
        const double *origin
        float *blocks
        float *norms
        float *reach
        Py_ssize_t n, d
        int is_f32

    ctypedef struct fml_brute:
        fml_rows rows
        const double *Q
        double *distances
        int64_t *indices
        float *scratch
        fml_pair *found
        Py_ssize_t n_queries, k, asked
        int selves
    void fml_narrow_blocks(void *task, Py_ssize_t chunk, int worker)
    void fml_brute_chunk(void *task, Py_ssize_t chunk, int worker)
    void fml_direct_chunk(void *task, Py_ssize_t chunk, int worker)

# Samples of a block, which depends on the level.
BLOCK = FML_NARROW
# Nanoseconds, roughly, of a multiply-add in the tile, and of a number that is narrowed.
cdef double MULTIPLY = 0.03, NARROW = 0.5


cdef int read_rows(rows, fml_rows *held) except -1:
    """Take the addresses of the arrays."""
    cdef const double[:, ::1] X64
    cdef const float[:, ::1] X32
    cdef const double[::1] origin = rows.origin
    cdef float[:, :, ::1] blocks
    cdef float[:, ::1] norms
    cdef float[::1] reach
    held.is_f32 = rows.X.dtype == np.float32
    if held.is_f32:
        X32 = rows.X
        held.X, held.n, held.d = &X32[0, 0], X32.shape[0], X32.shape[1]
    else:
        X64 = rows.X
        held.X, held.n, held.d = &X64[0, 0], X64.shape[0], X64.shape[1]
    held.origin = &origin[0]
    held.blocks = held.norms = held.reach = NULL
    if rows.blocks is not None:
        blocks, norms, reach = rows.blocks, rows.norms, rows.reach
        held.blocks, held.norms, held.reach = &blocks[0, 0, 0], &norms[0, 0], &reach[0]
    return 0


cdef void narrow_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_narrow_blocks(task, i, worker())


cdef void direct_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_direct_chunk(task, i, worker())


cdef void brute_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_brute_chunk(task, i, worker())


def narrow(
    rows,                                    # out    NarrowRows, X and origin in
    int n_threads,
):
    """Write down the samples in float32, counted from the origin, block by block.  O(n_samples * n_features)."""
    cdef fml_rows task
    read_rows(rows, &task)
    if rows.blocks is None:
        return
    cdef Py_ssize_t n_blocks = rows.blocks.shape[0]
    cdef double chunk_ns = NARROW * FML_BLOCKS * BLOCK * task.d
    with nogil:
        run_chunks(narrow_chunk, &task, (n_blocks + FML_BLOCKS - 1) // FML_BLOCKS, chunk_ns, n_threads)


def nearest(
    rows,                                    # in     NarrowRows
    const double[:, ::1] Q,                  # in     (n_queries, n_features)
    bint selves,                             # query i is sample i, and not its own neighbour: see Queries of trees.py
    distances,                               # out    (n_queries, k)  float64, or None
    int64_t[:, ::1] indices,                 # out    (n_queries, k)
    int n_threads,
):
    """Find the k nearest samples of each query, nearest first, equally near ones by their index.

    O(n_queries * n_samples * n_features).
    """
    cdef fml_brute task
    cdef double[:, ::1] out
    read_rows(rows, &task.rows)
    task.Q, task.n_queries, task.k, task.selves = &Q[0, 0], Q.shape[0], indices.shape[1] + selves, selves
    task.indices, task.distances = &indices[0, 0], NULL
    if distances is not None:
        out = distances
        task.distances = &out[0, 0]
    task.asked = max(1, min(FML_ASKED, min(FML_KEPT // task.k, task.n_queries)))
    if task.rows.blocks == NULL:
        task.asked = 1
    elif n_threads > 1:
        task.asked = max(min(6, task.asked), min(task.asked, task.n_queries // (2 * n_threads)))
    cdef Py_ssize_t n_chunks = (task.n_queries + task.asked - 1) // task.asked
    cdef double chunk_ns = MULTIPLY * task.asked * task.rows.n * (4 + <double> task.rows.d)
    n_threads = max(1, min(n_threads, n_chunks))
    task.scratch = <float *> malloc(sizeof(float) * task.asked * task.rows.d * n_threads)
    task.found = <fml_pair *> malloc(sizeof(fml_pair) * task.asked * task.k * n_threads)
    try:
        if task.scratch == NULL or task.found == NULL:
            raise MemoryError(f"no memory for {task.asked} times {task.k} neighbours on {n_threads} threads")
        with nogil:
            run_chunks(brute_chunk if task.rows.blocks != NULL else direct_chunk, &task, n_chunks, chunk_ns, n_threads)
    finally:
        free(task.scratch)
        free(task.found)
