"""Twin of rows_impl.h: rows times weights, and rows added to them.

A row is `x` and, if it is sparse, its columns `at`; a dense one has `at` without entries. Products are rounded to the
type of the weights, and added up in float64: those of a dense row in sixteen parts, those of a sparse one in four.
"""

import math

import numpy as np

from fastml._kernels._jit import kernel


@kernel
def part_of(e, n, is_dense):
    """Return the part of the sum that entry e of n belongs to."""
    if not is_dense:
        return e % 4
    return e % 16 if e < n // 8 * 8 else 8 + e % 8


@kernel
def total(parts, is_dense):
    if not is_dense:
        return (parts[0] + parts[2]) + (parts[1] + parts[3])
    lanes = parts[:8] + parts[8:]
    lanes[:4] += lanes[4:]
    return (lanes[0] + lanes[2]) + (lanes[1] + lanes[3])


@kernel
def dot(w, x, at):
    parts, is_dense = np.zeros(16), len(at) == 0
    for e in range(len(x)):
        parts[part_of(e, len(x), is_dense)] += np.float64(w[e if is_dense else at[e]] * x[e])
    return total(parts, is_dense)


@kernel
def dot_in_order(w, x, at):
    sum_ = 0.0
    for e in range(len(x)):
        sum_ += np.float64(w[at[e] if len(at) else e] * x[e])
    return sum_


@kernel
def add(w, x, at, step):
    """Add a row times the step; return the sum of squares, and of magnitudes, of the weights of its entries."""
    squares, sizes, is_dense = np.zeros(16), np.zeros(16), len(at) == 0
    for e in range(len(x)):
        j, part = e if is_dense else at[e], part_of(e, len(x), is_dense)
        w[j] = np.float64(w[j]) + np.float64(x[e]) * np.float64(step)
        squares[part] += np.float64(w[j] * w[j])
        sizes[part] += abs(np.float64(w[j]))
    return total(squares, is_dense), total(sizes, is_dense)


@kernel
def square(x):
    parts = np.zeros(16)
    for e in range(len(x)):
        parts[e % 4] += np.float64(x[e]) * np.float64(x[e])
    return total(parts, False)


@kernel
def shrink(w, q, x, at, scale, u):
    for e in range(len(x)):
        j = at[e] if len(at) else e
        z = np.float64(w[j])
        shrunk = z
        if scale * z > 0:
            shrunk = z - (u + q[j]) / scale
            shrunk = shrunk if shrunk > 0 else 0.0  # NaN, too
        elif scale * z < 0:
            shrunk = z + (u - q[j]) / scale
            shrunk = shrunk if shrunk < 0 else 0.0
        w[j] = shrunk
        q[j] = q[j] + scale * (np.float64(w[j]) - z)


@kernel
def all_finite(w):
    for j in range(len(w)):
        if not math.isfinite(w[j]):
            return False
    return True
