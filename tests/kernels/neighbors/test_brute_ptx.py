"""The GPU kernels of brute force compile without a GPU, into what they were written for."""

import pytest

from tests.kernels.ptx import by_capability, compiled, count

NARROW = "float32[:, ::1], float64[:, ::1], float32[::1]"
FOUND = "float64[:, :, ::1], int32[:, :, ::1]"
SIGNATURES = f"""{{
    "narrow_block": (T[:, ::1], float64[::1], {NARROW}),
    "search": (T[:, ::1], float64[:, ::1], {NARROW}, {NARROW}, int64, int32[:, :, ::1], float64[:, :, ::1], {FOUND}),
    "choose": ({FOUND}, int64, float64[:, ::1], int64[:, ::1]),
}}"""


@pytest.mark.parametrize("kind", ["f32", "f64"])
@by_capability
def test_the_tile_is_fused_and_lies_in_registers(cc, kind):
    from fastml._kernels.neighbors.brute_cuda import COLUMNS, ROWS

    ptx = compiled("neighbors.brute_cuda", SIGNATURES, cc, kind)
    assert list(ptx) == ["narrow_block", "search", "choose"]
    for name, text in ptx.items():
        assert ".visible .entry" in text
        assert not count(r"\b(?:ld|st)\.local", text)
        assert not count(r"\b(?:atom|red)\.\S*\.f", text)
        assert not count(r"\bfma\.rn\.f64|\bmul\.f", text)  # a product without a rounding mode could be fused later
        fused = count(r"\bfma\.rn\.f32", text)
        assert (fused > 0) == (name == "search")
        assert fused % (ROWS * COLUMNS) == 0
