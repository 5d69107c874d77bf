"""Steps of greedy k-means++ (Arthur and Vassilvitskii 2007, SODA). Twin: plusplus_jit.py.

The distances are fused with what is done with them: none is written out but the smallest. An estimate in float32 tells
nearly always which candidate is best, and which few samples are nearer to it: only theirs are computed in float64.
"""

import numpy as np

from libc.stdint cimport int32_t, int64_t, uint16_t
from libc.stdlib cimport free, malloc

from fastml._kernels.runtime.interrupt cimport run_chunks
from fastml._kernels.runtime.pool cimport body_t, worker

from fastml._kernels._arrays import Csr
from fastml._kernels.kmeans.seeding import Floats

MAX_TRIALS = FML_TRIALS


cdef extern from "plusplus.h" nogil:
    int FML_TRIALS, FML_SUM_ROWS, FML_SEED_ROWS, FML_WIDE, FML_NARROW

    ctypedef struct fml_seed:
        const void *X
        const int32_t *indices
        const int32_t *indptr
        const double *x_norms
        const double *weights
        const double *candidates
        const double *c_norms
        const float *tiles
        const float *narrow_norms
        const float *narrow_candidates
        const float *narrow_c_norms
        const double *origin
        double noise
        double *closest
        uint16_t *nearer
        double *block_sums
        int64_t *opened
        double *gains
        double *excess
        float *rounded
        const float *closest_rounded
        double *scratch
        Py_ssize_t n, d, scratch_size
        int n_trials, is_f32, bits
    void fml_seed_evaluate(void *task, Py_ssize_t chunk, int worker)
    void fml_seed_commit(void *task, Py_ssize_t chunk, int worker)
    void fml_seed_narrow(void *task, Py_ssize_t chunk, int worker)
    void fml_seed_estimate(void *task, Py_ssize_t chunk, int worker)
    void fml_seed_round(void *task, Py_ssize_t chunk, int worker)
    int fml_seed_find(
        const double *closest, const double *weights, const double *block_sums, Py_ssize_t n, const double *targets,
        int n_targets, double doubt, int64_t *found)


cdef void evaluate_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_seed_evaluate(task, i, worker())


cdef void commit_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_seed_commit(task, i, worker())


cdef void round_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_seed_round(task, i, worker())


cdef void narrow_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_seed_narrow(task, i, worker())


cdef void estimate_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_seed_estimate(task, i, worker())


cdef Py_ssize_t chunks_of(Py_ssize_t n) noexcept:
    return (n + FML_SEED_ROWS - 1) // FML_SEED_ROWS


cdef int set_samples(fml_seed *task, X, norms) except -1:
    """Fill in the samples and their norms; the memory stays the caller's."""
    cdef const double[::1] x_norms = norms
    task.x_norms, task.n = &x_norms[0], x_norms.shape[0]
    task.closest_rounded, task.opened, task.bits = NULL, NULL, 0
    return set_rows(task, X)


cdef int set_rows(fml_seed *task, X) except -1:
    cdef const int32_t[::1] indices, indptr
    cdef const double[::1] data64
    cdef const float[::1] data32
    task.indices = task.indptr = NULL
    values = X.data if isinstance(X, Csr) else X.reshape(-1)
    task.is_f32 = values.dtype == np.float32
    task.X = NULL
    if task.is_f32:
        data32 = values
        if data32.shape[0]:
            task.X = &data32[0]
    else:
        data64 = values
        if data64.shape[0]:
            task.X = &data64[0]
    if isinstance(X, Csr):
        indices, indptr = X.indices, X.indptr
        task.indices, task.indptr = &indices[0] if indices.shape[0] else NULL, &indptr[0]
    return 0


cdef int run(fml_seed *task, body_t body, candidates, c_norms, int n_threads) except -1:
    """Runs a pass over all samples for candidates (n_trials, d), float64."""
    cdef const double[:, ::1] rows = candidates
    cdef const double[::1] norms = c_norms
    cdef double[:, ::1] transposed
    cdef double row_ns
    task.n_trials, task.d, task.c_norms = rows.shape[0], rows.shape[1], &norms[0]
    if task.indptr != NULL:
        transposed = np.zeros((task.d, FML_TRIALS))
        np.asarray(transposed)[:, :task.n_trials] = candidates.T
        task.candidates, task.scratch_size = &transposed[0, 0], 8
        row_ns = 10 + 4.0 * task.indptr[task.n] / task.n
    else:
        task.candidates, task.scratch_size = &rows[0, 0], 2 * task.d * FML_WIDE + 8
        row_ns = 4 + 0.3 * task.d + 0.05 * task.d * task.n_trials
    cdef Py_ssize_t n_chunks = chunks_of(task.n)
    n_threads = min(n_threads, n_chunks)
    task.scratch = <double *> malloc(sizeof(double) * task.scratch_size * n_threads)
    if task.scratch == NULL:
        raise MemoryError(f"no memory for {n_threads} tiles of {task.scratch_size} numbers")
    try:
        run_chunks(body, task, n_chunks, row_ns * FML_SEED_ROWS, n_threads)
    finally:
        free(task.scratch)
    return 0


