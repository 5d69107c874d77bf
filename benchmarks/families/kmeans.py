"""k-means: the workloads that fastml promises ratios for, the grid, and how each contender runs them."""

from dataclasses import dataclass
from importlib import import_module
from math import log

import numpy as np
from scipy import sparse
from sklearn.datasets import load_iris, make_blobs

from benchmarks.libraries import Library, limit_onedal
from benchmarks.workload import NotOffered, Task, Workload

# --- data ------------------------------------------------------------------------------------------------------------
# Instances are compared by value: workloads with equal data run one after the other and share it.


@dataclass(frozen=True)
class Blobs:
    n: int
    d: int
    k: int

    def __call__(self, dtype):
        X, _ = make_blobs(self.n, self.d, centers=self.k, cluster_std=3, random_state=0)
        return {"X": X.astype(dtype, copy=False)}


@dataclass(frozen=True)
class Noise:
    n: int
    d: int

    def __call__(self, dtype):
        return {"X": np.random.default_rng(0).random((self.n, self.d)).astype(dtype, copy=False)}


@dataclass(frozen=True)
class SparseNoise:
    n: int
    d: int
    density: float

    def __call__(self, dtype):
        rng = np.random.default_rng(0)
        X = sparse.random(self.n, self.d, density=self.density, format="csr", dtype=np.float64, rng=rng)
        X.sort_indices()
        return {"X": X.astype(dtype, copy=False)}


@dataclass(frozen=True)
class Topics:
    """Counts as documents have them: a topic prefers its own words, few words are frequent, most are rare."""

    n: int
    d: int
    density: float
    k: int

    def __call__(self, dtype):
        rng = np.random.default_rng(0)
        drawn = 2 * round(self.density * self.d)  # about half of the draws repeat a word of their row
        words = rng.zipf(1.3, self.n * drawn) % self.d
        orders = np.array([rng.permutation(self.d) for _ in range(self.k)], dtype=np.int32)
        topics = np.repeat(rng.integers(self.k, size=self.n), drawn)
        rows = np.repeat(np.arange(self.n, dtype=np.int32), drawn)
        X = sparse.coo_matrix((np.ones(words.size), (rows, orders[topics, words])), shape=(self.n, self.d))
        return {"X": X.tocsr().astype(dtype, copy=False)}


@dataclass(frozen=True)
class Iris:
    def __call__(self, dtype):
        return {"X": load_iris().data.astype(dtype, copy=False)}


def rows_as_centers(X, k):
    """k different random rows, the same in every process."""
    centers = X[np.random.RandomState(0).choice(X.shape[0], k, replace=False)]
    return centers.toarray() if sparse.issparse(centers) else np.ascontiguousarray(centers)


# --- contenders ------------------------------------------------------------------------------------------------------


class Estimators(Library):
    """A library with scikit-learn's names."""

    prefix = "cluster."

    def fit(self, data, k, estimator="KMeans", from_rows=False, **parameters):
        X = data["X"]
        if from_rows:
            parameters |= {"init": rows_as_centers(X, k), "n_init": 1}
        model = self.own(estimator)(n_clusters=k, random_state=0, **parameters)
        return Task(lambda: model.fit(X), fitted)

    def plusplus(self, data, k):
        kmeans_plusplus = self.own("kmeans_plusplus")
        return Task(
            lambda: kmeans_plusplus(data["X"], k, random_state=0), lambda result: {"indices": np.asarray(result[1])}
        )

    def predict(self, data, k, n_rows=None):
        model, X = self.quick_model(data, k), data["X"][:n_rows]
        return Task(lambda: model.predict(X), lambda labels: {"labels": labels})

    def transform(self, data, k):
        model = self.quick_model(data, k)
        # squares: the root magnifies what rounding leaves of the distance of a sample from itself
        return Task(lambda: model.transform(data["X"]), lambda distances: {"squares": distances[:1000] ** 2})

    def score(self, data, k):
        model = self.quick_model(data, k)
        return Task(lambda: model.score(data["X"]), lambda score: {"score": float(score)})

    def quick_model(self, data, k):
        """A fitted model that costs little; two iterations on a few rows are as good as any to predict with."""
        X = data["X"][: 4 * k]
        return self.own("KMeans")(n_clusters=k, init=rows_as_centers(X, k), n_init=1, max_iter=2).fit(X)


