"""The product that every prediction of a linear model begins with."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from fastml._dispatch import NotCovered
from fastml._validate import check_X
from fastml._versions import thread_config


def scores(est, X, accept_sparse):
    """Return samples times weights, and the intercepts not yet added, by the operations of scikit-learn.

    accept_sparse : as scikit-learn's own method checks the samples.
    """
    coef = vars(est).get("coef_")
    if coef is None or hasattr(est, "__sklearn_is_fitted__"):
        check_is_fitted(est)
    if type(coef) is not np.ndarray or thread_config()["array_api_dispatch"]:
        raise NotCovered("the weights are no dense array of NumPy, or arrays of other libraries are allowed.")
    return check_X(est, X, reset=False, accept_sparse=accept_sparse) @ coef.T
