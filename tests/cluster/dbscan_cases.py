"""Generated calls of DBSCAN. A case is a function of an integer, so that every failure is reproducible."""

from dataclasses import dataclass

import numpy as np

from tests.draws import Choices, brief, laid_out


@dataclass
class DbscanCase:
    """One call of ``fit``, or of the function."""

    seed: int
    X: object
    params: dict
    kind: str
    sample_weight: object = None
    entry: str = "fit"

    def __str__(self):
        shape, weights = np.shape(self.X), brief(self.sample_weight)
        return f"case {self.seed}: {self.entry}, {self.kind} {shape}, weights {weights}, {self.params}"

    @property
    def on_a_tree(self):
        """Whether scikit-learn searches by a k-d tree, and sums of weights are exact: then nothing is left open."""
        weights = np.asarray(1 if self.sample_weight is None else self.sample_weight)
        by_tree = self.params["algorithm"] in ("auto", "kd_tree") and np.shape(self.X)[1] <= 15
        return by_tree and (len(self.X) > 11 or self.params["algorithm"] == "kd_tree") and weights.dtype.kind in "iu"


class Draw(Choices):
    """The choices of one case."""

    def points(self, kind, n, d):
        """Return ``(n, d)`` points of one kind, and a radius: on lattices one that many pairs are just away."""
        rng = self.rng
        if kind == "lattice":
            return rng.randint(0, self.one_of(3, 6, 20), (n, d)).astype(float), self.one_of(
                1, 2, 2**0.5, 3**0.5, 5**0.5
            )
        if kind == "decimals":
            return rng.randint(0, self.one_of(10, 40), (n, d)) * 0.1, self.one_of(0.1, 0.2, 0.3, 0.5, 0.1 * 2**0.5, 0.7)
        if kind == "quarters":
            return rng.randint(0, 30, (n, d)) * 0.25, self.one_of(0.25, 0.5, 0.75, 1.0)
        if kind == "blobs":
            return rng.randn(n, d) + 5 * rng.randint(0, 3, (n, 1)), rng.uniform(0.1, 1) * d**0.5
        if kind == "uniform":
            return rng.uniform(size=(n, d)), rng.uniform(0.02, 0.5) * d**0.5
        if kind == "duplicates":
            few = rng.randn(max(1, n // 5), d)
            return few[rng.randint(0, len(few), n)], rng.uniform(0.01, 1)
        if kind == "offset":
            return rng.randn(n, d) + 1e6 * rng.randn(d), rng.uniform(0.1, 1) * d**0.5
        if kind == "outlier":  # cells that no grid can number
            X = rng.randn(n, d)
            X[rng.randint(n)] *= 10.0 ** rng.randint(3, 30)
            return X, rng.uniform(0.1, 1)
        if kind == "constant column":
            X = rng.uniform(size=(n, d))
            X[:, rng.randint(d)] = 7.3
            return X, rng.uniform(0.05, 0.3)
        X = np.outer(rng.randint(0, 50, n), rng.randn(d))  # a line, with pairs exactly eps apart
        return X, float(np.linalg.norm(X[0] - X[rng.randint(n)])) or 1.0


def dbscan_case(seed):
    """One call; lattices and their kin are half of them."""
    draw = Draw(11, seed)
    n = draw.rng.randint(1, draw.one_of(14, 60, 400, 1500))
    d = draw.one_of(1, 2, 2, 3, 3, 4, 6, 10, 14, 17)
    kind = draw.pick(
        lattice=20, decimals=20, quarters=8, blobs=12, uniform=10, duplicates=8, offset=8, outlier=4, line=8,
        **{"constant column": 4},
    )  # fmt: skip
    X, eps = draw.points(kind, n, d)
    X = X.astype(
        draw.pick(float64=60, float32=30, int64=6, float16=4) if kind in ("lattice", "quarters") else "float64"
    )
    if kind in ("decimals", "blobs", "line", "duplicates") and draw.rng.uniform() < 0.3:
        X = X.astype(np.float32)
    X = laid_out(np.ascontiguousarray(X), draw.pick(C=60, F=20, every_second_row=5, flipped=5, read_only=5, list=5))
    weights = draw.pick(none=50, counts=15, signed=10, uniform=15, tenths=10)
    params = {
        "eps": eps,
        "min_samples": draw.one_of(1, 2, 3, 5, 10, 30),
        "algorithm": draw.pick(auto=60, kd_tree=15, ball_tree=15, brute=10),
        "leaf_size": draw.one_of(30, 30, 1, 2, 5),
    }
    if draw.rng.uniform() < 0.2:
        params |= {"metric": "minkowski", "p": 2}
    sample_weight = {
        "none": lambda: None,
        "counts": lambda: draw.rng.randint(0, 4, n),
        "signed": lambda: draw.rng.randint(-2, 4, n),
        "uniform": lambda: draw.rng.uniform(size=n),
        "tenths": lambda: draw.rng.choice([0.1, 0.2, 0.5], n),
    }[weights]()
    return DbscanCase(seed, X, params, kind, sample_weight, draw.pick(fit=70, fit_predict=15, dbscan=15))
