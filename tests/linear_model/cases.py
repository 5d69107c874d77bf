"""Generated fits by stochastic gradient descent. A case is a function of an integer."""

from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp

from tests.draws import Choices, brief, laid_out

CLASS_LOSSES = ("hinge", "log_loss", "modified_huber", "squared_hinge", "perceptron", "squared_error", "huber")
CLASS_LOSSES += ("epsilon_insensitive", "squared_epsilon_insensitive")
NUMBER_LOSSES = ("squared_error", "huber", "epsilon_insensitive", "squared_epsilon_insensitive")
ESTIMATORS = {"SGDClassifier": 45, "SGDRegressor": 30, "Perceptron": 15, "SGDOneClassSVM": 10}


@dataclass
class Case:
    """An estimator, its samples, and the calls: ``fit`` and ``partial_fit``, with their arguments beside X and y."""

    seed: int
    estimator: str
    X: object
    y: np.ndarray | None
    params: dict
    calls: list
    options: dict = field(default_factory=dict)

    def __str__(self):
        params = {name: brief(value) for name, value in self.params.items()}
        calls = [(name, {key: brief(value) for key, value in given.items()}) for name, given in self.calls]
        layout = "sparse" if sp.issparse(self.X) else "dense"
        return f"case {self.seed}: {self.estimator}, {self.X.shape} {layout} {self.X.dtype}, {params}, {calls}"


def sgd_case(seed):
    draw = Choices(61, seed)
    rng = draw.rng
    estimator = draw.pick(**ESTIMATORS)
    n, d = draw.one_of(2, 5, 20, 40, 40, 90), draw.one_of(1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 24, 31, 40)
    is_classifier = estimator in ("SGDClassifier", "Perceptron")
    X = rng.randn(n, d) if rng.uniform() < 0.7 else rng.randint(-2, 3, (n, d)).astype(float)
    n_classes = draw.one_of(2, 2, 2, 3, 3, 5) if is_classifier else 0
    y = targets(draw, X, n_classes) if estimator != "SGDOneClassSVM" else None
    X = X.astype(draw.pick(float64=75, float32=25))
    if rng.uniform() < 0.3:
        X[rng.uniform(size=X.shape) < 0.6] = 0
        X = draw.one_of(sp.csr_matrix, sp.csr_matrix, sp.csr_array, sp.csc_matrix)(X)
    else:
        X = laid_out(X, draw.pick(C=80, F=10, flipped=10))
    params = parameters(draw, estimator, n)
    return Case(seed, estimator, X, y, params, calls(draw, estimator, n, X.shape[1], y, params))


def targets(draw, X, n_classes):
    rng, n = draw.rng, X.shape[0]
    linear = X @ rng.randn(X.shape[1]) + draw.one_of(0, 0.3, 2) * rng.randn(n)
    if not n_classes:
        return linear if rng.uniform() < 0.9 else np.round(linear).astype(int)
    codes = np.argsort(np.argsort(linear)) * n_classes // n
    names = draw.one_of(None, None, np.array(["a", "bc", "d", "e", "f"]), np.array([-1.5, 0, 1, 2.5, 7]))
    return codes if names is None else names[codes]


def parameters(draw, estimator, n):
    rng = draw.rng
    params = {
        "fit_intercept": rng.uniform() < 0.85,
        "max_iter": int(draw.one_of(1, 2, 5, 5, 5, 12)),
        "tol": draw.one_of(None, 1e-3, 1e-3, 0.05),
        "shuffle": rng.uniform() < 0.85,
        "random_state": draw.generator(),
        "warm_start": rng.uniform() < 0.2,
        "eta0": draw.one_of(0.01, 0.1, 1e-3),
    }
    if estimator != "Perceptron":
        params["average"] = draw.one_of(False, False, False, True, 1, 7, 3 * n)
        params["power_t"] = draw.one_of(0.25, 0.5, 0.0)
    if estimator == "SGDOneClassSVM":
        return params | {"nu": draw.one_of(0.1, 0.5, 1.0), "learning_rate": schedule(draw)}
    params |= {
        "penalty": draw.one_of("l2", "l2", "l1", "elasticnet", None),
        "alpha": draw.one_of(1e-4, 1e-3, 0.05, 1.0),
        "l1_ratio": draw.one_of(0.15, 0.5, 0.0, 1.0),
        "early_stopping": rng.uniform() < 0.15,
        "validation_fraction": draw.one_of(0.1, 0.3),
        "n_iter_no_change": int(draw.one_of(1, 2, 5)),
    }
    if estimator in ("SGDClassifier", "Perceptron"):
        params["class_weight"] = draw.one_of(None, None, "balanced")
        params["n_jobs"] = draw.one_of(None, 1, 2)
    if estimator == "Perceptron":
        return params
    params["loss"] = draw.one_of(*(CLASS_LOSSES if estimator == "SGDClassifier" else NUMBER_LOSSES))
    params["epsilon"] = draw.one_of(0.1, 0.0, 1.0)
    params["learning_rate"] = schedule(draw)
    if rng.uniform() < 0.1:
        params["learning_rate"] = draw.one_of("pa1", "pa2")
        params["loss"] = "hinge" if estimator == "SGDClassifier" else "epsilon_insensitive"
    return params


def schedule(draw):
    return draw.one_of("constant", "optimal", "optimal", "invscaling", "adaptive")


def calls(draw, estimator, n, d, y, params):
    """One fit, two of them, a fit that goes on in parts, or parts alone."""
    rng = draw.rng
    given = {}
    if rng.uniform() < 0.35:
        given["sample_weight"] = draw.one_of(rng.uniform(size=n) + 0.1, rng.randint(1, 4, n).astype(float))
    kind = draw.pick(fit=60, twice=15, init=10, parts=15)
    if kind == "parts":
        params["early_stopping" if "early_stopping" in params else "warm_start"] = False
        if params.get("class_weight") == "balanced":
            params["class_weight"] = None
        first = given | ({"classes": np.unique(y)} if "class_weight" in params else {})
        return [("partial_fit", first), ("partial_fit", given), ("partial_fit", given)]
    if kind == "init":
        n_models = len(np.unique(y)) if "class_weight" in params else 1
        rows = n_models if n_models > 2 else 1
        given["coef_init"] = rng.randn(rows, d) if rows > 1 else rng.randn(d)
        given["offset_init" if estimator == "SGDOneClassSVM" else "intercept_init"] = rng.randn(rows)
    return [("fit", given)] * (2 if kind == "twice" else 1)
