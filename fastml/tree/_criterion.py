"""Criteria of the user's: a function in the place of a name, called from the kernels by pointer."""

import threading
import weakref

import numpy as np

from fastml._config import current
from fastml._dispatch import FallbackError, note
from fastml._kernels._callback import Callback

_SEEN = (1, 2, 3, 7, 29)  # every so many samples make up a node on which the compiled function is checked

_compiled = weakref.WeakKeyDictionary()  # function: {whether of classes: Callback}
_lock = threading.Lock()


def compiled(function, y, n_classes):
    """Return a criterion as the kernels take it.

    Parameters
    ----------
    function : callable
        Impurity, 0 or above: of an array of the weights by class, or for a regression of three numbers, the sums of
        w, w * y and w * y * y. Python's or ``numba.njit``'s.
    y : ndarray of shape (n_samples, n_outputs), float64
        Targets; codes of the classes.
    n_classes : ndarray of shape (n_outputs,), or None
        None: regression.

    Returns
    -------
    Callback

    Raises
    ------
    ValueError
        If there are several targets of a regression.
    FallbackError
        Under ``strict``, if the function has to be called through the interpreter.
    """
    if n_classes is None and y.shape[1] > 1:
        raise ValueError(f"A function as criterion takes the sums of one target; y has {y.shape[1]}.")
    nodes = [_sums(y[::step, 0], n_classes) for step in _SEEN if len(y) >= step]
    with _lock:  # what Numba compiles it compiles once
        try:
            known = _compiled.setdefault(function, {})
        except TypeError:  # some of NumPy's functions cannot be referred to weakly
            known = {}
        criterion = known.get(n_classes is None)
        if criterion is None:
            criterion = known[n_classes is None] = Callback(function, nodes, spread=n_classes is None)
    if criterion.reason is not None:
        sentence = f"criterion is called through the interpreter: {criterion.reason}"
        if current().strict:
            raise FallbackError(sentence)
        note(sentence)
    return criterion


def _sums(y, n_classes):
    """Return what a criterion is computed from, of a node that holds these targets."""
    if n_classes is None:
        return np.array([len(y), np.sum(y), np.sum(y * y)], dtype=np.float64)
    return np.bincount(y.astype(np.intp), minlength=n_classes[0]).astype(np.float64)
