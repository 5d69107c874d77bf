"""What the build puts into a wheel and an sdist, and how source folder and installed wheel live together."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from fastml._paths import with_installed_kernels
from fastml._version import __version__

ROOT = Path(__file__).parents[1]
IGNORED = shutil.ignore_patterns(".*", "build", "dist", "isa_*", "*.so", "*.egg-info", "__pycache__", "venv*")
MEBIBYTE = 2**20


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of the sources, as a fresh clone has them."""
    copy = tmp_path_factory.mktemp("build") / "clone"
    shutil.copytree(ROOT, copy, ignore=IGNORED)
    return copy


def build(tree, kind, **environment):
    """Build a "wheel" or "sdist" in the tree, with the packages that are installed here."""
    for left in ("build", "dist"):
        shutil.rmtree(tree / left, ignore_errors=True)
    command = [sys.executable, "-m", "build", "--no-isolation", "--skip-dependency-check", f"--{kind}", tree]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, cwd=tree.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = (tree / "dist").iterdir()
    return made


def sources(tree, *suffixes):
    return {p.relative_to(tree).as_posix() for p in tree.rglob("*") if p.suffix in suffixes}


def test_a_pure_wheel_has_every_python_file_and_nothing_else(tree):
    wheel = build(tree, "wheel", FASTML_PURE="1")
    assert wheel.name == f"fastml_kernels-{__version__}-py3-none-any.whl"
    packed = {n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in n}
    wanted = sources(tree / "fastml", ".py"), sources(tree / "kernels", ".py")
    assert packed == {f"fastml/{n}" for n in wanted[0]} | {f"fastml/_kernels/{n}" for n in wanted[1]}


def test_a_pure_wheel_works_without_compiled_kernels(tree, tmp_path):
    zipfile.ZipFile(build(tree, "wheel", FASTML_PURE="1")).extractall(tmp_path)
    code = "import fastml._kernels as k; print(k.ISA, k.__file__); from fastml._kernels.runtime import mt19937"
    environment = {k: v for k, v in os.environ.items() if k != "FASTML_ISA"} | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.split() == ["None", str(tmp_path / "fastml/_kernels/__init__.py")], done.stderr


def test_an_sdist_has_all_that_a_build_needs(tree):
    # Also of a pure build, which knows of no extension modules.
    packed = tarfile.open(build(tree, "sdist", FASTML_PURE="1")).getnames()
    packed = {name.split("/", 1)[1] for name in packed if "/" in name}
    kernels = {f"kernels/{name}" for name in sources(tree / "kernels", ".py", ".pyx", ".pxd", ".c", ".h")}
    package = {f"fastml/{name}" for name in sources(tree / "fastml", ".py")}
    assert kernels | package | {"setup.py", "pyproject.toml", "README.md", "LICENSE"} <= packed
    assert not [name for name in packed if name.endswith((".so", ".pyc")) or "isa_" in name]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt" or not shutil.which("cc"), reason="needs a C compiler")
def test_a_compiled_wheel_has_no_sources_and_is_small(tree):
    """That of ``FASTML_TEST_WHEEL``, if it is set; else one is built."""
    pytest.importorskip("Cython")
    given = os.environ.get("FASTML_TEST_WHEEL")
    wheel = Path(given) if given else build(tree, "wheel", FASTML_PURE="0", FASTML_BUILD_ISA="native")
    packed = [n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in n]
    assert {Path(name).suffix for name in packed} == {".py", ".so"}
    found = {}
    for name in packed:
        if "/isa_" in name:
            level, module = name.split("/isa_")[1].split(".")[0].split("/", 1)
            found.setdefault(level, set()).add(module)
    modules = {p.relative_to(tree / "kernels").with_suffix("").as_posix() for p in tree.glob("kernels/*/*.pyx")}
    assert len(found) > 0
    assert all(made == modules - {"runtime/pool"} for made in found.values())
    assert wheel.stat().st_size < 5 * MEBIBYTE * len(found)


def installed(folder, version):
    """Make a folder look like an installed fastml."""
    package = folder / "fastml"
    (package / "_kernels").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "_version.py").write_text(f'__version__ = "{version}"\n')
    return package


def test_the_source_folder_finds_the_installed_kernels(tmp_path, monkeypatch):
    package = installed(tmp_path, __version__)
    monkeypatch.syspath_prepend(tmp_path)
    assert with_installed_kernels([str(ROOT / "fastml")], __version__)[1] == str(package)


def test_an_installed_package_looks_no_further(tmp_path, monkeypatch):
    mine, other = installed(tmp_path / "a", "7.1"), installed(tmp_path / "b", "7.0")
    monkeypatch.syspath_prepend(other.parent)
    assert with_installed_kernels([str(mine)], "7.1") == [str(mine)]


def test_another_version_is_refused_in_a_sentence(tmp_path, monkeypatch):
    package = installed(tmp_path, "7.0")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        ImportError, match=r"fastml 7\.1 in .* cannot use the kernels of fastml 7\.0, which is installed"
    ) as e:
        with_installed_kernels([str(ROOT / "fastml")], "7.1")
    assert str(package) in str(e.value)


def test_an_unrelated_package_of_the_same_name_is_left_alone(tmp_path, monkeypatch):
    (tmp_path / "fastml").mkdir()
    (tmp_path / "fastml" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert str(tmp_path / "fastml") not in with_installed_kernels([str(ROOT / "fastml")], __version__)
