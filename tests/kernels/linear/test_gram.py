"""Products of columns: by hand, as NumPy has them, and whatever is no number."""

import numpy as np
import pytest

from tests.kernels.twins import compiled, twins


@pytest.fixture(params=twins("linear.gram"), scope="module")
def gram(request):
    return request.param()


def columns(X, y, weights, is_centred):
    """Return the sum of weights, the means and the products, as NumPy has them."""
    Z = np.hstack([X, y]).astype(np.float64)
    weights = np.ones(len(Z)) if weights is None else weights
    mean = np.average(Z, axis=0, weights=weights) if is_centred else np.zeros(Z.shape[1])
    Z = Z - mean
    return weights.sum(), mean, (Z[:, : X.shape[1]] * weights[:, np.newaxis]).T @ Z


def test_three_samples_by_hand(gram):
    X, y = np.array([[1.0, 0.0], [2.0, 3.0], [3.0, 0.0]]), np.array([[1.0], [0.0], [2.0]])
    weight, mean, products = gram.products(X, y, None, np.zeros(3), True, 1)
    assert weight == 3
    np.testing.assert_allclose(mean, [2, 1, 1])
    np.testing.assert_allclose(np.triu(products), [[2, 0, 1], [0, 6, -3]], atol=1e-15)
    _, mean, products = gram.products(X, y, np.array([1.0, 0.0, 2.0]), np.zeros(3), False, 1)
    np.testing.assert_allclose(np.triu(products), [[19, 0, 13], [0, 0, 0]])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("is_centred", [True, False])
@pytest.mark.parametrize(
    ("n", "p", "t"), [(1, 1, 1), (7, 8, 1), (121, 9, 7), (500, 16, 8), (3_000, 31, 3), (9_000, 3, 1)]
)
def test_as_numpy_has_them(gram, n, p, t, is_centred, dtype):
    rng = np.random.RandomState(n)
    X, y = (rng.randn(n, p) + 9).astype(dtype), rng.randn(n, t) - 5
    some = rng.randint(0, 3, n).astype(float)
    some[0] = 1
    shift = np.hstack([X[0], y[0]]).astype(np.float64) * is_centred
    for samples in (X, np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2]):
        for weights in (None, some):
            weight, mean, products = gram.products(samples, y, weights, shift, is_centred, 2)
            true_weight, true_mean, true_products = columns(X, y, weights, is_centred)
            assert weight == true_weight
            if is_centred:
                np.testing.assert_allclose(mean + shift, true_mean, rtol=1e-12, atol=1e-13)
            scale = np.abs(true_products).max()
            np.testing.assert_allclose(np.triu(products), np.triu(true_products), rtol=0, atol=1e-13 * scale + 1e-20)


def test_a_drift_loses_no_digits(gram):
    """Means of chunks and blocks differ by more than the samples in them."""
    X = np.linspace(0, 1, 20_000)[:, np.newaxis] ** [1, 2] + 1e6
    _, _, products = gram.products(X, X[:, :1].copy(), None, np.hstack([X[0], X[0, :1]]), True, 1)
    Z = X - 1e6
    Z -= Z.mean(axis=0)
    np.testing.assert_allclose(np.triu(products[:, :2]), np.triu(Z.T @ Z), rtol=1e-9)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("is_centred", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_what_is_not_finite_shows(gram, value, is_centred, weighted):
    for row, column in ((0, 0), (499, 8), (130, 3)):
        X, y = np.random.RandomState(0).randn(500, 9), np.ones((500, 1))
        X[row, column] = value
        weights = (np.arange(500) % 2).astype(float) if weighted else None
        with np.errstate(all="ignore"):
            _, mean, products = gram.products(X, y, weights, np.zeros(10), is_centred, 1)
        assert not (np.isfinite(mean).all() and np.isfinite(np.diagonal(products)).all())


@compiled
def test_number_of_threads():
    from fastml._kernels.linear import gram

    rng = np.random.RandomState(0)
    X, y = rng.randn(10_000, 20), rng.randn(10_000, 2)
    found = [gram.products(X, y, None, np.zeros(22), True, n_threads) for n_threads in (1, 2, 7)]
    for other in found[1:]:
        np.testing.assert_array_equal(found[0][1], other[1])
        np.testing.assert_array_equal(found[0][2], other[2])
