"""The rules that hold the project together, read off the sources: estimator -> driver -> kernels."""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BOTH_ALLOWED = {"fastml/_validate.py", "fastml/_versions.py"}
KERNELS_MAY_IMPORT = {"fastml._kernels", "numpy", "numba", "llvmlite", "scipy", "cpython", "cython", "libc"}

PACKAGE = sorted((ROOT / "fastml").rglob("*.py"))
KERNELS = sorted(p for p in (ROOT / "kernels").rglob("*") if "isa_" not in p.parts[len(ROOT.parts) + 1])
PYTHON_KERNELS = [p for p in KERNELS if p.suffix == ".py"]
CYTHON_KERNELS = [p for p in KERNELS if p.suffix in (".pyx", ".pxd", ".pxi")]
C_KERNELS = [p for p in KERNELS if p.suffix in (".c", ".h")]


def name(path):
    return path.relative_to(ROOT).as_posix()


def modules_of(source):
    """Names that Python source imports, anywhere in it: ``from a import b`` gives "a.b"."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def cython_modules_of(source):
    """Names that Cython source imports or cimports, standing on a line of their own."""
    for line in source.splitlines():
        if found := re.match(r"\s*from\s+([\w.]+)\s+c?import\s+(\w+)", line):
            yield ".".join(found.groups())
        elif found := re.match(r"\s*c?import\s+(.+)", line):
            yield from (part.split()[0] for part in found[1].split(","))


def is_in(module, packages):
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def knows(source):
    """Which of scikit-learn and the kernels a Python source imports."""
    modules = list(modules_of(source))
    return {package for package in ("sklearn", "fastml._kernels") if any(is_in(m, [package]) for m in modules)}


def may_be_imported_by_a_kernel(module):
    return is_in(module, KERNELS_MAY_IMPORT) or module.split(".")[0] in sys.stdlib_module_names


@pytest.mark.parametrize("path", PACKAGE, ids=name)
def test_a_file_knows_scikit_learn_or_the_kernels(path):
    if name(path) not in BOTH_ALLOWED:
        assert len(knows(path.read_text())) < 2


@pytest.mark.parametrize("path", PYTHON_KERNELS + CYTHON_KERNELS, ids=name)
def test_kernels_know_neither_scikit_learn_nor_fastml(path):
    read = modules_of if path.suffix == ".py" else cython_modules_of
    assert not [m for m in read(path.read_text()) if not may_be_imported_by_a_kernel(m)]


def test_families_are_namespace_packages():
    # An __init__.py would hide the compiled modules, which lie in the folder of the level.
    assert [name(p) for p in KERNELS if p.name == "__init__.py"] == ["kernels/__init__.py"]


@pytest.mark.parametrize("path", CYTHON_KERNELS + C_KERNELS, ids=name)
def test_compiler_flags_stand_in_setup_py_alone(path):
    pragma = r"#pragma (?:STDC|omp|(?:GCC|clang) (?:optimize|target|push_options|fp))"
    banned = rf"{pragma}|\(\(\s*(?:optimize|target)|distutils\s*:|-O[0-3]|-march=|-ffast-math"
    assert not re.findall(rf".*(?:{banned}).*", path.read_text())


@pytest.mark.parametrize("path", PYTHON_KERNELS, ids=name)
def test_numba_flags_stand_in_one_file_alone(path):
    if path.name != "_jit.py":
        assert not re.findall(r".*(?:\bn?jit\(|\bimport n?jit\b|@(?:numba\.)?n?jit\b|fastmath=).*", path.read_text())


@pytest.mark.parametrize("path", CYTHON_KERNELS + C_KERNELS, ids=name)
def test_threads_are_those_of_the_pool(path):
    if path.name not in ("pool.c", "pool_stress.c"):
        assert not re.findall(r".*(?:\bprange\b|\bopenmp\b|\bpthread_create\b|omp_get).*", path.read_text())


def test_no_file_of_everything():
    assert not [name(p) for p in PACKAGE + KERNELS if p.stem in ("utils", "_utils", "helpers", "misc", "common")]


@pytest.mark.parametrize(
    ("source", "known"),
    [
        ("import sklearn\nfrom fastml import _kernels", {"sklearn", "fastml._kernels"}),
        ("def f():\n    from sklearn.base import clone", {"sklearn"}),
        ("from fastml._kernels.runtime.finite import all_finite", {"fastml._kernels"}),
        ("import sklearnex, fastml._kernelsmith", set()),
    ],
)
def test_the_rule_itself(source, known):
    assert knows(source) == known


def test_the_rule_for_cython_itself():
    source = (
        "cimport numpy as cnp, sklearn.tree\n  from libc.math cimport sqrt\nfrom fastml._config import x\nimport os"
    )
    modules = list(cython_modules_of(source))
    assert [m for m in modules if not may_be_imported_by_a_kernel(m)] == ["sklearn.tree", "fastml._config.x"]
