"""The GPU kernels compile without a GPU, and fuse nothing."""

from tests.kernels.ptx import by_capability, compiled, count

TREES = "int64[::1], float32[::1], int32[::1], int32[:, ::1], uint8[::1]"
SIGNATURES = f"""{{
    "find_leaves": ({TREES}, float32[:, ::1], int64[:, ::1]),
    "add_values": ({TREES}, float64[:, ::1], float32[:, ::1], float64, float64[:, :, ::1]),
}}"""


@by_capability
def test_every_kernel_compiles_and_fuses_nothing(cc):
    ptx = compiled("tree.predict_cuda", SIGNATURES, cc)
    assert list(ptx) == ["find_leaves", "add_values"]
    for text in ptx.values():
        assert ".visible .entry" in text
        assert not count(r"\b(?:ld|st)\.local|\bfma\.|\bmul\.f|\b(?:atom|red)\.\S*\.f", text)
