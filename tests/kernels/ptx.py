"""GPU kernels compiled without a GPU: in another process, which is told that it has one."""

import re
import subprocess
import sys

import pytest

from tests.kernels.twins import SIMULATED

CAPABILITIES = {(7, 5): "7.5", (8, 0): "8.0", (9, 0): "9.0"}
by_capability = pytest.mark.parametrize("cc", CAPABILITIES, ids=CAPABILITIES.get)

SCRIPT = """
import sys
from importlib import import_module
from types import SimpleNamespace

import numba.cuda.dispatcher
from numba import boolean, cuda, float32, float64, int32, int64, uint8

module, cc, signatures = import_module(sys.argv[1]), (int(sys.argv[2]), int(sys.argv[3])), sys.argv[5]
T = {"f32": float32, "f64": float64}[sys.argv[4]]
numba.cuda.dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=cc)
for name, signature in eval(signatures).items():
    ptx, _ = cuda.compile_ptx(getattr(module, name).py_func, signature, cc=cc)
    print("KERNEL", name, ptx)
"""


def compiled(module, signatures, cc, kind="f64"):
    """Return PTX by kernel. ``signatures``: source of a dictionary, in which T is the type of the samples."""
    pytest.importorskip("numba_cuda", reason="needs the extra 'cuda'")
    if SIMULATED:
        pytest.skip("the simulator compiles nothing")
    arguments = [f"fastml._kernels.{module}", *map(str, cc), kind, signatures]
    run = subprocess.run([sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, check=True)
    return dict(part.split(maxsplit=1) for part in run.stdout.split("KERNEL ")[1:])


def count(pattern, text):
    return len(re.findall(pattern, text))
