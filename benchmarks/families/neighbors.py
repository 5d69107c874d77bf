"""Neighbours: the workloads that fastml promises ratios for, the grid, and how each contender runs them."""

from dataclasses import dataclass
from math import gamma, pi

import numpy as np
from scipy import sparse
from sklearn.datasets import load_digits, load_iris

from benchmarks.families.tree import grid
from benchmarks.libraries import Library, limit_onedal, threads
from benchmarks.workload import NotOffered, Task, Workload

# --- data ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Points:
    """Uniform in the unit cube, in three classes."""

    n: int
    d: int

    def __call__(self, dtype):
        rng = np.random.default_rng(0)
        return {"X": rng.random((self.n, self.d)).astype(dtype, copy=False), "y": rng.integers(0, 3, self.n)}


@dataclass(frozen=True)
class Sphere:
    """Uniform on the sphere but for its caps: latitude and longitude in radians, in three classes, and a radius."""

    n: int

    def __call__(self, dtype):
        rng = np.random.default_rng(0)
        X = np.column_stack([np.arcsin(rng.uniform(-0.95, 0.95, self.n)), rng.uniform(-pi, pi, self.n)])
        return {"X": X.astype(dtype), "y": rng.integers(0, 3, self.n), "radius": (4 * 15 / self.n) ** 0.5}


@dataclass(frozen=True)
class Iris:
    def __call__(self, dtype):
        X, y = load_iris(return_X_y=True)
        return {"X": X.astype(dtype), "y": y}


@dataclass(frozen=True)
class Digits:
    def __call__(self, dtype):
        X, y = load_digits(return_X_y=True)
        return {"X": X.astype(dtype), "y": y}


@dataclass(frozen=True)
class Texts:
    """As of a TF-IDF vectoriser: rows of length 1, words by Zipf's law, the vocabulary in no order; three classes."""

    n: int
    d: int
    words: int  # of a text
    asked: int

    def __call__(self, dtype):
        rng = np.random.default_rng(0)
        n = self.n + self.asked
        odds = np.cumsum(np.arange(1, self.d + 1) ** -0.9)
        words = rng.permutation(self.d)[np.searchsorted(odds, rng.uniform(0, odds[-1], n * self.words), "right")]
        X = sparse.csr_matrix((np.ones(words.size), (np.repeat(np.arange(n), self.words), words)), (n, self.d))
        rarity = np.log((1 + n) / (1 + np.bincount(X.indices, minlength=self.d))) + 1
        X.data *= rarity[X.indices]
        X.data /= np.repeat(np.sqrt(X.multiply(X).sum(axis=1).A1), np.diff(X.indptr))
        X = X.astype(dtype, copy=False)
        return {"X": X[: self.n], "y": rng.integers(0, 3, self.n), "asked": X[self.n :]}


def weighted_manhattan(x, y, w):
    """A metric as users write it."""
    total = 0.0
    for j in range(len(x)):
        total += w[j] * abs(x[j] - y[j])
    return total


def longest_step(x, y):
    """Another."""
    return np.max(np.abs(x - y))


def radius_of(neighbors, n, d):
    """The radius within which so many of n uniform points of the unit cube lie."""
    return (neighbors / n * gamma(d / 2 + 1) / pi ** (d / 2)) ** (1 / d)


# --- contenders ------------------------------------------------------------------------------------------------------


class Estimators(Library):
    """A library with scikit-learn's names."""

    prefix = "neighbors."

    def model(self, estimator="NearestNeighbors", **parameters):
        return self.own(estimator)(n_jobs=threads(), **parameters)

    def fit(self, data, **parameters):
        model = self.model(**parameters)
        return Task(lambda: model.fit(data["X"], data["y"]), lambda fitted: {"samples": int(fitted.n_samples_fit_)})

    def kneighbors(self, data, n_rows=None, **parameters):
        """The nearest of the samples themselves, or of ``n_rows`` near some of them; of one, as a service is asked."""
        model, X = self.model(**parameters).fit(data["X"], data["y"]), data["X"]
        if n_rows is not None:
            X = others(data)[:n_rows]
            model.set_params(n_jobs=None if n_rows == 1 else threads())
        narrow = sparse.issparse(X) and X.dtype == np.float32
        return Task(lambda: model.kneighbors(X), distances_of if narrow else nearest)

    def within(self, data, neighbors=None, radius=None, **parameters):
        """The neighbours of the samples themselves within the radius of so many, or of others within a given one."""
        X = data["X"] if radius is None else others(data)
        if radius is None:
            radius = data["radius"] if "radius" in data else radius_of(neighbors, *X.shape)
        model = self.model(radius=radius, **parameters).fit(data["X"])
        return Task(lambda: model.radius_neighbors(X), sizes)

    def predict(self, data, **parameters):
        model = self.model(**parameters).fit(data["X"], data["y"])
        X = others(data)
        return Task(lambda: model.predict(X), lambda found: {"predictions": found})

    def factors(self, data, n_rows=None, **parameters):
        """Local outlier factors of the samples, or of a few rows near some of them."""
        model, X = self.model("LocalOutlierFactor", novelty=n_rows is not None, **parameters), data["X"]
        if n_rows is None:
            return Task(lambda: model.fit(X), lambda fitted: {"factors": fitted.negative_outlier_factor_})
        model.fit(X)
        X = X[:n_rows] + X.dtype.type(0.01)
        return Task(lambda: model.score_samples(X), lambda scores: {"factors": scores})


