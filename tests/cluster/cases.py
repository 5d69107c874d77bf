"""Generated calls of the k-means family. A case is a function of an integer, so that every failure is reproducible.

``kmeans_case(1234)`` builds a fresh case each time: scikit-learn and fastml never share arrays or random generators.
``reverse=True`` builds the same problem with the columns of the data (and of given initial centres) reversed: the same
mathematics, another order of summation.
"""

from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp

from tests.draws import Choices, brief, laid_out

# Sizes around the widths of SIMD registers, tiles and chunks, where edge handling goes wrong first.
N_EDGES = (1, 2, 3, 7, 8, 9, 63, 64, 65, 255, 256, 257, 511, 512, 513, 1023, 1025)
D_EDGES = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100)
K_EDGES = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64)

SPARSE = ("csr", "csr_array", "csc", "coo")


@dataclass
class Case:
    """One call: what is fitted, how, and the new data that the fitted model is asked about."""

    seed: int
    reverse: bool
    values: np.ndarray  # X as a dense float64 array, columns in their natural order
    X: object
    params: dict
    traits: tuple
    entry: str = "fit"
    sample_weight: object = None
    new: list = field(default_factory=list)  # of (X, sample_weight), for predict or partial_fit
    random_state: object = None

    @property
    def dtype(self):
        """The dtype in which scikit-learn computes."""
        return np.dtype(np.float32 if getattr(self.X, "dtype", None) == np.float32 else np.float64)

    @property
    def sparse(self):
        return sp.issparse(self.X)

    def __str__(self):
        n, d = self.values.shape
        params = {name: value if np.isscalar(value) else brief(value) for name, value in self.params.items()}
        weights = brief(self.sample_weight)
        return f"case {self.seed}: {self.entry}, {n} x {d}, {', '.join(self.traits)}, weights {weights}, {params}"


