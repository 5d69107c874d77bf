"""DBSCAN: the workloads that fastml promises ratios for, the grid, and how each contender runs them."""

from dataclasses import dataclass
from math import pi

import numpy as np
from sklearn.datasets import load_iris, make_blobs, make_moons

from benchmarks.libraries import Library, limit_onedal, threads
from benchmarks.workload import Task, Workload

# --- data: samples, and the radius at which they have so many neighbours on average ----------------------------------


@dataclass(frozen=True)
class Uniform:
    n: int
    d: int
    neighbours: int = 15

    def __call__(self, dtype):
        rng = np.random.default_rng(0)
        return with_eps(rng.random((self.n, self.d)).astype(dtype, copy=False), self.neighbours)


@dataclass(frozen=True)
class Blobs:
    n: int
    d: int
    neighbours: int = 15

    def __call__(self, dtype):
        X, _ = make_blobs(self.n, self.d, centers=20, random_state=0)
        return with_eps(X.astype(dtype, copy=False), self.neighbours)


@dataclass(frozen=True)
class Decimals:
    """Coordinates of one decimal place and a radius that many pairs are just away: rounding decides them."""

    n: int
    d: int

    def __call__(self, dtype):
        side = (self.n * pi * 0.09 / 15) ** 0.5
        X = (np.random.default_rng(0).random((self.n, self.d)) * side).round(1)
        return {"X": X.astype(dtype, copy=False), "eps": np.array(0.3)}


@dataclass(frozen=True)
class Cities:
    """Latitudes and longitudes about 40 cities, in radians, and a radius of half a kilometre."""

    n: int

    def __call__(self, dtype):
        rng = np.random.default_rng(0)
        centres = np.radians(np.column_stack([rng.uniform(35, 60, 40), rng.uniform(-10, 30, 40)]))
        away = rng.standard_normal((self.n, 2)) * 0.002 * rng.uniform(0.2, 1, (self.n, 1))
        X = centres[rng.integers(0, 40, self.n)] + away
        return {"X": X.astype(dtype, copy=False), "eps": np.array(0.5 / 6371)}


@dataclass(frozen=True)
class Crowd:
    """The unit square, and a radius that thousands of neighbours are within."""

    n: int

    def __call__(self, dtype):
        X = np.random.default_rng(0).random((self.n, 2))
        return {"X": X.astype(dtype, copy=False), "eps": np.array((5000 / self.n / pi) ** 0.5)}


@dataclass(frozen=True)
class Moons:
    n: int

    def __call__(self, dtype):
        X, _ = make_moons(self.n, noise=0.05, random_state=0)
        return {"X": X.astype(dtype, copy=False), "eps": np.array(0.1)}


@dataclass(frozen=True)
class Iris:
    def __call__(self, dtype):
        return {"X": load_iris().data.astype(dtype, copy=False), "eps": np.array(0.5)}


def with_eps(X, neighbours, n_asked=300):
    """Choose the radius by the distances of some samples from all."""
    asked = X[np.random.default_rng(1).choice(len(X), min(n_asked, len(X)), replace=False)].astype(float)
    reach = [np.partition(((X - x) ** 2).sum(axis=1), min(neighbours, len(X)) - 1)[neighbours - 1] for x in asked]
    return {"X": X, "eps": np.array(np.mean(np.sqrt(reach)))}


# --- contenders ------------------------------------------------------------------------------------------------------


class Estimators(Library):
    """A library with scikit-learn's names."""

    prefix = "cluster."

    def fit(self, data, weighted=False, **parameters):
        n_jobs = threads() if threads() != 1 else None
        model = self.own("DBSCAN")(eps=float(data["eps"]), min_samples=10, n_jobs=n_jobs, **parameters)
        weights = np.random.default_rng(2).integers(0, 3, len(data["X"])) if weighted else None
        return Task(lambda: model.fit(data["X"], sample_weight=weights), fitted)


class Fastml(Estimators):
    package = "fastml"


class Sklearnex(Estimators):
    package = "sklearnex"

    def __init__(self):
        limit_onedal()


def fitted(model):
    return {"labels": model.labels_, "core": model.core_sample_indices_}


CONTENDERS = {"sklearn": Estimators, "fastml": Fastml, "sklearnex": Sklearnex}

# --- workloads -------------------------------------------------------------------------------------------------------

F64 = "float64"
SPHERE = {"metric": "haversine"}
PROMISED = (
    Workload("dbscan-2d", "fit", Uniform(100_000, 2), {}, "DBSCAN, uniform 100k x 2", cost=0.6, goals={F64: 25}),
    Workload("dbscan-2d-weights", "fit", Uniform(100_000, 2), {"weighted": True},
             "DBSCAN with sample weights, uniform 100k x 2", cost=1, goals={F64: 1}),
    Workload("dbscan-3d", "fit", Uniform(100_000, 3), {}, "DBSCAN, uniform 100k x 3", cost=1, goals={F64: 8}),
    Workload("dbscan-10d", "fit", Uniform(20_000, 10), {}, "DBSCAN, uniform 20k x 10", cost=4, goals={F64: 3}),
    Workload("dbscan-blobs", "fit", Blobs(100_000, 2), {}, "DBSCAN, blobs 100k x 2", cost=0.6, goals={F64: 10}),
    Workload("dbscan-decimals", "fit", Decimals(100_000, 2), {},
             "DBSCAN, 100k x 2 of one decimal place, pairs just eps apart", cost=0.6, goals={F64: 1}),
    Workload("dbscan-crowd", "fit", Crowd(20_000), {}, "DBSCAN, 20k x 2 with 5,000 neighbours each", cost=3,
             goals={F64: 50}),
    Workload("dbscan-haversine", "fit", Cities(50_000), SPHERE,
             "DBSCAN by haversine distances, 50k points about cities", cost=0.6, goals={F64: 10}),
    Workload("dbscan-haversine-50", "fit", Cities(50), SPHERE, "DBSCAN by haversine distances, 50 points", cost=1e-3,
             goals={F64: 1}),
    Workload("dbscan-moons", "fit", Moons(1_000), {}, "DBSCAN, two moons, 1,000 points", cost=4e-3, goals={F64: 2}),
    Workload("dbscan-iris", "fit", Iris(), {}, "DBSCAN on iris", cost=1e-3, goals={F64: 1}),
)  # fmt: skip


def seconds(n, d):
    """What scikit-learn takes, fitted to measured times, roughly."""
    pairs = n * min(n, 15 * 3 ** min(d, 12)) if d <= 15 else n * n
    return 1e-3 + n * 4e-6 + pairs * 1e-9 * (1 + d / 10)


def grid():
    """The grid, cheap points first."""
    points = [(size, n, d) for size, n in GRID_N.items() for d in GRID_D if n * d <= 4e6 and (d < 8 or n <= 20_000)]
    kinds = {"uniform": Uniform, "blobs": Blobs}
    workloads = [
        Workload(f"grid-dbscan-{kind}-{size}x{d}", "fit", make(n, d), {}, f"DBSCAN, {kind}, {size} x {d}",
                 cost=seconds(n, d), grid=True)
        for size, n, d in points for kind, make in kinds.items()
    ]  # fmt: skip
    return tuple(sorted(workloads, key=lambda workload: workload.cost))


GRID_N = {"150": 150, "2k": 2_000, "20k": 20_000, "200k": 200_000}
GRID_D = (1, 2, 3, 5, 8, 12, 32, 128)
WORKLOADS = PROMISED + grid()
