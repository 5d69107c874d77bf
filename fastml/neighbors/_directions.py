"""Samples as directions, which is what cosine distances compare.

Of two rows of length 1, 1 - x.y is half the square of their difference: Euclidean searches find the nearest, and small
distances keep the digits that 1 - x.y loses. A row of zeros has no direction, and is at distance 1 from all, as in
scikit-learn: it gets a place in a dimension of its own, and queries of zeros one in another.
"""

import numpy as np

from fastml._dispatch import NotCovered
from fastml._kernels.neighbors.trees import Rows


def type_of(samples, X):
    """Return the type that scikit-learn computes with: float32 only if both samples and queries (or None) are."""
    both_narrow = samples.dtype == np.float32 and (X is None or X.dtype == np.float32)
    return np.float32 if both_narrow else np.float64


def unit_rows(samples, X):
    """Return samples and queries (X, or None: the samples) in float64 with rows of length 1, those of zeros apart."""
    bounds = np.finfo(type_of(samples, X))
    unit, lonely = _unit(samples, bounds)
    asked, lost = (unit, lonely) if X is None or X is samples else _unit(X, bounds)
    if X is samples and lost.any():
        raise NotCovered("Rows of zeros, asked among themselves, may be at distance 0 from themselves in scikit-learn.")
    if lonely.any() or lost.any():
        apart = np.zeros(len(unit))
        unit, asked = (
            np.column_stack([unit, lonely, apart]),
            np.column_stack([asked, np.zeros(len(asked)), lost]),
        )
    return unit, asked


def _unit(X, bounds):
    """Return rows of length 1, and which have none."""
    X = X.astype(np.float64)
    with np.errstate(over="ignore"):
        squares = np.einsum("ij,ij->i", X, X)
    norms = np.sqrt(squares)
    zero = norms == 0
    if squares.max() > bounds.max or X[norms < 10 * bounds.eps].any():
        raise NotCovered("Some samples are so short or long that scikit-learn does not scale them to length 1.")
    norms[zero] = 1
    X /= norms[:, np.newaxis]
    return X, zero


def limits(radii, n_features):
    """Return the squares of differences up to which samples may count, rounding of unit rows included."""
    return 2 * radii + 8 * (n_features + 8) * np.finfo(float).eps


def judged(found, unit, asked, radii, sort):
    """Leave out those that are beyond the radius both by half the square and by 1 - x.y, as scikit-learn computes.

    The two differ by rounding: orthogonal rows are at distance 1 by the latter alone. Those that only the latter takes
    in are as far as the radius.
    """
    query = np.repeat(np.arange(len(radii)), np.diff(found.indptr))
    doubtful = np.flatnonzero(found.distances > radii[query])
    if not len(doubtful):
        return found
    distances, kept = found.distances.copy(), np.ones(len(query), bool)
    pairs = asked[query[doubtful]], unit[found.indices[doubtful]]
    distances[doubtful] = radii[query[doubtful]]
    kept[doubtful] = 1 - np.einsum("ij,ij->i", *pairs) <= radii[query[doubtful]]
    indptr = np.append(0, np.cumsum(kept))[found.indptr]
    indices, distances, query = found.indices[kept], distances[kept], query[kept]
    if sort:
        order = np.lexsort((indices, distances, query))
        indices, distances = indices[order], distances[order]
    return Rows(indptr, indices, distances)
