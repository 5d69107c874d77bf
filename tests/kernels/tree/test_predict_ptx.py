"""The GPU kernels compile without a GPU, and fuse nothing."""

import re
import subprocess
import sys

import pytest

from tests.kernels.twins import SIMULATED

SCRIPT = """
import sys
from types import SimpleNamespace

import numba.cuda.dispatcher
from numba import cuda, float32, float64, int32, int64, uint8

from fastml._kernels.tree import predict_cuda

cc = int(sys.argv[1]), int(sys.argv[2])
numba.cuda.dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=cc)
trees = int64[::1], float32[::1], int32[::1], int32[:, ::1], uint8[::1]
signatures = {
    "find_leaves": (*trees, float32[:, ::1], int64[:, ::1]),
    "add_values": (*trees, float64[:, ::1], float32[:, ::1], float64, float64[:, :, ::1]),
}
for name, signature in signatures.items():
    ptx, _ = cuda.compile_ptx(getattr(predict_cuda, name).py_func, signature, cc=cc)
    print("KERNEL", name, ptx)
"""


@pytest.fixture(scope="module", params=[(7, 5), (8, 0), (9, 0)], ids=["7.5", "8.0", "9.0"])
def ptx(request):
    """PTX by kernel. Compiled in another process, which is told that it has such a GPU."""
    pytest.importorskip("numba_cuda", reason="needs the extra 'cuda'")
    if SIMULATED:
        pytest.skip("the simulator compiles nothing")
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, request.param)], capture_output=True, text=True, check=True
    )
    return dict(part.split(maxsplit=1) for part in run.stdout.split("KERNEL ")[1:])


def test_every_kernel_compiles_and_fuses_nothing(ptx):
    assert list(ptx) == ["find_leaves", "add_values"]
    for text in ptx.values():
        assert ".visible .entry" in text
        assert not re.findall(r"\b(?:ld|st)\.local|\bfma\.|\bmul\.f|\b(?:atom|red)\.\S*\.f", text)
