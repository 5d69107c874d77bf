"""Neighbours by their definition: all distances, feature by feature, and a sort."""

import math

import numpy as np

from fastml._kernels.neighbors.trees import CHEBYSHEV, EUCLIDEAN

libm_pow = np.vectorize(math.pow, otypes=[float])  # NumPy's own is another


def half_power(x, halves):
    """Raise numbers to half of a whole power."""
    made = np.sqrt(x) if halves & 1 else np.ones(x.shape)
    for bit in range(1, 6):
        made = made * x if halves >> bit & 1 else made
        x = x * x
    return made


def reduced_distances(X, Y, metric):
    """Return (len(X), len(Y)) reduced distances, with the kernels' rounding."""
    total = np.zeros((len(X), len(Y)))
    for f in range(X.shape[1]):
        t = X[:, f, None] - Y[:, f]
        if metric == CHEBYSHEV:
            total = np.maximum(total, abs(t))
        elif metric > CHEBYSHEV:
            total += half_power(abs(t), metric - CHEBYSHEV)
        else:
            total += t * t if metric == EUCLIDEAN else abs(t)
    return total


def haversine(a, b):
    """Return the reduced distance of two points on the sphere."""
    north, east = math.sin(0.5 * (a[0] - b[0])), math.sin(0.5 * (a[1] - b[1]))
    return north * north + math.cos(a[0]) * math.cos(b[0]) * east * east


def half_chord(arc):
    sine = math.sin(0.5 * arc)
    return sine * sine


def restored(metric, reduced):
    if metric > CHEBYSHEV:
        return libm_pow(reduced, 2 / (metric - CHEBYSHEV))
    return np.sqrt(reduced) if metric == EUCLIDEAN else reduced


def nearest(X, queries, k, metric, selves=False):
    """Return distances and indices of the k nearest, equally near ones by their index.

    Of the k + 1 nearest of a sample itself it is left out, or where it is not among them the first.
    """
    reduced = reduced_distances(queries, X, metric)
    indices = np.argsort(reduced, axis=1, kind="stable")[:, : k + selves]
    if selves:
        left = indices != np.arange(len(X))[:, None]
        left[left.all(axis=1), 0] = False
        indices = indices[left].reshape(len(X), k)
    return restored(metric, np.take_along_axis(reduced, indices, axis=1)), indices


def within(X, queries, radii, metric, selves=False):
    """Return, a query, the indices of the samples within its radius, ascending."""
    reduced = reduced_distances(queries, X, metric)
    if selves:
        np.fill_diagonal(reduced, np.nan)
    most = radii * radii if metric == EUCLIDEAN else radii
    if metric > CHEBYSHEV:
        most = libm_pow(np.maximum(radii, 0), (metric - CHEBYSHEV) / 2)
    most = np.where(radii < 0, -1, most)
    return [np.flatnonzero(row <= m) for row, m in zip(reduced, np.broadcast_to(most, len(queries)), strict=True)]
