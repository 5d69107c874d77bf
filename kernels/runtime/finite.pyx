"""Search for NaN and infinity."""

cimport numpy as cnp

cdef extern from "finite.h" nogil:
    bint all_finite_double(const double *x, Py_ssize_t n)
    bint all_finite_float(const float *x, Py_ssize_t n)

# Bytes from which on the GIL is released: the pass takes longer than giving up and taking back the lock.
cdef Py_ssize_t LARGE = 1 << 16


def all_finite(cnp.ndarray X not None):
    """Tell whether every element of an array is finite.

    Parameters
    ----------
    X : ndarray of float32 or float64, C-contiguous, any shape   # in

    Returns
    -------
    bool
    """
    cdef int kind = cnp.PyArray_TYPE(X)
    cdef Py_ssize_t n = cnp.PyArray_SIZE(X)
    cdef void *x = cnp.PyArray_DATA(X)
    if not cnp.PyArray_ISCARRAY_RO(X) or (kind != cnp.NPY_DOUBLE and kind != cnp.NPY_FLOAT):
        strides = (<object> X).strides
        raise ValueError(f"all_finite takes C-contiguous float32 or float64, not {X.dtype} with strides {strides}")
    cdef bint answer
    if cnp.PyArray_NBYTES(X) < LARGE:
        return scan(x, n, kind)
    with nogil:
        answer = scan(x, n, kind)
    return answer


cdef inline bint scan(const void *x, Py_ssize_t n, int kind) noexcept nogil:
    if kind == cnp.NPY_DOUBLE:
        return all_finite_double(<const double *> x, n)
    return all_finite_float(<const float *> x, n)