class Fastml(Estimators):
    package = "fastml"


class Sklearnex(Estimators):
    package = "sklearnex"

    def __init__(self):
        limit_onedal()


class Faiss:
    """faiss.Kmeans on equal terms: no subsample, the same first centres, the labels of all rows at the end."""

    def __init__(self):
        self.faiss = import_module("faiss")

    def fit(self, data, k, estimator="KMeans", from_rows=False, tol=None, max_iter=None, **others):
        X = self.dense(data)
        if estimator != "KMeans" or not from_rows or tol != 0 or others:
            raise NotOffered("faiss has plain Lloyd for a given number of iterations only")
        centers = rows_as_centers(X, k)

        def run():
            model = self.model(X, k, max_iter)
            model.train(X, init_centroids=centers)
            return model, model.index.search(X, 1)

        def outcome(result):
            model, (distances, labels) = result
            return {
                "labels": labels[:, 0].astype(np.int32),
                "n_iter": len(model.obj),
                "inertia": float(distances.sum(dtype=np.float64)),
                "centres": model.centroids,
            }

        return Task(run, outcome)

    def predict(self, data, k, n_rows=None):
        X = self.dense(data)
        queries, few = X[:n_rows], X[: 4 * k]
        model = self.model(few, k, 2)
        model.train(few, init_centroids=rows_as_centers(few, k))
        return Task(lambda: model.index.search(queries, 1), lambda found: {"labels": found[1][:, 0].astype(np.int32)})

    def model(self, X, k, max_iter):
        n, d = X.shape
        return self.faiss.Kmeans(d, k, niter=max_iter, nredo=1, min_points_per_centroid=1, max_points_per_centroid=n)

    def dense(self, data):
        X = data["X"]
        if sparse.issparse(X) or X.dtype != np.float32:
            raise NotOffered("faiss takes dense float32 only")
        return X


def fitted(model):
    return {
        "labels": model.labels_,
        "n_iter": int(model.n_iter_),
        "inertia": float(model.inertia_),
        "centres": model.cluster_centers_,
    }


CONTENDERS = {"sklearn": Estimators, "fastml": Fastml, "sklearnex": Sklearnex, "faiss": Faiss}

# --- workloads -------------------------------------------------------------------------------------------------------


def seconds_per_pass(n, d, k):
    """What scikit-learn takes to assign n rows to k centres on one thread, fitted to measured times, roughly."""
    return 2e-5 + n * 1e-8 + n * k * (1.6e-9 + d * 6e-11)


