"""What Numba keeps of the twins' machine code is renewed whenever it may be out of date."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fastml
import fastml._kernels

CALLED = """
from fastml._kernels._jit import kernel

@kernel
def called():
    return {}
"""
CALLER = """
from fastml._kernels._jit import kernel
from fastml._kernels.called_jit import called

@kernel
def caller():
    return called()
"""
PROGRAM = """
from fastml._kernels.caller_jit import caller

print(caller(), sum(caller.stats.cache_hits.values()))
"""


@pytest.fixture
def copy(tmp_path):
    """The folder of a copy of the package without compiled kernels."""
    ignored = shutil.ignore_patterns("__pycache__", "isa_*", "*.so", "_kernels")
    package, kernels = (Path(module.__file__).parent for module in (fastml, fastml._kernels))
    shutil.copytree(package, tmp_path / "fastml", ignore=ignored)
    shutil.copytree(kernels, tmp_path / "fastml/_kernels", ignore=ignored)
    return tmp_path


def run(copy):
    environment = {k: v for k, v in os.environ.items() if k != "FASTML_ISA"} | {"PYTHONPATH": str(copy)}
    command = [sys.executable, "-c", PROGRAM]
    return subprocess.run(command, env=environment, cwd=copy, capture_output=True, text=True, check=True).stdout


def test_a_kernel_is_compiled_anew_when_another_file_that_it_calls_has_changed(copy):
    kernels = copy / "fastml/_kernels"
    (kernels / "caller_jit.py").write_text(CALLER)
    printed = []
    for value in (1, 1, 2):
        (kernels / "called_jit.py").write_text(CALLED.format(value))
        printed.append(run(copy).split())
    assert printed == [["1", "0"], ["1", "1"], ["2", "0"]]