def others(data):
    """Samples to ask about: texts that are not among those of the fit, or points near those."""
    return data["asked"] if "asked" in data else data["X"] + data["X"].dtype.type(0.01)


def nearest(found):
    """Distances, and the indices of all but the last neighbour where no other one is as near."""
    distances, indices = found
    apart = np.diff(distances, axis=1) > 0
    alone = apart & np.pad(apart, ((0, 0), (1, 0)), constant_values=True)[:, :-1]
    return {"distances": distances, "indices": np.where(alone, indices[:, :-1], -1)}


def distances_of(found):
    """Distances alone: scikit-learn's are of float32, in which others are as near by rounding."""
    return {"distances": found[0]}


def sizes(found):
    """How many neighbours each has, and how far they are in all."""
    distances, indices = found
    totals = np.array([row.sum() for row in distances])
    return {"neighbours": np.array([len(row) for row in indices]), "distances": totals}


class Fastml(Estimators):
    package = "fastml"


class Sklearnex(Estimators):
    package = "sklearnex"

    def __init__(self):
        limit_onedal()


class Scipy:
    """cKDTree."""

    def kneighbors(self, data, n_neighbors=5, n_rows=None, metric="euclidean", algorithm="auto", **others):
        from scipy.spatial import cKDTree

        if metric != "euclidean" or algorithm == "brute" or n_rows is not None or others:
            raise NotOffered("scipy has Euclidean trees only")
        tree = cKDTree(data["X"])
        return Task(
            lambda: tree.query(data["X"], n_neighbors, workers=threads()),
            nearest,
        )


CONTENDERS = {"sklearn": Estimators, "fastml": Fastml, "sklearnex": Sklearnex, "scipy": Scipy}

# --- workloads -------------------------------------------------------------------------------------------------------

F64 = "float64"
TEN = {"n_neighbors": 10}
TREE = {"algorithm": "kd_tree"}
OWN = {"metric": weighted_manhattan, "metric_params": {"w": np.ones(20)}}
BRUTE = {"algorithm": "brute"}
SPHERE = {"metric": "haversine"}
LIBRARY = Texts(20_000, 50_000, 115, 2_000)
COSINE = {"metric": "cosine"}

