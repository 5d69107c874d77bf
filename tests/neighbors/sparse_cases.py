"""Generated searches among sparse samples. A case is a function of an integer.

Rows of zeros, zeros that are written down, duplicates, rows that are nearly alike, counts (which tie), and every
container and order that scikit-learn takes.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from tests.draws import Choices

METRICS = (
    {"metric": "minkowski", "p": 2}, {"metric": "euclidean"}, {"metric": "cosine"},
    {"metric": "cosine"}, {"metric": "manhattan"}, {"metric": "minkowski", "p": 1}, {"metric": "l1"},
    {"metric": "cityblock"}, {"metric": "euclidean"},
)  # fmt: skip


@dataclass
class SparseCase:
    """Samples, queries (or None: the samples), and how the nearest k are searched."""

    seed: int
    values: np.ndarray  # X in float64
    asked: np.ndarray  # Q in float64
    X: object
    Q: object
    params: dict
    radius: float
    narrow: bool  # scikit-learn may compute in float32
    whole: bool  # whole numbers
    traits: tuple

    @property
    def k(self):
        return self.params["n_neighbors"]

    def __str__(self):
        return f"case {self.seed}: {self.values.shape}, {len(self.asked)} asked, {self.params}, {self.traits}"


def sparse_case(seed):
    """One fit, and one question."""
    draw = Choices(117, seed)
    rng = draw.rng
    n, d = draw.one_of(2, 3, 7, 8, 9, 33, 65, 150), draw.one_of(1, 2, 5, 20, 60, 300, 700)
    kind = draw.pick(real=40, counts=25, positive=20, alike=15)
    density = draw.one_of(0.02, 0.1, 0.4, 1.0)
    values = rows(draw, kind, n, d, density)
    others = rows(draw, kind, draw.one_of(1, 2, 4, 5, 30), d, density)
    for i in range(len(others)):
        if rng.uniform() < 0.3:
            others[i] = values[rng.randint(n)] * draw.one_of(1, 1, 2)
    for some in (values, others):
        if rng.uniform() < 0.3:
            some[rng.randint(0, len(some), 2)] = 0
    dtype = draw.pick(float64=60, float32=25, int64=15) if kind == "counts" else draw.pick(float64=70, float32=30)
    asked_dtype = dtype if rng.uniform() < 0.85 else "float64"
    values, others = values.astype(dtype).astype(float), others.astype(asked_dtype).astype(float)
    params = draw.one_of(*METRICS)
    manhattan = params["metric"] in ("manhattan", "l1", "cityblock") or params.get("p") == 1
    odds = {"csr": 60, "array": 10, "csc": 5, "coo": 5, "shuffled": 10, "wide": 10}
    if manhattan:  # else scikit-learn raises an error, or takes others
        odds |= {"shuffled": 0, "wide": 0}
    container, asked_container = (draw.pick(**odds) for _ in range(2))
    asked_container = asked_container if rng.uniform() < 0.8 else "dense"
    Q = None if rng.uniform() < 0.25 else held(rng, others.astype(asked_dtype), asked_container)
    k = min(draw.one_of(1, 2, 3, 5, 8, 33, 60), n - (Q is None))
    params = params | {"n_neighbors": k, "algorithm": draw.one_of("auto", "brute")}
    asked = values if Q is None else others
    some = np.sort(exact(asked[:1], values, plain_kind(params))[0][0])
    radius = float(draw.one_of(0.0, 1.0, some[rng.randint(n)], some.mean(), 2.0, 1e3))
    narrow = "float32" in (dtype, asked_dtype)
    return SparseCase(
        seed, values, asked, held(rng, values.astype(dtype), container), Q, params, radius, narrow, kind == "counts",
        (kind, density, dtype, asked_dtype, container, asked_container),
    )  # fmt: skip


def plain_kind(params):
    """Return the distance that the parameters stand for."""
    if params["metric"] == "minkowski":
        return "manhattan" if params["p"] == 1 else "euclidean"
    return {"l1": "manhattan", "cityblock": "manhattan"}.get(params["metric"], params["metric"])


def rows(draw, kind, n, d, density):
    rng = draw.rng
    there = rng.uniform(size=(n, d)) < density
    if kind == "counts":
        return there * rng.randint(1, 4, (n, d)).astype(float)
    if kind == "alike":  # a few directions, from which rows differ in their last digits
        return rng.randn(3, d)[rng.randint(3, size=n)] * there[0] * (1 + 10.0 ** -rng.randint(2, 12) * rng.randn(n, d))
    numbers = rng.randn(n, d) if kind == "real" else rng.rand(n, d)
    made = there * numbers * (10.0 ** rng.randint(-3, 4) if rng.uniform() < 0.3 else 1)
    made[rng.randint(0, n, n // 4)] = made[0]
    return made


def held(rng, X, container):
    """Return an array as a sparse container, now and then with zeros written down."""
    if container == "dense":
        return X
    made = sp.csr_matrix(X)
    if rng.uniform() < 0.3 and made.nnz:
        zeros = sp.csr_matrix((np.ones(X.size), np.indices(X.shape).reshape(2, -1)), shape=X.shape)
        made = sp.csr_matrix((X.ravel(), zeros.indices, zeros.indptr), shape=X.shape)
    if container in ("csc", "coo"):
        return made.asformat(container)
    if container == "shuffled":
        order = np.concatenate([a + rng.permutation(b - a) for a, b in zip(made.indptr, made.indptr[1:], strict=False)])
        order = order.astype(int)
        return sp.csr_matrix((made.data[order], made.indices[order], made.indptr), shape=X.shape)
    if container == "wide":
        made.indices, made.indptr = made.indices.astype(np.int64), made.indptr.astype(np.int64)
    return sp.csr_array(made) if container == "array" else made


def exact(Q, X, kind):
    """Compute all distances, and the squares (or magnitudes) of both rows together."""
    Q, X = (np.asarray(rows, np.longdouble) for rows in (Q, X))
    sizes = [np.abs(rows).sum(axis=1) if kind == "manhattan" else (rows**2).sum(axis=1) for rows in (Q, X)]
    if kind == "cosine":
        norms = [np.sqrt(size) for size in sizes]
        Q, X = (rows / np.where(norm, norm, 1)[:, None] for rows, norm in zip((Q, X), norms, strict=True))
    apart = np.stack([(np.abs(q - X) if kind == "manhattan" else (q - X) ** 2).sum(axis=1) for q in Q])
    if kind == "cosine":
        apart /= 2
        apart[(norms[0] == 0)[:, None] | (norms[1] == 0)] = 1
    made = np.sqrt(apart) if kind == "euclidean" else apart
    return made.astype(float), (sizes[0][:, None] + sizes[1]).astype(float)
