"""The best level is chosen, a forced one is obeyed or refused, and each has no other's instructions."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastml._kernels as kernels
from tests.kernels.twins import compiled

FOLDER = Path(kernels.__file__).parent
LEVELS = ("base", "v2", "v3", "v4")


def built():
    return [level for level in LEVELS if (FOLDER / f"isa_{level}").is_dir()]


def runs():
    from fastml._kernels._cpu import levels

    return levels()


def import_with(isa):
    code = (
        "import fastml._kernels as k; print(k.ISA); from fastml._kernels.runtime import finite; print(finite.__file__)"
    )
    environment = {**os.environ, "FASTML_ISA": isa}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)


@compiled
@pytest.mark.parametrize("level", LEVELS)
def test_a_forced_level_is_obeyed_or_refused(level):
    done = import_with(level)
    if level in built() and level in runs():
        isa, file = done.stdout.splitlines()
        assert isa == level
        assert f"isa_{level}" in file
    else:
        assert f"ImportError: FASTML_ISA='{level}' cannot be used: built are " in done.stderr


def test_an_unknown_level_is_refused():
    error = import_with("avx512").stderr.splitlines()[-1]
    assert error.startswith("ImportError: FASTML_ISA='avx512' cannot be used")
    assert "this CPU runs" in error


@compiled
def test_the_best_level_is_chosen():
    isa, _ = import_with("").stdout.splitlines()
    assert isa == next(level for level in runs() if level in built())


def test_the_source_folder_is_not_importable_by_its_own_name():
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", "import kernels"], cwd=root, capture_output=True, text=True)
    assert "ImportError: import fastml._kernels, not the source folder" in done.stderr


@compiled
@pytest.mark.skipif(not hasattr(np, "_core"), reason="NumPy 2 lists the CPU's features")
def test_the_cpu_levels_agree_with_numpy():
    has = np._core._multiarray_umath.__cpu_features__
    if "v2" not in runs():
        pytest.skip("not an x86-64 CPU")
    assert ("v3" in runs()) == (has["AVX2"] and has["FMA3"])
    assert ("v4" in runs()) == (has["X86_V4"] if "X86_V4" in has else has["AVX512_SKX"])


@compiled
@pytest.mark.skipif(not shutil.which("objdump"), reason="needs objdump")
@pytest.mark.parametrize(("level", "forbidden"), [("v2", "[yz]mm"), ("v3", "zmm")])
def test_a_level_has_no_wider_registers(level, forbidden):
    if level not in built():
        pytest.skip(f"level {level} is not built")
    modules = sorted(FOLDER.glob(f"isa_{level}/**/*.so"))
    assert modules
    for module in modules:
        code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", module], capture_output=True, text=True).stdout
        assert not re.findall(rf".*%{forbidden}\d.*", code)[:3], module


@compiled
@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("objdump"), reason="needs objdump")
@pytest.mark.parametrize("level", ["v3", "v4"])
def test_a_level_uses_its_registers(level):
    if level not in built():
        pytest.skip(f"level {level} is not built")
    module = next(FOLDER.glob(f"isa_{level}/runtime/finite*.so"))
    code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", module], capture_output=True, text=True).stdout
    assert re.search(f"%{'zmm' if level == 'v4' else 'ymm'}", code)
