"""Twin of measures.h: keys of pairs, what neighbours are ordered by and limited to, and what is told of them."""

import numpy as np

from fastml._kernels._jit import kernel
from fastml._kernels.neighbors.kd_tree_jit import farther, half_power
from fastml._kernels.neighbors.rows import (
    CANBERRA,
    COSINE,
    DISTANCE,
    HAMMING,
    MAHALANOBIS,
    POWERS,
    SLAB,
    SQUARES,
)
from fastml._kernels.neighbors.trees import EUCLIDEAN


@kernel
def key(measure, q, x, weights, halves):
    """Compare two vectors of float64."""
    d, total = len(q), 0.0
    if measure == COSINE:
        for first in range(0, d, SLAB):
            part = 0.0
            for f in range(first, min(first + SLAB, d)):
                part += (q[f] - x[f]) * (q[f] - x[f])
            total += part
    elif measure < SQUARES:
        metric = max(measure - COSINE, EUCLIDEAN)
        for f in range(d):
            total = farther(metric, total, q[f] - x[f])
    elif measure == SQUARES:
        for f in range(d):
            total += (q[f] - x[f]) * (q[f] - x[f]) * weights[f]
    elif measure == POWERS:
        for f in range(d):
            total += half_power(abs(q[f] - x[f]), halves) * weights[f]
    elif measure == MAHALANOBIS:
        for f in range(d):
            part = 0.0
            for g in range(d):
                part += weights[f * d + g] * (q[g] - x[g])
            total += part * (q[f] - x[f])
    elif measure == HAMMING:
        for f in range(d):
            total += q[f] != x[f]
        total /= d
    elif measure == CANBERRA:
        for f in range(d):
            both = abs(q[f]) + abs(x[f])
            total += abs(q[f] - x[f]) / (both if both > 0 else 1.0)
    else:
        sizes, size = 0.0, 0.0
        for f in range(d):
            sizes += abs(q[f])
            size += abs(x[f])
            total += abs(q[f] - x[f])
        total /= sizes + size if sizes + size > 0 else 1.0
    return total


def tell(rows, keys):
    """Turn keys into what is told of neighbours, in place."""
    if rows.measure in (DISTANCE, SQUARES, MAHALANOBIS):
        np.sqrt(keys, out=keys)
    if rows.measure == COSINE:
        keys[:] = np.where(keys < 4, 0.5 * keys, 2)
    if rows.measure == POWERS:
        raise_all(keys.reshape(-1), 2.0 / rows.halves)


@kernel
def raise_all(keys, power):
    for i in range(len(keys)):
        keys[i] = keys[i] ** power
