"""The backends of one kernel, for tests whose one body runs them all."""

from importlib import import_module

import pytest

import fastml._kernels as kernels

compiled = pytest.mark.skipif(kernels.ISA is None, reason="a pure build: nothing is compiled")


def twins(name):
    """Return the parameters of a test over ``name`` ("runtime.finite"): the Cython kernel and its Numba twin.

    A parameter is a function that imports the module, so that collecting tests does not import Numba.
    """
    module = f"fastml._kernels.{name}"
    return [
        pytest.param(lambda: import_module(module), marks=compiled, id="cython"),
        pytest.param(lambda: import_module(f"{module}_jit"), id="numba"),
    ]
