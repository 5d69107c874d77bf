"""Generated calls of boosting, isolation forests and tree embeddings, in the manner of ``cases.py``."""

import numpy as np

from .cases import finish, growth, samples
from .data import Draw


def adaboost_case(seed):
    """AdaBoost over stumps or deeper trees."""
    draw = Draw(14, seed)
    kind, values, X, X_new = samples(draw, missing=False)
    n = len(values)
    classify = draw.rng.uniform() < 0.6
    inner = {"max_depth": draw.one_of(1, 1, 2, 3), "max_features": draw.one_of(None, None, None, "sqrt")}
    which = "Classifier" if classify else "Regressor"
    params = {
        "estimator": draw.one_of(None, ("DecisionTree" + which, inner), ("ExtraTree" + which, inner)),
        "n_estimators": int(draw.one_of(1, 3, 8, 15)),
        "learning_rate": draw.one_of(1.0, 1.0, 0.5, 0.1, 1.5),
    }
    if classify:
        y = draw.classes(values, outputs=1)
    else:
        params["loss"] = draw.one_of("linear", "square", "exponential")
        y = draw.integer_targets(values) if draw.rng.uniform() < 0.5 else draw.real_targets(values, outputs=1)
        y = y if y.ndim == 1 else y[:, 0].copy()
    weights = draw.fractional_weights(n) if draw.rng.uniform() < 0.2 else draw.integer_weights(n)
    return finish(draw, seed, False, "ensemble", f"AdaBoost{which}", params, kind, X, y, weights, X_new)


def boosting_case(seed):
    """Gradient boosting with one of the losses."""
    draw = Draw(15, seed)
    kind, values, X, X_new = samples(draw, missing=False)
    n, d = values.shape
    classify = draw.rng.uniform() < 0.45
    params = growth(draw, n, d) | {
        "n_estimators": int(draw.one_of(1, 3, 5, 10)),
        "learning_rate": draw.one_of(0.1, 0.1, 0.5, 1.0),
        "max_depth": draw.one_of(1, 2, 3, 3, 3, 5, None),
        "subsample": draw.one_of(1.0, 1.0, 1.0, 0.5, 0.8),
        "init": draw.one_of(None, None, None, "zero"),
        "n_iter_no_change": draw.one_of(None, None, None, None, 2),
    }
    params["min_impurity_decrease"] = 0.0
    if classify:
        y = draw.classes(values, outputs=1)
        params["loss"] = draw.one_of("log_loss", "log_loss", "exponential") if len(np.unique(y)) == 2 else "log_loss"
    else:
        params["loss"] = draw.one_of("squared_error", "squared_error", "absolute_error", "huber", "quantile")
        y = draw.integer_targets(values) if draw.rng.uniform() < 0.6 else draw.real_targets(values, outputs=1)
        y = y if y.ndim == 1 else y[:, 0].copy()
    weights = draw.fractional_weights(n) if draw.rng.uniform() < 0.15 else draw.integer_weights(n)
    warm_to = 0
    if draw.rng.uniform() < 0.1 and params["n_iter_no_change"] is None:
        params["warm_start"], warm_to = True, params["n_estimators"] + 2
    which = "Classifier" if classify else "Regressor"
    return finish(
        draw, seed, False, "ensemble", f"GradientBoosting{which}", params, kind, X, y, weights, X_new, warm_to
    )


def whole_boosting_case(seed):
    """Gradient boosting on whole targets, on samples where many splits are equally good."""
    draw = Draw(18, seed)
    rng = draw.rng
    kind, values, X, X_new = samples(draw, missing=False)
    if rng.uniform() < 0.5:  # columns that part the samples alike: copies, mirrored ones, the same order
        kind += " with twins"
        columns = rng.randint(0, values.shape[1], rng.randint(1, 6))
        X, X_new = np.asarray(X, np.float64), X_new.astype(np.float64)
        sign, power = rng.choice([-1.0, 1.0], len(columns)), draw.one_of(1, 1, 3)
        X, X_new = (np.hstack([part, sign * np.clip(part[:, columns], -1e9, 1e9) ** power]) for part in (X, X_new))
    n, d = X.shape if isinstance(X, np.ndarray) else values.shape
    params = growth(draw, n, d) | {
        "n_estimators": int(draw.one_of(3, 10, 10, 30)),
        "learning_rate": draw.one_of(0.1, 0.1, 0.3, 0.5, 1.0),
        "max_depth": draw.one_of(1, 2, 3, 3, 3, 5, None),
        "subsample": draw.one_of(1.0, 1.0, 1.0, 0.5, 0.8),
        "init": draw.one_of(None, None, None, "zero"),
        "n_iter_no_change": draw.one_of(None, None, None, None, 2),
        "loss": draw.one_of("squared_error", "squared_error", "squared_error", "absolute_error"),
    }
    if draw.rng.uniform() < 0.7:
        params["min_impurity_decrease"] = params["min_weight_fraction_leaf"] = 0.0
    if draw.rng.uniform() < 0.1:
        params["ccp_alpha"] = draw.one_of(1e-3, 0.05)
    if params["n_iter_no_change"] and draw.rng.uniform() < 0.5:
        params["tol"] = 0.0
    y = draw.integer_targets(values) * draw.one_of(1, 1, 1, 7, 1000)
    y = y if y.ndim == 1 else y[:, 0].copy()
    weights, warm_to = draw.integer_weights(n), 0
    if draw.rng.uniform() < 0.15 and params["n_iter_no_change"] is None:
        params["warm_start"], warm_to = True, params["n_estimators"] + 5
    regressor = "GradientBoostingRegressor"
    return finish(draw, seed, False, "ensemble", regressor, params, kind, X, y, weights, X_new, warm_to)


def isolation_case(seed):
    """An isolation forest."""
    draw = Draw(16, seed)
    kind, values, X, X_new = samples(draw)
    n = len(values)
    params = {
        "n_estimators": int(draw.one_of(1, 3, 10)),
        "max_samples": draw.one_of("auto", "auto", 1.0, 0.5, 1, 50),
        "max_features": draw.one_of(1.0, 1.0, 1.0, 0.5, 1),
        "bootstrap": bool(draw.rng.uniform() < 0.3),
        "contamination": draw.one_of("auto", "auto", 0.1, 0.5),
    }
    warm_to = 0
    if draw.rng.uniform() < 0.1:
        params["warm_start"], warm_to = True, params["n_estimators"] + 2
    weights = draw.integer_weights(n)
    return finish(draw, seed, False, "ensemble", "IsolationForest", params, kind, X, None, weights, X_new, warm_to)


def embedding_case(seed):
    """An embedding by random trees."""
    draw = Draw(17, seed)
    kind, values, X, X_new = samples(draw, missing=False)
    params = {
        "n_estimators": int(draw.one_of(1, 3, 10)),
        "max_depth": draw.one_of(1, 3, 5, 5),
        "min_samples_leaf": draw.one_of(1, 1, 3),
        "max_leaf_nodes": draw.one_of(None, None, 5),
        "sparse_output": bool(draw.rng.uniform() < 0.7),
    }
    weights = draw.integer_weights(len(values))
    return finish(draw, seed, False, "ensemble", "RandomTreesEmbedding", params, kind, X, None, weights, X_new)
