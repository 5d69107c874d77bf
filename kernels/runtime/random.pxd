from libc.stdint cimport uint32_t, uint64_t

cdef extern from "random.h" nogil:
    uint32_t xorshift(uint32_t *seed)
    double mt_double(uint32_t *mt)
    uint64_t mt_bounded(uint32_t *mt, uint64_t last)
