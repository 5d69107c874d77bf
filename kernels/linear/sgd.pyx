"""Stochastic gradient descent on linear models (Bottou 2012), one or several at once. Twin: sgd_jit.py."""

from cython cimport floating
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

import numpy as np

from fastml._kernels._arrays import Csr
from fastml._kernels.linear.rows import L1, models_at_once, with_zeros
from fastml._kernels.runtime.finite import all_finite
from fastml._kernels.runtime.interrupt cimport FML_SLICE_NS, FML_WORTHWHILE_NS
from fastml._kernels.runtime.pool cimport parallel_for


cdef extern from "sgd.h" nogil:
    int FML_RUNNING, FML_WAITING, FML_OVERFLOW

    ctypedef struct fml_sgd:
        const void *X
        const int32_t *indices
        const int32_t *indptr
        const void *y
        const int32_t *codes
        const void *weights
        const uint8_t *held_out
        int is_watched
        Py_ssize_t n, d
        int is_f32, positive
        double negative
        int loss, penalty, schedule, fit_intercept, shuffle, one_class, is_scored, n_iter_no_change
        double bound, alpha, l1_ratio, eta0, power_t, tol, intercept_decay, average, weight_pos, weight_neg
        int64_t max_iter, fused
        uint32_t seed
        void *w
        void *mean_w
        double intercept, mean_intercept, t
        void *q
        int32_t *order
        int64_t epoch
        int state, is_doubtful

    ctypedef struct fml_sgd_slice:
        fml_sgd **models
        Py_ssize_t n_rows
    void fml_sgd_begin(fml_sgd *s)
    void fml_sgd_scored(fml_sgd *s, double score)
    void fml_sgd_end(fml_sgd *s)
    void fml_sgd_run_slice(void *task, Py_ssize_t i)

# Nanoseconds of a sample, and of one of its entries.
cdef double ROW_NS = 30, ENTRY_NS = 0.6


cdef int set_rows(fml_sgd *shared, X, const floating[:, ::1] coef) except -1:
    """Fill in the samples; the memory stays the caller's."""
    cdef const floating[:, ::1] dense
    cdef const floating[::1] data
    cdef const int32_t[::1] indices, indptr
    shared.is_f32, shared.d = floating is float, coef.shape[1]
    if isinstance(X, Csr):
        data, indices, indptr = X.data, X.indices, X.indptr
        shared.n, shared.X = indptr.shape[0] - 1, &data[0]
        shared.indices, shared.indptr = &indices[0], &indptr[0]
    else:
        dense = X
        shared.n, shared.X = dense.shape[0], &dense[0, 0]
    return 0


cdef int set_how(fml_sgd *shared, how) except -1:
    (
        shared.loss, shared.bound, shared.penalty, shared.alpha, shared.l1_ratio,
        shared.schedule, shared.eta0, shared.power_t, shared.tol, shared.n_iter_no_change, shared.max_iter,
        shared.fit_intercept, shared.shuffle, shared.one_class,
        shared.average, shared.negative, shared.intercept_decay, shared.t, shared.fused,
    ) = how
    return 0


cdef int refuse_doubtful(fml_sgd *models, Py_ssize_t n_models, X) except -1:
    """Look at the samples if a product with one was not finite; if they are, there is no more to watch."""
    cdef Py_ssize_t i
    cdef bint is_doubtful = False
    for i in range(n_models):
        is_doubtful |= models[i].is_doubtful
    if is_doubtful:
        if not all_finite(X):
            raise FloatingPointError("samples hold NaN or infinity")
        for i in range(n_models):
            models[i].is_doubtful = models[i].is_watched = 0
    return 0


cdef int run(fml_sgd *models, Py_ssize_t n_models, X, w, score, Py_ssize_t first, int n_threads) except -1:
    """Fit models side by side, a slice of samples at a time. Model i learns w[i] and is model first + i to `score`."""
    cdef fml_sgd_slice part
    cdef fml_sgd *model
    cdef Py_ssize_t i, n_active = n_models
    cdef double row_ns = ROW_NS + ENTRY_NS * models.d
    if models.indptr != NULL:
        row_ns = ROW_NS + ENTRY_NS * 3 * models.indptr[models.n] / models.n
    part.n_rows = <Py_ssize_t> (FML_SLICE_NS / 2 / row_ns) + 1
    if row_ns * models.n * n_models < FML_WORTHWHILE_NS:
        n_threads = 1
    part.models = <fml_sgd **> calloc(n_models, sizeof(fml_sgd *))
    if part.models == NULL:
        raise MemoryError()
    try:
        while True:
            n_active = 0
            for i in range(n_models):
                if models[i].state == FML_RUNNING:
                    part.models[n_active] = models + i
                    n_active += 1
            if not n_active:
                return 0
            with nogil:
                parallel_for(fml_sgd_run_slice, &part, n_active, n_threads)
            PyErr_CheckSignals()
            refuse_doubtful(models, n_models, X)
            for i in range(n_models):
                model = models + i
                if model.state == FML_WAITING:
                    fml_sgd_scored(model, score(first + i, w[i, :model.d].copy(), model.intercept))
    finally:
        free(part.models)


