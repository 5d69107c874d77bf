"""Build of the kernels: every ``kernels/<family>/<name>.pyx`` becomes one extension module per instruction set level.

1. Each source goes through Cython once and through the C compiler once per level. The modules lie in
   ``fastml/_kernels/isa_<level>/<family>/<name>``, but all are *named* ``fastml._kernels.<family>.<name>``:
   ``kernels/__init__.py`` puts the folder of the level that the CPU runs in front of the package's search path.
2. Objects of one level have a build folder of their own; else a parallel build may link v4 code into the v2 module.
3. Cython's own helpers are compiled once for all modules (``_cyutility``): a sixth of the compile time.
4. ``build/cimport/fastml/_kernels`` is a link to ``kernels/``, so that absolute cimports resolve before installation.

Environment:
FASTML_BUILD_ISA  ``all`` (default of wheels), ``native`` (default in the source tree), or levels: ``v2,v4``
FASTML_PURE=1     no compiled modules: the Numba twins are the kernels. Always so on Windows, whose compiler
                  has neither vector types nor pthreads.
FASTML_SANITIZE   ``thread`` or ``address,undefined`` (see tools/sanitize.sh)
"""

import copy
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, find_packages, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build import build
from setuptools.command.build_ext import build_ext

ROOT = "fastml._kernels"
SHARED = f"{ROOT}._cyutility"
KERNELS = Path("kernels")
X86 = sysconfig.get_platform().endswith("x86_64")
LEVELS = {f"v{n}": [f"-march=x86-64-v{n}"] for n in (2, 3, 4)} if X86 else {"base": []}
SANITIZE = os.environ.get("FASTML_SANITIZE", "")

# Every flag of the project is in this block. No contraction: a kernel gives the same bits at every level, and the
# bits of scikit-learn's own build. `-fno-fast-math` at the link too: an inherited -ffast-math there would switch the
# whole process to flushing subnormals. Without errno, square roots vectorise; their values are the same.
FLAGS = ["-O3", "-g0", "-ffp-contract=off", "-fno-fast-math", "-fno-math-errno", "-Wno-psabi", "-Wno-unused-function"]
LINK = ["-fno-fast-math", "-Wl,-x" if sys.platform == "darwin" else "-Wl,-s"]
if SANITIZE:
    FLAGS += ["-O1", "-g1", "-fno-omit-frame-pointer", f"-fsanitize={SANITIZE}"]
    LINK = ["-fno-fast-math", f"-fsanitize={SANITIZE}"]

# Looser floating point, module by module, where its class of agreement allows it:
# {"kmeans.lloyd": ["-ffp-contract=fast"]}.
FILE_FLAGS = {
    "linear.logistic": ["-ffp-contract=fast"],  # what is minimised: the class of agreement is "optimum"
}

# Modules that hold state of the process exist once, not once per level; the value names their further C sources.
ONCE = {"runtime.pool": ["kernels/runtime/pool.c"]}

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
    "freethreading_compatible": True,
}


def extension(pyx, level):
    """Describe the module of one Cython source at one level ("": exists once)."""
    import numpy as np

    name = ".".join(pyx.relative_to(KERNELS).with_suffix("").parts)
    folders = {pyx.parent, KERNELS / "runtime"}
    ext = Extension(
        ".".join(filter(None, [ROOT, level and f"isa_{level}", name])),
        [str(pyx), *ONCE.get(name, [])],
        depends=["setup.py", *(str(p) for d in folders for p in sorted(d.iterdir()) if p.suffix in (".h", ".pxd"))],
        include_dirs=[*sorted(map(str, folders)), np.get_include()],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
        extra_compile_args=FLAGS + LEVELS.get(level, []) + FILE_FLAGS.get(name, []),
        extra_link_args=LINK,
    )
    ext.level, ext.module = level, f"{ROOT}.{name}"
    return ext


def extensions():
    """Describe every extension module of the project, at every level."""
    plain = {"extra_compile_args": FLAGS, "extra_link_args": LINK}
    yield Extension(f"{ROOT}._cpu", ["kernels/_cpu.c"], **plain)
    yield Extension(SHARED, [], **plain)
    for pyx in sorted(KERNELS.glob("[!_]*/*.pyx")):
        once = ".".join(pyx.relative_to(KERNELS).with_suffix("").parts) in ONCE
        for level in [""] if once else LEVELS:
            yield extension(pyx, level)


def native_level():
    """Return the highest level that the compiler sees in this machine's CPU."""
    if not X86:
        return "base"
    cc = (os.environ.get("CC") or sysconfig.get_config_var("CC")).split()
    macros = subprocess.run([*cc, "-march=native", "-dM", "-E", "-x", "c", os.devnull], capture_output=True, text=True)
    return "v4" if "__AVX512VL__" in macros.stdout else "v3" if "__AVX2__" in macros.stdout else "v2"


