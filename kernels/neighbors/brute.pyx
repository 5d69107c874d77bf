"""Brute force: the nearest samples, their votes, and those within a radius. Twin: brute_jit.py.

The arrays are described in rows.py, the way there in brute.h, brute_within.h and, for other than Euclidean distances,
brute_metric.h.
"""

import numpy as np

from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

from fastml._kernels.neighbors.votes cimport close_votes, fml_votes, open_votes
from fastml._kernels.runtime.interrupt cimport run_chunks
from fastml._kernels.runtime.pool cimport worker


cdef extern from "brute.h" nogil:
    int FML_NARROW, FML_ASKED, FML_KEPT, FML_BLOCKS

    ctypedef struct fml_pair:
        pass

    ctypedef struct fml_asked:
        pass

    ctypedef struct fml_rows:
        const void *X
        const double *origin
        float *blocks
        float *norms
        float *reach
        const double *weights
        Py_ssize_t n, d
        int is_f32, measure, halves

    ctypedef struct fml_brute:
        fml_rows rows
        const double *Q
        double *distances
        int64_t *indices
        fml_votes *votes
        float *scratch
        double *turned
        fml_pair *found
        fml_asked *known
        Py_ssize_t n_queries, k, asked
        int selves
    void fml_narrow_blocks(void *task, Py_ssize_t chunk, int worker)
    void fml_brute_chunk(void *task, Py_ssize_t chunk, int worker)
    void fml_direct_chunk(void *task, Py_ssize_t chunk, int worker)


cdef extern from "brute_within.h" nogil:
    ctypedef struct fml_brute_within:
        fml_rows rows
        const double *Q
        const double *limits
        int64_t *counts
        const int64_t *indptr
        int64_t *indices
        double *distances
        float *scratch
        double *turned
        fml_pair *pairs
        fml_asked *known
        Py_ssize_t n_queries, asked, longest
        int selves
    void fml_brute_within_chunk(void *task, Py_ssize_t chunk, int worker)
    void fml_direct_within_chunk(void *task, Py_ssize_t chunk, int worker)


cdef extern from "brute_metric.h" nogil:
    int FML_WIDE, FML_OF_MANHATTAN
    void fml_metric_chunk(void *task, Py_ssize_t chunk, int worker)
    void fml_metric_within_chunk(void *task, Py_ssize_t chunk, int worker)

# Samples of a block, which depends on the level.
BLOCK = FML_NARROW
# Nanoseconds, roughly, of a multiply-add in the tile, of a difference that is added in that of float64, and of a number
# that is narrowed.
cdef double MULTIPLY = 0.03, ADD = 0.15, NARROW = 0.5


cdef int read_rows(rows, fml_rows *held) except -1:
    """Take the addresses of the arrays."""
    cdef const double[:, ::1] X64
    cdef const float[:, ::1] X32
    cdef const double[::1] origin = rows.origin
    cdef float[:, :, ::1] blocks
    cdef float[:, ::1] norms
    cdef float[::1] reach
    cdef const double[::1] weights = rows.weights.ravel()
    held.measure, held.halves, held.weights = rows.measure, rows.halves, &weights[0]
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


cdef void metric_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_metric_chunk(task, i, worker())


cdef void metric_within_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_metric_within_chunk(task, i, worker())


cdef void direct_within_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_direct_within_chunk(task, i, worker())


cdef void brute_within_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_brute_within_chunk(task, i, worker())