def descend(
    X,                                       # in     (n_samples, n_features)  T, or Csr with at least one entry
    floating[:, ::1] coef,                   # inout  (n_models, n_features)
    const floating[::1] y,                   # in     (n_samples,)  targets; None: codes
    const int32_t[::1] codes,                # in     (n_samples,)  classes; None: y
    const floating[::1] weights,             # in     (n_samples,)  None: all 1
    const uint8_t[::1] held_out,             # in     (n_samples,)  1: not learnt from; None: none
    how,                                     # in     Settings
    const int32_t[::1] positives,            # in     (n_models,)  the class whose target is 1
    const double[:, ::1] class_weights,      # in     (n_models, 2)  of targets above 0, of others
    const uint32_t[::1] seeds,               # in     (n_models,)  of the order of the samples
    double[::1] intercepts,                  # inout  (n_models,)
    floating[:, ::1] mean_coef,              # inout  (n_models, n_features)  None: no average
    double[::1] mean_intercepts,             # inout  (n_models,)
    score,                                   # in     score(model, coef, intercept) -> float ends an epoch; None
    bint is_finite,                          # in     whether X is known to be; False: not for Csr, nor with held_out
    int n_threads,
):
    """Fit the models. Returns epochs (n_models,) int64, and whether numbers overflowed in the last (n_models,) bool.

    The results are the same bit for bit for any number of threads. O(n_models * n_epochs * n_entries).
    Raises what `score` and signal handlers raise; the models of Csr are then half-fitted. FloatingPointError: X is not
    finite, and nothing has changed.
    """
    cdef fml_sgd shared
    cdef fml_sgd *models
    cdef floating[:, ::1] w, mean_w, q
    cdef int32_t[:, ::1] orders
    cdef Py_ssize_t n_models = coef.shape[0], first, i, n_here, most
    memset(&shared, 0, sizeof(shared))
    set_rows(&shared, X, coef)
    set_how(&shared, how)
    if y is not None:
        shared.y = &y[0]
    if codes is not None:
        shared.codes = &codes[0]
    if weights is not None:
        shared.weights = &weights[0]
    if held_out is not None:
        shared.held_out = &held_out[0]
    shared.is_scored, shared.is_watched = score is not None, not is_finite

    most = models_at_once(n_models, shared.n, X, n_threads)
    n_epochs, overflowed = np.empty(n_models, np.int64), np.empty(n_models, bool)
    orders = np.empty((most, shared.n), np.int32)
    models = <fml_sgd *> calloc(most, sizeof(fml_sgd))
    if models == NULL:
        raise MemoryError()
    try:
        for first in range(0, n_models, most):
            n_here = min(most, n_models - first)
            w = held = with_zeros(X, coef[first:first + n_here])
            mean_w = mean = None if mean_coef is None else with_zeros(X, mean_coef[first:first + n_here])
            q = np.zeros_like(held) if shared.penalty in L1 else None
            for i in range(n_here):
                models[i] = shared
                models[i].w, models[i].mean_w = &w[i, 0], NULL if mean_w is None else &mean_w[i, 0]
                models[i].q, models[i].order = NULL if q is None else &q[i, 0], &orders[i, 0]
                models[i].positive, models[i].seed = positives[first + i], seeds[first + i]
                models[i].weight_pos, models[i].weight_neg = class_weights[first + i, 0], class_weights[first + i, 1]
                models[i].intercept, models[i].mean_intercept = intercepts[first + i], mean_intercepts[first + i]
                fml_sgd_begin(models + i)
            run(models, n_here, X, held, score, first, n_threads)
            for i in range(n_here):
                overflowed[first + i] = models[i].state == FML_OVERFLOW
                n_epochs[first + i] = models[i].epoch
                if not models[i].state == FML_OVERFLOW:
                    fml_sgd_end(models + i)
                intercepts[first + i], mean_intercepts[first + i] = models[i].intercept, models[i].mean_intercept
            if not isinstance(X, Csr):
                coef[first:first + n_here] = w[:, :shared.d]
                if mean_w is not None:
                    mean_coef[first:first + n_here] = mean_w[:, :shared.d]
    finally:
        free(models)
    return n_epochs, overflowed
