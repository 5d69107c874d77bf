"""The streams are NumPy's and scikit-learn's, draw for draw."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils._random import _our_rand_r_py

from fastml._kernels.runtime import mt19937
from tests.kernels.twins import twins

seeds = st.integers(0, 2**32 - 1)
int64 = st.integers(-(2**63), 2**63 - 1)


@pytest.fixture(params=twins("runtime.random"), scope="module")
def random(request):
    return request.param()


def generators(seed, skip):
    """Two equal generators, somewhere inside a block of 624 words, with a normal draw in reserve."""
    both = np.random.RandomState(seed), np.random.RandomState(seed)
    for generator in both:
        generator.bytes(4 * skip)
        generator.normal()
    return both


@pytest.mark.parametrize("seed", [0, 1, 2, 12345, 2**31 - 1, 2**31, 2**32 - 1])
def test_rand_r_is_that_of_scikit_learn(random, seed):
    drawn, state = np.empty(50, np.uint32), np.array([seed], np.uint32)
    first = np.empty(1, np.uint32)
    random.rand_r(state, first)
    assert first[0] == _our_rand_r_py(seed)
    for i in range(50):
        before = state[0]
        random.rand_r(state, drawn[i : i + 1])
        assert drawn[i] == _our_rand_r_py(before)


@given(seed=seeds, skip=st.integers(0, 1300), n=st.integers(0, 700))
def test_random_sample(random, seed, skip, n):
    ours, numpys = generators(seed, skip)
    mt, drawn = mt19937.read(ours), np.empty(n)
    random.random_sample(mt, drawn)
    np.testing.assert_array_equal(drawn, numpys.random_sample(n))


@given(seed=seeds, skip=st.integers(0, 1300), ends=st.tuples(int64, int64), n=st.integers(0, 700))
def test_randint(random, seed, skip, ends, n):
    low, high = min(ends), max(ends)
    if low == high:
        return
    ours, numpys = generators(seed, skip)
    mt, drawn = mt19937.read(ours), np.empty(n, np.int64)
    random.randint(mt, low, high, drawn)
    np.testing.assert_array_equal(drawn, numpys.randint(low, high, n, dtype=np.int64))


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 9, 150, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**62])
def test_randint_at_the_edges_of_the_mask(random, n):
    ours, numpys = generators(n % 1000, 620)
    mt, drawn = mt19937.read(ours), np.empty(2000, np.int64)
    random.randint(mt, 0, n, drawn)
    np.testing.assert_array_equal(drawn, numpys.randint(0, n, 2000, dtype=np.int64))


@given(seed=seeds, skip=st.integers(0, 1300), n=st.integers(0, 700))
def test_shuffle_and_permutation(random, seed, skip, n):
    ours, numpys = generators(seed, skip)
    mt, x = mt19937.read(ours), np.arange(n)
    random.shuffle(mt, x)
    np.testing.assert_array_equal(x, numpys.permutation(n))
    y = x.copy()
    random.shuffle(mt, x)
    numpys.shuffle(y)
    np.testing.assert_array_equal(x, y)


@given(seed=seeds, skip=st.integers(0, 1300), n=st.integers(0, 700))
def test_permutation_in_four_bytes(random, seed, skip, n):
    ours, numpys = generators(seed, skip)
    mt, order = mt19937.read(ours), np.empty(n, np.uint32)
    for _ in range(2):
        random.permutation(mt, order)
        np.testing.assert_array_equal(order, numpys.permutation(n))


@pytest.mark.parametrize("n", [2**16 - 1, 2**16, 2**16 + 1, 100_003])
def test_a_long_permutation(random, n):
    mt, order = np.empty(625, np.uint32), np.empty(n, np.uint32)
    random.seed(mt, n)
    random.permutation(mt, order)
    np.testing.assert_array_equal(order, np.random.RandomState(n).permutation(n))


@pytest.mark.parametrize("seed", [0, 1, 7, 2**31 - 1, 2**31, 2**32 - 1])
def test_seed(random, seed):
    mt = np.empty(625, np.uint32)
    random.seed(mt, seed)
    np.testing.assert_array_equal(mt, mt19937.read(np.random.RandomState(seed)))


def test_written_back_the_generator_goes_on_as_numpys(random):
    ours, numpys = generators(7, 100)
    mt = mt19937.read(ours)
    random.random_sample(mt, np.empty(1000))
    numpys.random_sample(1000)
    mt19937.write(ours, mt)
    assert ours.normal() == numpys.normal()  # the one in reserve
    np.testing.assert_array_equal(ours.normal(size=100), numpys.normal(size=100))


def test_another_generator_is_refused_by_name():
    with pytest.raises(ValueError, match="not from PCG64"):
        mt19937.read(np.random.RandomState(np.random.PCG64(0)))


@given(seed=seeds, n=st.sampled_from([1, 2, 3, 8, 150, 700, 5000]), n_draws=st.integers(0, 3000))
def test_counted_draws(random, seed, n, n_draws):
    mt, counts = np.empty(625, np.uint32), np.zeros(n, np.uint8)
    random.seed(mt, seed)
    generator = np.random.RandomState(seed)
    expected = np.bincount(generator.randint(0, n, n_draws), minlength=n)
    fit = random.count_draws(mt, n_draws, counts)
    assert fit == (expected.max() < 256)
    if fit:
        np.testing.assert_array_equal(counts, expected)
        np.testing.assert_array_equal(mt, mt19937.read(generator))
