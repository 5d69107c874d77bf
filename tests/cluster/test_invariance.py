"""What must not matter, bit for bit: the number of threads, the instruction set, the order of the data in memory."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastml
import fastml._kernels
import fastml.cluster

from .agreement import observe
from .digest import LARGE, SMALL, digest, digests_for_levels, large_case, small_digests

ROOT = Path(__file__).parents[2]
# Of each level, a flag of /proc/cpuinfo that the next lower one lacks.
CPU_FLAGS = {"v2": "sse4_2", "v3": "avx2", "v4": "avx512vl"}


def digest_with(n_threads, name):
    case = large_case(name)
    with fastml.config_context(n_threads=n_threads, strict=True):
        return digest(observe(fastml.cluster, case))


@pytest.mark.parametrize("name", LARGE)
def test_number_of_threads_large(name):
    one = digest_with(1, name)
    assert {n: digest_with(n, name) for n in (2, 3, 8)} == {n: one for n in (2, 3, 8)}


def test_number_of_threads_small():
    by_threads = []
    for n_threads in (1, 2, 3, 8):
        with fastml.config_context(n_threads=n_threads, strict=True):
            by_threads.append(small_digests())
    for other in by_threads[1:]:
        assert other == by_threads[0]


@pytest.mark.parametrize("entry", ["lloyd", "minibatch"])
def test_threads_are_used(entry):
    """The comparisons above would be idle if small work were all that they do."""
    case = large_case(f"50000x4 8 blobs float64 {entry}")
    with fastml.config_context(n_threads=3):
        name = "MiniBatchKMeans" if entry == "minibatch" else "KMeans"
        est = getattr(fastml.cluster, name)(**case.params, random_state=0).fit(case.X)
    assert fastml.explain(est)["fit"].n_threads == 3


def built_levels():
    """Return the instruction set levels that are built and that this CPU runs."""
    folders = {Path(folder) for entry in fastml._kernels.__path__ for folder in (entry, Path(entry).parent)}
    levels = [path for folder in folders for path in folder.glob("isa_v*") if any(path.rglob("*.so"))]
    built = {path.name.removeprefix("isa_") for path in levels}
    flags = Path("/proc/cpuinfo").read_text().split() if Path("/proc/cpuinfo").exists() else []
    return sorted(level for level in built if CPU_FLAGS.get(level) in flags)


def digests_in_a_process(level):
    environment = {**os.environ, "FASTML_ISA": level}
    program = "import fastml._kernels as kernels; print(kernels.ISA); from tests.cluster import digest; digest.main()"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    ran, digests = done.stdout.splitlines()
    assert ran == level
    return json.loads(digests)


@pytest.mark.skipif(fastml._kernels.ISA is None, reason="no compiled kernels: a pure installation")
def test_instruction_set():
    levels = built_levels() or [fastml._kernels.ISA]
    assert fastml._kernels.ISA in levels
    by_level = {level: digests_in_a_process(level) for level in levels}
    with fastml.config_context(n_threads=1):
        here = digests_for_levels()
    assert len(here) == len(SMALL) + len(LARGE)
    for level, digests in by_level.items():
        differing = [name for name in here if digests[name] != here[name]]
        assert not differing, f"{level} differs from {fastml._kernels.ISA}"


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("Estimator", [fastml.cluster.KMeans, fastml.cluster.MiniBatchKMeans])
def test_order_in_memory(Estimator, dtype):
    X = np.random.RandomState(0).randn(700, 9).astype(dtype)
    wide = np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)
    layouts = {
        "C": X,
        "F": np.asfortranarray(X),
        "strided": wide[::2, ::3],
        "flipped": X[::-1, ::-1].copy()[::-1, ::-1],
        "unaligned": np.frombuffer(b"\0" + X.tobytes(), dtype=np.uint8)[1:].view(X.dtype).reshape(X.shape),
    }
    models = {}
    for name, data in layouts.items():
        est = Estimator(7, random_state=3, n_init=2).fit(data)
        seen = {"labels": est.labels_, "centers": est.cluster_centers_, "inertia": est.inertia_}
        seen |= {method: getattr(est, method)(data) for method in ("predict", "transform", "score")}
        models[name] = digest(seen)
    assert models == dict.fromkeys(layouts, models["C"])
