"""The kernels, a folder a family. Families have no ``__init__.py``: Python then merges them with those of the level.

``ISA`` is the instruction set level in use: ``"v2"``, ``"v3"``, ``"v4"`` (of x86-64), ``"base"`` on other machines, or
None where nothing is compiled, which leaves the Numba twins (``*_jit``).
"""

if __name__ != "fastml._kernels":
    raise ImportError("import fastml._kernels, not the source folder 'kernels'")

from fastml._kernels import _isa

ISA, __path__ = _isa.select(__path__)
