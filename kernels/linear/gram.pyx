"""Products of the columns of samples with each other and with targets, in one pass. Twin: gram_jit.py."""

from cython cimport floating
from libc.stdlib cimport free, malloc
from libc.string cimport memset

import numpy as np

from fastml._kernels.linear.moments import n_chunks_of, together
from fastml._kernels.runtime.interrupt cimport run_chunks
from fastml._kernels.runtime.pool cimport worker


cdef extern from "gram.h" nogil:
    ctypedef struct fml_gram:
        const void *X
        Py_ssize_t n, p, row_step, column_step
        int is_f32, is_centred
        const double *y
        Py_ssize_t t
        const double *weights
        const double *shift
        Py_ssize_t n_chunks
        double *weight
        double *mean
        double *gram
        double *scratch
    Py_ssize_t fml_panels(Py_ssize_t n_columns)
    Py_ssize_t fml_gram_scratch(Py_ssize_t p, Py_ssize_t t)
    void fml_gram_chunk(fml_gram *task, Py_ssize_t chunk, int worker)

# Nanoseconds of eight products of a row.
cdef double PRODUCT_NS = 0.3
cdef int LANES = 8


cdef void run_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_gram_chunk(<fml_gram *> task, i, worker())


def products(
    const floating[:, :] X,                  # in     (n_samples, n_features)  in any order
    const double[:, ::1] y,                  # in     (n_samples, n_targets)
    const double[::1] weights,               # in     (n_samples,)  at least 0; None: all 1
    const double[::1] shift,                 # in     (n_features + n_targets,)  near the means; 0 if not centred
    bint is_centred,                         # in     whether the means are subtracted
    int n_threads,
):
    """Return the sum of the weights, the means less the shift (p + t,), and the weighted products (p, p + t).

    p features are multiplied with features and t targets; what lies below the diagonal is not filled in. Samples are
    float64 or float32, all sums float64. Where X or y hold NaN or infinity, so do the means or the diagonal. The
    results are the same bit for bit for any number of threads. O(n_samples * p * (p + t)); memory: O(p * (p + t))
    or an eighth of the samples.
    """
    cdef fml_gram task
    cdef Py_ssize_t n = X.shape[0], p = X.shape[1], t = y.shape[1], n_left = fml_panels(p), n_all = fml_panels(p + t)
    cdef double[::1] weight, near
    cdef double[:, ::1] mean
    cdef double[:, :, :, :, ::1] gram
    cdef double chunk_ns
    memset(&task, 0, sizeof(task))
    task.X = &X[0, 0]
    task.n, task.p, task.is_f32, task.is_centred = n, p, floating is float, is_centred
    task.row_step, task.column_step = X.strides[0] // sizeof(floating), X.strides[1] // sizeof(floating)
    task.y, task.t = &y[0, 0], t
    if weights is not None:
        task.weights = &weights[0]
    task.n_chunks = n_chunks_of(n, p + t)
    near = near_ = np.zeros(n_all * LANES)
    near_[:p + t] = shift
    weight = weight_ = np.zeros(task.n_chunks)
    mean = mean_ = np.zeros((task.n_chunks, n_all * LANES))
    gram = gram_ = np.zeros((task.n_chunks, n_left, n_all, LANES, LANES))
    task.shift, task.weight, task.mean, task.gram = &near[0], &weight[0], &mean[0, 0], &gram[0, 0, 0, 0, 0]
    chunk_ns = PRODUCT_NS * LANES * n_left * n_all / 2 * n / task.n_chunks
    n_threads = max(1, min(n_threads, task.n_chunks))
    task.scratch = <double *> malloc(sizeof(double) * fml_gram_scratch(p, t) * n_threads)
    if task.scratch == NULL:
        raise MemoryError()
    try:
        with nogil:
            run_chunks(run_chunk, &task, task.n_chunks, chunk_ns, n_threads)
    finally:
        free(task.scratch)
    tables = gram_.transpose(0, 1, 3, 2, 4).reshape(-1, n_left * LANES, n_all * LANES)
    return together(weight_, mean_[:, :p + t], tables[:, :p, :p + t], is_centred)
