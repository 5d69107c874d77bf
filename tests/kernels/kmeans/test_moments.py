import numpy as np
import pytest

from tests.kernels.kmeans.steps import DTYPES
from tests.kernels.twins import twins


@pytest.fixture(params=twins("kmeans.moments"), scope="module")
def moments(request):
    return request.param()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("shape", [(1, 2), (2, 3), (17, 8), (300, 33), (1000, 70)])
def test_the_bits_of_numpy(moments, shape, in_place, dtype):
    X = (np.random.RandomState(0).randn(*shape) + 3).astype(dtype)
    X.flags.writeable = False
    for n_threads in (1, 2, 3, 8):
        sums, squares = np.zeros((2, shape[1]), dtype)
        moments.add_columns(X, sums, n_threads)
        np.testing.assert_array_equal(sums, X.sum(axis=0))
        means = sums / dtype(len(X))
        out = X.copy() if in_place else np.empty_like(X)
        moments.subtract_columns(out if in_place else X, means, out, squares, n_threads)
        np.testing.assert_array_equal(out, X - means)
        np.testing.assert_array_equal(squares / dtype(len(X)), X.var(axis=0))


def test_sums_go_on_from_what_is_there(moments):
    sums = np.array([10.0, 20.0])
    moments.add_columns(np.array([[1.0, 2.0], [3.0, 4.0]]), sums, 1)
    assert sums.tolist() == [14, 26]
