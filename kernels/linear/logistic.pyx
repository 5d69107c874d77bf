"""Logistic loss of a linear model, its gradient, its Hessian: one pass over the samples. Twin: logistic_jit.py."""

from cython cimport floating
from libc.stdint cimport int32_t
from libc.string cimport memset

import numpy as np

from fastml._kernels._arrays import Csr
from fastml._kernels.linear.blocks import chunks_of, padded
from fastml._kernels.runtime.interrupt cimport run_chunks
from fastml._kernels.runtime.pool cimport worker


cdef extern from "logistic.h" nogil:
    int FML_LOSS_SUM, FML_FLAT_SUM, FML_HESSIAN_SUM, FML_GRADIENT_SUM, FML_N_SUMS, FML_PANEL

    ctypedef struct fml_logistic:
        const void *X
        const int32_t *indices
        const int32_t *indptr
        const void *y
        const void *weights
        const void *raw
        int is_f32, is_hessian
        Py_ssize_t n, d, k, width
        const double *w
        const double *bias
        Py_ssize_t block, chunk
        double *scratch
        Py_ssize_t scratch_size
        double *sums
        Py_ssize_t sums_size
    void fml_logistic_chunk(const void *task, Py_ssize_t c, int worker)

# Nanoseconds of a loss, and of an entry times an output.
cdef double LOSS_NS = 5, ENTRY_NS = 0.15


cdef void add_chunk(void *task, Py_ssize_t c) noexcept nogil:
    fml_logistic_chunk(task, c, worker())


cdef sums_of(
    X, const floating[::1] y, const floating[::1] weights, raw, coef, bint fit_intercept, bint is_hessian,
    int n_threads,
):
    """Return the sums over all samples, one row after another: (FML_N_SUMS + ...,)."""
    cdef fml_logistic s
    cdef const floating[:, ::1] dense
    cdef const floating[::1] data, flat_raw
    cdef const int32_t[::1] indices, indptr
    cdef double[:, ::1] scratch, sums
    cdef const double[::1] w, bias
    cdef Py_ssize_t n_entries, n_chunks
    cdef double chunk_ns
    memset(&s, 0, sizeof(s))
    s.is_f32, s.is_hessian, s.n, s.k = floating is float, is_hessian, y.shape[0], coef.shape[1]
    s.d = coef.shape[0] - fit_intercept
    if isinstance(X, Csr):
        data, indices, indptr = X.data, X.indices, X.indptr
        s.X, s.indices, s.indptr = &data[0], &indices[0], &indptr[0]
        n_entries = data.shape[0]
    else:
        dense = X
        s.X, n_entries = &dense[0, 0], s.n * s.d
    s.y = &y[0]
    if weights is not None:
        s.weights = &weights[0]
    if raw is not None:
        flat_raw = raw.reshape(-1)
        s.raw = &flat_raw[0]
    w, bias, s.width = padded(coef, s.d, fit_intercept)
    s.w, s.bias = &w[0], &bias[0]
    s.block, s.chunk, s.scratch_size, s.sums_size = chunks_of(
        s.n, s.d, s.k, s.width, n_entries, s.indptr != NULL, is_hessian, FML_N_SUMS, FML_PANEL
    )
    n_chunks = (s.n + s.chunk - 1) // s.chunk
    chunk_ns = (LOSS_NS * s.n * s.k + ENTRY_NS * n_entries * (s.d if is_hessian else 2 * s.k)) / n_chunks
    sums = found = np.zeros((n_chunks, s.sums_size))
    scratch = np.empty((min(n_chunks, n_threads), s.scratch_size))
    s.sums, s.scratch = &sums[0, 0], &scratch[0, 0]
    with nogil:
        run_chunks(add_chunk, &s, n_chunks, chunk_ns, n_threads)
    return found[0] if n_chunks == 1 else np.add.reduce(found, axis=0), s.width


def loss_gradient(
    X,                           # in     (n_samples, n_features)  T, or Csr with at least one entry
    const floating[::1] y,       # in     (n_samples,)  classes: 0, 1, ...
    const floating[::1] weights,  # in     (n_samples,)  None: all 1
    raw,                         # in     (n_samples, n_outputs)  T, predictions if they are known; or None
    coef,                        # in     (n_features [+ 1], n_outputs)  float64, intercepts last; 1 output: 2 classes
    bint fit_intercept,          # in     whether there are intercepts
    int n_threads,
):
    """Return the sum of the losses, and its gradient, like `coef`. The same bits for any number of threads."""
    sums, width = sums_of(X, y, weights, raw, coef, fit_intercept, False, n_threads)
    cdef Py_ssize_t k = coef.shape[1], d = coef.shape[0] - fit_intercept
    if k > 1:
        return sums[FML_LOSS_SUM], sums[FML_N_SUMS:].reshape(-1, width)[:len(coef), :k]
    gradient = np.empty((len(coef), 1))
    gradient[:d, 0] = sums[FML_N_SUMS:FML_N_SUMS + d]
    if fit_intercept:
        gradient[d] = sums[FML_GRADIENT_SUM]
    return sums[FML_LOSS_SUM], gradient


def gradient_hessian(
    X,                           # in     (n_samples, n_features)  T
    const floating[::1] y,       # in     (n_samples,)  classes: 0 or 1
    const floating[::1] weights,  # in     (n_samples,)  None: all 1
    raw,                         # in     (n_samples,)  T, predictions if they are known; or None
    coef,                        # in     (n_features [+ 1], 1)  float64, the intercept last
    bint fit_intercept,          # in     whether there is an intercept
    int n_threads,
):
    """Return the gradient (n_dof,) of the sum of the losses, its Hessian (n_dof, n_dof), the weight of losses without.

    The magnitudes of second derivatives count. The same bits for any number of threads.
    """
    sums, _ = sums_of(X, y, weights, raw, coef, fit_intercept, True, n_threads)
    cdef Py_ssize_t d = coef.shape[0] - fit_intercept
    both = sums[FML_N_SUMS:].reshape(d, -1)
    gradient, hessian = np.empty(len(coef)), np.empty((len(coef), len(coef)))
    gradient[:d] = both[:, d + 1]
    upper = np.triu(both[:, :d])
    hessian[:d, :d] = upper
    hessian[:d, :d] += np.triu(upper, 1).T
    if fit_intercept:
        gradient[d] = sums[FML_GRADIENT_SUM]
        hessian[d, :d] = hessian[:d, d] = both[:, d]
        hessian[d, d] = sums[FML_HESSIAN_SUM]
    return gradient, hessian, sums[FML_FLAT_SUM]
