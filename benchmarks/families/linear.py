"""Linear models: the workloads that fastml promises ratios for, the grid, and how each contender runs them."""

import warnings
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.exceptions import ConvergenceWarning

from benchmarks.families.tree import grid, on_threads
from benchmarks.libraries import Library, limit_onedal, threads
from benchmarks.workload import Task, Workload

# --- data ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Linear:
    """Normal samples, and a linear function of them with noise; its quantiles are the classes, if there are any."""

    n: int
    d: int
    n_classes: int = 2

    def __call__(self, dtype):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(self.n, self.d))
        y = X @ rng.normal(size=self.d) / self.d**0.5 + 0.3 * rng.normal(size=self.n)
        if self.n_classes:
            y = np.digitize(y, np.quantile(y, np.arange(1, self.n_classes) / self.n_classes))
        return {"X": X.astype(dtype), "y": y}


@dataclass(frozen=True)
class Iris:
    def __call__(self, dtype):
        X, y = load_iris(return_X_y=True)
        return {"X": X.astype(dtype), "y": y}


@dataclass(frozen=True)
class Cancer:
    def __call__(self, dtype):
        X, y = load_breast_cancer(return_X_y=True)
        return {"X": X.astype(dtype), "y": y}


@dataclass(frozen=True)
class Hashed:
    """Rows like hashed texts: few columns are in most of them, lengths are 1."""

    n: int
    d: int
    density: float = 90 / 2**18

    def __call__(self, dtype):
        rng = np.random.default_rng(0)
        length = max(1, round(self.density * self.d))
        columns = rng.permutation(self.d)[(self.d * rng.random((self.n, length)) ** 4).astype(int)].astype(np.int32)
        columns.sort(axis=1)
        values = np.full(columns.size, length**-0.5, dtype)
        indptr = np.arange(0, columns.size + 1, length, dtype=np.int32)
        X = sparse.csr_matrix((values, columns.ravel(), indptr), shape=(self.n, self.d))
        return {"X": X, "y": (columns < self.d // 2).mean(axis=1) > 0.5}


# --- contenders ------------------------------------------------------------------------------------------------------


class Models(Library):
    """A library with scikit-learn's names."""

    prefix = "linear_model."

    def model(self, estimator, **parameters):
        own = self.own(estimator)
        seed = {} if estimator == "LinearRegression" else {"random_state": 0}
        model = own(**(seed | parameters))
        return model if estimator == "LogisticRegression" else on_threads(model, threads())  # it warns of n_jobs

    def fit(self, data, estimator, **parameters):
        model = self.model(estimator, **parameters)
        X, y = data["X"], data["y"]
        if estimator == "LogisticRegression":  # of features as they are, lbfgs stops by its own test somewhere near
            return Task(lambda: quiet(model.fit, X, y), lambda fitted: {"score": fitted.score(X, y)})
        return Task(lambda: quiet(model.fit, X, y), told_by)

    def batches(self, data, estimator, size, **parameters):
        """One epoch, in batches of so many samples, as they come from a disk or a wire."""
        model = self.model(estimator, **parameters)
        X, y, classes = data["X"], data["y"], np.unique(data["y"])
        parts = [(X[first : first + size], y[first : first + size]) for first in range(0, len(y), size)]

        def run():
            fresh = model.__class__(**model.get_params())
            for samples, targets in parts:
                fresh.partial_fit(samples, targets, classes=classes)
            return fresh

        return Task(run, told_by)

    def predict(self, data, estimator, n_rows=None, method="predict", **parameters):
        model = quiet(self.model(estimator, **parameters).fit, data["X"][:2_000], data["y"][:2_000])
        ask, X = getattr(model, method), data["X"][:n_rows]
        return Task(lambda: ask(X), lambda found: {"predictions": found})


class Fastml(Models):
    package = "fastml"


class Sklearnex(Models):
    package = "sklearnex"

    def __init__(self):
        limit_onedal()


def quiet(fit, X, y):
    """Few epochs are not meant to converge."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return fit(X, y)


def told_by(model):
    intercept = model.intercept_ if hasattr(model, "intercept_") else model.offset_
    if getattr(model, "n_iter_", None) is None:  # a closed form; an intercept near 0 has the errors of the weights
        return {"weights": np.append(model.coef_, intercept)}
    return {"coef": model.coef_, "intercept": intercept, "n_iter": int(model.n_iter_)}


CONTENDERS = {"sklearn": Models, "fastml": Fastml, "sklearnex": Sklearnex}

# --- workloads -------------------------------------------------------------------------------------------------------

F64 = "float64"
FIVE = {"max_iter": 5, "tol": None}
CLASSIFIER, REGRESSOR = {"estimator": "SGDClassifier"} | FIVE, {"estimator": "SGDRegressor"} | FIVE
PERCEPTRON = {"estimator": "Perceptron"} | FIVE
OLS, RIDGE = {"estimator": "LinearRegression"}, {"estimator": "Ridge"}
LOGISTIC = {"estimator": "LogisticRegression"}
NEWTON = LOGISTIC | {"solver": "newton-cholesky"}
TWO, NUMBERS, TEN = Linear(200_000, 50), Linear(200_000, 50, 0), Linear(200_000, 50, 10)
TEXTS = Hashed(20_000, 2**18)

PROMISED = (
    Workload("sgd-clf", "fit", TWO, CLASSIFIER, "SGDClassifier, 200k x 50, 5 epochs", cost=0.3, goals={F64: 4}),
    Workload("sgd-clf-tol", "fit", TWO, CLASSIFIER | {"tol": 1e-3}, "SGDClassifier that tests convergence", cost=0.3,
             goals={F64: 4}),
    Workload("sgd-log", "fit", TWO, CLASSIFIER | {"loss": "log_loss", "alpha": 1e-3}, "SGDClassifier, logistic",
             cost=0.4),
    Workload("sgd-l1", "fit", TWO, CLASSIFIER | {"penalty": "l1"}, "SGDClassifier, l1", cost=0.4),
    Workload("sgd-average", "fit", TWO, CLASSIFIER | {"average": True}, "SGDClassifier, averaged", cost=0.4),
    Workload("sgd-reg", "fit", NUMBERS, REGRESSOR, "SGDRegressor, 200k x 50, 5 epochs", cost=0.4, goals={F64: 4}),
    Workload("sgd-classes", "fit", TEN, CLASSIFIER, "SGDClassifier, ten classes, 200k x 50, 5 epochs", cost=2.5,
             goals={F64: 3, (F64, 2): 6}),
    Workload("perceptron", "fit", TWO, PERCEPTRON, "Perceptron, 200k x 50, 5 epochs", cost=0.3, goals={F64: 3.5}),
    Workload("sgd-one-class", "fit", TWO, {"estimator": "SGDOneClassSVM"} | FIVE, "SGDOneClassSVM, 200k x 50, 5 epochs",
             cost=0.3),
    Workload("sgd-text", "batches", TEXTS, {"estimator": "SGDClassifier", "size": 1_000},
             "SGDClassifier, partial_fit of 1,000 hashed texts at a time, 20k x 2^18", cost=0.05, goals={F64: 2.5}),
    Workload("sgd-text-fit", "fit", TEXTS, CLASSIFIER, "SGDClassifier, hashed texts, 20k x 2^18, 5 epochs", cost=0.06),
    Workload("sgd-row", "predict", Linear(2_000, 50), CLASSIFIER | {"n_rows": 1},
             "SGDClassifier, predict of one row, input checked", cost=1e-4, goals={F64: 3.5}),
    Workload("sgd-reg-row", "predict", Linear(2_000, 50, 0), REGRESSOR | {"n_rows": 1},
             "SGDRegressor, predict of one row, input checked", cost=1e-4, goals={F64: 3.5}),
    Workload("sgd-rows", "predict", TWO, CLASSIFIER, "SGDClassifier, predict of 200k rows", cost=0.02, goals={F64: 1}),
    Workload("ols", "fit", NUMBERS, OLS, "LinearRegression, 200k x 50", cost=0.5, goals={F64: 6}),
    Workload("ols-wide", "fit", Linear(20_000, 200, 0), OLS, "LinearRegression, 20k x 200", cost=0.5),
    Workload("ridge", "fit", NUMBERS, RIDGE, "Ridge, 200k x 50", cost=0.07, goals={F64: 1.5}),
    Workload("ols-row", "predict", Linear(2_000, 50, 0), OLS | {"n_rows": 1},
             "LinearRegression, predict of one row, input checked", cost=1e-4, goals={F64: 3.5}),
    Workload("ridge-row", "predict", Linear(2_000, 50, 0), RIDGE | {"n_rows": 1},
             "Ridge, predict of one row, input checked", cost=1e-4, goals={F64: 3.5}),
    Workload("ols-iris", "fit", Iris(), OLS, "LinearRegression on iris", cost=5e-4, goals={F64: 1}),
    Workload("ols-cancer", "fit", Cancer(), OLS, "LinearRegression on breast cancer", cost=2e-3, goals={F64: 1}),
    Workload("ridge-iris", "fit", Iris(), RIDGE, "Ridge on iris", cost=5e-4, goals={F64: 1}),
    Workload("sgd-iris", "fit", Iris(), {"estimator": "SGDClassifier"}, "SGDClassifier on iris", cost=3e-3,
             goals={F64: 1}),
    Workload("perceptron-iris", "fit", Iris(), {"estimator": "Perceptron"}, "Perceptron on iris", cost=2e-3,
             goals={F64: 1}),
    Workload("sgd-reg-iris", "fit", Iris(), {"estimator": "SGDRegressor"}, "SGDRegressor on iris", cost=1e-3,
             goals={F64: 1}),
    Workload("logistic", "fit", TWO, LOGISTIC, "LogisticRegression, 200k x 50", cost=0.3, goals={F64: 2.2}),
    Workload("logistic-newton", "fit", TWO, NEWTON, "LogisticRegression, newton-cholesky, 200k x 50", cost=0.7,
             goals={F64: 4}),
    Workload("logistic-classes", "fit", Linear(20_000, 200, 10), LOGISTIC, "LogisticRegression, ten classes, 20k x 200",
             cost=0.4, goals={F64: 2}),
    Workload("logistic-text", "fit", Hashed(20_000, 2**14, 90 / 2**14), LOGISTIC,
             "LogisticRegression, hashed texts, 20k x 2^14", cost=0.6, goals={F64: 1.5}),
    Workload("logistic-iris", "fit", Iris(), LOGISTIC, "LogisticRegression on iris", cost=0.03, goals={F64: 1.5}),
    Workload("logistic-cancer", "fit", Cancer(), LOGISTIC, "LogisticRegression on breast cancer", cost=0.03,
             goals={F64: 1}),
    Workload("logistic-row", "predict", Linear(2_000, 50), LOGISTIC | {"n_rows": 1},
             "LogisticRegression, predict of one row, input checked", cost=1e-4, goals={F64: 4}),
    Workload("logistic-row-proba", "predict", Linear(2_000, 50), LOGISTIC | {"n_rows": 1, "method": "predict_proba"},
             "LogisticRegression, predict_proba of one row, input checked", cost=1e-4, goals={F64: 4}),
)  # fmt: skip


def descents(n, d):
    """One point of the grid."""
    two, numbers, one = Linear(n, d), Linear(n, d, 0), 1e-3 + 5 * n * (5e-8 + d * 4e-9)
    yield "sgd-clf", "fit", two, CLASSIFIER, one
    yield "sgd-clf-tol", "fit", two, CLASSIFIER | {"tol": 1e-3}, one
    yield "sgd-elasticnet", "fit", two, CLASSIFIER | {"penalty": "elasticnet"}, 2 * one
    yield "sgd-reg", "fit", numbers, REGRESSOR, one
    yield "perceptron", "fit", two, PERCEPTRON, one
    yield "ols", "fit", numbers, OLS, 1e-3 + n * d * (d + 20) * 6e-10
    yield "ridge", "fit", numbers, RIDGE, 1e-3 + n * d * (d + 20) * 1e-10
    yield "sgd-row", "predict", two, CLASSIFIER | {"n_rows": 1}, 1e-4
    yield "sgd-rows", "predict", two, CLASSIFIER, 1e-4 + n * d * 1e-9


WORKLOADS = PROMISED + grid(descents)
