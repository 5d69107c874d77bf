"""The fused multiply-add of the twins is rounded once: by a CPU with the instruction, by one without, simulated."""

import os
import subprocess
import sys

import numpy as np
import pytest

from tests.kernels.exact import fused
from tests.kernels.twins import SIMULATED

# The exact results lie close to the middle of two floats, where rounding twice goes wrong.
CASES = {
    np.float32: [(1 + 2**-12, 1 + 2**-12, -1), (1 + 2**-23, 1 - 2**-23, -1), (4097, 4097, 2**-30), (2**-12, 1, 2**12)],
    np.float64: [
        (1 + 2**-30, 1 + 2**-30, -1),
        (1 + 2**-52, 1 - 2**-52, -1),
        (0.1, 10, -1),
        (2**27 + 1, 2**27 + 1, 2**-60),
    ],
}
by_dtype = pytest.mark.parametrize("dtype", CASES, ids=["float32", "float64"])

SCRIPT = """
import numba
from fastml._kernels._jit import fma

@numba.njit
def of(a, b, c):
    return fma(a, b, c)

for a, b, c in {cases}:
    print(of(numba.{kind}(a), numba.{kind}(b), numba.{kind}(c)).hex())
"""


@pytest.mark.parametrize("cpu", ["native", "without FMA"])
@by_dtype
def test_the_processor_rounds_once(cpu, dtype):
    # Another process: Numba chooses the CPU when it is imported.
    env = dict(os.environ, **({} if cpu == "native" else {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}))
    script = SCRIPT.format(cases=CASES[dtype], kind=dtype.__name__)
    run = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)
    assert [float.fromhex(line) for line in run.stdout.split()] == [fused(*case, dtype) for case in CASES[dtype]]


@pytest.mark.skipif(not SIMULATED, reason="of the simulator")
@by_dtype
def test_the_cuda_simulator_rounds_once(dtype):
    from fastml._kernels._cuda import fma

    for case in CASES[dtype]:
        result = fma(*map(dtype, case))
        assert type(result) is dtype
        assert result == fused(*case, dtype)
