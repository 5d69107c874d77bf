"""The samples and features that forests and bagging draw are scikit-learn's, by whichever of their ways."""

import numpy as np
import pytest
from sklearn.ensemble._bagging import _generate_bagging_indices
from sklearn.utils import check_random_state

import fastml
from fastml.ensemble._bootstrap import Weights
from fastml.ensemble._subsets import draw


@pytest.mark.parametrize("replace", [(False, False), (False, True), (True, False)])
@pytest.mark.parametrize("n_features", [1, 3, 5])
@pytest.mark.parametrize(
    "n_samples", [(2, 1), (255, 40), (256, 40), (3000, 29), (3000, 30), (3000, 31), (70_000, 35_000), (300, 299)]
)
def test_draws(n_samples, n_features, replace):
    for seed in (0, 12345, 2**31 - 2):
        ours = draw(seed, (5, n_samples[0]), (n_features, n_samples[1]), replace)
        theirs = _generate_bagging_indices(seed, *replace, 5, n_samples[0], n_features, n_samples[1], None)
        for mine, right in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(mine, right)


def test_the_twin_draws_the_same():
    drawn = []
    for backend in ("cython", "numba"):
        with fastml.config_context(backend=backend):
            drawn.append(draw(1, (5, 3000), (5, 256), (False, False))[1])
    np.testing.assert_array_equal(*drawn)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64", None])
@pytest.mark.parametrize("n_drawn", [1, 700, 5000])
def test_bootstraps_of_weighted_samples(dtype, n_drawn):
    r = np.random.RandomState(0)
    weights = None if dtype is None else (9 * r.rand(3000)).astype(dtype)
    own = Weights(np.zeros((3000, 1)), weights, n_drawn, False, 0.0)
    for seed in range(20):
        p = None if weights is None else weights / np.sum(weights)
        drawn = check_random_state(seed).choice(3000, n_drawn, replace=True, p=p)
        np.testing.assert_array_equal(own.of([seed])[0][0], np.bincount(drawn, minlength=3000))
