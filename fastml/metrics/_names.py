"""What distances are called in the functions of metrics."""

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
