"""Single trees: the workloads that fastml promises ratios for, the grid, and how each contender runs them."""

from dataclasses import dataclass
from math import log2
from zlib import crc32

import numpy as np
from sklearn.base import is_regressor
from sklearn.datasets import load_iris, make_classification, make_regression

from benchmarks.libraries import Library, threads
from benchmarks.workload import Task, Workload

# --- data ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Classes:
    """Two classes; ``levels``: about so many different values a feature."""

    n: int
    d: int
    levels: int | None = None

    def __call__(self, dtype):
        informative = max(2, self.d // 2)
        X, y = make_classification(
            self.n, self.d, n_informative=informative, n_redundant=min(2, self.d - informative), random_state=0
        )
        if self.levels:
            X = np.floor(self.levels * (X - X.min(axis=0)) / np.ptp(X, axis=0))
        return {"X": X.astype(dtype, copy=False), "y": y}


@dataclass(frozen=True)
class Numbers:
    n: int
    d: int

    def __call__(self, dtype):
        X, y = make_regression(self.n, self.d, noise=1, random_state=0)
        return {"X": X.astype(dtype, copy=False), "y": y}


@dataclass(frozen=True)
class Dummies:
    """Categories one-hot, real targets from 0 on."""

    n: int
    d: int

    def __call__(self, dtype):
        random = np.random.default_rng(0)
        category = random.integers(self.d, size=self.n)
        y = np.abs(random.standard_normal(self.d)[category] + 0.5 * random.standard_normal(self.n))
        return {"X": np.eye(self.d, dtype=dtype)[category], "y": y}


@dataclass(frozen=True)
class Iris:
    def __call__(self, dtype):
        X, y = load_iris(return_X_y=True)
        return {"X": X.astype(dtype, copy=False), "y": y}


# --- contenders ------------------------------------------------------------------------------------------------------

N_PROBES = 2_000


class Estimators(Library):
    """A library with scikit-learn's names."""

    def model(self, estimator, **parameters):
        return on_threads(self.own(estimator)(random_state=0, **parameters), threads())

    def fit(self, data, estimator, **parameters):
        model = self.model(estimator, **parameters)
        return Task(lambda: model.fit(data["X"], data["y"]), lambda fitted: self.told_by(fitted, data))

    def predict(self, data, estimator, n_rows=None, **parameters):
        """``n_rows``: of so many only, as a service is asked, and from a model of few samples, which is soon there."""
        some = slice(None if n_rows is None else 20_000)
        model = on_threads(self.model(estimator, **parameters), -1).fit(data["X"][some], data["y"][some])
        on_threads(model, threads() if n_rows is None else None)
        X = probes(data["X"])[:n_rows]
        return Task(lambda: model.predict(X), lambda found: {"predictions": found})

    def told_by(self, model, data):
        return {"trees": digests(model)} | quality(model, data)


class Fastml(Estimators):
    package = "fastml"


def on_threads(model, n_jobs):
    """The same model with its ``n_jobs`` set, where it has that."""
    return model.set_params(n_jobs=n_jobs) if "n_jobs" in model.get_params(deep=False) else model


def probes(X):
    """Rows near those of X, that no tree has seen."""
    return X + (0.1 * X.std(axis=0) * np.random.default_rng(0).standard_normal(X.shape)).astype(X.dtype)


def quality(model, data):
    """How good predictions for unseen rows are, accuracy or R²; classes themselves."""
    X, y = probes(data["X"][:N_PROBES]), data["y"][:N_PROBES]
    found = model.predict(X)
    if y.dtype.kind == "f":
        return {"score": float(1 - np.mean((found - y) ** 2) / np.var(y))}
    return {"predictions": found, "score": float(np.mean(found == y))}


def digests(model):
    """A number for every tree, equal where all splits are.

    Of regression trees the sizes of the nodes alone: two features that part a node alike are a tie, which falls as the
    rounding of sums of real numbers falls.
    """
    estimators = np.ravel(getattr(model, "estimators_", [model]))
    return np.array([crc32(np.concatenate(described(est), dtype=float)) for est in estimators])


def described(est):
    if is_regressor(est):
        return [np.sort(est.tree_.n_node_samples)]
    return [est.tree_.feature, est.tree_.threshold]


CONTENDERS = {"sklearn": Estimators, "fastml": Fastml}

# --- workloads -------------------------------------------------------------------------------------------------------

F64 = "float64"
CLASSIFIER, REGRESSOR = {"estimator": "tree.DecisionTreeClassifier"}, {"estimator": "tree.DecisionTreeRegressor"}
EXTRA = {"estimator": "tree.ExtraTreeClassifier"}
MAIN, LEVELS, REAL = Classes(100_000, 20), Classes(50_000, 20, 80), Numbers(100_000, 20)


PROMISED = (
    Workload("tree-clf", "fit", MAIN, CLASSIFIER, "DecisionTreeClassifier, 100k x 20", cost=3.3,
             goals={F64: 10, (F64, 2): 14}),
    Workload("tree-clf-depth8", "fit", MAIN, CLASSIFIER | {"max_depth": 8},
             "DecisionTreeClassifier of depth 8, 100k x 20", cost=2, goals={F64: 8}),
    Workload("tree-clf-entropy", "fit", MAIN, CLASSIFIER | {"criterion": "entropy"},
             "DecisionTreeClassifier, entropy, 100k x 20", cost=4),
    Workload("tree-row", "predict", MAIN, CLASSIFIER | {"n_rows": 1},
             "DecisionTreeClassifier, predict of one row, input checked", cost=1e-4, goals={F64: 4}),
    Workload("tree-clf-levels", "fit", LEVELS, CLASSIFIER,
             "DecisionTreeClassifier, 50k x 20, about 80 distinct values", cost=0.9, goals={F64: 12}),
    Workload("tree-reg", "fit", REAL, REGRESSOR, "DecisionTreeRegressor, 100k x 20", cost=3.8,
             goals={F64: 8, (F64, 2): 14}),
    Workload("tree-iris", "fit", Iris(), CLASSIFIER, "DecisionTreeClassifier on iris", cost=8e-4, goals={F64: 1}),
)  # fmt: skip

GRID_N = {"150": 150, "2k": 2_000, "20k": 20_000, "200k": 200_000, "1M": 1_000_000}
GRID_D = (2, 8, 32, 128, 784)
DUMMIES = 32  # features that are also tried one-hot


def grid(kinds):
    """The grid, cheap points first, workloads with the same data together.

    ``kinds(n, d)`` yields for each of a point's workloads: kind, method, data, settings, cost.
    """
    by_data = {}
    points = [(size, n, d) for size, n in GRID_N.items() for d in GRID_D if n * d <= 4e7]
    for size, n, d in points:
        for kind, method, data, settings, cost in kinds(n, d):
            workload = Workload(
                f"grid-{kind}-{size}x{d}", method, data, settings, f"{kind}, {size} x {d}", cost=cost, grid=True
            )
            by_data.setdefault(data, []).append(workload)
    groups = sorted(by_data.values(), key=lambda group: sum(workload.cost for workload in group))
    return tuple(workload for group in groups for workload in group)


def seconds_to_grow(n, d, depth=None):
    """What scikit-learn takes to grow a tree that looks at d features a node, fitted to measured times, roughly."""
    levels = log2(n) if depth is None else min(depth, log2(n))
    return 3e-4 + n * (5e-7 + d * levels * 1e-7)


def trees(n, d):
    """One point of the grid."""
    classes, numbers, one = Classes(n, d), Numbers(n, d), seconds_to_grow(n, d)
    yield "tree-clf", "fit", classes, CLASSIFIER, one
    yield "tree-depth4", "fit", classes, CLASSIFIER | {"max_depth": 4}, seconds_to_grow(n, d, 4)
    yield "tree-extra", "fit", classes, EXTRA, seconds_to_grow(n, d**0.5) / 2
    yield "tree-leaves", "fit", classes, CLASSIFIER | {"max_leaf_nodes": 64}, seconds_to_grow(n, d, 8)
    yield "tree-levels", "fit", Classes(n, d, 80), CLASSIFIER, one
    yield "tree-reg", "fit", numbers, REGRESSOR, one
    yield "tree-row", "predict", classes, CLASSIFIER | {"n_rows": 1}, 1e-4
    yield "tree-rows", "predict", classes, CLASSIFIER | {"max_depth": 12}, 1e-4 + n * 1e-7
    if d == DUMMIES:
        yield "tree-dummies", "fit", Dummies(n, d), REGRESSOR, one
        yield "tree-dummies-poisson", "fit", Dummies(n, d), REGRESSOR | {"criterion": "poisson"}, one


WORKLOADS = PROMISED + grid(trees)
