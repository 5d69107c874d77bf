"""What depends on scikit-learn's version, or is private to it, in one place."""

import platform
import warnings
from importlib import metadata

import sklearn

OLDEST, TOO_NEW = (1, 7), (1, 10)
TESTED = OLDEST <= tuple(int(part) for part in sklearn.__version__.split(".")[:2]) < TOO_NEW

try:
    from sklearn._config import _get_threadlocal_config as thread_config  # get_config() without its copy
    from sklearn.base import _fit_context as fit_context
    from sklearn.utils.validation import _check_sample_weight as check_sample_weight
except ImportError:
    if TESTED:
        raise

__all__ = ["TESTED", "check_sample_weight", "fit_context", "show_versions", "thread_config", "untested"]

_warned = False


def untested():
    """Say in a sentence why scikit-learn's own code runs instead of every kernel, and warn once; None if it does not.

    Estimators rest on scikit-learn's internals, which change with its minor versions. Outside the tested range every
    name is scikit-learn's own object.
    """
    global _warned
    if TESTED:
        return None
    oldest, too_new = (".".join(map(str, version)) for version in (OLDEST, TOO_NEW))
    reason = f"scikit-learn {sklearn.__version__} is outside the range tested with fastml (>={oldest},<{too_new})"
    if not _warned:
        _warned = True
        warnings.warn(f"{reason}: scikit-learn's own code runs.", RuntimeWarning, stacklevel=3)
    return reason


def show_versions():
    """Print what a report of a problem needs: the versions, the machine, the kernels and the options.

    Examples
    --------
    >>> import fastml
    >>> fastml.show_versions()  # doctest: +SKIP
    """
    from fastml import _config, _kernels, _threads
    from fastml._version import __version__

    sklearn.show_versions()
    rows = {
        "fastml": __version__,
        "scikit-learn": "tested" if TESTED else "untested: no kernel runs",
        "kernels": f"compiled, level {_kernels.ISA}" if _kernels.ISA else "Numba (pure installation)",
        "threads": _threads.effective_n_threads(),
        "machine": platform.machine(),
        "numba": _installed("numba"),
        "numba-cuda": _installed("numba-cuda"),
        **{f"option {key}": value for key, value in _config.current()._asdict().items()},
    }
    print("\nfastml:")
    for key, value in rows.items():
        print(f"{key:>15}: {value}")


def _installed(distribution):
    """Return the version of a distribution without importing it."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
