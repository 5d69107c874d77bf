"""How many threads a kernel may use."""

import math
import os
import sys
from numbers import Integral
from pathlib import Path

from fastml._config import current

_of_process = None  # filled at the first call; a forked child looks again: its affinity may differ


def effective_n_threads(n_jobs=None):
    """Return the number of threads for the next kernel.

    In order: ``n_threads`` of fastml's options; `n_jobs`, but no more than the cores that this process may use; the
    ``n_jobs`` of an active ``joblib.parallel_config``; and the number of those cores.

    Parameters
    ----------
    n_jobs : int, default=None
        The estimator's own. Negative: counted down from the number of cores, as joblib does. None: not given.

    Returns
    -------
    int
        At least 1.

    Raises
    ------
    ValueError
        joblib's, if `n_jobs` is 0.
    """
    n_threads = current().n_threads
    if n_threads is not None:
        return n_threads
    if n_jobs is not None:
        return min(_as_joblib(n_jobs), _of_process or process_n_threads())
    return _of_joblib() or _of_process or process_n_threads()


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
    if not isinstance(n_jobs, Integral):  # a marker for "not set", or None in a nested worker
        return None
    return _as_joblib(n_jobs)


def _as_joblib(n_jobs):
    """Return the number of workers that joblib would start; 0 is its error."""
    if n_jobs > 0:
        return int(n_jobs)
    import joblib

    return max(1, joblib.cpu_count() + 1 + n_jobs) if n_jobs else joblib.effective_n_jobs(0)


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
    for name in ("FASTML_NUM_THREADS", "OMP_NUM_THREADS"):
        first = os.environ.get(name, "").split(",")[0].strip()  # OpenMP: one number per level of nesting
        if first.isascii() and first.isdigit() and int(first):
            return int(first)
    return None


def _forget():
    global _of_process
    _of_process = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
