"""Twin of loss.h."""

import math

import numpy as np

from fastml._kernels._jit import kernel

HINGE, SQUARED_HINGE, MODIFIED_HUBER, LOG, SQUARED, HUBER, EPSILON, SQUARED_EPSILON = range(8)


@kernel
def log1pexp(x):
    if x <= -37:
        return math.exp(x)
    if x <= -2:
        return math.log1p(math.exp(x))
    if x <= 18:
        return math.log(1.0 + math.exp(x))
    return x + math.exp(-x) if x <= 33.3 else x


@kernel
def loss(kind, bound, y, p):
    if kind == HINGE:
        return bound - p * y if p * y <= bound else 0.0
    if kind == SQUARED_HINGE:
        z = bound - p * y
        return z * z if z > 0 else 0.0
    if kind == MODIFIED_HUBER:
        z = p * y
        if z >= 1.0:
            return 0.0
        return (1.0 - z) * (1.0 - z) if z >= -1.0 else -4.0 * z
    if kind == LOG:
        return log1pexp(p) - y * p
    if kind == SQUARED:
        return 0.5 * (p - y) * (p - y)
    z = abs(y - p)
    if kind == HUBER:
        return 0.5 * (z * z) if z <= bound else bound * (z - 0.5 * bound)
    z -= bound
    if z > 0:
        return z if kind == EPSILON else z * z
    return 0.0  # of NaN, too


@kernel
def gradient(kind, bound, y, p):
    if kind == HINGE:
        return -y if p * y <= bound else 0.0
    if kind == SQUARED_HINGE:
        z = bound - p * y
        return -2 * y * z if z > 0 else 0.0
    if kind == MODIFIED_HUBER:
        z = p * y
        if z >= 1.0:
            return 0.0
        return 2.0 * (1.0 - z) * -y if z >= -1.0 else -4.0 * y
    if kind == LOG:
        if p <= -37:
            return math.exp(p) - y
        z = math.exp(-p)
        return ((1 - y) - y * z) / (1 + z)
    if kind == SQUARED:
        return p - y
    if kind == HUBER:
        z = p - y
        if abs(z) <= bound:
            return z
        return bound if z >= 0 else -bound
    z = y - p
    if kind == EPSILON:
        return -1.0 if z > bound else (1.0 if -z > bound else 0.0)
    if z > bound:
        return -2 * (z - bound)
    return 2 * (-z - bound) if z < -bound else 0.0


@kernel
def from_jump(kind, bound, y, p):
    if kind == HINGE:
        return abs(p * y - bound)
    return abs(abs(y - p) - bound) if kind == EPSILON else np.inf