PROMISED = (
    Workload("kd-2d", "kneighbors", Points(200_000, 2), TEN, "10 nearest of 200k x 2 among themselves", cost=0.7,
             goals={F64: 4.5}),
    Workload("kd-3d", "kneighbors", Points(200_000, 3), TEN, "10 nearest of 200k x 3 among themselves", cost=1,
             goals={F64: 6}),
    Workload("kd-8d", "kneighbors", Points(200_000, 8), TEN, "10 nearest of 200k x 8 among themselves", cost=24,
             goals={F64: 10}),
    Workload("kd-manhattan", "kneighbors", Points(100_000, 3), TEN | {"metric": "manhattan"},
             "10 nearest by manhattan, 100k x 3", cost=0.8, goals={F64: 4}),
    Workload("kd-minkowski", "kneighbors", Points(5_000, 3), TEN | {"p": 3},
             "10 nearest by minkowski, p=3, 5k x 3", cost=0.3, goals={F64: 6}),
    Workload("kd-fit", "fit", Points(200_000, 3), {}, "NearestNeighbors, fit to 200k x 3", cost=0.1, goals={F64: 1}),
    Workload("kd-row", "kneighbors", Points(20_000, 20), TREE | {"n_rows": 1},
             "5 nearest of one row, input checked, tree of 20k x 20", cost=1e-3, goals={F64: 4}),
    Workload("kd-radius", "within", Points(100_000, 3), {"neighbors": 15},
             "neighbours within a radius, 15 on average, 100k x 3", cost=1, goals={F64: 4}),
    Workload("kd-radius-wide", "within", Points(5_000, 2), {"neighbors": 1000},
             "neighbours within a radius, 1000 on average, 5k x 2", cost=0.3, goals={F64: 4}),
    Workload("kd-predict", "predict", Points(50_000, 3), {"estimator": "KNeighborsClassifier"},
             "KNeighborsClassifier, predict, 50k x 3", cost=0.3, goals={F64: 1.5}),
    Workload("brute", "kneighbors", Points(50_000, 64), TEN | BRUTE | {"n_rows": 10_000},
             "10 nearest of 10k, by brute force among 50k x 64", cost=2.5, goals={F64: 3, "float32": 3}),
    Workload("brute-cosine", "kneighbors", Points(20_000, 64), TEN | BRUTE | {"metric": "cosine", "n_rows": 5_000},
             "10 nearest of 5k by cosine, among 20k x 64", cost=2.5, goals={F64: 10, "float32": 6}),
    Workload("brute-minkowski", "kneighbors", Points(4_000, 32), TEN | BRUTE | {"p": 3, "n_rows": 1_000},
             "10 nearest of 1k by minkowski, p=3, among 4k x 32", cost=2, goals={F64: 15, "float32": 15}),
    Workload("brute-canberra", "kneighbors", Points(4_000, 32), TEN | BRUTE | {"metric": "canberra", "n_rows": 1_000},
             "10 nearest of 1k by canberra, among 4k x 32", cost=0.2, goals={F64: 1.5, "float32": 1.5}),
    Workload("ball-3d", "kneighbors", Points(100_000, 3), TEN | {"algorithm": "ball_tree"},
             "10 nearest of 100k x 3 among themselves, ball tree", cost=1, goals={F64: 4}),
    Workload("haversine", "kneighbors", Sphere(100_000), TEN | SPHERE,
             "10 nearest of 100k on the sphere among themselves", cost=2.5, goals={F64: 4}),
    Workload("haversine-radius", "within", Sphere(100_000), SPHERE | {"neighbors": 15},
             "neighbours within a radius, 15 on average, 100k on the sphere", cost=1, goals={F64: 4}),
    Workload("haversine-predict", "predict", Sphere(20_000), SPHERE | {"estimator": "KNeighborsClassifier"},
             "KNeighborsClassifier, predict, 20k on the sphere", cost=0.4, goals={F64: 4}),
    Workload("haversine-row", "kneighbors", Sphere(20_000), SPHERE | {"n_rows": 1},
             "5 nearest of one row, 20k on the sphere", cost=2e-4, goals={F64: 1}),
    Workload("haversine-50", "kneighbors", Sphere(50), SPHERE, "5 nearest, 50 on the sphere", cost=3e-4,
             goals={F64: 1}),
    Workload("haversine-50-fit", "fit", Sphere(50), SPHERE, "NearestNeighbors, fit to 50 on the sphere", cost=2e-4,
             goals={F64: 1}),
    Workload("own-metric", "kneighbors", Points(5_000, 20), OWN | {"n_rows": 50, "algorithm": "brute"},
             "5 nearest of 50 by a function as metric, among 5k x 20", cost=2, goals={F64: 100}),
    Workload("own-metric-ball", "kneighbors", Points(1_000, 3), {"metric": longest_step},
             "5 nearest by a function as metric, 1k x 3", cost=1, goals={F64: 20}),
    Workload("brute-row", "kneighbors", Points(20_000, 64), BRUTE | {"n_rows": 1},
             "5 nearest of one row, by brute force among 20k x 64", cost=1e-3, goals={F64: 1}),
    Workload("sparse-cosine", "kneighbors", LIBRARY, TEN | COSINE | {"n_rows": 2_000},
             "10 nearest of 2k by cosine, among 20k sparse texts of 100 words of 50k", cost=1.5,
             goals={F64: 3, "float32": 2.5}),
    Workload("sparse", "kneighbors", LIBRARY, TEN | {"n_rows": 2_000},
             "10 nearest of 2k, among 20k sparse texts of 100 words of 50k", cost=1.5, goals={F64: 3, "float32": 2.5}),
    Workload("sparse-row", "kneighbors", LIBRARY, TEN | COSINE | {"n_rows": 1},
             "10 nearest of one text by cosine, among 20k", cost=0.04, goals={F64: 1.5, "float32": 1.5}),
    Workload("sparse-rows", "kneighbors", LIBRARY, TEN | {"n_rows": 20},
             "10 nearest of 20 texts, among 20k", cost=0.04, goals={F64: 1}),
    Workload("sparse-radius", "within", LIBRARY, COSINE | {"radius": 0.8},
             "neighbours of 2k within 0.8 by cosine, among 20k sparse texts", cost=1.5, goals={F64: 2, "float32": 2}),
    Workload("sparse-predict", "predict", LIBRARY, COSINE | {"estimator": "KNeighborsClassifier"},
             "KNeighborsClassifier by cosine, predict, 2k texts, fit to 20k", cost=1.5, goals={F64: 3}),
    Workload("sparse-manhattan", "kneighbors", Texts(3_000, 20_000, 60, 200),
             TEN | {"metric": "manhattan", "n_rows": 200},
             "10 nearest of 200 by manhattan, among 3k sparse texts", cost=0.3, goals={F64: 10}),
    Workload("brute-digits", "predict", Digits(), {"estimator": "KNeighborsClassifier"},
             "KNeighborsClassifier, predict, digits", cost=0.02, goals={F64: 3}),
    Workload("lof", "factors", Points(20_000, 5), {}, "LocalOutlierFactor, 20k x 5", cost=0.5, goals={F64: 4}),
    Workload("lof-row", "factors", Points(20_000, 5), {"n_rows": 1}, "LocalOutlierFactor, score of one row, 20k x 5",
             cost=6e-4, goals={F64: 1}),
    Workload("lof-iris", "factors", Iris(), {}, "LocalOutlierFactor, iris", cost=1e-3, goals={F64: 1}),
    Workload("knn-iris", "kneighbors", Iris(), {}, "5 nearest, iris", cost=6e-4, goals={F64: 1}),
    Workload("knn-iris-fit", "fit", Iris(), {"estimator": "KNeighborsClassifier"}, "KNeighborsClassifier, fit to iris",
             cost=4e-4, goals={F64: 1}),
    Workload("knn-150-predict", "predict", Points(150, 4), {"estimator": "KNeighborsClassifier"},
             "KNeighborsClassifier, predict, 150 x 4", cost=1e-3, goals={F64: 1}),
)  # fmt: skip


