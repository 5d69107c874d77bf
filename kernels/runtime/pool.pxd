cdef extern from "pool.h" nogil:
    ctypedef void (*body_t "fml_body")(void *ctx, Py_ssize_t i) noexcept nogil

cdef void parallel_for(body_t body, void *ctx, Py_ssize_t n_chunks, int n_threads) noexcept nogil
cdef int worker() noexcept nogil
