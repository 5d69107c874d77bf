"""Searches by a metric of the user's, called by pointer: distances, the nearest samples, and those in a ball tree.

Twin: callable_jit.py. The arguments are described in metric.py, the way there in callable.h.
"""

cimport numpy as cnp
from libc.stdint cimport int64_t, uint8_t
from libc.stdlib cimport free, malloc

from fastml._kernels.runtime.interrupt cimport run_chunks
from fastml._kernels.runtime.pool cimport worker


cnp.import_array()


cdef extern from "callable.h" nogil:
    ctypedef void (*fml_metric)(const void *, const void *, Py_ssize_t, Py_ssize_t, const int64_t *, double *)

    ctypedef struct fml_pair:
        pass

    ctypedef struct fml_callable:
        fml_metric metric
        const int64_t *slots
        const char *Q
        const char *X
        Py_ssize_t n_queries, n, d, q_bytes, x_bytes
        double doubt, least
        int narrow
        uint8_t *open

    ctypedef struct fml_ball:
        const double *centroids
        const double *radii
        const int64_t *starts
        const int64_t *ends
        const uint8_t *leaf
        const int64_t *order
    void fml_distances_of(const fml_callable *t, Py_ssize_t query, double *out)
    void fml_nearest_of(const fml_callable *t, Py_ssize_t query, Py_ssize_t k, Py_ssize_t most, fml_pair *heap,
                        double *distances, int64_t *indices)
    void fml_ball_nearest_of(const fml_callable *t, const fml_ball *b, Py_ssize_t query, Py_ssize_t k, double *far,
                             int64_t *index)
    int64_t fml_ball_within(const fml_callable *t, const fml_ball *b, Py_ssize_t query, Py_ssize_t node, double radius,
                            int64_t count, int64_t *indices, double *distances)


ctypedef struct Task:
    fml_callable c
    fml_ball b
    Py_ssize_t k, most
    fml_pair *heap
    double *distances
    int64_t *indices
    int64_t *counts
    const int64_t *indptr
    const double *radii


# Nanoseconds, roughly, of a distance: what is right for a short function; what a slice takes corrects it.
cdef double CALL = 50


cdef int read_metric(metric, cnp.ndarray Q, cnp.ndarray X, uint8_t[::1] open, Task *task) except -1:
    """Take the addresses of what all searches share."""
    cdef const int64_t[::1] slots = metric.slots
    cdef fml_callable *c = &task.c
    c.metric, c.slots = <fml_metric> <size_t> metric.address, &slots[0]
    c.Q, c.X = <char *> cnp.PyArray_DATA(Q), <char *> cnp.PyArray_DATA(X)
    c.n_queries, c.n, c.d = Q.shape[0], X.shape[0], X.shape[1]
    c.q_bytes, c.x_bytes = Q.shape[1] * cnp.PyArray_ITEMSIZE(Q), X.shape[1] * cnp.PyArray_ITEMSIZE(X)
    c.doubt, c.least, c.narrow = metric.doubt, metric.least, metric.narrow
    c.open = &open[0]
    return 0


cdef int read_ball(ball, Task *task) except -1:
    """Take the addresses of a ball tree."""
    cdef const double[:, ::1] centroids = ball.centroids
    cdef const double[::1] radii = ball.radii
    cdef const int64_t[::1] starts = ball.starts, ends = ball.ends, order = ball.order
    cdef const uint8_t[::1] leaf = ball.leaf
    task.b.centroids, task.b.radii, task.b.leaf = &centroids[0, 0], &radii[0], &leaf[0]
    task.b.starts, task.b.ends, task.b.order = &starts[0], &ends[0], &order[0]
    return 0


cdef void distances_chunk(void *data, Py_ssize_t i) noexcept nogil:
    cdef Task *t = <Task *> data
    fml_distances_of(&t.c, i, t.distances + i * t.c.n)


cdef void nearest_chunk(void *data, Py_ssize_t i) noexcept nogil:
    cdef Task *t = <Task *> data
    fml_nearest_of(&t.c, i, t.k, t.most, t.heap + worker() * t.most,
                   t.distances + i * t.k if t.distances != NULL else NULL, t.indices + i * t.k)


cdef void ball_nearest_chunk(void *data, Py_ssize_t i) noexcept nogil:
    cdef Task *t = <Task *> data
    fml_ball_nearest_of(&t.c, &t.b, i, t.k, t.distances + i * t.k, t.indices + i * t.k)


