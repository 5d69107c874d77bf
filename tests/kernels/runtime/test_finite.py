import numpy as np
import pytest

from tests.kernels.twins import compiled, twins


@pytest.fixture(params=twins("runtime.finite"), scope="module")
def all_finite(request):
    return request.param().all_finite


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_bad_element_is_found_anywhere(all_finite, dtype, bad):
    for n in (1, 2, 7, 31, 32, 33, 63, 64, 65, 200):
        x = np.zeros(n, dtype)
        assert all_finite(x)
        for i in range(n):
            x[i] = bad
            assert not all_finite(x)
            x[i] = 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_numbers_are_finite(all_finite, dtype):
    info = np.finfo(dtype)
    numbers = [0.0, -0.0, info.max, info.min, info.tiny, info.smallest_subnormal, -info.smallest_subnormal, info.eps]
    assert all_finite(np.resize(np.array(numbers, dtype), 1000))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_nan_is_found(all_finite, dtype):
    bits = np.uint32 if dtype is np.float32 else np.uint64
    width = 8 * np.dtype(dtype).itemsize
    mantissa = np.finfo(dtype).nmant
    for payload in (1, 1 << (mantissa - 1), (1 << mantissa) - 1):
        for sign in (0, 1 << (width - 1)):
            x = np.zeros(40, dtype)
            x.view(bits)[21] = sign | (2**width - 1) >> 1 & ~((1 << mantissa) - 1) | payload
            assert np.isnan(x[21])
            assert not all_finite(x)


@pytest.mark.parametrize("shape", [(), (0,), (0, 5), (5, 0), (3, 4, 5), (70, 1000)])
def test_any_shape(all_finite, shape):
    x = np.ones(shape)
    assert all_finite(x)
    if x.size:
        x.flat[x.size // 2] = np.inf
        assert not all_finite(x)


def test_the_last_of_many(all_finite):
    x = np.ones((1001, 1003), np.float32)
    x[-1, -1] = np.nan
    assert not all_finite(x)


def test_read_only_arrays_are_taken(all_finite):
    x = np.ones((5, 5))
    x.flags.writeable = False
    assert all_finite(x)


@compiled
@pytest.mark.parametrize(
    "x",
    [
        np.ones((4, 5), order="F"),
        np.ones((4, 6))[:, ::2],
        np.ones(4, ">f8"),
        np.ones(4, int),
        np.ones(4, np.float16),
        np.ones(4, object),
        np.ones(4, complex),
        np.zeros(33, np.uint8)[1:].view(np.float64),
    ],
    ids=["F", "strided", "swapped", "int", "half", "object", "complex", "unaligned"],
)
def test_what_the_kernel_cannot_read_is_refused(x):
    from fastml._kernels.runtime.finite import all_finite

    with pytest.raises(ValueError, match="C-contiguous float32 or float64"):
        all_finite(x)


@compiled
@pytest.mark.parametrize("x", [None, [[1.0]], 1.0])
def test_what_is_no_array_is_refused(x):
    from fastml._kernels.runtime.finite import all_finite

    with pytest.raises(TypeError):
        all_finite(x)
