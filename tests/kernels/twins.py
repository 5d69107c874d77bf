"""The backends of one kernel, for tests whose one body runs them all."""

import os
from importlib import import_module
from importlib.util import find_spec

import pytest

import fastml._kernels as kernels

SIMULATED = os.environ.get("NUMBA_ENABLE_CUDASIM") == "1"  # of which every thread is one of Python: small data only

compiled = pytest.mark.skipif(kernels.ISA is None, reason="a pure build: nothing is compiled")


def twins(name):
    """Return the parameters of a test over ``name`` ("runtime.finite"): the Cython kernel, its Numba and its CUDA twin.

    A parameter is a function that imports the module, so that collecting tests does not import Numba.
    """
    module = f"fastml._kernels.{name}"
    found = [
        pytest.param(lambda: import_module(module), marks=compiled, id="cython"),
        pytest.param(lambda: import_module(f"{module}_jit"), id="numba"),
    ]
    if find_spec(f"{module}_cuda"):
        found.append(pytest.param(lambda: _on_gpu(f"{module}_cuda"), id="cuda"))
    return found


def _on_gpu(module):
    from numba import cuda

    if not cuda.is_available():
        pytest.skip("neither NUMBA_ENABLE_CUDASIM=1 nor a GPU")
    return import_module(module)
