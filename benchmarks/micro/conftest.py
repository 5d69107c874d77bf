"""Micro benchmarks time single kernels: `pytest benchmarks/micro`; with `--benchmark-disable` each runs once.

Every kernel is timed beside its Numba twin, so that a kernel that is no faster than its plain form shows.
"""

from importlib import import_module

import pytest

import fastml._kernels as kernels

compiled = pytest.mark.skipif(kernels.ISA is None, reason="a pure build: nothing is compiled")


@pytest.fixture(params=[pytest.param("", marks=compiled, id="cython"), pytest.param("_jit", id="numba")])
def kernel(request):
    """A function that imports a kernel by name, as it is or as its twin."""
    return lambda name: import_module(f"fastml._kernels.{name}{request.param}")


@pytest.fixture(params=["float64", "float32"])
def dtype(request):
    return request.param
