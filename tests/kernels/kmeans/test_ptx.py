"""The GPU kernels compile without a GPU, into what they were written for."""

import re
import subprocess
import sys

import pytest

from tests.kernels.twins import SIMULATED

SCRIPT = """
import sys
from types import SimpleNamespace

import numba.cuda.dispatcher
from numba import cuda, float32, float64, int32, uint8

from fastml._kernels.kmeans import lloyd_cuda

cc = int(sys.argv[1]), int(sys.argv[2])
T = {"f32": float32, "f64": float64}[sys.argv[3]]
numba.cuda.dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=cc)
table, column, labels = T[:, ::1], T[::1], int32[::1]
signatures = {
    "assign_lloyd": (table, table, column, labels, labels),
    "assign_elkan": (table, table, labels, labels),
    "add_up_cluster": (table, column, labels, uint8[::1], table, column),
    "own_distances": (table, column, table, labels, column),
}
for name, signature in signatures.items():
    ptx, _ = cuda.compile_ptx(getattr(lloyd_cuda, name).py_func, signature, cc=cc)
    print("KERNEL", name, ptx)
"""


@pytest.fixture(scope="module", params=["f32", "f64"])
def kind(request):
    return request.param


@pytest.fixture(scope="module", params=[(7, 5), (8, 0), (9, 0)], ids=["7.5", "8.0", "9.0"])
def ptx(request, kind):
    """PTX by kernel. Compiled in another process, which is told that it has such a GPU."""
    pytest.importorskip("numba_cuda", reason="needs the extra 'cuda'")
    if SIMULATED:
        pytest.skip("the simulator compiles nothing")
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, request.param), kind], capture_output=True, text=True, check=True
    )
    parts = (part.split(maxsplit=1) for part in run.stdout.split("KERNEL ")[1:])
    return dict(parts)


def count(pattern, text):
    return len(re.findall(pattern, text))


def test_every_kernel_compiles_and_keeps_its_values_in_registers(ptx):
    assert list(ptx) == ["assign_lloyd", "assign_elkan", "add_up_cluster", "own_distances"]
    for text in ptx.values():
        assert ".visible .entry" in text
        assert not count(r"\b(?:ld|st)\.local", text)


def test_only_the_dot_products_are_fused(ptx):
    from fastml._kernels.kmeans.lloyd_cuda import CLUSTERS, ROWS

    fused = {name: count(r"\bfma\.", text) for name, text in ptx.items()}
    assert fused["assign_lloyd"] % (ROWS * CLUSTERS) == 0
    assert fused["assign_lloyd"] > 0
    assert not any(fused[name] for name in ("assign_elkan", "add_up_cluster", "own_distances"))
    for text in ptx.values():  # a product without a rounding mode could be fused later
        assert count(r"\bmul\.f", text) == 0


def test_float32_kernels_stay_in_float32(ptx, kind):
    if kind == "f32":
        for name, text in ptx.items():
            operations = re.findall(r"\b(?:add|sub|mul|fma|div|sqrt|setp\.\w+)\S*\.f64", text)
            assert not operations, f"{name}: {operations}"


def test_sums_take_no_floating_point_atomics(ptx):
    for text in ptx.values():
        assert not count(r"\b(?:atom|red)\.\S*\.f(?:32|64)", text)
