"""Generated imputations. A case is a function of an integer.

Most data have ties: lattices, duplicates, decimals. Columns may be empty, samples may share no entry with any other.
"""

from dataclasses import dataclass

import numpy as np

from tests.draws import Choices, brief, laid_out

KINDS = ("normal", "lattice", "decimals", "duplicates", "far", "scaled")


@dataclass
class Case:
    """Samples to fit to, and others to fill."""

    seed: int
    kind: str
    X: np.ndarray
    others: np.ndarray
    params: dict

    def __str__(self):
        params = {name: brief(value) for name, value in self.params.items()}
        shapes = f"{self.X.shape} and {self.others.shape}, {self.X.dtype}"
        return f"case {self.seed}: {self.kind}, {shapes}, {params}"


def imputer_case(seed):
    draw = Choices(47, seed)
    rng = draw.rng
    n, m = draw.one_of(1, 2, 3, 5, 9, 30, 65, 65, 150, 150, 300), draw.one_of(1, 1, 2, 9, 10, 40, 100)
    d = draw.one_of(1, 2, 3, 4, 5, 8, 12, 31, 32, 40)
    kind, dtype = draw.one_of(*KINDS), draw.pick(float64=70, float32=25, float16=5)
    if kind in ("far", "scaled") and dtype == "float16":
        dtype = "float32"
    X, others = values(rng, kind, n, d).astype(dtype), values(rng, kind, m, d).astype(dtype)
    if rng.uniform() < 0.4:
        others[: min(n, m)] = X[: min(n, m)]
    placeholder = -1 if rng.uniform() < 0.2 else np.nan
    share = draw.one_of(0.03, 0.1, 0.3, 0.7)
    for samples in (X, others):
        samples[rng.uniform(size=samples.shape) < share] = placeholder
    if rng.uniform() < 0.15:
        X[:, rng.randint(d)] = placeholder
    layouts = {"C": 70, "F": 15, "every_second_row": 5, "every_second_column": 5, "flipped": 5}
    params = {
        "n_neighbors": int(draw.one_of(1, 2, 3, 5, 5, 5, 10, 31, 40)),
        "weights": draw.one_of("uniform", "uniform", "distance", "distance", inverse),
        "missing_values": placeholder,
        "add_indicator": rng.uniform() < 0.2,
        "keep_empty_features": rng.uniform() < 0.2,
        "copy": rng.uniform() < 0.8,
    }
    return Case(seed, kind, laid_out(X, draw.pick(**layouts)), laid_out(others, draw.pick(**layouts)), params)


def inverse(distances):
    return 1 / (1 + distances)


def values(rng, kind, n, d):
    if kind == "lattice":
        return rng.randint(0, 4, (n, d)).astype(float)
    if kind == "decimals":
        return rng.randint(0, 30, (n, d)) * 0.1
    if kind == "duplicates":
        return rng.randn(n // 4 + 1, d)[rng.randint(0, n // 4 + 1, n)]
    X = rng.randn(n, d)
    if kind == "far":
        return X + 1e6
    return X * 10.0 ** rng.randint(-4, 5, d) if kind == "scaled" else X
