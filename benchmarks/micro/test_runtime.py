"""Kernels that every family uses, on one thread."""

import numpy as np
import pytest


@pytest.mark.parametrize("shape", [(1, 32), (20_000, 32)], ids=str)
def test_all_finite(benchmark, kernel, dtype, shape):
    assert benchmark(kernel("runtime.finite").all_finite, np.ones(shape, dtype))


def test_random_sample(benchmark, kernel):
    words = np.append(np.random.RandomState(0).get_state()[1], np.uint32(624))
    out = np.empty(10_000)
    benchmark(kernel("runtime.random").random_sample, words, out)
    assert 0.49 < out.mean() < 0.51
