"""Sparse samples by brute force: the nearest, their votes, and those within a radius. Twin: sparse_jit.py.

The arrays are described in entries.py, the way there in sparse.h and sparse_rows.h.
"""

import numpy as np

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport calloc, free, malloc

from fastml._kernels.neighbors.votes cimport close_votes, fml_votes, open_votes
from fastml._kernels.runtime.interrupt cimport run_chunks
from fastml._kernels.runtime.pool cimport worker


cdef extern from "sparse.h" nogil:
    int FML_SAMPLES, FML_SPARSE_ASKED, FML_SIDE_BY_SIDE

    ctypedef struct fml_pair:
        pass

    ctypedef struct fml_entries:
        const double *data
        const int32_t *indices
        const int64_t *indptr
        double *sizes
        Py_ssize_t n, d, n_entries
        int measure

    ctypedef struct fml_entry:
        pass

    ctypedef struct fml_columns:
        const int64_t *starts
        fml_entry *members
        const int32_t *place
        double *full

    ctypedef struct fml_answers:
        double *distances
        int64_t *indices
        fml_votes *votes
        Py_ssize_t k
        int selves

    ctypedef struct fml_sparse:
        fml_entries X
        fml_entries Q
        const fml_columns *columns
        fml_answers answers
        const double *limits
        int64_t *counts
        const int64_t *indptr
        int64_t *members
        double *distances
        double *sums
        double *slabs
        double *spread
        int64_t *cursors
        fml_pair *found
        Py_ssize_t asked, room, n_cursors, longest
    int fml_measure_rows(const fml_entries *t)
    void fml_turn(const fml_entries *t, const fml_columns *columns, int64_t *next)
    void fml_sparse_chunk(void *task, Py_ssize_t chunk, int worker)
    void fml_sparse_row_chunk(void *task, Py_ssize_t chunk, int worker)

# Nanoseconds, roughly, of a sample that a query is compared with, and of a number of a row that one meets.
cdef double COMPARE = 5, MEET = 1


cdef int read_entries(entries, fml_entries *held) except -1:
    """Take the addresses of the arrays."""
    cdef const double[::1] data = entries.data
    cdef const int32_t[::1] indices = entries.indices
    cdef const int64_t[::1] indptr = entries.indptr
    cdef double[::1] sizes = entries.sizes
    held.n, held.d, held.n_entries = sizes.shape[0], entries.n_features, min(data.shape[0], indices.shape[0])
    held.data = &data[0] if held.n_entries else NULL
    held.indices = &indices[0] if held.n_entries else NULL
    held.indptr, held.sizes, held.measure = &indptr[0], &sizes[0], entries.measure
    return 0


cdef int read_columns(columns, fml_columns *held) except -1:
    cdef const int64_t[::1] starts = columns.starts
    cdef const int32_t[::1] place = columns.place
    cdef double[:, ::1] full = columns.full
    held.starts, held.place = &starts[0], &place[0]
    held.members = <fml_entry *> <size_t> columns.members.ctypes.data
    held.full = &full[0, 0] if full.shape[0] else NULL
    return 0


def measure(
    entries,                                 # in/out Entries, whose sizes are filled in
):
    """Add up squares or magnitudes, row by row.  0, or 1: a row is not ascending, 2: there are no such rows."""
    cdef fml_entries task
    cdef int flaw
    read_entries(entries, &task)
    with nogil:
        flaw = fml_measure_rows(&task)
    return flaw


def turn(
    entries,                                 # in     Entries
    columns,                                 # out    Columns, starts and place in
):
    """Write the samples down by columns.  O(n_entries + n_features)."""
    cdef fml_entries task
    cdef fml_columns held
    read_entries(entries, &task)
    read_columns(columns, &held)
    cdef int64_t[::1] scratch = np.empty(task.d, np.int64)
    with nogil:
        fml_turn(&task, &held, &scratch[0])


cdef void chunk_by_columns(void *task, Py_ssize_t i) noexcept nogil:
    fml_sparse_chunk(task, i, worker())


cdef void chunk_by_rows(void *task, Py_ssize_t i) noexcept nogil:
    fml_sparse_row_chunk(task, i, worker())


cdef Py_ssize_t most_entries(const int64_t *indptr, Py_ssize_t n, Py_ssize_t step) noexcept nogil:
    """Return how many entries so many successive rows have at most, counted from a multiple of it."""
    cdef Py_ssize_t i = 0, most = 0
    while i < n:
        most = max(most, indptr[min(i + step, n)] - indptr[i])
        i += step
    return most


