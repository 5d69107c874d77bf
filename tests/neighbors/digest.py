"""Digests of answers: ``python -m tests.neighbors.digest`` prints a line of JSON, to be compared between processes."""

import json

import numpy as np
from scipy.sparse import csr_matrix

import fastml
import fastml.neighbors
from tests.levels import digest

from .agreement import observe
from .cases import Case, neighbors_case

SMALL = range(7000, 7050)
# Large enough that several threads share the work: shape, what the samples are like, metric, neighbours.
LARGE = (
    "20000x2 normal euclidean 5",
    "20000x3 grid euclidean 10",
    "20000x3 normal manhattan 40",
    "8000x8 normal chebyshev 20",
    "3000x30 normal euclidean 20",
)


def large_case(name):
    """Return the case in the words of its name."""
    shape, kind, metric, k = name.split()
    n, d = map(int, shape.split("x"))
    rng = np.random.RandomState(n + d)
    X = rng.randint(0, 20, (n, d)).astype(float) if kind == "grid" else rng.randn(n, d)
    params = {"n_neighbors": int(k), "metric": metric}
    queries = [None, X + 0.01, X[:7].astype(np.float32)]
    return Case(0, "NearestNeighbors", X, X, None, params, queries, 0.1, (name,))


def seen(case):
    """Return what the case shows; rows of neighbours one after the other."""
    shown = observe(fastml.neighbors, case)
    for name, value in shown.items():
        if isinstance(value, tuple | list) and len(value) and isinstance(value[0], np.ndarray):
            shown[name] = [np.concatenate([*part]) if part.dtype == object else part for part in value]
    return shown


def small_digests():
    return {f"neighbors_case({seed})": digest(seen(neighbors_case(seed))) for seed in SMALL}


def of_other_metrics():
    """Return digests of answers by metrics with parameters, and of minkowski by a tree."""
    rng, made = np.random.RandomState(0), {}
    X, Q = np.repeat(rng.randn(150, 16), 2, axis=0), rng.randn(40, 16)
    w, X[0], form = rng.rand(16) + 0.1, 0, rng.randn(16, 16)
    for metric, p, params, d in (
        ("cosine", 2, None, 16),
        ("minkowski", 2.5, {"w": w}, 16),
        ("minkowski", 2, {"w": w}, 16),
        ("minkowski", 3, None, 4),
        ("seuclidean", 2, {"V": w}, 16),
        ("mahalanobis", 2, {"VI": form @ form.T + np.eye(16)}, 16),
        ("canberra", 2, None, 16),
        ("braycurtis", 2, None, 16),
    ):
        est = fastml.neighbors.NearestNeighbors(metric=metric, p=p, metric_params=params, radius=1).fit(X[:, :d])
        found = est.kneighbors(Q[:, :d]), est.kneighbors(), map(np.concatenate, est.radius_neighbors(Q[:, :d]))
        made[f"{metric} {p} {d}"] = digest({str(i): list(part) for i, part in enumerate(found)})
    points = np.column_stack([X[:, 0] / 4, X[:, 1]]).clip(-1.57, 1.57)
    for algorithm in ("ball_tree", "brute"):
        est = fastml.neighbors.NearestNeighbors(metric="haversine", algorithm=algorithm, radius=0.3).fit(points)
        found = est.kneighbors(points[:50]), est.kneighbors(), map(np.concatenate, est.radius_neighbors(points))
        made[f"haversine {algorithm}"] = digest({str(i): list(part) for i, part in enumerate(found)})
    return made


def of_sparse_samples():
    """Return digests of answers among sparse samples: duplicates, a long row, words that most rows have."""
    rng, made = np.random.RandomState(0), {}
    X = rng.rand(5000, 400) * (rng.rand(5000, 400) < 0.3 / (1 + np.arange(400) / 4))
    X[1000:1200], X[7] = X[:200], rng.rand(400)
    X = csr_matrix(X)
    for metric in ("euclidean", "cosine", "manhattan"):
        est = fastml.neighbors.NearestNeighbors(n_neighbors=40, metric=metric).fit(X)
        found = est.kneighbors(X[:100]), est.kneighbors(X[:2]), map(np.concatenate, est.radius_neighbors(X[:100], 1.5))
        made[f"sparse {metric}"] = digest({str(i): list(part) for i, part in enumerate(found)})
    return made


def digests():
    return (
        of_sparse_samples()
        | of_other_metrics()
        | small_digests()
        | {name: digest(seen(large_case(name))) for name in LARGE}
    )


def main():
    with fastml.config_context(n_threads=2):
        print(json.dumps(digests()))


if __name__ == "__main__":
    main()