MAIN, WIDE, FLAT = Blobs(200_000, 32, 64), Blobs(100_000, 16, 512), Blobs(1_000_000, 3, 8)
TWENTY = {"from_rows": True, "tol": 0, "max_iter": 20}
F64 = "float64"
PROMISED = (
    Workload("lloyd-blobs", "fit", MAIN, TWENTY | {"k": 64}, "Lloyd, 20 iterations, blobs 200k x 32, k=64",
             cost=0.8, goals={F64: 2.5, "float32": 2.0}),
    Workload("fit-blobs", "fit", MAIN, {"k": 64}, "KMeans by default, blobs 200k x 32, k=64", cost=2, goals={F64: 1.0}),
    Workload("elkan-blobs", "fit", MAIN, TWENTY | {"k": 64, "algorithm": "elkan"},
             "Elkan, 20 iterations, blobs 200k x 32, k=64", cost=1, goals={F64: 1.0}),
    Workload("plusplus", "plusplus", MAIN, {"k": 64}, "k-means++ alone, blobs 200k x 32, k=64", cost=1,
             goals={F64: 5.0}),
    Workload("minibatch", "fit", MAIN, {"k": 64, "estimator": "MiniBatchKMeans"},
             "MiniBatchKMeans by default, blobs 200k x 32, k=64", cost=0.3, goals={F64: 2.0}),
    Workload("predict", "predict", MAIN, {"k": 64}, "predict, 200k x 32, k=64", cost=0.05, goals={F64: 2.0}),
    Workload("predict-row", "predict", MAIN, {"k": 64, "n_rows": 1}, "predict of one row, input checked, d=32, k=64",
             cost=1e-4, goals={F64: 4.0}),
    Workload("transform", "transform", MAIN, {"k": 64}, "transform, 200k x 32, k=64", cost=0.1, goals={F64: 1.5}),
    Workload("score", "score", MAIN, {"k": 64}, "score, 200k x 32, k=64", cost=0.05, goals={F64: 1.0}),
    Workload("lloyd-noise", "fit", Noise(200_000, 32), TWENTY | {"k": 64},
             "Lloyd, 20 iterations, uniform noise 200k x 32, k=64", cost=0.8, goals={F64: 1.2, "float32": 2.0}),
    Workload("fit-noise", "fit", Noise(50_000, 32), {"k": 64}, "KMeans by default, uniform noise 50k x 32, k=64",
             cost=2, goals={F64: 1.0}),
    Workload("lloyd-k512", "fit", WIDE, TWENTY | {"k": 512}, "Lloyd, 20 iterations, blobs 100k x 16, k=512", cost=2,
             goals={F64: 5.0}),
    Workload("lloyd-3d", "fit", FLAT, TWENTY | {"k": 8}, "Lloyd, 20 iterations, blobs 1M x 3, k=8", cost=0.5,
             goals={F64: 2.0}),
    Workload("lloyd-csr", "fit", SparseNoise(20_000, 20_000, 0.003), TWENTY | {"k": 20},
             "Lloyd, 20 iterations, uniform CSR 20k x 20k of density 0.3 %, k=20", cost=0.1, goals={F64: 1.5}),
    Workload("lloyd-csr-topics", "fit", Topics(20_000, 20_000, 0.003, 20), TWENTY | {"k": 20},
             "Lloyd, 20 iterations, CSR 20k x 20k like documents of 20 topics, k=20", cost=0.3, goals={F64: 1.5}),
    Workload("iris", "fit", Iris(), {"k": 3, "n_init": 10}, "KMeans(3, n_init=10) on iris", cost=0.02,
             goals={F64: 2.0}),
)  # fmt: skip

GRID_N = {"150": 150, "2k": 2_000, "20k": 20_000, "200k": 200_000, "1M": 1_000_000}
GRID_D = (2, 8, 32, 128, 784)
GRID_K = (2, 8, 64, 512, 1024)
TEN = {"from_rows": True, "tol": 0, "max_iter": 10}
LARGEST_TABLE = 5e7  # n * k of elkan's bounds and of transform's result: 400 MB in float64


def grid_cell(size, n, d, k):
    """All workloads of one point of the grid."""
    one, blobs = seconds_per_pass(n, d, k), Blobs(n, d, k)
    seeding = 5e-4 + n * k * (2 + log(k)) * (5e-9 + d * 2.3e-10)
    batches = min(10 * max(1, n / 1024), 400) * (8e-4 + 2 * seconds_per_pass(min(n, 1024), d, k))

    def cell(kind, method, cost, data=blobs, **settings):
        return Workload(
            f"grid-{kind}-{size}x{d}-k{k}",
            method,
            data,
            {"k": k} | settings,
            f"{kind}, {size} x {d}, k={k}",
            cost=cost,
            grid=True,
        )

    yield cell("predict", "predict", one)
    yield cell("lloyd", "fit", 11 * one, **TEN)
    yield cell("noise", "fit", 11 * one, data=Noise(n, d), **TEN)
    yield cell("plusplus", "plusplus", seeding)
    yield cell("minibatch", "fit", batches + one, estimator="MiniBatchKMeans", max_iter=10)
    if n * k <= LARGEST_TABLE:
        yield cell("elkan", "fit", 11 * one, **TEN, algorithm="elkan")
        yield cell("transform", "transform", one)


def grid():
    """The grid, cheap points first, workloads with the same data together."""
    by_data = {}
    for size, n in GRID_N.items():
        for d in GRID_D:
            for k in GRID_K:
                if n * d <= 4e7 and k <= n:
                    for workload in grid_cell(size, n, d, k):
                        by_data.setdefault(workload.data, []).append(workload)
    groups = sorted(by_data.values(), key=lambda group: sum(workload.cost for workload in group))
    return tuple(workload for group in groups for workload in group)


WORKLOADS = PROMISED + grid()
