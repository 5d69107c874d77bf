"""Targets and parameters that scikit-learn's trees refuse, convert or just bear."""

import numpy as np
import pandas as pd
import scipy.sparse as sp

from tests.bad_inputs import NOT_A_COUNT, N


def labels():
    return np.arange(N) % 3


def with_last(value, dtype=float):
    y = np.arange(N).astype(dtype)
    y[-1] = value
    return y


TARGETS = {
    "too short": lambda: labels()[:-1],
    "too long": lambda: np.arange(N + 1) % 3,
    "None": lambda: None,
    "nothing": lambda: [],
    "number": lambda: 1.0,
    "column": lambda: labels()[:, None],
    "row": lambda: labels()[None],
    "two columns": lambda: np.stack([labels(), labels()[::-1]], axis=1),
    "3-d": lambda: labels()[:, None, None],
    "constant": lambda: np.ones(N),
    "negative": lambda: labels() - 5,
    "zero": lambda: np.zeros(N),
    "real": lambda: np.random.RandomState(1).randint(0, 99, N) / 4,
    "NaN": lambda: with_last(np.nan),
    "inf": lambda: with_last(np.inf),
    "large": lambda: with_last(1e300),
    "words": lambda: np.array(["a", "b"] * (N // 2)),
    "words as objects": lambda: np.array(["a", "b"] * (N // 2), dtype=object),
    "bytes": lambda: np.array([b"a", b"b"] * (N // 2)),
    "mixed": lambda: np.array(["a", 1] * (N // 2), dtype=object),
    "objects": lambda: labels().astype(object),
    "objects with None": lambda: np.array([None, 1] * (N // 2), dtype=object),
    "bool": lambda: labels() > 0,
    "complex": lambda: labels() + 1j,
    "dates": lambda: np.arange(N).astype("datetime64[D]"),
    "uint8": lambda: labels().astype(np.uint8),
    "float16": lambda: labels().astype(np.float16),
    "longdouble": lambda: labels().astype(np.longdouble),
    "big-endian": lambda: labels().astype(">f8"),
    "list": lambda: labels().tolist(),
    "list of lists": lambda: labels()[:, None].tolist(),
    "ragged": lambda: [[1, 2], [3]] * (N // 2),
    "tuple": lambda: tuple(labels().tolist()),
    "series": lambda: pd.Series(labels()),
    "categorical": lambda: pd.Series(labels()).astype("category"),
    "frame": lambda: pd.DataFrame(labels()),
    "strided": lambda: np.repeat(labels(), 2)[::2],
    "read-only": lambda: np.broadcast_to(1, N),
    "sparse": lambda: sp.csr_matrix(labels()),
    "word": lambda: "labels",
    "dict": lambda: {0: 1},
}

FRACTIONS = (0, 0.0, -1, -0.1, 0.5, 1.0, 1.5, "a", None, np.nan, np.inf, True, [0.5], np.float32(0.3))
FLAGS = (None, "yes", 1, 0, np.bool_(True))
CONSTRAINTS = (
    [1], [1, 0, -1, 0], [1, 0, 2], [0.5, 0, 1], ["a", "b", "c"], "increase", 1, {"a": 1}, [True, False, True],
    [[1, 0, -1]], np.array([1, 0, -1]), [None, 0, 1], [1.0, 0.0, -1.0], [np.nan, 0, 1],
)  # fmt: skip
CLASS_WEIGHTS = (
    "balanced", "balanced_subsample", "equal", {}, {0: 1}, {0: 1, 1: 2, 2: 3}, {5: 1}, [{0: 1}], {0: -1, 1: 1, 2: 1}, 1,
    {"a": 1}, {0: "a", 1: 1, 2: 1}, [1, 2, 3], {0: np.nan, 1: 1, 2: 1},
)  # fmt: skip

GROWTH = {
    "max_depth": (*NOT_A_COUNT, 2**31, 2**40),
    "min_samples_split": (*NOT_A_COUNT, 1, 0.3, 1.0, 10**12),
    "min_samples_leaf": (*NOT_A_COUNT, 0.3, 1.0, 10**12),
    "min_weight_fraction_leaf": FRACTIONS,
    "max_features": (*NOT_A_COUNT, 4, 10**12, 0.5, 1.0, 1.5, "sqrt", "log2", "auto", "all"),
    "max_leaf_nodes": (*NOT_A_COUNT, 1, 10**6),
    "min_impurity_decrease": FRACTIONS,
    "ccp_alpha": FRACTIONS,
    "random_state": ("a", -1, 1.5, [1], 2**33, np.random.default_rng(0), np.int64(4)),
}
CONSTRAINED = GROWTH | {"monotonic_cst": CONSTRAINTS}
CRITERIA = ("gini", "entropy", "squared_error", "friedman_mse", "poisson", "absolute_error", "mse", None, 1, "GINI")
ENSEMBLE = {"n_estimators": NOT_A_COUNT, "warm_start": FLAGS, "random_state": GROWTH["random_state"]}
FOREST = CONSTRAINED | ENSEMBLE | {
    "criterion": CRITERIA,
    "bootstrap": FLAGS,
    "oob_score": (*FLAGS, len, np.mean),
    "max_samples": (*FRACTIONS, N, N + 1, 10**12),
    "n_jobs": (0, 1.5, "a", -100, np.int64(1)),
    "verbose": ("a", -1, None, 1.5, []),
}  # fmt: skip
BAGGING = ENSEMBLE | {
    "max_samples": (*FRACTIONS, N, N + 1),
    "max_features": (*FRACTIONS, 3, 4),
    "bootstrap": FLAGS,
    "bootstrap_features": FLAGS,
    "oob_score": FLAGS,
    "estimator": (1, "tree", dict, object()),
}
BOOSTING = GROWTH | ENSEMBLE | {
    "learning_rate": FRACTIONS,
    "subsample": FRACTIONS,
    "loss": ("log_loss", "exponential", "squared_error", "deviance", "huber", "quantile", None, 1),
    "init": ("zero", "one", 1, None, object()),
    "validation_fraction": FRACTIONS,
    "n_iter_no_change": NOT_A_COUNT,
    "tol": FRACTIONS,
    "criterion": CRITERIA,
}  # fmt: skip
PARAMETERS = {
    "DecisionTreeClassifier": CONSTRAINED
    | {"criterion": CRITERIA, "splitter": ("best", "random", "worst", None, 1), "class_weight": CLASS_WEIGHTS},
    "DecisionTreeRegressor": CONSTRAINED | {"criterion": CRITERIA, "splitter": ("worst", None)},
    "ExtraTreeClassifier": {"criterion": CRITERIA, "max_features": GROWTH["max_features"]},
    "ExtraTreeRegressor": {"criterion": CRITERIA, "max_features": GROWTH["max_features"]},
    "RandomForestClassifier": FOREST | {"class_weight": CLASS_WEIGHTS},
    "RandomForestRegressor": FOREST,
    "ExtraTreesClassifier": {"bootstrap": FLAGS, "max_samples": FOREST["max_samples"], "class_weight": CLASS_WEIGHTS},
    "RandomTreesEmbedding": {"sparse_output": FLAGS, "max_depth": NOT_A_COUNT, **ENSEMBLE},
    "IsolationForest": ENSEMBLE
    | {
        "max_samples": (*FRACTIONS, "auto", "all", N + 1),
        "contamination": (*FRACTIONS, "auto", 0.6),
        "max_features": (*FRACTIONS, 3, 4),
        "bootstrap": FLAGS,
    },
    "BaggingClassifier": BAGGING,
    "BaggingRegressor": BAGGING,
    "AdaBoostClassifier": ENSEMBLE | {"learning_rate": FRACTIONS, "estimator": BAGGING["estimator"]},
    "AdaBoostRegressor": ENSEMBLE | {"learning_rate": FRACTIONS, "loss": ("linear", "square", "huber", None)},
    "GradientBoostingClassifier": BOOSTING,
    "GradientBoostingRegressor": BOOSTING | {"alpha": FRACTIONS},
}