def searches(n, d):
    """One point of the grid; wide data are searched by brute force."""
    if n > (200_000 if d <= 15 else 20_000):
        return
    points = Points(n, d)
    one = 3e-4 + n * (3e-6 * 2**d if d <= 15 else n * (2e-9 + d * 7e-11))
    yield "knn-self", "kneighbors", points, {}, one
    if d <= 15:
        yield "knn-within", "within", points, {"neighbors": 15}, 2 * one
    yield "knn-row", "kneighbors", points, {"n_rows": 1}, 3e-4 + n * d * 1e-9
    yield "knn-fit", "fit", points, {}, 2e-4 + n * 5e-7
    yield "knn-predict", "predict", points, {"estimator": "KNeighborsClassifier"}, 2 * one
    yield "knn-lof", "factors", points, {}, 3 * one
    yield "knn-mean", "predict", points, {"estimator": "KNeighborsRegressor", "weights": "distance"}, 2 * one


def texts():
    """The grid of sparse samples."""
    for n, d, words in ((150, 1_000, 20), (1_000, 5_000, 40), (5_000, 20_000, 80)):
        data = Texts(n, d, words, min(n, 500))
        for kind, settings in (("row", {"n_rows": 1}), ("rows", {"n_rows": 20}), ("all", {"n_rows": 500})):
            for metric in ("euclidean", "cosine", "manhattan"):
                cost = 4e-4 + settings["n_rows"] * n * (3e-7 if metric == "manhattan" else 4e-8)
                name = f"grid-sparse-{kind}-{metric}-{n}"
                about = f"nearest of {settings['n_rows']} texts by {metric}, among {n}"
                yield Workload(name, "kneighbors", data, settings | {"metric": metric}, about, cost=cost, grid=True)
        for metric, radius in (("euclidean", 1.2), ("cosine", 0.8), ("manhattan", 5.0)):
            name, about = f"grid-sparse-within-{metric}-{n}", f"neighbours within {radius} by {metric}, among {n} texts"
            settings = {"metric": metric, "radius": radius}
            yield Workload(name, "within", data, settings, about, cost=4e-4 + n * n * 4e-8, grid=True)


WORKLOADS = PROMISED + grid(searches) + tuple(texts())
