"""Metrics: the workloads that fastml promises ratios for, the grid, and how each contender runs them."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from sklearn.datasets import load_iris

from benchmarks.libraries import Library, limit_onedal
from benchmarks.workload import Task, Workload


@dataclass(frozen=True)
class Blobs:
    n: int
    d: int
    k: int = 10

    def __call__(self, dtype):
        rng = np.random.default_rng(0)
        labels = rng.permutation(np.arange(self.n) % self.k)
        X = 2 * rng.normal(size=(self.k, self.d))[labels] + rng.normal(size=(self.n, self.d))
        return {"X": X.astype(dtype, copy=False), "labels": labels}


@dataclass(frozen=True)
class Iris:
    def __call__(self, dtype):
        return {"X": load_iris().data.astype(dtype, copy=False), "labels": load_iris().target}


@dataclass(frozen=True)
class Two:
    """Normal samples, and others."""

    n: int
    n_others: int
    d: int

    def __call__(self, dtype):
        rng = np.random.default_rng(0)
        return {name: rng.normal(size=(n, self.d)).astype(dtype) for name, n in (("X", self.n), ("Y", self.n_others))}


class Functions(Library):
    """A library with scikit-learn's names."""

    prefix = "metrics."

    def silhouettes(self, data, metric="euclidean"):
        silhouette_samples = self.own("silhouette_samples")
        run = lambda: silhouette_samples(data["X"], data["labels"], metric=metric)  # noqa: E731
        return Task(run, lambda found: {"silhouettes": found})

    def pairs(self, data, metric="euclidean"):
        """A table of X and Y, or of X among themselves."""
        pairwise_distances = self.own("pairwise_distances")
        return Task(
            lambda: pairwise_distances(data["X"], data.get("Y"), metric=metric),
            lambda found: {"distances": found},
        )

    def nearest(self, data, metric="euclidean"):
        pairwise_distances_argmin_min = self.own("pairwise_distances_argmin_min")
        return Task(
            lambda: pairwise_distances_argmin_min(data["X"], data["Y"], metric=metric),
            lambda found: {"indices": found[0], "distances": found[1]},
        )


class Fastml(Functions):
    package = "fastml"


class Sklearnex(Functions):
    package = "sklearnex"

    def __init__(self):
        limit_onedal()


CONTENDERS = {"sklearn": Functions, "fastml": Fastml, "sklearnex": Sklearnex}

F64 = "float64"
PROMISED = (
    Workload("silhouette", "silhouettes", Blobs(10_000, 32), {}, "silhouettes, 10k x 32, 10 clusters", cost=1.1,
             goals={F64: 12}),
    Workload("silhouette-2d", "silhouettes", Blobs(10_000, 2, 5), {}, "silhouettes, 10k x 2, 5 clusters", cost=1.0,
             goals={F64: 12}),
    Workload("silhouette-clusters", "silhouettes", Blobs(10_000, 8, 1_000), {},
             "silhouettes, 10k x 8, 1,000 clusters", cost=1.2, goals={F64: 4}),
    Workload("silhouette-manhattan", "silhouettes", Blobs(5_000, 20), {"metric": "manhattan"},
             "silhouettes, manhattan distances, 5k x 20", cost=0.5, goals={F64: 4}),
    Workload("silhouette-iris", "silhouettes", Iris(), {}, "silhouettes on iris", cost=1e-3, goals={F64: 1}),
    Workload("pairs", "pairs", Blobs(5_000, 32), {}, "distances, 5k x 32 among themselves", cost=0.2, goals={F64: 1.5}),
    Workload("pairs-two", "pairs", Two(5_000, 5_000, 32), {}, "distances, 5k x 32 from 5k", cost=0.2, goals={F64: 1.2}),
    Workload("pairs-manhattan", "pairs", Blobs(5_000, 32), {"metric": "manhattan"},
             "manhattan distances, 5k x 32 among themselves", cost=0.3, goals={F64: 2}),
    Workload("pairs-cosine", "pairs", Blobs(5_000, 32), {"metric": "cosine"},
             "cosine distances, 5k x 32 among themselves", cost=0.3, goals={F64: 2}),
    Workload("pairs-iris", "pairs", Iris(), {}, "distances on iris", cost=3e-4, goals={F64: 1}),
    Workload("pairs-row", "pairs", Two(1, 1_000, 32), {}, "distances of one row from 1k x 32", cost=3e-4,
             goals={F64: 1}),
    Workload("pairs-nearest", "nearest", Two(50_000, 1_000, 32), {}, "the nearest of 1k x 32 for each of 50k", cost=0.2,
             goals={F64: 2, "float32": 2}),
    Workload("pairs-nearest-few", "nearest", Two(50_000, 10, 8), {}, "the nearest of 10 x 8 for each of 50k", cost=7e-3,
             goals={F64: 2}),
)  # fmt: skip


def grid():
    """The grid, cheap points first."""
    points = [(size, n, d, k) for size, n in GRID_N.items() for d in GRID_D for k in GRID_K if k < n]
    workloads = [
        Workload(f"grid-silhouette-{size}x{d}-k{k}", "silhouettes", Blobs(n, d, k), {},
                 f"silhouettes, {size} x {d}, k={k}",
                 cost=1e-3 + n * n * (10 + 0.05 * d) * 1e-9, grid=True)
        for size, n, d, k in points
    ]  # fmt: skip
    for (size, n), d in product(GRID_N.items(), GRID_D):
        if n <= 2_000:
            cost = 1e-4 + n * n * (2 + 0.05 * d) * 1e-9
            for metric in ("euclidean", "manhattan"):
                workloads.append(
                    Workload(
                        f"grid-pairs-{metric}-{size}x{d}",
                        "pairs",
                        Blobs(n, d),
                        {"metric": metric},
                        f"{metric} distances, {size} x {d}",
                        cost=cost,
                        grid=True,
                    )
                )
        for k in GRID_K:
            workloads.append(
                Workload(
                    f"grid-nearest-{size}x{d}-k{k}",
                    "nearest",
                    Two(n, k, d),
                    {},
                    f"the nearest of {k} for each of {size} x {d}",
                    cost=1e-4 + n * k * (2 + 0.05 * d) * 1e-9,
                    grid=True,
                )
            )
    return tuple(sorted(workloads, key=lambda workload: workload.cost))


GRID_N = {"150": 150, "2k": 2_000, "20k": 20_000}
GRID_D = (1, 2, 8, 32, 128, 784)
GRID_K = (2, 10, 500)
WORKLOADS = PROMISED + grid()
