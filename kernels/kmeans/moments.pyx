"""Means and squared deviations of columns, added up row by row as NumPy does. Twin: moments_jit.py."""

from cython cimport floating

from fastml._kernels.runtime.interrupt cimport run_chunks


cdef extern from "moments.h" nogil:
    ctypedef struct fml_moments:
        const void *X
        const void *means
        void *out
        void *sums
        Py_ssize_t n, d, parts
        int is_f32
    void fml_moments_part(void *task, Py_ssize_t i)


cdef int run(fml_moments *task, int n_threads) except -1:
    task.parts = max(min(n_threads, task.d // 8), 1)     # whole cache lines: two threads never write one
    with nogil:
        run_chunks(fml_moments_part, task, task.parts, task.n * (2 + 0.5 * <double> task.d) / task.parts, n_threads)


def add_columns(
    const floating[:, ::1] X,                # in     (n_samples, n_features)
    floating[::1] sums,                      # inout  (n_features,)
    int n_threads,
):
    """Add every row to the sums. O(n_samples * n_features)."""
    cdef fml_moments task
    task.X, task.sums, task.means, task.out = &X[0, 0], &sums[0], NULL, NULL
    task.n, task.d, task.is_f32 = X.shape[0], X.shape[1], floating is float
    run(&task, n_threads)


def subtract_columns(
    const floating[:, ::1] X,                # in     (n_samples, n_features)
    const floating[::1] means,               # in     (n_features,)
    floating[:, ::1] out,                    # out    (n_samples, n_features)  may be X
    floating[::1] squares,                   # inout  (n_features,)  the squared differences are added
    int n_threads,
):
    """X minus the means, and sums of squares of that. O(n_samples * n_features)."""
    cdef fml_moments task
    task.X, task.means, task.out, task.sums = &X[0, 0], &means[0], &out[0, 0], &squares[0]
    task.n, task.d, task.is_f32 = X.shape[0], X.shape[1], floating is float
    run(&task, n_threads)
