"""What distances are called in the functions of metrics."""

import functools

import numpy as np
import sklearn
from scipy.sparse import issparse

from fastml._dispatch import NotCovered

# The names of a distance that has a kernel.
NAMES = {
    "euclidean": "euclidean",
    "l2": "euclidean",
    "sqeuclidean": "sqeuclidean",
    "manhattan": "manhattan",
    "cityblock": "manhattan",
    "l1": "manhattan",
    "chebyshev": "chebyshev",
    "cosine": "cosine",
}

# Of float32 samples, scikit-learn rounds these to float32.
NARROW = ("euclidean", "cosine")

# Searches for the nearest compare these by a product of matrices.
PRODUCT = ("euclidean", "sqeuclidean")


def refuse(metric, kwds, *samples, known=NAMES):
    """Raise NotCovered where no kernel has this distance, or takes these samples."""
    if any(map(issparse, samples)):
        raise NotCovered("X is sparse.")
    if not isinstance(metric, str) or metric not in known:
        raise NotCovered(f"metric={metric!r} has no kernel.")
    if kwds:
        raise NotCovered(f"the parameters {sorted(kwds)} are those of scikit-learn's distances.")
    if sklearn.get_config()["array_api_dispatch"]:
        raise NotCovered("scikit-learn is configured to compute with the arrays of other libraries.")


def early(refuse):
    """Decorate a function of X, Y and a metric: ``refuse(X, Y, metric)`` may raise NotCovered before all checks.

    It is asked where X and Y, if given, are arrays of numbers in rows.
    """

    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            X, Y, metric, *_ = (*args, *(kwargs.get(name) for name in ("X", "Y", "metric")[len(args) :]), None)
            if _is_table(X) and (Y is None or _is_table(Y)):
                refuse(X, Y, metric)
            return function(*args, **kwargs)

        return wrapper

    return decorate


def _is_table(X):
    return isinstance(X, np.ndarray) and X.ndim == 2
