"""Logistic losses of a few samples: by plain formulas in long arithmetic, by differences, and as the twin has them."""

import numpy as np
import pytest
import scipy.sparse as sp

from fastml._kernels._arrays import Csr
from tests.kernels.twins import compiled, twins


@pytest.fixture(params=twins("linear.logistic"), scope="module")
def logistic(request):
    return request.param()


def case(seed, n, d, k, dtype=np.float64, fit_intercept=True, weighed=True, scale=1.0):
    rng = np.random.RandomState(seed)
    X = rng.randn(n, d).astype(dtype)
    y = rng.randint(0, max(k, 2), n).astype(dtype)
    weights = rng.choice([0, 0.5, 2], n).astype(dtype) if weighed else None
    return X, y, weights, scale * rng.randn(d + fit_intercept, k), fit_intercept


def losses(raw, y):
    """Return the losses of predictions, in extended precision."""
    raw = raw.astype(np.longdouble)
    if raw.shape[1] == 1:
        raw = np.hstack([np.zeros_like(raw), raw])
    raw -= raw.max(axis=1, keepdims=True)
    return np.log(np.exp(raw).sum(axis=1)) - raw[np.arange(len(y)), y.astype(int)]


def expected(X, y, weights, coef, fit_intercept):
    """Return the sum of losses and the gradient by formulas, Hessian included for two classes."""
    X1 = np.hstack([X, np.ones((len(X), 1))]).astype(np.longdouble) if fit_intercept else X.astype(np.longdouble)
    weights = np.ones(len(y)) if weights is None else weights.astype(float)
    raw = X1 @ coef
    both = np.hstack([np.zeros_like(raw), raw]) if coef.shape[1] == 1 else raw
    p = np.exp(both - both.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    slopes = (p - np.eye(both.shape[1])[y.astype(int)]) * weights[:, None]
    slopes = slopes[:, 1:] if coef.shape[1] == 1 else slopes
    hessian = (X1.T * (p[:, 0] * p[:, 1] * weights)) @ X1
    return (losses(raw, y) * weights).sum(), X1.T @ slopes, hessian


SHAPES = [(1, 1, 1), (3, 2, 1), (7, 4, 1), (70, 9, 1), (600, 50, 1), (40, 700, 1), (1, 3, 3), (9, 5, 3), (700, 8, 10)]
SHAPES += [(300, 33, 4), (90, 20, 17), (30, 600, 5)]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("n", "d", "k"), SHAPES)
def test_formulas(logistic, n, d, k, dtype):
    for fit_intercept in (True, False):
        for weighed in (True, False):
            X, y, weights, coef, _ = given = case(n + d, n, d, k, dtype, fit_intercept, weighed)
            loss, gradient, hessian = expected(*given)
            ours = logistic.loss_gradient(X, y, weights, None, coef, fit_intercept, 2)
            assert ours[0] == pytest.approx(float(loss), rel=1e-12, abs=1e-12)
            np.testing.assert_allclose(ours[1], gradient.astype(float), rtol=0, atol=1e-11 * n)
            raw = (X.astype(float) @ coef[:d] + (coef[d] if fit_intercept else 0)).astype(dtype)
            near = 1e-12 if dtype is np.float64 else 1e-5
            known = logistic.loss_gradient(X, y, weights, raw, coef, fit_intercept, 1)
            assert known[0] == pytest.approx(float(loss), rel=near, abs=near)
            if X.any(axis=1).all():
                rows = sp.csr_matrix(X)
                sparse = logistic.loss_gradient(
                    Csr(rows.data, rows.indices, rows.indptr), y, weights, None, coef, fit_intercept, 2
                )
                assert sparse[0] == pytest.approx(float(loss), rel=1e-12, abs=1e-12)
                np.testing.assert_allclose(sparse[1], gradient.astype(float), rtol=0, atol=1e-11 * n)
            if k == 1:
                of_coef, of_hessian, flat = logistic.gradient_hessian(X, y, weights, None, coef, fit_intercept, 2)
                np.testing.assert_allclose(of_coef, gradient[:, 0].astype(float), rtol=0, atol=1e-11 * n)
                np.testing.assert_allclose(of_hessian, hessian.astype(float), rtol=0, atol=1e-11 * n)
                assert flat == 0


def test_far_predictions_neither_overflow_nor_cancel(logistic):
    raws = np.array([-800, -709, -708, -100, -37, -1e-20, 0, 1e-20, 0.3, 37, 100, 709, 800])
    for raw in raws:
        for y in (0.0, 1.0):
            X = np.ones((1, 1))
            coef = np.array([[raw]])
            loss, gradient = logistic.loss_gradient(X, np.array([y]), None, None, coef, False, 1)
            wrong = np.longdouble(raw if y == 0 else -raw)
            exact = max(wrong, 0) + np.log1p(np.exp(-abs(wrong)))
            slope = 1 / (1 + np.exp(np.longdouble(-raw))) if y == 0 else -1 / (1 + np.exp(np.longdouble(raw)))
            assert loss == pytest.approx(float(exact), rel=1e-15, abs=1e-300)
            assert gradient[0, 0] == pytest.approx(float(slope), rel=1e-15, abs=1e-300)


def test_exponentials_and_logarithms_are_right_to_two_ulp(logistic):
    """A loss of one sample is log1p(exp(-|raw|)), which for far predictions is exp(-|raw|)."""
    rng = np.random.RandomState(0)
    for raw in np.r_[rng.uniform(0, 1, 300), rng.uniform(0, 40, 300), rng.uniform(0, 708, 300)]:
        loss, _ = logistic.loss_gradient(np.ones((1, 1)), np.ones(1), None, None, np.array([[raw]]), False, 1)
        exact = np.log1p(np.exp(-np.longdouble(raw)))
        assert abs(loss - exact) <= 4 * np.spacing(float(exact))


def test_flat_losses_are_counted(logistic):
    X, y, weights = np.array([[0.0], [900.0], [-900.0], [1.0]]), np.zeros(4), np.array([1.0, 2, 4, 8])
    assert logistic.gradient_hessian(X, y, weights, None, np.ones((1, 1)), False, 1)[2] == 6


def test_not_a_number_stays(logistic):
    X = np.ones((3, 2))
    for k in (1, 3):
        loss, gradient = logistic.loss_gradient(X, np.zeros(3), None, None, np.full((2, k), np.nan), False, 1)
        assert np.isnan(loss)
        assert np.isnan(gradient).all()


@compiled
def test_number_of_threads_does_not_matter():
    from fastml._kernels.linear import logistic

    for k in (1, 7):
        X, y, weights, coef, _ = case(0, 20_000, 30, k)
        one, *more = (logistic.loss_gradient(X, y, weights, None, coef, True, n_threads) for n_threads in (1, 2, 5))
        for other in more:
            assert one[0] == other[0]
            np.testing.assert_array_equal(one[1], other[1])
    X, y, weights, coef, _ = case(0, 20_000, 30, 1)
    one, two = (logistic.gradient_hessian(X, y, weights, None, coef, True, n_threads) for n_threads in (1, 3))
    for ours, others in zip(one, two, strict=True):
        np.testing.assert_array_equal(ours, others)
