"""Driver of least squares: products of the columns in one pass over the samples, then a Cholesky factor."""

from typing import NamedTuple

import numpy as np
from scipy.linalg.lapack import dpocon, dpotrf, dpotrs

from fastml._dispatch import load, record

__all__ = ["Moments", "moments", "solve", "solve_precisely"]

_SAMPLED = 16  # samples whose mean is near enough to all samples' for what is subtracted at first
# Condition numbers of the products, of columns scaled to 1, are squares of the samples': their weights lose so many
# digits, which one step of refinement gives back as long as some are left.
_PRECISE, _REFINABLE = 1e-3, 1e-9
_LEAST = 1e-250  # squares below lose digits


class Moments(NamedTuple):
    """What least squares need to know of p features and t targets.

    x_mean  (p,)    float64; 0 without an intercept
    y_mean  (t,)
    gram    (p, p)  weighted products of the features, less their means
    xy      (p, t)  of features and targets
    """

    x_mean: np.ndarray
    y_mean: np.ndarray
    gram: np.ndarray
    xy: np.ndarray

    def is_finite(self):
        """Tell whether all numbers are; not so where samples or targets hold NaN or infinity, or squares overflow."""
        return bool(np.isfinite(self.y_mean).all() and np.isfinite(self.x_mean).all() and np.isfinite(self.xy).all()
                    and np.isfinite(np.diagonal(self.gram)).all())  # fmt: skip


def moments(X, y, weights, *, is_centred, n_threads):
    """Return the Moments.

    X          : (n, p) array, float64 or float32, in any order.
    y          : (n, t) float64.
    weights    : (n,) float64, none below 0; None: all 1.
    is_centred : whether there is an intercept.
    """
    record(n_threads=n_threads)
    p = X.shape[1]
    shift = np.zeros(p + y.shape[1])
    with np.errstate(all="ignore"):  # of NaN and infinity the caller is told
        if is_centred:
            some = slice(None, None, -(-len(X) // _SAMPLED))
            shift[:p] = np.array(X[some], np.float64, order="C").mean(0)  # the same in whatever order X lies
            shift[p:] = y[some].mean(0)
        _, mean, products = load("linear.gram").products(X, y, weights, shift, is_centred, n_threads)
        upper = np.triu(products[:, :p])
        gram = upper + np.triu(upper, 1).T
        return Moments(mean[:p] + shift[:p], mean[p:] + shift[p:], gram, products[:, p:])


class Factor(NamedTuple):
    """gram = scale L L' scale, of a unit diagonal before; `rcond` the reciprocal of its condition number in between."""

    scale: np.ndarray
    L: np.ndarray
    rcond: float

    def solve(self, xy):
        """Return the solutions (t, p) of gram @ solution = xy."""
        solution, _ = dpotrs(self.L, xy / self.scale[:, np.newaxis], lower=1)
        return np.ascontiguousarray((solution / self.scale[:, np.newaxis]).T)


def _factor(gram):
    """Return the Factor, or None if the products are not positive definite or out of range."""
    diagonal = np.diagonal(gram)
    if not diagonal.min() > _LEAST:
        return None
    scale = np.sqrt(diagonal)
    scaled = gram / scale / scale[:, np.newaxis]
    L, failed = dpotrf(scaled, lower=1, clean=1)
    if failed:
        return None
    rcond, _ = dpocon(L, np.abs(scaled).sum(0).max(), uplo="L")
    return Factor(scale, L, float(rcond))


def solve(found, alphas, rcond=_REFINABLE):
    """Return the weights (t, p) under penalties `alphas`, one or t of them, or None where rounding could be seen."""
    weights, alphas = np.empty(found.xy.T.shape), np.broadcast_to(alphas, found.xy.shape[1:])
    for alpha in np.unique(alphas):
        factor = _factor(found.gram + np.diag(np.full(len(found.gram), alpha)))
        if factor is None or factor.rcond < rcond:
            return None
        weights[alphas == alpha] = factor.solve(found.xy[:, alphas == alpha])
    return weights


def solve_precisely(found, X, y, weights, *, tol, is_centred, n_threads):
    """Return the weights (t, p) of least squares and the singular values (p,), both float64.

    None where scikit-learn's own decomposition has to decide on the rank, or rounding could be seen.

    tol    : share of the largest singular value that is nil.
    others : as of :func:`moments`.
    """
    factor = _factor(found.gram)
    if factor is None or factor.rcond < _REFINABLE:
        return None
    singular = np.linalg.svd(factor.L * factor.scale[:, np.newaxis], compute_uv=False)
    if not singular[-1] > max(1.01 * tol, 1e3 * np.finfo(X.dtype).eps) * singular[0]:
        return None
    coef = factor.solve(found.xy)
    if factor.rcond < _PRECISE and X.dtype == np.float64:
        rest = y - X @ coef.T
        coef += factor.solve(moments(X, rest, weights, is_centred=is_centred, n_threads=n_threads).xy)
    return coef, singular
