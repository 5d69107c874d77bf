"""Declarations of minibatch.h."""

from cython cimport floating
from libc.stdint cimport int32_t


cdef extern from "minibatch.h" nogil:
    ctypedef struct fml_minibatch:
        const void *X
        const int32_t *indices
        const int32_t *indptr
        const void *weights
        const int32_t *labels
        const void *centers_old
        void *centers
        void *seen
        void *joined
        Py_ssize_t n, d, k
    void minibatch_update_f64(const fml_minibatch *t)
    void minibatch_update_f32(const fml_minibatch *t)


cdef inline void run_update(
    fml_minibatch *task, const floating[::1] weights, const floating[:, ::1] centers_old, floating[:, ::1] centers,
    floating[::1] seen, floating[::1] joined, const int32_t[::1] labels,
) noexcept nogil:
    task.weights = &weights[0] if weights is not None else NULL
    task.centers_old, task.centers, task.seen, task.joined = &centers_old[0, 0], &centers[0, 0], &seen[0], &joined[0]
    task.labels, task.n = &labels[0], labels.shape[0]
    task.k, task.d = centers.shape[0], centers.shape[1]
    if floating is float:
        minibatch_update_f32(task)
    else:
        minibatch_update_f64(task)
