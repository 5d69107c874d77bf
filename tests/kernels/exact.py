"""Exact arithmetic."""

from fractions import Fraction

import numpy as np


def rounded(number, dtype):
    """Return the float that is nearest to a fraction, the even one of two."""
    near = np.float64(float(number))  # Python rounds fractions once
    if dtype == np.float64:
        return near
    near = np.float32(near)  # rounded twice: the right one may be next to it
    around = near, np.nextafter(near, np.float32(np.inf)), np.nextafter(near, np.float32(-np.inf))
    return min(around, key=lambda x: (abs(Fraction(float(x)) - number), int(x.view(np.int32)) & 1))


def fused(a, b, c, dtype):
    """Return ``a * b + c``, rounded once."""
    return rounded(Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c)), dtype)
