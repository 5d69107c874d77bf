"""Donors for missing entries: the nearest samples that have an entry there. Twin: donors_jit.py.

The arrays are described in gaps.py, the way there in donors.h.
"""

import numpy as np

from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport free, malloc

from fastml._kernels.runtime.interrupt cimport run_chunks
from fastml._kernels.runtime.pool cimport worker


cdef extern from "donors.h" nogil:
    int FML_WIDE, FML_ASKED, FML_KEPT, FML_BLOCKS, FML_MEASURED, FML_TOGETHER

    ctypedef struct fml_pair:
        pass

    ctypedef struct fml_incomplete:
        const void *X
        const uint8_t *missing
        const double *norms
        Py_ssize_t n

    ctypedef struct fml_imputation:
        fml_incomplete donors, receivers
        double *table
        const int64_t *starts
        const int32_t *columns
        const int64_t *supply
        const int64_t *ends
        const int64_t *gap_ends
        double *values
        uint8_t *states
        int64_t *given
        double *distances
        double *scratch
        double *lanes
        fml_pair *found
        Py_ssize_t d, k, asked, room, certain, n_chains, n_gap_chains
        int weights, is_f32
    void fml_fill(void *task, Py_ssize_t chunk, int worker)
    void fml_measure(void *task, Py_ssize_t chunk, int worker)
    void fml_give_chunk(void *task, Py_ssize_t chunk, int worker)

# Donors of a block, which depends on the level.
BLOCK = FML_WIDE
# Nanoseconds, roughly: of a feature of a pair in the tile, of one computed as scikit-learn does, of a table's number.
cdef double TILE = 0.1, MEASURE = 0.4, FILL = 0.5


cdef int read_samples(samples, fml_incomplete *held) except -1:
    """Take the addresses of the arrays."""
    cdef const double[:, ::1] X64
    cdef const float[:, ::1] X32
    cdef const uint8_t[:, ::1] missing = samples.missing.view(np.uint8)
    cdef const double[::1] norms = samples.norms
    if samples.X.dtype == np.float32:
        X32 = samples.X
        held.X = &X32[0, 0]
    else:
        X64 = samples.X
        held.X = &X64[0, 0]
    held.missing, held.norms, held.n = &missing[0, 0], &norms[0], norms.shape[0]
    return 0


cdef int read_task(donors, receivers, rule, fml_imputation *task) except -1:
    cdef const int64_t[::1] ends = rule.ends, gap_ends = rule.gap_ends
    read_samples(donors, &task.donors)
    if receivers is not None:
        read_samples(receivers, &task.receivers)
    task.d, task.is_f32 = donors.X.shape[1], donors.X.dtype == np.float32
    task.ends, task.n_chains = &ends[0], ends.shape[0]
    task.gap_ends, task.n_gap_chains = &gap_ends[0], gap_ends.shape[0]
    task.k, task.weights, task.certain = rule.k, rule.weights, rule.certain
    return 0


cdef void fill_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_fill(task, i, worker())


cdef void measure_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_measure(task, i, worker())


cdef void give_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_give_chunk(task, i, worker())


def prepare(
    donors,                                  # in     Incomplete
    rule,                                    # in     Rule
    double[:, :, ::1] table,                 # out    (n_blocks, 3 n_features + 1, BLOCK)
    int n_threads,
):
    """Arrange the donors block by block for `give`.  O(n_donors * n_features)."""
    cdef fml_imputation task
    read_task(donors, None, rule, &task)
    task.table = &table[0, 0, 0]
    cdef Py_ssize_t n_blocks = table.shape[0]
    cdef double chunk_ns = FILL * FML_BLOCKS * BLOCK * (3 * <double> task.d + 1)
    with nogil:
        run_chunks(fill_chunk, &task, (n_blocks + FML_BLOCKS - 1) // FML_BLOCKS, chunk_ns, n_threads)


def give(
    donors,                                  # in     Incomplete
    table,                                   # in     (n_blocks, 3 n_features + 1, BLOCK) of `prepare`, or None
    receivers,                               # in     Incomplete
    entries,                                 # in     Entries of the receivers, at least one in each row
    rule,                                    # in     Rule
    gifts,                                   # out    Gifts
    int n_threads,
):
    """Fill missing entries from the k nearest donors that have one.  O(n_receivers * n_donors * n_features)."""
    cdef fml_imputation task
    cdef const int64_t[::1] starts = entries.starts, supply = entries.supply
    cdef const int32_t[::1] columns = entries.columns
    cdef double[::1] values = gifts.values
    cdef uint8_t[::1] states = gifts.states
    cdef double[:, :, ::1] blocks
    cdef int64_t[:, ::1] given
    cdef double[:, ::1] distances
    read_task(donors, receivers, rule, &task)
    task.starts, task.columns, task.supply = &starts[0], &columns[0], &supply[0]
    task.values, task.states, task.given, task.distances, task.table = &values[0], &states[0], NULL, NULL, NULL
    if gifts.donors is not None:
        given, distances = gifts.donors, gifts.distances
        task.given, task.distances = &given[0, 0], &distances[0, 0]
    if table is not None:
        blocks = table
        task.table = &blocks[0, 0, 0]
    cdef Py_ssize_t most = np.diff(entries.starts).max() * (task.k + 1)
    task.asked = max(1, min(min(FML_ASKED, task.receivers.n), FML_KEPT // most))
    if n_threads > 1:
        task.asked = max(min(6, task.asked), min(task.asked, task.receivers.n // (2 * n_threads)))
    task.room = task.asked * most
    cdef Py_ssize_t n_chunks = (task.receivers.n + task.asked - 1) // task.asked
    cdef double chunk_ns = (TILE if task.table != NULL else MEASURE) * task.asked * task.donors.n * <double> task.d
    n_threads = max(1, min(n_threads, n_chunks))
    task.scratch = <double *> malloc(sizeof(double) * task.asked * (3 * task.d + 1) * n_threads)
    task.lanes = <double *> malloc(sizeof(double) * 2 * task.d * FML_TOGETHER * n_threads)
    task.found = <fml_pair *> malloc(sizeof(fml_pair) * task.room * n_threads)
    try:
        if task.scratch == NULL or task.lanes == NULL or task.found == NULL:
            raise MemoryError(f"no memory for {task.room} donors on {n_threads} threads")
        with nogil:
            run_chunks(give_chunk, &task, n_chunks, chunk_ns, n_threads)
    finally:
        free(task.scratch)
        free(task.lanes)
        free(task.found)


def measure(
    donors,                                  # in     Incomplete
    receivers,                               # in     Incomplete
    rule,                                    # in     Rule
    double[:, ::1] distances,                # out    (n_receivers, n_donors)
    int n_threads,
):
    """Compute scikit-learn's distances, NaN where no entry is common.  O(n_receivers * n_donors * n_features)."""
    cdef fml_imputation task
    read_task(donors, receivers, rule, &task)
    task.distances = &distances[0, 0]
    cdef double chunk_ns = MEASURE * FML_MEASURED * task.donors.n * <double> task.d
    cdef Py_ssize_t n_chunks = (task.receivers.n + FML_MEASURED - 1) // FML_MEASURED
    n_threads = max(1, min(n_threads, n_chunks))
    task.lanes = <double *> malloc(sizeof(double) * 2 * task.d * FML_TOGETHER * n_threads)
    try:
        if task.lanes == NULL:
            raise MemoryError(f"no memory for {task.d} features on {n_threads} threads")
        with nogil:
            run_chunks(measure_chunk, &task, n_chunks, chunk_ns, n_threads)
    finally:
        free(task.lanes)
