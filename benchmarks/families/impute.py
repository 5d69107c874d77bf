"""Imputation: the workloads that fastml promises ratios for, the grid, and how each contender runs them."""

from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_iris

from benchmarks.families.tree import grid
from benchmarks.libraries import Library, limit_onedal
from benchmarks.workload import Task, Workload


@dataclass(frozen=True)
class Gappy:
    """Normal, a share of the entries missing; `kind` "lattice" has five values a feature, so that distances tie."""

    n: int
    d: int
    share: float = 0.1
    kind: str = "normal"

    def __call__(self, dtype):
        rng = np.random.default_rng(0)
        X = rng.integers(0, 5, (self.n, self.d)) if self.kind == "lattice" else rng.normal(size=(self.n, self.d))
        return {"X": with_gaps(X.astype(dtype), self.share)}


@dataclass(frozen=True)
class GappyIris:
    def __call__(self, dtype):
        return {"X": with_gaps(load_iris().data.astype(dtype), 0.1)}


def with_gaps(X, share):
    X[np.random.default_rng(1).random(X.shape) < share] = np.nan
    return X


class Imputers(Library):
    """A library with scikit-learn's names."""

    prefix = "impute."

    def fill(self, data, n_rows=None, **parameters):
        """Fill the samples themselves, or ``n_rows`` with gaps once fitted."""
        model, X = self.own("KNNImputer")(**parameters), data["X"]
        if n_rows is None:
            return Task(lambda: model.fit_transform(X), lambda filled: {"filled": filled})
        model.fit(X)
        X = X[np.isnan(X).any(axis=1)][:n_rows]
        return Task(lambda: model.transform(X), lambda filled: {"filled": filled})


class Fastml(Imputers):
    package = "fastml"


class Sklearnex(Imputers):
    package = "sklearnex"

    def __init__(self):
        limit_onedal()


CONTENDERS = {"sklearn": Imputers, "fastml": Fastml, "sklearnex": Sklearnex}

F64 = "float64"
BY_DISTANCE = {"weights": "distance"}

PROMISED = (
    Workload("imputer", "fill", Gappy(5_000, 30), {}, "KNNImputer, 5k x 30, 10 % missing", cost=2.2, goals={F64: 5}),
    Workload("imputer-distance", "fill", Gappy(2_000, 10), BY_DISTANCE, "KNNImputer by distance, 2k x 10", cost=0.1,
             goals={F64: 4}),
    Workload("imputer-half", "fill", Gappy(2_000, 10, 0.5), {}, "KNNImputer, 2k x 10, half of it missing", cost=0.4,
             goals={F64: 4}),
    Workload("imputer-lattice", "fill", Gappy(2_000, 10, 0.1, "lattice"), {},
             "KNNImputer, 2k x 10, five values a feature", cost=0.1, goals={F64: 1}),
    Workload("imputer-row", "fill", Gappy(5_000, 30), {"n_rows": 1}, "KNNImputer, one row, fitted to 5k x 30",
             cost=4e-3, goals={F64: 1}),
    Workload("imputer-iris", "fill", GappyIris(), {}, "KNNImputer, iris", cost=2e-3, goals={F64: 1}),
)  # fmt: skip


def imputations(n, d):
    """One point of the grid."""
    if n > 10_000:
        return
    one = 2e-3 + n * n * (1e-8 + d * 2e-9)
    yield "knn-imputer", "fill", Gappy(n, d), {}, one
    yield "knn-imputer-row", "fill", Gappy(n, d), {"n_rows": 1}, 2e-3 + n * d * 1e-8


WORKLOADS = PROMISED + grid(imputations)
