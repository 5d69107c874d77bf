"""Ensembles of trees: the workloads that fastml promises ratios for, the grid, and how each contender runs them."""

from importlib import import_module

from benchmarks.families import tree
from benchmarks.families.tree import F64, Classes, Iris, Numbers, probes, quality, seconds_to_grow
from benchmarks.libraries import limit_onedal, threads
from benchmarks.workload import NotOffered, Task, Workload

# --- contenders ------------------------------------------------------------------------------------------------------

BOOSTING = "ensemble.GradientBoostingClassifier"


class Estimators(tree.Estimators):
    """A library with scikit-learn's names."""

    def fit_and_score(self, data, estimator, **parameters):
        model = self.model(estimator, **parameters)
        return Task(lambda: model.fit(data["X"]).score_samples(data["X"]), lambda found: {"scores": found})

    def told_by(self, model, data):
        numbers = {name: getattr(model, f"{name}_") for name in ("train_score", "estimator_weights")
                   if hasattr(model, f"{name}_")}  # fmt: skip
        return super().told_by(model, data) | numbers


class Fastml(Estimators):
    package = "fastml"


class Sklearnex(tree.Estimators):
    """Its trees are others than scikit-learn's; only how good they are can be compared."""

    package = "sklearnex"

    def __init__(self):
        limit_onedal()

    def told_by(self, model, data):
        return quality(model, data)


class Histograms:
    """Boosting on histograms, with trees of the same depth: other trees, compared by how good they are."""

    def fit(self, data, estimator, **parameters):
        model = self.model(estimator, **parameters)
        return Task(lambda: model.fit(data["X"], data["y"]), lambda fitted: quality(fitted, data))

    def predict(self, data, estimator, n_rows=None, **parameters):
        model = self.model(estimator, **parameters).fit(data["X"][:20_000], data["y"][:20_000])
        X = probes(data["X"])[:n_rows]
        return Task(lambda: model.predict(X), lambda found: {})

    def model(self, estimator, n_estimators=100, **others):
        if estimator != BOOSTING or others:
            raise NotOffered(f"{type(self).__name__} takes part in the boosting of classifiers only")
        return self.booster(n_estimators=n_estimators, max_depth=3, learning_rate=0.1, random_state=0, n_jobs=threads())


class LightGBM(Histograms):
    def __init__(self):
        self.library = import_module("lightgbm")

    def booster(self, **parameters):
        return self.library.LGBMClassifier(num_leaves=8, verbose=-1, **parameters)


class XGBoost(Histograms):
    def __init__(self):
        self.library = import_module("xgboost")

    def booster(self, **parameters):
        return self.library.XGBClassifier(tree_method="hist", **parameters)


CONTENDERS = {
    "sklearn": Estimators,
    "fastml": Fastml,
    "sklearnex": Sklearnex,
    "lightgbm": LightGBM,
    "xgboost": XGBoost,
}

# --- workloads -------------------------------------------------------------------------------------------------------


def named(name, n_trees, **parameters):
    return {"estimator": f"ensemble.{name}", "n_estimators": n_trees} | parameters


FOREST, MAIN, SERVED = Classes(50_000, 20), Classes(100_000, 20), Classes(20_000, 20)
DEPTH8 = named("RandomForestClassifier", 100, max_depth=8)
TWO = (F64, 2)
PROMISED = (
    Workload("forest-clf", "fit", FOREST, named("RandomForestClassifier", 50),
             "RandomForestClassifier, 50k x 20, 50 trees", cost=9, goals={TWO: 7}),
    Workload("extra-clf", "fit", FOREST, named("ExtraTreesClassifier", 50),
             "ExtraTreesClassifier, 50k x 20, 50 trees", cost=3, goals={F64: 3.5}),
    Workload("isolation", "fit_and_score", FOREST, named("IsolationForest", 100),
             "IsolationForest, fit and scores of 50k x 20", cost=0.6, goals={F64: 4}),
    Workload("forest-reg", "fit", Numbers(50_000, 20), named("RandomForestRegressor", 50),
             "RandomForestRegressor, 50k x 20, 50 trees", cost=54, goals={TWO: 7}),
    Workload("boosting-clf", "fit", SERVED, named("GradientBoostingClassifier", 50),
             "GradientBoostingClassifier, 20k x 20, 50 rounds", cost=6.4, goals={F64: 12}),
    Workload("boosting-row", "predict", SERVED, named("GradientBoostingClassifier", 100, n_rows=1),
             "GradientBoostingClassifier, predict of one row, input checked", cost=3e-4, goals={F64: 3}),
    Workload("adaboost", "fit", SERVED, named("AdaBoostClassifier", 50),
             "AdaBoostClassifier, 20k x 20, 50 stumps", cost=3, goals={F64: 12}),
    Workload("bagging", "fit", Classes(10_000, 20), named("BaggingClassifier", 50),
             "BaggingClassifier, 10k x 20, 50 trees", cost=8, goals={F64: 7}),
    Workload("forest-predict", "predict", MAIN, named("RandomForestClassifier", 100),
             "RandomForestClassifier of 100 deep trees, predict, 100k x 20", cost=1.5, goals={F64: 3}),
    Workload("forest-row", "predict", SERVED, DEPTH8 | {"n_rows": 1},
             "RandomForestClassifier, 100 trees of depth 8, predict of one row, input checked", cost=5e-3,
             goals={F64: 20}),
    Workload("forest-200rows", "predict", SERVED, DEPTH8 | {"n_rows": 200},
             "RandomForestClassifier, 100 trees of depth 8, predict of 200 rows", cost=6e-3, goals={F64: 10}),
    Workload("forest-iris", "fit", Iris(), named("RandomForestClassifier", 25),
             "RandomForestClassifier, 25 trees, on iris", cost=0.02, goals={F64: 4}),
)  # fmt: skip

COSTLIEST = 60  # seconds that scikit-learn may take for a cell of the grid: more tell nothing new


def ensembles(n, d):
    """One point of the grid."""
    classes, numbers, some = Classes(n, d), Numbers(n, d), seconds_to_grow(n, d**0.5)
    stump, stage = (seconds_to_grow(n, d, depth) for depth in (1, 3))
    whole = seconds_to_grow(n, d)
    yield from (
        cell
        for cell in (
            ("forest-10", "fit", classes, named("RandomForestClassifier", 10), 10 * some),
            ("forest-100", "fit", classes, named("RandomForestClassifier", 100), 100 * some),
            ("forest-predict", "predict", classes, named("RandomForestClassifier", 10, max_depth=12), 1e-3 + n * 5e-7),
            ("forest-row", "predict", classes, DEPTH8 | {"n_rows": 1}, 5e-3),
            ("extra-10", "fit", classes, named("ExtraTreesClassifier", 10), 5 * some),
            ("forest-reg", "fit", numbers, named("RandomForestRegressor", 10), 10 * whole),
            ("bagging", "fit", classes, named("BaggingClassifier", 10), 8 * whole),
            ("adaboost", "fit", classes, named("AdaBoostClassifier", 10), 10 * stump),
            ("boosting", "fit", classes, named("GradientBoostingClassifier", 10), 10 * stage),
            ("boosting-reg", "fit", numbers, named("GradientBoostingRegressor", 10), 10 * stage),
            ("isolation", "fit_and_score", classes, named("IsolationForest", 100), 0.1 + n * 1e-5),
        )
        if cell[-1] <= COSTLIEST
    )


WORKLOADS = PROMISED + tree.grid(ensembles)