def wanted_levels(in_tree):
    """Return the levels to build."""
    asked = os.environ.get("FASTML_BUILD_ISA") or ("native" if in_tree else "all")
    levels = list(LEVELS) if asked == "all" else asked.replace("native", native_level()).split(",")
    if unknown := set(levels) - set(LEVELS):
        raise SystemExit(f"FASTML_BUILD_ISA={asked}: unknown {sorted(unknown)}; here: all, native, {', '.join(LEVELS)}")
    return levels


def remove_compiled(levels=None):
    """Remove the compiled modules of some levels (None: every compiled module) from the source tree."""
    for folder in KERNELS.glob("isa_*"):
        if levels is None or folder.name.removeprefix("isa_") in levels:
            shutil.rmtree(folder)
    if levels is None:
        for module in KERNELS.rglob("*.so"):
            module.unlink()


class Build(build):
    """Start from an empty output folder: modules of deleted sources must not travel in a wheel."""

    def run(self):
        """Build."""
        shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()


class Wheel(bdist_wheel):
    """Tag the pure wheel of Windows for Windows: elsewhere pip must not prefer it to a compiled build."""

    def finalize_options(self):
        """Set the tag."""
        super().finalize_options()
        self.root_is_pure = self.root_is_pure and os.name != "nt"


class BuildExt(build_ext):
    """Run Cython once per source, then the C compiler once per source and level."""

    def finalize_options(self):
        """Use every core."""
        super().finalize_options()
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        self.parallel = self.parallel or cores

    def run(self):
        """Build; note first what setuptools overwrites meanwhile."""
        self.in_tree = bool(self.inplace or self.editable_mode)
        super().run()

    def build_extensions(self):
        """Choose the levels, run Cython, compile."""
        levels = wanted_levels(self.in_tree)
        self.extensions[:] = [e for e in self.extensions if getattr(e, "level", "") in ("", *levels)]
        if self.in_tree:  # modules are copied there, folders are not made; other levels would be stale
            remove_compiled(set(LEVELS) - set(levels))
            for ext in self.extensions:
                Path(KERNELS, *ext.name.split(".")[2:-1]).mkdir(parents=True, exist_ok=True)
        self.forget_other_settings()
        made = self.cythonize()
        for ext in self.extensions:
            module = getattr(ext, "module", ext.name)
            if module in made:
                ext.sources = [made[module], *ext.sources[1:]]
        super().build_extensions()

    def forget_other_settings(self):
        """Start afresh when anything changed that file times do not show: flags, compiler, Cython."""
        from Cython import __version__ as cython_version

        settings = repr([cython_version, DIRECTIVES, SANITIZE, *map(os.environ.get, ("CC", "CFLAGS", "LDFLAGS"))])
        stamp = Path(self.build_temp, "settings")
        if not stamp.exists() or stamp.read_text() != settings:
            shutil.rmtree("build/cython", ignore_errors=True)
            shutil.rmtree(self.build_temp, ignore_errors=True)
            stamp.parent.mkdir(parents=True)
            stamp.write_text(settings)

    def cythonize(self):
        """Translate all sources; returns the C file of every module name."""
        from Cython.Build import cythonize

        mapped = Path("build/cimport/fastml/_kernels")
        if not mapped.exists():
            mapped.parent.mkdir(parents=True, exist_ok=True)
            mapped.unlink(missing_ok=True)
            mapped.symlink_to(KERNELS.resolve())
        sources = {e.module: e.sources[0] for e in self.extensions if hasattr(e, "module")}
        made = cythonize(
            [Extension(SHARED, ["_cyutility.c"]), *(Extension(name, [pyx]) for name, pyx in sources.items())],
            build_dir="build/cython",
            include_path=["build/cimport"],
            shared_utility_qualified_name=SHARED,
            nthreads=self.parallel,
            compiler_directives=DIRECTIVES,
            quiet=not self.verbose,
        )
        return {ext.name: ext.sources[0] for ext in made}

    def build_extension(self, ext):
        """Compile one module, its objects apart from those of the other levels."""
        command = copy.copy(self)
        command.build_temp = os.path.join(self.build_temp, getattr(ext, "level", "") or "once")
        super(BuildExt, command).build_extension(ext)


if __name__ == "__main__":
    # An sdist of a pure build would lack the kernels' sources: it is always complete.
    pure = (os.environ.get("FASTML_PURE") == "1" or os.name == "nt") and "sdist" not in sys.argv
    if pure and {"editable_wheel", "--inplace", "-i"} & set(sys.argv):
        remove_compiled()
    families = [p.name for p in sorted(KERNELS.iterdir()) if p.is_dir() and p.name[0] != "_" and p.name[:4] != "isa_"]
    setup(
        packages=[*find_packages(include=["fastml", "fastml.*"]), ROOT, *(f"{ROOT}.{family}" for family in families)],
        package_dir={ROOT: "kernels"},
        ext_modules=[] if pure else list(extensions()),
        cmdclass={"bdist_wheel": Wheel, "build": Build, "build_ext": BuildExt},
    )
