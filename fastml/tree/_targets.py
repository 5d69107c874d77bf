"""Targets as the kernels take them: float64, an output a column; classes by their codes."""

import numpy as np
from sklearn.utils.multiclass import check_classification_targets

from fastml._warnings import call_from

# Below so many samples sorting them is as fast as counting.
_WORTH_COUNTING = 1000


def columns(y):
    """Return targets with an output a column."""
    y = np.atleast_1d(y)
    return np.reshape(y, (-1, 1)) if y.ndim == 1 else y


def as_float64(y):
    """Return targets in float64 and C order, without a copy where they are."""
    return y if y.dtype == np.float64 and y.flags.c_contiguous else np.ascontiguousarray(y, dtype=np.float64)


def encode(y, module):
    """Find the classes; refuse targets that are none, and warn of very many, as scikit-learn does.

    Parameters
    ----------
    y : ndarray of shape (n_samples, n_outputs)
    module : str
        Of scikit-learn, to which the warning is attributed.

    Returns
    -------
    codes : ndarray of shape (n_samples, n_outputs), float64
        From 0 on.
    classes : list of ndarray
        The sorted classes of every output.
    """
    # scikit-learn's check takes a dozen passes. A column of numbers or strings holds classes unless one of them has a
    # fraction, and the check's warning, of many classes, needs their number: both are seen when they are found.
    plain = are_plain(y)
    if not plain:
        call_from(module, check_classification_targets, y)
    codes, classes = find_classes(y)
    if plain and (have_fractions(classes[0]) or len(classes[0]) > max(2, 0.5 * len(y) - 1)):
        call_from(module, check_classification_targets, y)
    return codes, classes


def are_plain(y):
    """Tell whether targets are one column of numbers or strings, of which the classes show whether they are any."""
    return y.shape[1] == 1 and (y.dtype.kind in "biufU" or isinstance(y.flat[0], str))


def find_classes(y):
    """Return what :func:`encode` does, unchecked, and without a warning."""
    codes, classes = np.empty(y.shape), []
    for k in range(y.shape[1]):
        found, codes[:, k] = _unique(y[:, k])
        classes.append(found)
    return codes, classes


def have_fractions(classes):
    """Tell whether classes of a plain column are numbers that scikit-learn takes for a regression's."""
    return classes.dtype.kind == "f" and not _integral(classes)


def are_more_than_two(y):
    """Tell whether a column holds more than two values."""
    others = y[y != y[0]]
    return bool(np.any(others != others[:1]))


def are_refused(criterion, y):
    """Tell whether the criterion, if it is Poisson's, has an error for targets: one is negative, or all are 0."""
    return criterion == "poisson" and bool(np.any(y < 0) or np.sum(y) <= 0)


def warn_each(codes, n_classes, n_trees):
    """Warn of many classes as trees of scikit-learn's do, which look at their targets each.

    Parameters
    ----------
    codes : ndarray of shape (n_samples, n_outputs)
        As :func:`encode` returns them.
    n_classes : array-like of shape (n_outputs,)
    n_trees : int
    """
    if len(codes) > 20 and max(n_classes) > round(0.5 * len(codes)):
        for _ in range(n_trees):
            call_from("sklearn.tree._classes", check_classification_targets, codes)


def _integral(values):
    """Tell whether floats are integers, and not so large that nothing else is left."""
    return bool(np.all(np.rint(values) == values) and float(np.abs(values).max()) < 2**53)


def _unique(y):
    """Return what ``np.unique(y, return_inverse=True)`` does; integers that lie close together need no sorting."""
    if len(y) >= _WORTH_COUNTING and y.dtype.kind == "i":
        low, high = int(y.min()), int(y.max())
        if high - low < len(y):
            place = y.astype(np.intp) - low
            present = np.zeros(high - low + 1, dtype=bool)
            present[place] = True
            return (np.flatnonzero(present) + low).astype(y.dtype), (np.cumsum(present) - 1)[place]
    return np.unique(y, return_inverse=True)
