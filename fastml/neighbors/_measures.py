"""Metrics by name, as the brute-force kernel takes them.

measure_of(metric, params, n_features)      Measure, or NotCovered is raised
limits(measure, radii)                      what keys of the kernel are compared with within a radius
"""

from numbers import Real
from typing import NamedTuple

import numpy as np

from fastml._dispatch import NotCovered
from fastml._kernels.neighbors import rows
from fastml._kernels.neighbors.trees import MOST_HALVES

PLAIN = {
    "euclidean": rows.DISTANCE,
    "l2": rows.DISTANCE,
    "sqeuclidean": rows.SQUARE,
    "cosine": rows.COSINE,
    "manhattan": rows.MANHATTAN,
    "cityblock": rows.MANHATTAN,
    "l1": rows.MANHATTAN,
    "chebyshev": rows.CHEBYSHEV,
    "hamming": rows.HAMMING,
    "canberra": rows.CANBERRA,
    "braycurtis": rows.BRAY_CURTIS,
}
OF_SPARSE = {"euclidean", "cosine", "manhattan", "cityblock", "l1"}  # those between sparse samples
NAMES = PLAIN.keys() | {"minkowski", "seuclidean", "mahalanobis"}


class Measure(NamedTuple):
    """What a kernel tells of neighbours, and its parameters: see NarrowRows."""

    kind: int
    weights: np.ndarray = rows.NO_WEIGHTS
    halves: int = 0


def measure_of(metric, params, n_features):
    """Return the Measure of scikit-learn's metric of that name, with these parameters."""
    if metric in PLAIN and not params:
        return Measure(PLAIN[metric])
    given = {name: value for name, value in params.items() if value is not None}
    if metric == "minkowski" and given.keys() <= {"p", "w"}:
        return _of_power(given.get("p"), _weights(given.get("w", np.ones(n_features)), n_features))
    if metric == "seuclidean" and given.keys() == {"V"}:
        variances = _weights(given["V"], n_features)
        if (variances > 0).all():
            return Measure(rows.SQUARES, 1 / variances)
    if metric == "mahalanobis" and given.keys() == {"VI"}:
        return Measure(rows.MAHALANOBIS, _form(given["VI"], n_features))
    told = f" with metric_params {', '.join(sorted(map(str, given)))}" if given else ""
    raise NotCovered(f"metric={metric!r}{told} has no kernel.")


def _of_power(p, weights):
    halves = halves_of(p)
    if halves is None:
        raise NotCovered(f"metric='minkowski' has no kernel for p={p}.")
    return Measure(rows.SQUARES if halves == 4 else rows.POWERS, weights, halves)


def halves_of(p):
    """Return twice a power where that is a whole number for which there is a kernel, else None."""
    halves = 2 * p if isinstance(p, Real) else 0
    return int(halves) if 1 <= halves <= MOST_HALVES and halves == int(halves) else None


def _weights(weights, n_features):
    weights = _numbers(weights)
    if weights.shape != (n_features,) or not (weights >= 0).all():
        raise NotCovered("Weights are not one number a feature, none of them negative.")
    return weights


def _form(matrix, n_features):
    """Return a quadratic form that is positive definite."""
    matrix = _numbers(matrix)
    if matrix.shape != (n_features, n_features):
        raise NotCovered("VI is not a number for each two features.")
    try:
        np.linalg.cholesky(matrix + matrix.T)
    except np.linalg.LinAlgError:
        raise NotCovered("VI is not positive definite.") from None
    return matrix


def _numbers(values):
    values = np.asarray(values)
    if values.dtype.kind not in "biuf" or not np.isfinite(values).all():
        raise NotCovered("metric_params are no finite numbers.")
    return np.require(values, np.float64, ["C", "A"])


def limits(measure, radii):
    """Return keys of samples at distances `radii`."""
    if measure.kind in (rows.DISTANCE, rows.SQUARES, rows.MAHALANOBIS):
        return radii * radii
    return radii ** (measure.halves / 2) if measure.kind == rows.POWERS else radii.copy()
