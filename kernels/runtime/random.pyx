"""The random streams by the array; kernels cimport the single draws. Twin: random_jit.py."""

from libc.stdint cimport int64_t, uint8_t, uint32_t

from fastml._kernels.runtime.random cimport mt_bounded, mt_count_draws, mt_double, mt_permutation, mt_seed, xorshift


def rand_r(uint32_t[::1] seed,  # in, out  (1,)
           uint32_t[::1] out):  # out      (n,)
    """Fill with the xorshift of scikit-learn's trees and coordinate descent: 0..2^31-1."""
    cdef Py_ssize_t i
    with nogil:
        for i in range(out.shape[0]):
            out[i] = xorshift(&seed[0])


def seed(uint32_t[::1] mt,  # out      (625,)
         uint32_t value):
    """Set to the state of a new ``RandomState(value)``."""
    mt_seed(&mt[0], value)


def random_sample(uint32_t[::1] mt,  # in, out  (625,)
                  double[::1] out):  # out      (n,)
    """Fill as ``RandomState.random_sample`` does."""
    cdef Py_ssize_t i
    with nogil:
        for i in range(out.shape[0]):
            out[i] = mt_double(&mt[0])


def randint(uint32_t[::1] mt,    # in, out  (625,)
            int64_t low, int64_t high,
            int64_t[::1] out):   # out      (n,)
    """Fill as ``RandomState.randint(low, high)`` does, low < high."""
    cdef Py_ssize_t i
    with nogil:
        for i in range(out.shape[0]):
            out[i] = low + <int64_t> mt_bounded(&mt[0], <uint64_t> high - 1 - <uint64_t> low)


def shuffle(uint32_t[::1] mt,   # in, out  (625,)
            int64_t[::1] x):    # in, out  (n,)
    """Reorder as ``RandomState.shuffle`` does; of ``arange(n)`` it makes ``RandomState.permutation(n)``."""
    cdef Py_ssize_t i, j
    with nogil:
        for i in range(x.shape[0] - 1, 0, -1):
            j = <Py_ssize_t> mt_bounded(&mt[0], i)
            x[i], x[j] = x[j], x[i]


def permutation(uint32_t[::1] mt,      # in, out  (625,)
                uint32_t[::1] order):  # out      (n,)
    """Fill with ``RandomState.permutation(n)``."""
    if order.shape[0]:
        with nogil:
            mt_permutation(&mt[0], order.shape[0], &order[0])


def count_draws(uint32_t[::1] mt,     # in, out  (625,)
                Py_ssize_t n_draws,
                uint8_t[::1] counts):  # in, out  (n,)  zeros at first, n > 0
    """Count what ``RandomState.randint(0, n, n_draws)`` draws. Returns whether all counts fit."""
    cdef int beyond
    with nogil:
        beyond = mt_count_draws(&mt[0], n_draws, counts.shape[0], &counts[0])
    return not beyond
