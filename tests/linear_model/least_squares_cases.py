"""Generated fits of least squares. A case is a function of an integer."""

from dataclasses import dataclass

import numpy as np

from tests.draws import Choices, brief, laid_out


@dataclass
class Case:
    """An estimator, its samples and targets; ``given`` are the arguments of ``fit`` beside them."""

    seed: int
    estimator: str
    X: np.ndarray
    y: np.ndarray
    params: dict
    given: dict

    def __str__(self):
        params = {name: brief(value) for name, value in self.params.items()}
        return f"case {self.seed}: {self.estimator}, {self.X.shape} {self.X.dtype}, y {self.y.shape}, {params}"


def least_squares_case(seed):
    draw = Choices(67, seed)
    rng = draw.rng
    p, t = draw.one_of(1, 2, 3, 7, 8, 9, 16, 17, 23, 24, 25, 33), draw.one_of(1, 1, 1, 2, 7, 9)
    n = p + draw.one_of(-1, 0, 1, 2, 20, 100, 119, 120, 121, 500, 2_000)
    X = samples(draw, max(n, 1), p)
    y = X / np.abs(X).max(0).clip(1e-300) @ rng.randn(p, t) + draw.one_of(0, 0.1, 3) * rng.randn(len(X), t)
    y += draw.one_of(0, 5, 1e4)
    if rng.uniform() < 0.1:
        y = np.round(y).astype(int)
    X = laid_out(X.astype(draw.pick(float64=70, float32=30)), draw.pick(C=60, F=25, flipped=5, read_only=10))
    y = y[:, 0] if t == 1 and rng.uniform() < 0.8 else laid_out(y, draw.pick(C=70, F=30))
    params = {"fit_intercept": rng.uniform() < 0.75}
    estimator = draw.pick(LinearRegression=60, Ridge=40)
    if estimator == "Ridge":
        alphas = rng.uniform(size=t) * 10 if t > 1 else np.array([2.0])
        params["alpha"] = draw.one_of(1.0, 1e-3, 100.0, 0.0, alphas, alphas.tolist())
        params["solver"] = draw.one_of("auto", "cholesky")
    weights = draw.one_of(None, None, rng.uniform(size=len(X)) + 0.1, rng.randint(0, 4, len(X)).astype(float))
    if weights is not None and not weights.any():
        weights = None
    return Case(seed, estimator, X, y, params, {} if weights is None else {"sample_weight": weights})


def samples(draw, n, p):
    """Return samples: mostly harmless, some with columns of other sizes, far from 0, sorted, constant or dependent."""
    rng = draw.rng
    X = rng.randn(n, p) if rng.uniform() < 0.8 else rng.randint(0, 5, (n, p)).astype(float)
    kind = draw.pick(plain=45, sizes=15, offset=10, sorted=5, constant=5, copies=10, similar=10)
    if kind == "sizes":
        X *= 10.0 ** rng.uniform(-2, 2, p)
    elif kind == "offset":
        X += draw.one_of(1.0, 1e3, 1e6) * rng.randn(p)
    elif kind == "sorted":
        X.sort(axis=0)
    elif kind == "constant":
        X[:, rng.randint(p)] = draw.one_of(0, 0.1, 7)
    elif kind == "copies":
        X[:, -1] = draw.one_of(X[:, 0], 3 * X[:, 0], X[:, : max(1, p - 1)].sum(axis=1))
    elif kind == "similar" and p > 1:
        X[:, -1] = X[:, 0] + draw.one_of(1e-1, 1e-2, 1e-4, 1e-6, 1e-9) * rng.randn(n)
    return X
