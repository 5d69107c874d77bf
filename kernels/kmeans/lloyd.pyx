"""Steps of Lloyd's iteration on dense data. Twins: lloyd_jit.py (plain), lloyd_cuda.py (GPU), lloyd_csr.pyx (CSR).

The assignment is a register tile whose dot products are scikit-learn's own chains of operations (runtime/tile_impl.h),
so its labels are scikit-learn's, ties included. For float64 a screen in float32 with a bound on its rounding
(screen.h) leaves only close calls to that tile. Where the CPU has no fused multiply-add, or scikit-learn's GEMM adds up
otherwise (gemm.py), the close calls are decided again with the C library's `fma`. The bounds of Hamerly (2010) skip
samples only where no rounding could matter. Sums run in the order of the samples, whoever adds them up.
"""

import numpy as np

from cython cimport floating
from libc.math cimport sqrt
from libc.stdint cimport int32_t
from libc.stdlib cimport free, malloc

from fastml._kernels.kmeans.lloyd cimport (
    FML_BLOCK_ROWS, FML_CHUNK_ROWS, FML_TILE_BYTES, fml_assign, fml_assign_chunk, fml_distances_chunk, fml_gaps,
    fml_few, fml_gaps_block, fml_gaps_blocks, fml_narrow_centers, fml_sums, fml_sums_part,
)
from fastml._kernels.runtime.interrupt cimport run_chunks
from fastml._kernels.runtime.pool cimport worker

from fastml._kernels.kmeans.gemm import chain_ends, side_chains, small_from
# for the driver
from fastml._kernels.kmeans.rows import row, squared_distances, to_device, to_host  # no-cython-lint

BOUNDED = True                       # assign and follow keep Bounds
FUSED = True                         # there is assign_and_add_up
FUSED_BYTES = 1 << 18                # of a chunk that is added up, too
SCREENED_ROWS = 512                  # samples from which float copies of the centres pay
SCREENED_PRODUCTS = 128              # multiply-adds a sample from which the screen does: 1.3x at 256, 0.8x at 64
DISTANCE_ROWS = 1024                 # samples of a chunk of distances


cdef void assign_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_assign_chunk(task, i, worker())


cdef void gaps_block(void *task, Py_ssize_t i) noexcept nogil:
    fml_gaps_block(task, i, worker())


cdef void *scratch(Py_ssize_t d, int n_threads, Py_ssize_t *size) except NULL:
    size[0] = 2 * d * FML_TILE_BYTES + 64      # samples, and their own centres
    cdef void *room = malloc(size[0] * n_threads)
    if room == NULL:
        raise MemoryError(f"no memory for {n_threads} tiles of {size[0]} bytes")
    return room


cdef set_screen(fml_assign *task):
    """Fill in the float copies of the centres; returns what owns their memory."""
    cdef Py_ssize_t d = task.d, k = task.k, n_movers = task.n_movers, f
    cdef double[::1] origin = np.empty(d)
    cdef float[::1] room = np.empty((k + n_movers) * (d + 1), np.float32)
    cdef float *narrow = &room[0]
    cdef float *norms = narrow + k * d
    task.narrow_norm_max = fml_narrow_centers(<const double *> task.centers, k, d, True, &origin[0], narrow, norms)
    task.narrow_centers, task.narrow_norms = narrow, norms
    task.narrow_movers, task.narrow_mover_norms = norms + k, norms + k + n_movers * d
    if n_movers:
        fml_narrow_centers(
            <const double *> task.mover_centers, n_movers, d, False, &origin[0], norms + k, norms + k + n_movers * d)
    task.origin = &origin[0]
    task.origin_norm = 0
    for f in range(d):
        task.origin_norm += origin[f] * origin[f]
    task.origin_norm = sqrt(task.origin_norm) * (1 + 1e-6)
    return origin, room


cdef double largest_norm(const floating[::1] c_norms) noexcept nogil:
    cdef double largest = 0
    cdef Py_ssize_t j
    for j in range(c_norms.shape[0]):
        largest = max(largest, <double> c_norms[j])
    return sqrt(largest) * (1 + 1e-6)


