"""What depends on scikit-learn's version, or is private to it, in one place."""

import platform
import warnings
from importlib import metadata

import sklearn

from fastml._config import Options, current, get_config
from fastml._dispatch import FallbackError

OLDEST, TOO_NEW = (1, 7), (1, 10)
INSTALLED = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
TESTED = OLDEST <= INSTALLED < TOO_NEW

# MiniBatchKMeans draws its batches by weight; before, uniformly, and the weights then counted in the update.
DRAWS_BY_WEIGHT = INSTALLED >= (1, 9)
# k-means++ adds up float32 potentials in float32; before, in float64.
ROUNDS_RUNNING_SUMS = INSTALLED >= (1, 8)
# Distances by a function among float32 samples are rounded to float32; before, by several jobs alone.
ROUNDS_DISTANCES_BY_FUNCTION = INSTALLED >= (1, 8)

UNTESTED = (
    f"scikit-learn {sklearn.__version__} is outside the range that fastml was tested with "
    f"(>={OLDEST[0]}.{OLDEST[1]},<{TOO_NEW[0]}.{TOO_NEW[1]})"
)

try:
    from sklearn._config import _get_threadlocal_config as thread_config  # get_config() without its copy
    from sklearn.base import _fit_context as fit_context
    from sklearn.cluster._dbscan_inner import dbscan_inner
    from sklearn.metrics.cluster._unsupervised import check_number_of_labels
    from sklearn.neighbors._ball_tree import NeighborsHeap64 as NeighborsHeap
    from sklearn.neighbors._base import NeighborsBase
    from sklearn.utils._chunking import get_chunk_n_rows
    from sklearn.utils._mask import _get_mask as get_mask
    from sklearn.utils._param_validation import Hidden, validate_params
    from sklearn.utils.multiclass import _check_partial_fit_first_call as check_partial_fit_first_call
    from sklearn.utils.validation import _check_sample_weight as check_sample_weight
    from sklearn.utils.validation import _is_arraylike_not_scalar as is_arraylike_not_scalar

    if INSTALLED >= (1, 9):  # what the trees and the linear models need
        from sklearn._loss.loss import HalfBinomialLoss, HalfMultinomialLoss
        from sklearn.ensemble._bagging import BaseBagging
        from sklearn.ensemble._bootstrap import _get_n_samples_bootstrap as n_samples_bootstrap
        from sklearn.ensemble._forest import BaseForest
        from sklearn.ensemble._gb import _init_raw_predictions as init_raw_predictions
        from sklearn.ensemble._gb import _update_terminal_regions as update_terminal_regions
        from sklearn.ensemble._gb import set_huber_delta
        from sklearn.linear_model._linear_loss import LinearModelLoss
        from sklearn.linear_model._logistic import _logistic_regression_path as logistic_regression_path
        from sklearn.tree._tree import Tree
except ImportError:
    if TESTED:
        raise

__all__ = [
    "DRAWS_BY_WEIGHT",
    "ROUNDS_RUNNING_SUMS",
    "TESTED",
    "UNTESTED",
    "BaseBagging",
    "BaseForest",
    "HalfBinomialLoss",
    "HalfMultinomialLoss",
    "LinearModelLoss",
    "NeighborsBase",
    "NeighborsHeap",
    "Tree",
    "check_number_of_labels",
    "check_partial_fit_first_call",
    "check_sample_weight",
    "dbscan_inner",
    "fit_context",
    "get_chunk_n_rows",
    "get_mask",
    "init_raw_predictions",
    "is_arraylike_not_scalar",
    "logistic_regression_path",
    "n_samples_bootstrap",
    "refused",
    "set_huber_delta",
    "show_versions",
    "thread_config",
    "update_terminal_regions",
    "validate_params",
    "with_functions",
]

_warned = False


def with_functions(plain):
    """Return the constraints of a class's parameters; its `criterion` may be a function, of which no error tells."""
    constraints = plain._parameter_constraints
    return {**constraints, "criterion": [*constraints["criterion"], Hidden(callable)]}


def refused(what):
    """Tell whether scikit-learn's own objects stand in for all of ours, as its version was not tested.

    Estimators rest on scikit-learn's internals, which change with its minor versions. Warns once; raises
    under ``strict``.

    Parameters
    ----------
    what : str
        The name that was asked for.

    Returns
    -------
    bool

    Raises
    ------
    FallbackError
        Under ``strict``, where the version was not tested.

    Warns
    -----
    RuntimeWarning
        Without ``strict``, the first time.
    """
    global _warned
    if TESTED:
        return False
    if current().strict:
        raise FallbackError(f"{what}: {UNTESTED}.")
    if not _warned:
        _warned = True
        warnings.warn(f"{UNTESTED}: its own code runs in place of fastml's.", RuntimeWarning, stacklevel=3)
    return True


def show_versions():
    """Print what a report of a problem needs: the versions, the machine, the kernels and the options.

    See Also
    --------
    explain : What the calls on one estimator ran.
    get_config : The options in force.

    Examples
    --------
    >>> import fastml
    >>> fastml.show_versions()  # doctest: +ELLIPSIS
    <BLANKLINE>
    System:
    ...
    fastml:
              fastml: ...
    """
    from fastml import _kernels, _threads
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
        **{f"option {key}": get_config()[key] for key in Options._fields},
    }
    print("\nfastml:")
    for key, value in rows.items():
        print(f"{key:>16}: {value}")


def _installed(distribution):
    """Return the version of a distribution without importing it."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
