"""Steps of greedy k-means++ (Arthur and Vassilvitskii 2007, SODA). Twin: plusplus_jit.py.

The distances are fused with what is done with them: none is written out but the smallest. Samples that the triangle
inequality rules out (Raff 2021, IJCAI) cost one comparison.
"""

import numpy as np

from libc.stdint cimport int32_t, int64_t, uint16_t
from libc.stdlib cimport free, malloc

from fastml._kernels.runtime.interrupt cimport run_chunks
from fastml._kernels.runtime.pool cimport body_t, worker

from fastml._kernels._arrays import Csr

MAX_TRIALS = FML_TRIALS


cdef extern from "plusplus.h" nogil:
    int FML_TRIALS, FML_SUM_ROWS, FML_SEED_ROWS, FML_WIDE

    ctypedef struct fml_seed:
        const void *X
        const int32_t *indices
        const int32_t *indptr
        const double *x_norms
        const double *weights
        const double *candidates
        const double *c_norms
        const double *reach
        const float *sketch
        const float *c_sketch
        double *closest
        int32_t *owner
        uint16_t *nearer
        double *block_sums
        int64_t *opened
        double *gains
        float *rounded
        const float *closest_rounded
        double *scratch
        Py_ssize_t n, d, scratch_size
        int sketch_width, n_trials, is_f32, chosen, take
    void fml_seed_evaluate(void *task, Py_ssize_t chunk, int worker)
    void fml_seed_commit(void *task, Py_ssize_t chunk, int worker)
    void fml_seed_draw_sketch(void *task, Py_ssize_t chunk, int worker)
    void fml_seed_round(void *task, Py_ssize_t chunk, int worker)
    double fast_squared_distance_f64(const double *x, const double *c, Py_ssize_t d)
    int fml_seed_find(
        const double *closest, const double *weights, const double *block_sums, Py_ssize_t n, const double *targets,
        int n_targets, double doubt, int64_t *found)


cdef void evaluate_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_seed_evaluate(task, i, worker())


cdef void commit_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_seed_commit(task, i, worker())


cdef void round_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_seed_round(task, i, worker())


cdef void sketch_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_seed_draw_sketch(task, i, worker())


cdef Py_ssize_t chunks_of(Py_ssize_t n) noexcept:
    return (n + FML_SEED_ROWS - 1) // FML_SEED_ROWS


cdef int set_samples(fml_seed *task, X, norms) except -1:
    """Fill in the samples; the memory stays the caller's."""
    cdef const int32_t[::1] indices, indptr
    cdef const double[::1] x_norms = norms, data64
    cdef const float[::1] data32
    task.x_norms, task.n = &x_norms[0], x_norms.shape[0]
    task.reach, task.sketch, task.closest_rounded = NULL, NULL, NULL
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


def reach_of(
    const double[:, ::1] candidates,         # in     (n_trials, n_features)
    const double[:, ::1] centers,            # in     (n_chosen, n_features)
    double noise,                            # in     rounding that a squared distance may carry
):
    """Squared distance from each centre up to which a sample cannot be nearer to any candidate.

    A quarter of the nearest candidate's.

    O(n_trials * n_chosen * n_features).
    """
    out = np.empty(centers.shape[0])
    cdef double[::1] reach = out
    cdef Py_ssize_t a, c, d = centers.shape[1]
    cdef double square, least
    with nogil:
        for a in range(centers.shape[0]):
            least = 1e300
            for c in range(candidates.shape[0]):
                square = fast_squared_distance_f64(&candidates[c, 0], &centers[a, 0], d)
                least = min(least, 0.25 * square * (1 - 1e-9) - noise)
            reach[a] = least
    return out


def draw_sketch(
    X,                                       # in     (n_samples, n_features)  C order, float32 or float64
    norms,                                   # in     (n_samples,)   squared norms
    basis,                                   # in     (m, n_features)  float64, orthonormal rows, m < MAX_TRIALS
    int n_threads,
):
    """Coordinates of the samples along the basis and the norm of the rest, float32, m + 1 a sample.

    By tiles, whose width is the instruction set level's own affair: (n_chunks, m + 1, 2048) is the size only.

    Distances of sketches bound those of samples from below. O(n_samples * n_features * m).
    """
    cdef fml_seed task
    set_samples(&task, X, norms)
    task.sketch_width = len(basis) + 1
    out = np.zeros((chunks_of(task.n), task.sketch_width, FML_SEED_ROWS), np.float32)
    cdef float[:, :, ::1] sketch = out
    task.sketch = &sketch[0, 0, 0]
    run(&task, sketch_chunk, basis, np.empty(len(basis)), n_threads)
    return out


