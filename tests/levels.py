"""What must not matter, bit for bit: digests of what a call shows, to be compared between layouts and processes."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

import fastml
import fastml._kernels
from tests.processes import run

# Of each level, a flag of /proc/cpuinfo that the next lower one lacks.
CPU_FLAGS = {"v2": "sse4_2", "v3": "avx2", "v4": "avx512vl"}


def digest(seen):
    """Return a hash of all bits of an observation."""
    sha = hashlib.sha256()
    for name in sorted(seen):
        sha.update(name.encode())
        _add(sha, seen[name])
    return sha.hexdigest()[:16]


def _add(sha, value):
    if isinstance(value, np.ndarray) and value.dtype.names:  # what pads the fields means nothing
        value = {name: value[name] for name in value.dtype.names}
    if isinstance(value, np.ndarray | np.generic) and not value.dtype.hasobject:
        sha.update(f"{value.dtype} {value.shape}".encode() + np.ascontiguousarray(value).tobytes())
    elif isinstance(value, list):
        for part in value:
            _add(sha, part)
    elif isinstance(value, dict):
        sha.update(digest(value).encode())
    else:
        sha.update(repr(value).encode())


def built_levels():
    """Return the instruction set levels that are built and that this CPU runs."""
    folders = {Path(folder) for entry in fastml._kernels.__path__ for folder in (entry, Path(entry).parent)}
    levels = [path for folder in folders for path in folder.glob("isa_v*") if any(path.rglob("*.so"))]
    built = {path.name.removeprefix("isa_") for path in levels}
    flags = Path("/proc/cpuinfo").read_text().split() if Path("/proc/cpuinfo").exists() else []
    return sorted(level for level in built if CPU_FLAGS.get(level) in flags)


several_levels = pytest.mark.skipif(len(built_levels()) < 2, reason="a single instruction set level is built, or none")


def digests_in_a_process(level, module):
    program = f"import {module}, fastml._kernels as kernels; print(kernels.ISA); {module}.main()"
    ran, digests = run(program, timeout=300, FASTML_ISA=level).splitlines()
    assert ran == level
    return json.loads(digests)


def assert_same_at_every_level(here, module):
    """Assert that ``module.main()`` prints the digests ``here`` at every other instruction set level."""
    for level in set(built_levels()) - {fastml._kernels.ISA}:
        digests = digests_in_a_process(level, module)
        differing = [name for name in here if digests[name] != here[name]]
        assert not differing, f"{level} differs from {fastml._kernels.ISA}"


def in_every_order(X):
    """Return equal arrays, by the name of their order in memory."""
    wide = np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)
    return {
        "C": X,
        "F": np.asfortranarray(X),
        "strided": wide[::2, ::3],
        "flipped": X[::-1, ::-1].copy()[::-1, ::-1],
        "unaligned": np.frombuffer(bytearray(b"\0" + X.tobytes()), dtype=np.uint8)[1:].view(X.dtype).reshape(X.shape),
    }
