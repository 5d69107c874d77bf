"""The GPU kernels compile without a GPU, into what they were written for."""

import re

import pytest

from tests.kernels.ptx import CAPABILITIES, compiled, count

SIGNATURES = """{
    "assign_lloyd": (T[:, ::1], T[:, ::1], T[::1], int32[::1], int32[::1]),
    "assign_elkan": (T[:, ::1], T[:, ::1], int32[::1], int32[::1], T[:, ::1], uint8[::1], T, T, T),
    "add_up_cluster": (T[:, ::1], T[::1], int32[::1], uint8[::1], T[:, ::1], T[::1]),
    "own_distances": (T[:, ::1], T[::1], T[:, ::1], int32[::1], T[::1]),
}"""


@pytest.fixture(scope="module", params=["f32", "f64"])
def kind(request):
    return request.param


@pytest.fixture(scope="module", params=CAPABILITIES, ids=CAPABILITIES.get)
def ptx(request, kind):
    """PTX by kernel."""
    return compiled("kmeans.lloyd_cuda", SIGNATURES, request.param, kind)


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