def assign(
    const floating[:, ::1] X,                # in     (n_samples, n_features)
    const floating[:, ::1] centers,          # in     (n_clusters, n_features)
    const floating[::1] c_norms,             # in     (n_clusters,)  squared norms, rounded as scikit-learn's row_norms
    int32_t[::1] labels,                         # inout  (n_samples,)   present labels, -1: none
    unsigned char[::1] touched,              # inout  (n_clusters,)  set to 1 where members changed; or None
    bounds,                                  # inout  Bounds or None
    elkan,                                   # inout  Elkan: scikit-learn's other rule for close calls; None: Lloyd's
    int n_threads,
):
    """Nearest centre of every sample: the smallest  c_norm - 2 x.c,  ties to the lowest index.

    Returns how many labels changed and for how many samples all distances were computed.
    O(n_samples * n_clusters * n_features) without bounds; what the bounds settle costs O(1), or O(n_features).
    """
    return label(X, centers, c_norms, labels, touched, bounds, elkan, n_threads, NULL)


def assign_and_add_up(
    const floating[:, ::1] X,                # in     (n_samples, n_features)
    const floating[::1] weights,             # in     (n_samples,)   or None: all 1
    const floating[:, ::1] centers,          # in     (n_clusters, n_features)
    const floating[::1] c_norms,             # in     (n_clusters,)
    int32_t[::1] labels,                     # inout  (n_samples,)
    bounds,                                  # inout  Bounds or None
    elkan,                                   # inout  Elkan or None
    floating[:, ::1] sums,                   # out    (n_clusters, n_features)  of all clusters
    floating[::1] totals,                    # out    (n_clusters,)
    int n_threads,
):
    """What assign and then add_up of all clusters do, with one look at each sample."""
    cdef fml_sums task
    cdef unsigned char[::1] nothing = None   # all clusters are added up, whoever was touched
    task.X, task.labels, task.sums, task.totals = &X[0, 0], &labels[0], &sums[0, 0], &totals[0]
    task.weights, task.touched = &weights[0] if weights is not None else NULL, NULL
    task.n, task.d, task.k = X.shape[0], X.shape[1], sums.shape[0]
    sums[:], totals[:] = 0, 0
    return label(X, centers, c_norms, labels, nothing, bounds, elkan, n_threads, &task)


cdef label(
    const floating[:, ::1] X, const floating[:, ::1] centers, const floating[::1] c_norms, int32_t[::1] labels,
    unsigned char[::1] touched, bounds, elkan, int n_threads, const fml_sums *sums,
):
    """Do what assign does; with `sums` every chunk is added up as soon as it has its labels."""
    cdef fml_assign task
    cdef float[::1] upper, lower, block_norms, moved, others_moved, nearest_other
    cdef int32_t[::1] movers, mover_at, ends
    cdef floating[:, ::1] mover_centers
    cdef floating[::1] mover_norms
    cdef unsigned char[::1] done, unsure
    cdef const floating[:, ::1] halves
    cdef const unsigned char[:, ::1] kinds, chains
    task.n, task.d, task.k = X.shape[0], X.shape[1], centers.shape[0]
    if task.n == 0:
        return 0, 0
    task.X, task.centers, task.c_norms, task.labels = &X[0, 0], &centers[0, 0], &c_norms[0], &labels[0]
    task.is_f32, task.elkan, task.known = floating is float, elkan is not None, False
    task.touched = &touched[0] if touched is not None else NULL
    task.upper = task.lower = task.block_norms = NULL
    task.n_movers, task.sums = 0, sums
    if bounds is not None:
        upper, lower, block_norms, moved, others_moved, nearest_other, movers, task.quiet_moved, task.known = bounds
        task.upper, task.lower, task.block_norms = &upper[0], &lower[0], &block_norms[0]
        task.moved, task.others_moved, task.nearest_other = &moved[0], &others_moved[0], &nearest_other[0]
        task.n_movers = movers.shape[0]
        if task.n_movers:
            mover_centers, mover_norms = np.asarray(centers)[movers], np.asarray(c_norms)[movers]
            places = np.full(task.k, -1, np.int32)
            places[movers] = np.arange(task.n_movers)
            mover_at = places
            task.movers, task.mover_at = &movers[0], &mover_at[0]
            task.mover_centers, task.mover_norms = &mover_centers[0, 0], &mover_norms[0]
    task.halves, task.unsure = NULL, NULL
    if elkan is not None:
        halves, unsure = elkan
        task.halves, task.unsure = &halves[0, 0] if halves.shape[0] else NULL, &unsure[0]
    task.narrow_centers = NULL
    if floating is double and task.n >= SCREENED_ROWS and task.d * task.k >= SCREENED_PRODUCTS and not fml_few(&task):
        _floats = set_screen(&task)             # owns what the task points to
    task.small_from = small_from(task.n, task.d, task.k)
    task.kinds = task.side_chains = NULL
    side = side_chains(task.n, task.d, task.k, sizeof(floating))
    if side is not None:
        kinds, chains = side
        task.kinds, task.side_chains = &kinds[0, 0], &chains[0, 0]
    ends = np.array(chain_ends(task.d, sizeof(floating)), np.int32)
    task.chain_ends, task.n_chains = &ends[0], ends.shape[0]
    task.c_norm_max = largest_norm(c_norms)
    task.n_changed = task.n_evaluated = 0
    cdef double row_ns = 5 + 0.04 * <double> task.d * task.k
    task.chunk_rows = FML_BLOCK_ROWS
    # chunks that are added up, too, had better be in a cache still
    cdef double most = FUSED_BYTES / (sizeof(floating) * <double> task.d) if sums != NULL else FML_CHUNK_ROWS
    while task.chunk_rows < FML_CHUNK_ROWS and 2 * task.chunk_rows <= most and task.chunk_rows * 16 < task.n:
        task.chunk_rows *= 2
    cdef Py_ssize_t n_chunks = (task.n + task.chunk_rows - 1) // task.chunk_rows
    task.n_chunks, task.next, task.adding = n_chunks, 0, 0
    if sums != NULL:
        done = np.zeros(n_chunks, np.uint8)
        task.done = &done[0]
    n_threads = min(n_threads, n_chunks)
    task.scratch = scratch(task.d, n_threads, &task.scratch_size)
    try:
        with nogil:
            run_chunks(assign_chunk, &task, n_chunks, row_ns * task.chunk_rows, n_threads)
    finally:
        free(task.scratch)
    return task.n_changed, task.n_evaluated