class Draw(Choices):
    """The choices of one case. Everything is drawn in the natural order of the columns and turned round at the end."""

    def __init__(self, family, seed, reverse):
        super().__init__(family, seed)
        self.reverse = reverse

    def turn(self, A):
        return A[:, ::-1].copy() if self.reverse else A

    def shape(self):
        size = self.pick(small=60, edge=28, medium=9, large=3)
        if size == "small":
            return self.rng.randint(1, 120), self.rng.randint(1, 17)
        if size == "edge":
            return self.one_of(*N_EDGES), self.one_of(*D_EDGES)
        if size == "medium":
            return self.rng.randint(257, 1200), self.rng.randint(1, 33)
        return self.rng.randint(1500, 3000), self.rng.randint(2, 12)

    def n_clusters(self, n, **odds):
        kind = self.pick(**odds)
        k = {
            "few": self.rng.randint(1, 13),
            "edge": self.one_of(*K_EDGES),
            "any": self.rng.randint(1, min(n, 300) + 1),
            "all": min(n, 130),
            "all_but_one": max(1, min(n, 131) - 1),
        }[kind]
        return int(min(k, n))

    def values(self, kind, n, d):
        """Return an ``(n, d)`` float64 array of one kind."""
        rng = self.rng
        if kind == "blobs":
            centers = rng.uniform(-10, 10, (rng.randint(1, 9), d))
            return centers[rng.randint(0, len(centers), n)] + rng.uniform(0.05, 4) * rng.randn(n, d)
        if kind == "uniform":
            return rng.uniform(size=(n, d))
        if kind == "normal":
            return rng.randn(n, d)
        if kind == "heavy_tails":
            return np.exp(1.5 * rng.randn(n, d))
        if kind == "grid":
            return rng.randint(0, self.one_of(2, 3, 5, 17), (n, d)).astype(float)
        if kind == "lattice":
            return rng.randint(-3, 4, (n, d)).astype(float)
        if kind == "decimals":
            return np.round(rng.uniform(size=(n, d)), 1)
        if kind == "duplicates":
            few = rng.randn(rng.randint(1, max(2, n // 3 + 1)), d)
            return few[rng.randint(0, len(few), n)]
        if kind == "equal_rows":
            return np.tile(rng.randint(-3, 4, d) * self.one_of(1.0, 0.1), (n, 1))
        if kind == "constant_columns":
            values = rng.randn(n, d)
            values[:, rng.uniform(size=d) < 0.5] = self.one_of(0.0, 1.0, -7.3)
            return values
        if kind == "line":
            return np.outer(rng.randn(n), rng.randn(d))
        if kind == "counts":
            return rng.poisson(0.5, (n, d)).astype(float)
        if kind == "pixels":
            return rng.randint(0, 256, (n, d)) * (rng.uniform(size=(n, d)) < 0.5).astype(float)
        raise ValueError(f"unknown kind of data {kind!r}")

    def rescaled(self, values, farthest):
        """Return ``values`` in another unit, away from the origin, or with a unit for each column."""
        rng, d = self.rng, values.shape[1]
        change = self.pick(none=62, scale=16, offset=12, columns=10)
        if change == "scale":
            return values * 10 ** rng.uniform(-6, 6)
        if change == "offset":
            return values + (values.std() + 1e-3) * 10 ** rng.uniform(0, np.log10(farthest)) * rng.uniform(-1, 1, d)
        if change == "columns":
            return values * 10 ** rng.uniform(-2, 2, d)
        return values

    def lay_out(self, values, layout, dtype):
        """Return ``values`` as the container ``layout``."""
        n, d = values.shape
        if layout in SPARSE:
            stored = (values != 0) | (self.rng.uniform(size=(n, d)) < 0.05)  # some zeros are stored
            rows, columns = np.nonzero(self.turn(stored))
            matrix = sp.csr_matrix((self.turn(values)[rows, columns].astype(dtype), (rows, columns)), shape=(n, d))
            return sp.csr_array(matrix) if layout == "csr_array" else matrix.asformat(layout)
        X = np.ascontiguousarray(self.turn(values), dtype)
        return laid_out(X, layout)

    def weights(self, n):
        """Return sample weights of one of the kinds that people pass, most often none."""
        rng = self.rng
        kind = self.pick(none=50, uniform=17, integers=12, zeros=7, ones=3, wide=5, constant=3, scalar=1, list=2)
        return {
            "none": lambda: None,
            "uniform": lambda: rng.uniform(size=n),
            "integers": lambda: rng.randint(0, 5, n),
            "zeros": lambda: rng.uniform(size=n) * (rng.uniform(size=n) < 0.5),
            "ones": lambda: np.ones(n),
            "wide": lambda: 10 ** rng.uniform(-3, 3, n),
            "constant": lambda: np.full(n, 3.7, np.float32),
            "scalar": lambda: 2.0,
            "list": lambda: rng.uniform(0.5, 2, n).tolist(),
        }[kind]()

    def init(self, values, k):
        """Return ``init``: a strategy, centres (some of which attract no sample), or a function."""
        rng, (n, d) = self.rng, values.shape
        kind = self.pick(plusplus=50, random=15, rows=8, same_rows=6, far=6, noise=5, callable=10)
        if kind in ("plusplus", "random"):
            return {"plusplus": "k-means++", "random": "random"}[kind]
        if kind == "callable":
            return self.one_of(first_rows, drawn_rows, drawn_mixtures)
        if kind == "rows":
            centers = values[rng.choice(n, k, replace=False)]
        elif kind == "same_rows":  # equal centres: all but the first of them stay empty
            centers = values[rng.randint(0, max(1, n // 4), k)]
        elif kind == "far":
            centers = values[rng.choice(n, k, replace=False)].copy()
            centers[rng.uniform(size=k) < 0.5] += 100 * (np.abs(values).max() + 1)
        else:
            centers = values.mean(axis=0) + (values.std(axis=0) + 1e-9) * rng.randn(k, d)
        centers = self.turn(centers)
        form = self.pick(float64=60, float32=15, F=15, list=10)
        if form == "list":
            return centers.tolist()
        return np.asfortranarray(centers) if form == "F" else centers.astype(form)

    def new_values(self, values, m):
        """Return ``(m, d)`` rows to predict: known ones, ones near them, midway between two of them, and elsewhere."""
        rng, (n, d) = self.rng, values.shape
        known = values[rng.randint(0, n, m)]
        other = values[rng.randint(0, n, m)]
        kind = rng.choice(4, m, p=[0.35, 0.35, 0.02, 0.28])[:, None]
        spread = values.std() + 1e-3
        near, far = rng.randn(2, m, d) * spread
        choices = known, known + 0.3 * near, (known + other) / 2, known + 5 * far
        return np.choose(kind, choices)


def first_rows(X, n_clusters, random_state):
    return dense(X[:n_clusters]).copy()


def drawn_rows(X, n_clusters, random_state):
    return dense(X[random_state.permutation(X.shape[0])[:n_clusters]])


def drawn_mixtures(X, n_clusters, random_state):
    first, second = (dense(X[random_state.randint(0, X.shape[0], n_clusters)]) for _ in range(2))
    return 0.75 * first + 0.25 * second


def dense(X):
    return X.toarray() if sp.issparse(X) else np.asarray(X)


def data(draw, farthest, sizes=None):
    """Return ``(values, layout, dtype, traits)`` of the data to fit."""
    n, d = sizes or draw.shape()
    layout = draw.pick(
        C=42, F=13, every_second_row=4, every_second_column=4, flipped=2, read_only=3, list=2,
        csr=19, csr_array=5, csc=3, coo=3,
    )  # fmt: skip
    dtype = draw.pick(float64=66, float32=26, int64=3, int32=2, uint8=2, bool=1)
    if layout in SPARSE and dtype not in ("float64", "float32"):
        dtype = "float64"
    if dtype in ("int64", "int32", "uint8", "bool"):
        kind = draw.pick(grid=50, counts=25, pixels=25)
        values = draw.values(kind, n, d).astype(dtype).astype(float)
        return values, layout, dtype, (kind, layout, dtype)
    kind = draw.pick(
        blobs=30, uniform=9, normal=14, heavy_tails=6, grid=10, duplicates=7, equal_rows=2, constant_columns=6, line=4,
        counts=5, pixels=7,
    )  # fmt: skip
    values = draw.values(kind, n, d)
    if layout in SPARSE:
        values = values * (draw.rng.uniform(size=(n, d)) < draw.one_of(0.05, 0.3, 0.7, 1.0))
    elif kind not in ("grid", "counts") or draw.rng.uniform() < 0.2:
        values = draw.rescaled(values, farthest if dtype == "float64" else 10)
    return values.astype(dtype).astype(float), layout, dtype, (kind, layout, dtype)


def new_data(draw, values, layout, dtype):
    """Return ``(X, sample_weight)`` to ask a fitted model about, now and then in another container."""
    m = draw.one_of(1, 2, 5, 17, 64, 300)
    # Models answer in the dtype they were fitted in: scikit-learn refuses a mixture of float32 and float64.
    dtype = "float32" if dtype == "float32" and layout != "list" else "float64"
    if layout not in SPARSE and draw.rng.uniform() < 0.1:
        layout = "csr"
    elif layout == "list" or draw.rng.uniform() < 0.1:
        layout = "C"
    return draw.lay_out(draw.new_values(values, m), layout, dtype), draw.weights(m)


def finished(draw, seed, values, X, params, traits, **more):
    """Draw the weights and the generator, which come last, and return the case."""
    weights, random_state = draw.weights(len(values)), draw.generator()
    return Case(seed, draw.reverse, values, X, params, traits, sample_weight=weights, random_state=random_state, **more)


def kmeans_case(seed, reverse=False):
    """One fit of ``KMeans`` (or call of ``k_means``), with new data."""
    draw = Draw(1, seed, reverse)
    values, layout, dtype, traits = data(draw, farthest=1e4)
    X = draw.lay_out(values, layout, dtype)
    n = len(values)
    k = draw.n_clusters(n, few=60, edge=20, any=10, all=5, all_but_one=5)
    params = {
        "n_clusters": k,
        "init": draw.init(values, k),
        "algorithm": draw.pick(lloyd=55, elkan=45),
        "n_init": draw.one_of("auto", 1, 1, 2, 3, 5),
        "tol": draw.one_of(1e-4, 1e-4, 1e-4, 0, 0, 1e-8, 0.1, 1),
        "max_iter": draw.one_of(300, 300, 300, 300, 1, 2, 5, 20),
        "copy_x": draw.rng.uniform() > 0.15,
        "verbose": int(draw.rng.uniform() < 0.04),
    }
    if isinstance(params["init"], (np.ndarray, list)) and draw.rng.uniform() < 0.9:
        params["n_init"] = draw.one_of("auto", 1)  # more than one gives a warning
    return Case(
        seed,
        reverse,
        values,
        X,
        params,
        traits,
        entry=draw.pick(fit=70, fit_predict=10, fit_transform=10, k_means=10),
        sample_weight=draw.weights(n),
        new=[new_data(draw, values, layout, dtype) for _ in range(draw.rng.randint(0, 3))],
        random_state=draw.generator(),
    )


def lattice_case(seed, reverse=False):
    """One fit of a small ``KMeans`` to rows of few values: samples midway between centres, and equal centres."""
    draw = Draw(4, seed, reverse)
    n, d = draw.rng.randint(20, 301), int(draw.one_of(1, 1, 2, 2, 2, 3, 3, 4, 6, 8))
    kind, layout = draw.pick(lattice=50, grid=15, decimals=35), draw.pick(C=75, csr=25)
    dtype = draw.pick(float64=75, float32=25)
    values = draw.values(kind, n, d).astype(dtype).astype(float)
    rows = values[draw.rng.permutation(n)]
    if draw.rng.uniform() < 0.4:
        rows = rows[np.sort(np.unique(rows, axis=0, return_index=True)[1])]
    k = int(min(draw.rng.randint(2, 21), len(rows)))
    params = {
        "n_clusters": k,
        "init": draw.turn(rows[:k]) if draw.rng.uniform() < 0.7 else draw.one_of("random", "k-means++"),
        "algorithm": draw.pick(elkan=85, lloyd=15),
        "n_init": 1,
        "tol": draw.one_of(1e-4, 0),
        "max_iter": int(draw.one_of(300, 300, 300, 300, 3, 1)),
        "verbose": int(draw.rng.uniform() < 0.04),
    }
    X = draw.lay_out(values, layout, dtype)
    return finished(draw, seed, values, X, params, (kind, layout, dtype))


def minibatch_case(seed, reverse=False):
    """One fit of ``MiniBatchKMeans``, or a sequence of calls of ``partial_fit``, with new data."""
    draw = Draw(2, seed, reverse)
    values, layout, dtype, traits = data(draw, farthest=10)
    n = len(values)
    # Seeds are drawn from a sample with repetitions: with as many clusters as rows most of the case would be ties.
    k = draw.n_clusters(n, few=75, edge=15, any=7, all=2, all_but_one=1)
    batch_size = int(draw.one_of(1, 2, 10, 50, 100, 256, 257, 1024, n, n + 5))
    steps = draw.one_of(1, 3, 20, 150)
    params = {
        "n_clusters": k,
        "init": draw.init(values, k),
        "batch_size": batch_size,
        "n_init": draw.one_of("auto", 1, 1, 2, 3),
        "max_iter": max(1, steps * min(batch_size, n) // n),
        "tol": draw.one_of(0, 0, 0, 1e-4, 1e-2, 1),
        "max_no_improvement": draw.one_of(None, 0, 1, 3, 10, 10),
        "reassignment_ratio": draw.one_of(0.01, 0.01, 0, 0.1, 0.5, 1.0),
        "compute_labels": draw.rng.uniform() < 0.85,
        "init_size": draw.one_of(None, None, k, 2 * k, max(1, k // 2), 3 * n),
        "verbose": int(draw.rng.uniform() < 0.04),
    }
    if isinstance(params["init"], (np.ndarray, list)):
        params["verbose"] = 0  # it would print the centres
        if draw.rng.uniform() < 0.9:
            params["n_init"] = draw.one_of("auto", 1)
    entry = draw.pick(fit=55, fit_predict=6, fit_transform=6, partial_fit=25, fit_then_partial_fit=8)
    new = [new_data(draw, values, layout, dtype) for _ in range(draw.rng.randint(0, 3))]
    if "partial_fit" in entry:
        new = [part(draw, values, layout, dtype, k) for _ in range(draw.rng.randint(1, 8))]
    X = draw.lay_out(values, layout, dtype)
    return finished(draw, seed, values, X, params, traits, entry=entry, new=new)


def part(draw, values, layout, dtype, k):
    """Return a batch ``(X, sample_weight)`` of at least ``k`` of the rows of ``values``."""
    m = draw.rng.randint(k, max(k, len(values)) + 1)
    rows = draw.rng.choice(len(values), m, replace=False)
    return draw.lay_out(values[rows], layout, dtype), draw.weights(m)


def plusplus_case(seed, reverse=False):
    """One call of ``kmeans_plusplus``."""
    draw = Draw(3, seed, reverse)
    values, layout, dtype, traits = data(draw, farthest=100)
    layout = {"list": "C", "coo": "csr", "csc": "csr"}.get(layout, layout)  # refused by scikit-learn itself
    X = draw.lay_out(values, layout, dtype)
    k = draw.n_clusters(len(values), few=60, edge=20, any=10, all=5, all_but_one=5)
    params = {"n_clusters": k, "n_local_trials": draw.one_of(None, None, None, 1, 2, 7)}
    if draw.rng.uniform() < 0.25:
        params["x_squared_norms"] = (values**2).sum(axis=1)
    return Case(
        seed,
        reverse,
        values,
        X,
        params,
        (*traits, "kmeans_plusplus"),
        entry="kmeans_plusplus",
        sample_weight=draw.weights(len(values)),
        random_state=draw.generator(),
    )