def find(
    const double[::1] closest,               # in     (n_samples,)
    const double[::1] weights,               # in     (n_samples,)   or None: all 1
    const double[::1] block_sums,            # in     (n_blocks,)
    const double[::1] targets,               # in     (n_trials,)
    double doubt,                            # in     rounding that a sum may carry
):
    """Samples at which the running sum of weight x closest reaches the targets.

    None where rounding decides it. O(n_samples / 256).
    """
    found = np.empty(targets.shape[0], np.int64)
    cdef int64_t[::1] numbers = found
    cdef const double *w = &weights[0] if weights is not None else NULL
    cdef int sure
    with nogil:
        sure = fml_seed_find(
            &closest[0], w, &block_sums[0], closest.shape[0], &targets[0], targets.shape[0], doubt, &numbers[0])
    return found if sure else None


def narrow(
    X,                                       # in     (n_samples, n_features)  C order, float32 or float64
    int n_threads,
):
    """Floats: the samples in float32, counted from amid them, by tiles whose width is the level's own affair.

    O(n_samples * n_features); 4 bytes an element.
    """
    cdef fml_seed task
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1]
    with np.errstate(all="ignore"):
        middle = np.mean(X[::max(n // 2048, 1)], axis=0, dtype=np.float64)
    tiles, norms = aligned(chunks_of(n) * FML_SEED_ROWS * d), np.empty(n, np.float32)
    cdef float[::1] values = tiles, squares = norms
    cdef const double[::1] origin = middle
    set_rows(&task, X)
    task.n, task.d, task.tiles, task.narrow_norms, task.origin = n, d, &values[0], &squares[0], &origin[0]
    run_chunks(narrow_chunk, &task, chunks_of(n), (2 + 0.5 * <double> d) * FML_SEED_ROWS, n_threads)
    return Floats(tiles, norms, middle)


cdef aligned(Py_ssize_t size):
    """Room for floats from the beginning of a cache line: a vector across two of them costs two loads."""
    room = np.empty(size + 16, np.float32)
    return room[-room.ctypes.data % 64 // 4:][:size]


def estimate(
    floats,                                  # in     Floats
    const double[::1] weights,               # in     (n_samples,)   or None: all 1
    const int64_t[::1] drawn,                # in     (n_trials,)    which samples the candidates are
    double noise,                            # in     rounding that an exact squared distance may carry
    const double[::1] closest,               # in     (n_samples,)   or None: see closest_rounded
    const float[::1] closest_rounded,        # in     (n_samples,)   in place of closest
    uint16_t[::1] nearer,                    # out    (n_samples,)   bit c: candidate c may be nearer than closest
    int n_threads,
):
    """List of what each candidate would take off the potential at most, and how much less any of them may take.

    O(n_samples * n_trials * n_features) in float32.
    """
    cdef fml_seed task
    cdef const float[::1] tiles = floats.tiles, norms = floats.norms
    cdef Py_ssize_t n = norms.shape[0], d = len(floats.origin), n_chunks = chunks_of(n), chunk, c, f, inside, at
    cdef float[:, ::1] candidates = np.empty((drawn.shape[0], d), np.float32)
    cdef float[::1] c_norms = np.empty(drawn.shape[0], np.float32)
    cdef double excess = 0
    task.n, task.d, task.n_trials, task.noise = n, d, drawn.shape[0], noise
    for c in range(task.n_trials):
        inside = drawn[c] % FML_SEED_ROWS
        at = (drawn[c] - inside + inside // FML_NARROW * FML_NARROW) * d + inside % FML_NARROW
        for f in range(d):
            candidates[c, f] = tiles[at + f * FML_NARROW]
        c_norms[c] = norms[drawn[c]]
    task.tiles, task.narrow_norms = &tiles[0], &norms[0]
    task.narrow_candidates, task.narrow_c_norms = &candidates[0, 0], &c_norms[0]
    task.closest = <double *> &closest[0] if closest is not None else NULL
    task.closest_rounded = &closest_rounded[0] if closest_rounded is not None else NULL
    task.weights = &weights[0] if weights is not None else NULL
    task.nearer = &nearer[0]
    gains = [0.0] * task.n_trials
    cdef double[::1] gained = np.empty(n_chunks * FML_TRIALS), too_much = np.empty(n_chunks)
    task.gains, task.excess = &gained[0], &too_much[0]
    cdef double row_ns = 2 + 0.04 * <double> d * task.n_trials
    run_chunks(estimate_chunk, &task, n_chunks, row_ns * FML_SEED_ROWS, n_threads)
    for chunk in range(n_chunks):
        excess += too_much[chunk]
        for c in range(task.n_trials):
            gains[c] += gained[chunk * FML_TRIALS + c]
    return gains, excess


def evaluate(
    X,                                       # in     (n_samples, n_features) or Csr, float32 or float64
    norms,                                   # in     (n_samples,)   squared norms, float64
    const double[::1] weights,               # in     (n_samples,)   or None: all 1
    candidates,                              # in     (n_trials, n_features)  float64
    c_norms,                                 # in     (n_trials,)    squared norms
    int bits,                                # in     candidates in question: of samples with none of these bits in
                                             #        `nearer` nothing is computed; 0: of all samples
    seeding,                                 # inout  Seeding: nearer is written
    int n_threads,
):
    """List of what each candidate in question would take off the potential, and for how many samples it was computed.

    O(samples * n_trials * n_features).
    """
    cdef fml_seed task
    set_samples(&task, X, norms)
    cdef double[::1] closest = seeding.closest
    cdef uint16_t[::1] nearer = seeding.nearer
    cdef Py_ssize_t n_chunks = chunks_of(task.n), chunk
    cdef int64_t n_opened = 0
    cdef double[::1] gained = np.empty(n_chunks * FML_TRIALS)
    cdef int64_t[::1] opened = np.empty(n_chunks, np.int64)
    gains = [0.0] * len(candidates)
    task.weights = &weights[0] if weights is not None else NULL
    task.closest, task.nearer, task.bits = &closest[0], &nearer[0], bits
    task.gains, task.opened = &gained[0], &opened[0]
    run(&task, evaluate_chunk, candidates, c_norms, n_threads)
    for chunk in range(n_chunks):
        n_opened += opened[chunk]
        for c in range(len(gains)):
            gains[c] += gained[chunk * FML_TRIALS + c]
    return gains, n_opened


def commit(
    X,                                       # in     (n_samples, n_features) or Csr
    norms,                                   # in     (n_samples,)
    const double[::1] weights,               # in     (n_samples,)   or None
    center,                                  # in     (1, n_features)  float64
    c_norm,                                  # in     (1,)
    int bits,                                # in     the centre's bit in `nearer`; 0: the first centre
    seeding,                                 # inout  Seeding
    int n_threads,
):
    """Make a candidate a centre. O(n_samples + n_features * samples that it may be nearer to)."""
    cdef fml_seed task
    set_samples(&task, X, norms)
    cdef double[::1] closest = seeding.closest, block_sums = seeding.block_sums
    cdef uint16_t[::1] nearer = seeding.nearer
    task.weights = &weights[0] if weights is not None else NULL
    task.closest, task.nearer, task.block_sums, task.bits = &closest[0], &nearer[0], &block_sums[0], bits
    run(&task, commit_chunk, center, c_norm, n_threads)


def rounded_distances(
    X,                                       # in     (n_samples, n_features) or Csr, float32
    norms,                                   # in     (n_samples,)
    candidates,                              # in     (n_trials, n_features)  float64
    c_norms,                                 # in     (n_trials,)
    const float[::1] closest,                # in     (n_samples,)   or None
    const uint16_t[::1] nearer,              # in     (n_samples,)   samples of no bit keep `closest`; or None
    float[:, ::1] out,                       # out    (n_trials, n_samples)  smaller of closest and the rounded distance
    int n_threads,
):
    """Squared distances of float32 samples to the candidates, no larger than before; for how many they were computed.

    O(n_samples * n_trials * n_features) at most.
    """
    cdef fml_seed task
    set_samples(&task, X, norms)
    cdef int64_t[::1] opened = np.zeros(chunks_of(task.n), np.int64)
    task.rounded, task.opened = &out[0, 0], &opened[0]
    task.closest_rounded = &closest[0] if closest is not None else NULL
    if nearer is not None:
        task.nearer, task.bits = <uint16_t *> &nearer[0], 0xffff
    run(&task, round_chunk, candidates, c_norms, n_threads)
    return np.sum(opened)
