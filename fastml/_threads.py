"""How many threads a kernel may use."""

import math
import os
import sys
from pathlib import Path

from fastml._config import current

_of_process = None  # filled at the first call; a forked child looks again: its affinity may differ


def effective_n_threads():
    """Return the number of threads for the next kernel.

    In order: ``n_threads`` of fastml's options, the ``n_jobs`` of an active ``joblib.parallel_config``, and the
    number of cores that this process may use.

    Returns
    -------
    int
        At least 1.
    """
    n_threads = current().n_threads
    if n_threads is None:
        n_threads = _of_joblib()
    return n_threads or _of_process or process_n_threads()


def process_n_threads():
    """Return the number of cores that this process may use.

    The least of CPU affinity, cgroup quota, and FASTML_NUM_THREADS or, where that is not set, OMP_NUM_THREADS,
    through which joblib's process pools divide the cores among their workers. Read once per process.
    """
    global _of_process
    if _of_process is None:
        limits = [_affinity(), _cgroup_quota(), _environment()]
        _of_process = max(1, min(limit for limit in limits if limit))
    return _of_process


def _of_joblib():
    """Return the ``n_jobs`` of an active ``joblib.parallel_config``, or None.

    The context lives in a private variable of joblib: its public ``get_active_backend`` costs 4 µs, twenty times
    as much, and cannot tell "not set" from 1. A test holds us to joblib's present form.
    """
    joblib = sys.modules.get("joblib.parallel")
    context = joblib and getattr(joblib._backend, "config", None)
    n_jobs = context and context["n_jobs"]
    if not isinstance(n_jobs, int):  # a marker for "not set", or None in a nested worker
        return None
    return n_jobs if n_jobs > 0 else max(1, joblib.cpu_count() + 1 + n_jobs)


def _affinity():
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cgroup_quota(root=Path("/sys/fs/cgroup")):
    """Return the CPU quota of the container in cores, rounded up, or None."""
    for files in (["cpu.max"], ["cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"]):  # version 2, version 1
        try:
            quota, period = " ".join((root / file).read_text() for file in files).split()
            return math.ceil(int(quota) / int(period)) if int(quota) > 0 else None
        except (OSError, ValueError):  # no such file, or "max"
            continue
    return None


def _environment():
    """Return the limit that the environment sets, or None."""
    value = os.environ.get("FASTML_NUM_THREADS") or os.environ.get("OMP_NUM_THREADS") or ""
    first = value.split(",")[0].strip()  # OpenMP: one number per level of nesting
    return int(first) if first.isdigit() and int(first) else None


def _forget():
    global _of_process
    _of_process = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
