"""An accelerated estimator and function without kernels, to test the machinery that carries the real ones."""

import numpy as np
import sklearn.preprocessing

from fastml._config import current
from fastml._dispatch import NotCovered, accelerated, record
from fastml._registry import Accelerated
from fastml._threads import effective_n_threads
from fastml._validate import check_X

TABLE = {"sklearn.preprocessing": {"Binarizer": __name__, "binarize": __name__}}


class Binarizer(Accelerated, sklearn.preprocessing.Binarizer):
    @accelerated
    def fit(self, X, y=None):
        check_X(self, X, reset=True, accept_sparse="csr")
        self.n_threads_ = current().n_threads
        record(n_threads=effective_n_threads())
        return self

    @accelerated
    def transform(self, X, copy=None):
        if self.threshold < 0:
            raise NotCovered("thresholds below 0 are beyond the fake.")
        X = check_X(self, X, reset=False, dtype=[np.float64, np.float32])
        return (X > self.threshold).astype(X.dtype)

    @accelerated
    def fit_transform(self, X, y=None):
        return self.fit(X).transform(X)

    def score(self, X, y=None):
        return float(self.threshold)


@accelerated(plain=sklearn.preprocessing.binarize)
def binarize(X, *, threshold=0.0, copy=True):
    if threshold < 0:
        raise NotCovered("thresholds below 0 are beyond the fake.")
    return Binarizer(threshold=threshold).fit_transform(X)