cdef Py_ssize_t queries_of_chunk(const fml_rows *rows, Py_ssize_t n_queries, Py_ssize_t most, int n_threads) noexcept:
    """Return how many queries pass together: one without the blocks it needs, else as leaves chunks for all threads."""
    cdef Py_ssize_t asked = max(1, min(FML_ASKED, min(most, n_queries)))
    if rows.blocks == NULL and rows.measure < FML_OF_MANHATTAN:
        return 1
    return asked if n_threads == 1 else max(min(6, asked), min(asked, n_queries // (2 * n_threads)))


cdef double chunk_ns(const fml_rows *rows, Py_ssize_t asked) noexcept nogil:
    return (MULTIPLY if rows.measure < FML_OF_MANHATTAN else ADD) * asked * rows.n * (4 + <double> rows.d)


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
    cdef double ns = NARROW * FML_BLOCKS * BLOCK * task.d
    with nogil:
        run_chunks(narrow_chunk, &task, (n_blocks + FML_BLOCKS - 1) // FML_BLOCKS, ns, n_threads)


cdef int search(fml_brute *task, int n_threads, ballot) except -1:
    """Find the task's k nearest samples of each query; to write them down, or to let them vote."""
    cdef fml_votes votes
    task.asked = queries_of_chunk(&task.rows, task.n_queries, FML_KEPT // task.k, n_threads)
    cdef Py_ssize_t n_chunks = (task.n_queries + task.asked - 1) // task.asked
    n_threads = max(1, min(n_threads, n_chunks))
    task.votes = NULL
    if ballot is not None:
        open_votes(ballot, n_threads, &votes)
        task.votes = &votes
    task.scratch = <float *> malloc(sizeof(float) * task.asked * task.rows.d * n_threads)
    task.turned = <double *> malloc(sizeof(double) * 2 * FML_WIDE * task.rows.d * n_threads)
    task.found = <fml_pair *> malloc(sizeof(fml_pair) * task.asked * task.k * n_threads)
    task.known = <fml_asked *> malloc(sizeof(fml_asked) * n_threads)
    try:
        if task.scratch == NULL or task.turned == NULL or task.found == NULL or task.known == NULL:
            raise MemoryError(f"no memory for {task.asked} times {task.k} neighbours on {n_threads} threads")
        with nogil:
            run_chunks(metric_chunk if task.rows.measure >= FML_OF_MANHATTAN else brute_chunk
                       if task.rows.blocks != NULL else direct_chunk, task, n_chunks,
                       chunk_ns(&task.rows, task.asked), n_threads)
    finally:
        free(task.scratch)
        free(task.turned)
        free(task.found)
        free(task.known)
        if task.votes != NULL:
            close_votes(&votes)
    return 0


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
    search(&task, n_threads, None)


def vote(
    rows,                                    # in     NarrowRows
    const double[:, ::1] Q,                  # in     (n_queries, n_features)
    bint selves,                             # as in nearest
    ballot,                                  # in/out Ballot
    int n_threads,
):
    """Let the nearest samples of each query vote, written down nowhere."""
    cdef fml_brute task
    read_rows(rows, &task.rows)
    task.Q, task.n_queries, task.k, task.selves = &Q[0, 0], Q.shape[0], ballot.k + selves, selves
    task.indices, task.distances = NULL, NULL
    search(&task, n_threads, ballot)


cdef int walk_within(fml_brute_within *task, int n_threads) except -1:
    """Compare all with all, in either pass."""
    task.asked = queries_of_chunk(&task.rows, task.n_queries, FML_ASKED, n_threads)
    cdef Py_ssize_t n_chunks = (task.n_queries + task.asked - 1) // task.asked
    n_threads = max(1, min(n_threads, n_chunks))
    task.scratch = <float *> malloc(sizeof(float) * task.asked * task.rows.d * n_threads)
    task.turned = <double *> malloc(sizeof(double) * 2 * FML_WIDE * task.rows.d * n_threads)
    task.known = <fml_asked *> malloc(sizeof(fml_asked) * n_threads)
    task.pairs = NULL
    if task.longest:
        task.pairs = <fml_pair *> malloc(sizeof(fml_pair) * task.longest * n_threads)
    try:
        if task.scratch == NULL or task.turned == NULL or task.known == NULL or (task.longest and task.pairs == NULL):
            raise MemoryError(f"no memory for {task.asked} queries on {n_threads} threads")
        with nogil:
            run_chunks(metric_within_chunk if task.rows.measure >= FML_OF_MANHATTAN else brute_within_chunk
                       if task.rows.blocks != NULL else direct_within_chunk, task, n_chunks,
                       chunk_ns(&task.rows, task.asked), n_threads)
    finally:
        free(task.scratch)
        free(task.turned)
        free(task.known)
        free(task.pairs)
    return 0


def count_within(
    rows,                                    # in     NarrowRows
    const double[:, ::1] Q,                  # in     (n_queries, n_features)
    bint selves,                             # query i is sample i, and not its own neighbour
    const double[::1] limits,                # in     (n_queries,)  largest square of a Euclidean distance, or distance
    int64_t[::1] counts,                     # out    (n_queries,)
    int n_threads,
):
    """Count the samples within a radius of each query, those at exactly the radius too."""
    cdef fml_brute_within task
    read_rows(rows, &task.rows)
    task.Q, task.n_queries, task.selves, task.limits = &Q[0, 0], Q.shape[0], selves, &limits[0]
    task.counts, task.indptr, task.indices, task.distances, task.longest = &counts[0], NULL, NULL, NULL, 0
    walk_within(&task, n_threads)


def fill_within(
    rows,                                    # in     NarrowRows
    const double[:, ::1] Q,                  # in     (n_queries, n_features)
    bint selves,                             # as in count_within
    const double[::1] limits,                # in     (n_queries,)
    found,                                   # out    Rows of trees.py, indptr in: the running sum of count_within
    bint sort,                               # nearest first, equally near ones by their index; needs the distances
    int n_threads,
):
    """Write down the samples within a radius of each query, unsorted by their index."""
    cdef fml_brute_within task
    cdef const int64_t[::1] indptr = found.indptr
    cdef int64_t[::1] indices = found.indices
    cdef double[::1] distances
    cdef Py_ssize_t i
    if not indices.shape[0]:
        return
    read_rows(rows, &task.rows)
    task.Q, task.n_queries, task.selves, task.limits = &Q[0, 0], Q.shape[0], selves, &limits[0]
    task.counts, task.indptr, task.indices, task.distances, task.longest = NULL, &indptr[0], &indices[0], NULL, 0
    if found.distances is not None:
        distances = found.distances
        task.distances = &distances[0]
    for i in range(task.n_queries if sort else 0):
        task.longest = max(task.longest, indptr[i + 1] - indptr[i])
    walk_within(&task, n_threads)
