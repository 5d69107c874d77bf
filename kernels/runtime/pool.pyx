"""The thread pool, for kernels to cimport: one parallel loop, see pool.h.

A body is a function ``cdef void body(void *ctx, Py_ssize_t i) noexcept nogil`` whose context is a struct of the
kernel's own. Results must not depend on the number of threads: fix the grid of chunks by the data alone, let each chunk
write to its own place, and add up the places in order afterwards. Below about 100 us of work a region gains nothing.
"""

cdef extern from "pool.h" nogil:
    void fml_parallel_for(body_t body, void *ctx, Py_ssize_t n_chunks, int n_threads)
    int fml_worker()
    int fml_pool_size()


cdef void parallel_for(body_t body, void *ctx, Py_ssize_t n_chunks, int n_threads) noexcept nogil:
    """Call ``body(ctx, i)`` once for every i below n_chunks, on at most n_threads threads, the caller's included."""
    fml_parallel_for(body, ctx, n_chunks, n_threads)


cdef int worker() noexcept nogil:
    """Index of the calling thread in its region, below n_threads: which scratch buffer to use."""
    return fml_worker()


def size():
    """Threads that the pool has started in this process."""
    return fml_pool_size()