def add_up(
    const floating[:, ::1] X,                # in     (n_samples, n_features)
    const floating[::1] weights,             # in     (n_samples,)   or None: all 1
    const int32_t[::1] labels,                   # in     (n_samples,)
    const unsigned char[::1] touched,        # in     (n_clusters,)  clusters to add up; or None: all
    floating[:, ::1] sums,                   # inout  (n_clusters, n_features)
    floating[::1] totals,                    # inout  (n_clusters,)  sums of weights
    int n_threads,
):
    """Weighted sums of the samples of each cluster, each in the order of the samples. O(n_samples * n_features)."""
    cdef fml_sums task
    task.n, task.d, task.k = X.shape[0], X.shape[1], sums.shape[0]
    task.X, task.labels, task.sums, task.totals = &X[0, 0], &labels[0], &sums[0, 0], &totals[0]
    task.weights = &weights[0] if weights is not None else NULL
    task.touched = &touched[0] if touched is not None else NULL
    task.is_f32 = floating is float
    # whole clusters where there are enough of them: each sample is then read by one thread; else its features are
    # divided
    task.k_parts = min(n_threads, task.k) if task.k >= 2 * n_threads or task.d < 8 * n_threads else 1
    task.f_parts = 1 if task.k_parts > 1 else min(n_threads, max(task.d // 8, 1))
    cdef Py_ssize_t parts = task.k_parts * task.f_parts
    with nogil:
        run_chunks(fml_sums_part, &task, parts, task.n * (5 + 0.5 * <double> task.d) / parts, n_threads)


def average(
    const floating[:, ::1] sums,             # in     (n_clusters, n_features)
    const floating[::1] totals,              # in     (n_clusters,)
    const floating[:, ::1] centers_old,      # in     (n_clusters, n_features)
    floating[:, ::1] centers,                # out    (n_clusters, n_features)
    floating[::1] shift,                     # out    (n_clusters,)  distance moved
):
    """Centres from sums; a cluster without weight goes to the centre of the heaviest one.

    O(n_clusters * n_features).
    """
    cdef Py_ssize_t k = sums.shape[0], d = sums.shape[1], j, f, heaviest = 0
    cdef floating scale
    with nogil:
        for j in range(k):
            if totals[j] > totals[heaviest]:
                heaviest = j
        # in ascending order and in place, as scikit-learn does it: a cluster before the heaviest one takes
        # that one's sum
        for j in range(k):
            scale = <floating> 1.0 / totals[j] if totals[j] > 0 else 0
            for f in range(d):
                if totals[j] > 0:
                    centers[j, f] = sums[j, f] * scale
                else:
                    centers[j, f] = centers[heaviest, f] if heaviest < j else sums[heaviest, f]
        for j in range(k):
            shift[j] = distance_moved(&centers[j, 0], &centers_old[j, 0], d)


cdef extern from "lloyd.h" nogil:
    double squared_distance_f64(const double *x, const double *c, Py_ssize_t d)
    float squared_distance_f32(const float *x, const float *c, Py_ssize_t d)
    float sqrtf(float x)


cdef floating distance_moved(const floating *new, const floating *old, Py_ssize_t d) noexcept nogil:
    if floating is double:
        return sqrt(squared_distance_f64(new, old, d))
    else:
        return sqrtf(squared_distance_f32(new, old, d))


def inertia(
    const floating[:, ::1] X,                # in     (n_samples, n_features)
    const floating[::1] weights,             # in     (n_samples,)   or None: all 1
    const floating[:, ::1] centers,          # in     (n_clusters, n_features)
    const int32_t[::1] labels,                   # in     (n_samples,)
    int n_threads,
):
    """Weighted sum of the squared distances to the own centre. O(n_samples * n_features).

    In the order of the samples and in their type, as scikit-learn adds up on one thread: which of several runs is the
    best may hang on its rounding.
    """
    cdef fml_sums task
    task.n, task.d, task.k, task.chunk_rows = X.shape[0], X.shape[1], centers.shape[0], DISTANCE_ROWS
    cdef Py_ssize_t n_chunks = (task.n + task.chunk_rows - 1) // task.chunk_rows, i
    cdef floating[::1] values = np.empty(task.n, np.float32 if floating is float else np.float64)
    cdef floating total = 0
    task.X, task.labels, task.centers, task.values = &X[0, 0], &labels[0], &centers[0, 0], &values[0]
    task.weights = &weights[0] if weights is not None else NULL
    task.is_f32 = floating is float
    with nogil:
        run_chunks(fml_distances_chunk, &task, n_chunks, task.chunk_rows * (3 + 0.5 * <double> task.d), n_threads)
        for i in range(task.n):
            total += values[i]
    return total


def follow(
    const floating[:, ::1] centers,          # in     (n_clusters, n_features)
    const floating[::1] c_norms,             # in     (n_clusters,)
    const floating[::1] shift,               # in     (n_clusters,)  distance moved
    bounds,                                  # inout  Bounds: moved, others_moved and nearest_other are written
    bint measure,                            # in     whether nearest_other is worth O(n_clusters^2 * n_features)
    int n_movers,                            # in     so many centres, at most, are listed as movers
    int n_threads,
):
    """Carry the movement of the centres into the bounds; returns them."""
    cdef float[::1] moved = bounds.moved, others_moved = bounds.others_moved, nearest_other = bounds.nearest_other
    cdef Py_ssize_t k = centers.shape[0], j, first = 0
    cdef double half_ulp = 6e-8 if floating is float else 2e-16
    cdef float far = 0, next_far = 0, outwards = 1 + 2e-6 + 2 * (centers.shape[1] + 4) * half_ulp
    for j in range(k):
        moved[j] = <float> shift[j] * outwards
        if moved[j] > far:
            next_far, far, first = far, moved[j], j
        elif moved[j] > next_far:
            next_far = moved[j]
    for j in range(k):
        others_moved[j] = next_far if j == first else far
    quiet = float("inf")
    movers = bounds.movers[:0]
    if n_movers:
        order = np.argsort(bounds.moved)
        quiet = bounds.moved[order[k - n_movers - 1]]
        movers = np.sort(order[k - n_movers:][bounds.moved[order[k - n_movers:]] > quiet]).astype(np.int32)
    bounds = bounds._replace(movers=movers, quiet_moved=quiet, known=True)
    if not measure:
        return bounds
    cdef fml_gaps task
    task.centers, task.c_norms, task.nearest_other = &centers[0, 0], &c_norms[0], &nearest_other[0]
    task.d, task.k, task.is_f32 = centers.shape[1], k, floating is float
    task.c_norm_max = largest_norm(c_norms)
    cdef Py_ssize_t n_blocks = fml_gaps_blocks(&task)
    n_threads = min(n_threads, n_blocks)
    task.scratch = scratch(task.d, n_threads, &task.scratch_size)
    try:
        with nogil:
            run_chunks(gaps_block, &task, n_blocks, 1 + <double> task.d * k, n_threads)
    finally:
        free(task.scratch)
    return bounds
