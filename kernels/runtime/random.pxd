from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef extern from "random.h" nogil:
    uint32_t xorshift(uint32_t *seed)
    void mt_seed(uint32_t *mt, uint32_t seed)
    double mt_double(uint32_t *mt)
    uint64_t mt_bounded(uint32_t *mt, uint64_t last)
    void mt_permutation(uint32_t *mt, Py_ssize_t n, uint32_t *order)
    int mt_count_draws(uint32_t *mt, Py_ssize_t n_draws, Py_ssize_t n, uint8_t *counts)