cdef void ball_within_chunk(void *data, Py_ssize_t i) noexcept nogil:
    cdef Task *t = <Task *> data
    if t.counts != NULL:
        t.counts[i] = fml_ball_within(&t.c, &t.b, i, 0, t.radii[i], 0, NULL, NULL)
    else:
        fml_ball_within(&t.c, &t.b, i, 0, t.radii[i], 0, t.indices + t.indptr[i],
                        t.distances + t.indptr[i] if t.distances != NULL else NULL)


def distances(
    metric,                                  # in     Compiled
    Q,                                       # in     (n_queries, n_features)
    X,                                       # in     (n_samples, n_features)
    double[:, ::1] out,                      # out    (n_queries, n_samples)
    uint8_t[::1] open,                       # out    (n_queries,)  1: some are not finite; 0 in
    int n_threads,
):
    """Compute all distances.  O(n_queries * n_samples) calls."""
    cdef Task task
    read_metric(metric, Q, X, open, &task)
    task.distances = &out[0, 0]
    with nogil:
        run_chunks(distances_chunk, &task, task.c.n_queries, CALL * task.c.n, n_threads)


def nearest(
    metric,                                  # in     Compiled
    Q,                                       # in     (n_queries, n_features)
    X,                                       # in     (n_samples, n_features)
    distances,                               # out    (n_queries, k)  float64, or None
    int64_t[:, ::1] indices,                 # out    (n_queries, k)
    uint8_t[::1] open,                       # out    (n_queries,)  1: the answer is not settled; 0 in
    int n_threads,
):
    """Find the k nearest samples of each query, nearest first.  O(n_queries * n_samples) calls."""
    cdef Task task
    cdef double[:, ::1] out
    read_metric(metric, Q, X, open, &task)
    task.k, task.most = indices.shape[1], min(indices.shape[1] + 1, task.c.n)
    task.indices, task.distances = &indices[0, 0], NULL
    if distances is not None:
        out = distances
        task.distances = &out[0, 0]
    n_threads = max(1, min(n_threads, task.c.n_queries))
    task.heap = <fml_pair *> malloc(sizeof(fml_pair) * task.most * n_threads)
    try:
        if task.heap == NULL:
            raise MemoryError(f"no memory for {n_threads} times {task.most} neighbours")
        with nogil:
            run_chunks(nearest_chunk, &task, task.c.n_queries, CALL * task.c.n, n_threads)
    finally:
        free(task.heap)


def ball_nearest(
    metric,                                  # in     Compiled
    ball,                                    # in     Ball
    Q,                                       # in     (n_queries, n_features)  float64
    double[:, ::1] far,                      # out    (n_queries, k)   heaps, the farthest first
    int64_t[:, ::1] indices,                 # out    (n_queries, k)
    uint8_t[::1] open,                       # out    (n_queries,)  1: the answer is not settled; 0 in
    int n_threads,
):
    """Find the k nearest samples of each query, as scikit-learn's ball tree does, unsorted."""
    cdef Task task
    read_metric(metric, Q, ball.X, open, &task)
    read_ball(ball, &task)
    task.k, task.distances, task.indices = indices.shape[1], &far[0, 0], &indices[0, 0]
    with nogil:
        run_chunks(ball_nearest_chunk, &task, task.c.n_queries, CALL * task.c.n, n_threads)


def ball_within(
    metric,                                  # in     Compiled
    ball,                                    # in     Ball
    Q,                                       # in     (n_queries, n_features)  float64
    const double[::1] radii,                 # in     (n_queries,)
    counts,                                  # out    (n_queries,)      int64, in the first pass; None in the second
    const int64_t[::1] indptr,               # in     (n_queries + 1,)  in the second pass: where a row begins
    indices,                                 # out    (n_found,)        int64, in the second pass
    distances,                               # out    (n_found,)        float64, in the second pass, or None
    uint8_t[::1] open,                       # out    (n_queries,)  1: the answer is not settled; 0 in
    int n_threads,
):
    """Count, or write down, the samples within a radius of each query, as scikit-learn's ball tree does."""
    cdef Task task
    cdef int64_t[::1] numbers
    cdef double[::1] lengths
    read_metric(metric, Q, ball.X, open, &task)
    read_ball(ball, &task)
    task.radii, task.indptr = &radii[0], &indptr[0]
    task.counts = task.indices = NULL
    task.distances = NULL
    numbers = indices if counts is None else counts
    if counts is None:
        if not numbers.shape[0]:
            return
        task.indices = &numbers[0]
        if distances is not None:
            lengths = distances
            task.distances = &lengths[0]
    else:
        task.counts = &numbers[0]
    with nogil:
        run_chunks(ball_within_chunk, &task, task.c.n_queries, CALL * task.c.n, n_threads)