cdef int set_sketch(fml_seed *task, sketch, c_sketch) except -1:
    """Fill in the sketches; the memory stays the caller's."""
    cdef const float[:, :, ::1] samples = sketch
    cdef const float[:, ::1] candidates = c_sketch
    task.sketch, task.c_sketch, task.sketch_width = &samples[0, 0, 0], &candidates[0, 0], samples.shape[1]
    return 0


def evaluate(
    X,                                       # in     (n_samples, n_features) or Csr, float32 or float64
    norms,                                   # in     (n_samples,)   squared norms, float64
    const double[::1] weights,               # in     (n_samples,)   or None: all 1
    candidates,                              # in     (n_trials, n_features)  float64
    c_norms,                                 # in     (n_trials,)    squared norms
    bounds,                                  # in     (reach or None, sketch or None, that of the candidates)
    seeding,                                 # inout  Seeding: nearer is written
    int n_threads,
):
    """List of what each candidate would take off the potential, and for how many samples the distances were computed.

    O(n_samples * n_trials * n_features) at most; a sample that the bounds settle costs O(n_trials).
    """
    cdef fml_seed task
    set_samples(&task, X, norms)
    cdef double[::1] closest = seeding.closest
    cdef int32_t[::1] owner = seeding.owner
    cdef uint16_t[::1] nearer = seeding.nearer
    cdef const double[::1] reach = bounds[0]
    cdef Py_ssize_t n_chunks = chunks_of(task.n), chunk
    cdef int64_t n_opened = 0
    gains = [0.0] * len(candidates)
    task.weights = &weights[0] if weights is not None else NULL
    task.reach = &reach[0] if reach is not None else NULL
    if bounds[1] is not None:
        set_sketch(&task, bounds[1], bounds[2])
    task.closest, task.owner, task.nearer = &closest[0], &owner[0], &nearer[0]
    cdef double *gained = <double *> malloc(n_chunks * (FML_TRIALS * sizeof(double) + sizeof(int64_t)))
    if gained == NULL:
        raise MemoryError(f"no memory for the gains of {n_chunks} chunks")
    task.gains, task.opened = gained, <int64_t *> (gained + n_chunks * FML_TRIALS)
    try:
        run(&task, evaluate_chunk, candidates, c_norms, n_threads)
        for chunk in range(n_chunks):
            n_opened += task.opened[chunk]
            for c in range(len(gains)):
                gains[c] += gained[chunk * FML_TRIALS + c]
    finally:
        free(gained)
    return gains, n_opened


def commit(
    X,                                       # in     (n_samples, n_features) or Csr
    norms,                                   # in     (n_samples,)
    const double[::1] weights,               # in     (n_samples,)   or None
    center,                                  # in     (1, n_features)  float64
    c_norm,                                  # in     (1,)
    int chosen,                              # in     how many centres there are already
    int take,                                # in     which of the candidates last evaluated this is
    seeding,                                 # inout  Seeding
    int n_threads,
):
    """Make a candidate a centre. O(n_samples + n_features * samples that it is nearer to)."""
    cdef fml_seed task
    set_samples(&task, X, norms)
    cdef double[::1] closest = seeding.closest, block_sums = seeding.block_sums
    cdef int32_t[::1] owner = seeding.owner
    cdef uint16_t[::1] nearer = seeding.nearer
    task.weights = &weights[0] if weights is not None else NULL
    task.closest, task.owner, task.nearer, task.block_sums = &closest[0], &owner[0], &nearer[0], &block_sums[0]
    task.chosen, task.take = chosen, take
    run(&task, commit_chunk, center, c_norm, n_threads)


def rounded_distances(
    X,                                       # in     (n_samples, n_features) or Csr, float32
    norms,                                   # in     (n_samples,)
    candidates,                              # in     (n_trials, n_features)  float64
    c_norms,                                 # in     (n_trials,)
    bounds,                                  # in     (None, sketch or None, sketch of the candidates)
    const float[::1] closest,                # in     (n_samples,)   or None
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
    if bounds[1] is not None:
        set_sketch(&task, bounds[1], bounds[2])
    run(&task, round_chunk, candidates, c_norms, n_threads)
    return np.sum(opened)
