"""Generated calls of the estimators of neighbours. A case is a function of an integer.

Half of the data has ties: lattices, duplicates, constant columns. Radii are often the exact distance of some sample.
"""

from dataclasses import dataclass

import numpy as np

from tests.cluster.cases import Draw
from tests.draws import brief, laid_out

N_EDGES = (1, 2, 3, 15, 16, 17, 31, 33, 127, 128, 129, 255, 257, 513, 1025)
NAMES = ("NearestNeighbors", "KNeighborsClassifier", "KNeighborsRegressor")


@dataclass
class Case:
    """One fit, and the samples that the fitted model is asked about."""

    seed: int
    name: str
    values: np.ndarray  # X as float64
    X: object
    y: object
    params: dict
    queries: list  # of samples, or None
    radius: float
    traits: tuple

    def __str__(self):
        n, d = self.values.shape
        params = {name: value if np.isscalar(value) else brief(value) for name, value in self.params.items()}
        return f"case {self.seed}: {self.name}, {n} x {d}, {', '.join(self.traits)}, radius {self.radius}, {params}"


def neighbors_case(seed):
    """One fit of an estimator, and questions."""
    draw = Draw(31, seed, False)
    rng = draw.rng
    n = draw.one_of(*N_EDGES) if rng.uniform() < 0.4 else rng.randint(1, 600)
    d = draw.one_of(1, 2, 2, 3, 3, 4, 5, 8, 12, 15, 16, 20)
    layout = draw.pick(C=60, F=15, every_second_row=5, every_second_column=5, flipped=3, read_only=4, list=3)
    dtype = draw.pick(float64=60, float32=28, int64=6, int32=3, float16=3)
    kind = draw.pick(blobs=15, uniform=15, normal=10, grid=22, duplicates=15, equal_rows=4, constant_columns=8, line=5)
    if dtype.startswith("int"):
        kind = "grid"
    values = draw.values(kind, n, d)
    if dtype.startswith("float") and dtype != "float16" and kind != "grid":
        values = draw.rescaled(values, 1e6 if dtype == "float64" else 10)
    values = values.astype(dtype).astype(float)
    name = draw.one_of(*NAMES)
    return Case(
        seed,
        name,
        values,
        laid_out(values.astype(dtype), layout),
        targets(draw, name, n),
        parameters(draw, name, n),
        [questions(draw, values, dtype) for _ in range(rng.randint(1, 4))],
        radius(draw, values),
        (kind, layout, dtype),
    )


def parameters(draw, name, n):
    k = int(draw.one_of(1, 2, 3, 5, 5, 8, 9, 16, 31, 32, 33, 50, 70))
    if draw.rng.uniform() < 0.95:  # more is an error
        k = max(1, min(k, n - 1))
    params = {
        "n_neighbors": k,
        "algorithm": draw.pick(auto=40, kd_tree=30, ball_tree=10, brute=20),
        "leaf_size": int(draw.one_of(30, 30, 1, 7, 100)),
    }
    metric = draw.pick(minkowski=60, euclidean=8, manhattan=8, cityblock=4, l1=3, l2=3, chebyshev=9, correlation=1)
    params |= {"metric": metric, "p": draw.one_of(2, 2, 2, 1, np.inf, 3.3, 1.7)}
    if name != "NearestNeighbors":
        params["weights"] = draw.one_of("uniform", "distance", inverse_square)
    return params


def inverse_square(distances):
    return 1 / (1 + distances**2)


def targets(draw, name, n):
    """Return what a supervised estimator learns."""
    rng = draw.rng
    if name == "KNeighborsClassifier":
        y = rng.randint(0, draw.one_of(2, 3, 7), (n, 2))
        kind = draw.pick(whole=50, words=20, outputs=20, bools=10)
        return {"whole": y[:, 0], "words": np.array(list("abcdefg"))[y[:, 0]], "outputs": y, "bools": y[:, 0] > 0}[kind]
    y = rng.randn(n, 3)
    return [y[:, 0], y, y[:, :1], y[:, 0].astype("float32"), rng.randint(0, 9, n)][rng.randint(5)]


def questions(draw, values, dtype):
    """Return samples to ask about: None, or known ones, near ones and others."""
    if draw.rng.uniform() < 0.3:
        return None
    m = draw.one_of(1, 2, 17, 63, 65, 65, 150, 150, 150, 600)
    kind = dtype if draw.rng.uniform() < 0.85 else "float64"
    return laid_out(draw.new_values(values, m).astype(kind), draw.pick(C=80, F=10, list=5, every_second_row=5))


def radius(draw, values):
    """Return a radius: often exactly a distance between samples, now and then one that takes all or none."""
    rng, n = draw.rng, len(values)
    if rng.uniform() < 0.1:
        return draw.one_of(0.0, 1.0, 1e9)
    some = values[rng.randint(0, n, 20)]
    distances = np.sqrt(((some - values[rng.randint(0, n)]) ** 2).sum(axis=1))
    return float(np.sort(distances)[rng.randint(0, 8)])