cdef int search(fml_sparse *task, entries, columns, Q, int n_threads, ballot) except -1:
    """Compare all with all: what the task asks for is written down, or votes."""
    cdef fml_votes votes
    cdef fml_columns held
    cdef Py_ssize_t k = task.answers.k, d
    cdef double ns
    read_entries(entries, &task.X)
    read_entries(Q, &task.Q)
    d, task.columns, task.room = task.Q.d, NULL, task.X.n
    task.asked = 1 if task.Q.n == 1 else FML_SIDE_BY_SIDE
    if columns is not None:
        read_columns(columns, &held)
        task.columns, task.room = &held, min(FML_SAMPLES, task.X.n)
        task.asked = max(1, min(FML_SPARSE_ASKED, task.Q.n // (2 * n_threads)))
    cdef Py_ssize_t n_chunks = (task.Q.n + task.asked - 1) // task.asked
    n_threads = max(1, min(n_threads, n_chunks))
    task.longest = most_entries(task.X.indptr, task.X.n, 1)
    task.n_cursors = most_entries(task.Q.indptr, task.Q.n, task.asked)
    ns = COMPARE * task.asked * task.X.n if task.columns != NULL else MEET * task.X.n_entries
    task.answers.votes = NULL
    if ballot is not None:
        open_votes(ballot, n_threads, &votes)
        task.answers.votes = &votes
    task.sums = <double *> calloc((task.asked if columns is None else 1) * task.room * n_threads, sizeof(double))
    task.slabs = <double *> calloc(task.room * n_threads if columns is not None else 1, sizeof(double))
    task.spread = <double *> calloc(d * task.asked * n_threads if columns is None else 1, sizeof(double))
    task.cursors = <int64_t *> malloc(sizeof(int64_t) * max(1, task.n_cursors) * n_threads)
    task.found = <fml_pair *> malloc(sizeof(fml_pair) * task.asked * k * n_threads)
    try:
        if (task.sums == NULL or task.slabs == NULL or task.spread == NULL or task.cursors == NULL
                or task.found == NULL):
            raise MemoryError(f"no memory for {task.asked} times {k} neighbours on {n_threads} threads")
        with nogil:
            run_chunks(chunk_by_columns if task.columns != NULL else chunk_by_rows, task, n_chunks, ns, n_threads)
    finally:
        free(task.sums)
        free(task.slabs)
        free(task.spread)
        free(task.cursors)
        free(task.found)
        if task.answers.votes != NULL:
            close_votes(&votes)
    return 0


def nearest(
    entries,                                 # in     Entries: the samples
    columns,                                 # in     Columns: the same; None, which suits few queries
    Q,                                       # in     Entries: the queries
    bint selves,                             # query i is sample i, and not its own neighbour: see Queries of trees.py
    distances,                               # out    (n_queries, k)  float64, or None
    int64_t[:, ::1] indices,                 # out    (n_queries, k)
    int n_threads,
):
    """Find the k nearest samples of each query, nearest first, equally near ones by their index.

    O(n_queries * n_samples), and the products of entries of one feature.
    """
    cdef fml_sparse task
    cdef double[:, ::1] out
    task.answers.k, task.answers.selves = indices.shape[1] + selves, selves
    task.answers.indices, task.answers.distances, task.limits = &indices[0, 0], NULL, NULL
    if distances is not None:
        out = distances
        task.answers.distances = &out[0, 0]
    search(&task, entries, columns, Q, n_threads, None)


def vote(
    entries,                                 # in     as in nearest
    columns,                                 # in
    Q,                                       # in
    bint selves,                             # as in nearest
    ballot,                                  # in/out Ballot
    int n_threads,
):
    """Let the nearest samples of each query vote, written down nowhere."""
    cdef fml_sparse task
    task.answers.k, task.answers.selves = ballot.k + selves, selves
    task.answers.indices, task.answers.distances, task.limits = NULL, NULL, NULL
    search(&task, entries, columns, Q, n_threads, ballot)


def count_within(
    entries,                                 # in     as in nearest
    columns,                                 # in
    Q,                                       # in
    bint selves,                             # query i is sample i, and not its own neighbour
    const double[::1] limits,                # in     (n_queries,)  largest distance; its square, of Euclidean ones
    int64_t[::1] counts,                     # out    (n_queries,)
    int n_threads,
):
    """Count the samples within a radius of each query, those at exactly the radius too."""
    cdef fml_sparse task
    task.answers.k, task.answers.selves, task.limits, task.counts = 1, selves, &limits[0], &counts[0]
    task.indptr, task.members, task.distances = NULL, NULL, NULL
    search(&task, entries, columns, Q, n_threads, None)


def fill_within(
    entries,                                 # in     as in nearest
    columns,                                 # in
    Q,                                       # in
    bint selves,                             # as in count_within
    const double[::1] limits,                # in     (n_queries,)
    found,                                   # out    Rows of trees.py, indptr in: the running sum of count_within
    int n_threads,
):
    """Write down the samples within a radius of each query by their index."""
    cdef fml_sparse task
    cdef const int64_t[::1] indptr = found.indptr
    cdef int64_t[::1] indices = found.indices
    cdef double[::1] distances
    if not indices.shape[0]:
        return
    task.answers.k, task.answers.selves, task.limits, task.counts = 1, selves, &limits[0], NULL
    task.indptr, task.members, task.distances = &indptr[0], &indices[0], NULL
    if found.distances is not None:
        distances = found.distances
        task.distances = &distances[0]
    search(&task, entries, columns, Q, n_threads, None)
