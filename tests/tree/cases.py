"""Generated calls of the tree family: ``tree_case(1234)`` builds a fresh case each time, which shares no arrays.

An *exact* case is one in which scikit-learn's sums are exact in floating point, whatever their order: classes counted
with whole weights, whole targets. There all bits are compared. In the others a choice between equally good splits falls
as rounding falls, and the comparison shows that they are equally good.
"""

from dataclasses import dataclass

import numpy as np

from tests.draws import brief

from .data import Draw

SINGLE = ("DecisionTree", "ExtraTree")
FORESTS = ("RandomForest", "ExtraTrees")


@dataclass
class Case:
    """One model: what is fitted, how, and the new samples that it is asked about."""

    seed: int
    traits: tuple
    module: str  # "tree" or "ensemble"
    name: str
    params: dict
    X: object
    y: object
    sample_weight: object
    X_new: object
    exact: bool
    warm_to: int = 0  # warm start: fitted again with so many estimators

    def estimator(self, library):
        """Return a new estimator of ``library``, a package with scikit-learn's modules."""
        params = dict(self.params)
        if isinstance(params.get("estimator"), tuple):
            name, inner = params["estimator"]
            params["estimator"] = getattr(library.tree, name)(**inner)
        return getattr(getattr(library, self.module), self.name)(**params)

    def __str__(self):
        n, d = np.shape(self.X)
        params = {k: v if np.isscalar(v) or isinstance(v, tuple) else brief(v) for k, v in self.params.items()}
        weights = f"weights {brief(self.sample_weight)}"
        return f"case {self.seed}: {self.name}, {n} x {d}, {', '.join(self.traits)}, {weights}, {params}"


def growth(draw, n, d):
    """Return parameters that all trees and forests take."""
    rng = draw.rng
    params = {
        "max_depth": draw.one_of(None, None, None, None, 1, 2, 3, 5, 10),
        "max_features": draw.one_of(None, None, None, 1, 2, "sqrt", "log2", 0.5, 0.9, d),
        "max_leaf_nodes": draw.one_of(None, None, None, None, 2, 3, 5, 10, 50),
        "min_samples_split": draw.one_of(2, 2, 2, 2, 3, 5, 10, 0.1),
        "min_samples_leaf": draw.one_of(1, 1, 1, 1, 2, 3, 5, 0.05, 0.1),
        "min_weight_fraction_leaf": draw.one_of(0.0, 0.0, 0.0, 0.0, 0.05, 0.1, 0.3, 0.5),
        "min_impurity_decrease": draw.one_of(0.0, 0.0, 0.0, 0.0, 1e-3, 0.01, 0.1),
    }
    for name, default in (("max_features", None), ("min_samples_leaf", 1), ("min_impurity_decrease", 0.0)):
        if rng.uniform() < 0.3:
            params[name] = default  # so that not every tree is a small one
    return params


def constraints(draw, params, y, d, missing):
    """Add ``monotonic_cst`` where scikit-learn takes it: one output, at most two classes."""
    if np.ndim(y) == 1 and not missing and draw.rng.uniform() < 0.15:
        cst = draw.rng.randint(-1, 2, d)
        params["monotonic_cst"] = draw.one_of(cst, cst.tolist())  # scikit-learn changes an array of int8 in place


def samples(draw, missing=True, most=300):
    """Return ``(kind, values, X, X_new)``."""
    n, d = draw.shape(most)
    kind, values = draw.values(n, d, missing)
    X_new = draw.new_values(values, draw.one_of(1, 7, 40))
    if not np.isnan(values).any():
        X_new = np.nan_to_num(X_new)
    return kind, values, draw.container(values), X_new.astype(draw.one_of(np.float32, np.float64))


def classifier_weights(draw, y, n, exact):
    """Return ``(class_weight, sample_weight)``."""
    class_weight, sample_weight = None, draw.integer_weights(n)
    if exact:
        if np.ndim(y) == 1 and draw.rng.uniform() < 0.08:
            class_weight = {label: int(draw.rng.randint(1, 5)) for label in np.unique(y).tolist()}
    else:
        if draw.rng.uniform() < 0.4:
            class_weight = "balanced"
        if class_weight is None or draw.rng.uniform() < 0.5:
            sample_weight = draw.fractional_weights(n)
    return class_weight, sample_weight


def problem(draw, exact):
    """Return what a tree or forest is fitted to, and the parameters that go with it."""
    classify = draw.rng.uniform() < (0.6 if exact else 0.35)
    criterion = (
        draw.one_of("gini", "gini", "entropy", "log_loss")
        if classify
        else draw.one_of(
            "squared_error", "squared_error", "absolute_error", *(["friedman_mse"] if exact else ["poisson"])
        )
    )
    kind, values, X, X_new = samples(draw, missing=criterion != "absolute_error")
    n, d = values.shape
    params = growth(draw, n, d) | {"criterion": criterion}
    if classify:
        y = draw.classes(values)
        params["class_weight"], weights = classifier_weights(draw, y, n, exact)
    elif exact:
        y, weights = draw.integer_targets(values), draw.integer_weights(n)
    else:
        y = draw.real_targets(values, positive=criterion == "poisson")
        weights = draw.fractional_weights(n) if draw.rng.uniform() < 0.4 else draw.integer_weights(n)
    if not classify or len(np.unique(y)) <= 2:
        constraints(draw, params, y, d, np.isnan(values).any())
    if exact and draw.rng.uniform() < 0.1:
        params["ccp_alpha"] = draw.one_of(1e-3, 0.01, 0.05, 0.3)
    return "Classifier" if classify else "Regressor", params, kind, X, y, weights, X_new


def finish(draw, seed, exact, module, name, params, kind, X, y, weights, X_new, warm_to=0):
    params = params | {"random_state": draw.generator()}
    traits = kind, str(np.asarray(X).dtype), "exact" if exact else "tie", f"y {np.asarray(y).dtype}{np.shape(y)}"
    return Case(seed, traits, module, name, params, X, y, weights, X_new, exact, warm_to)


def tree_case(seed, exact=True):
    """One tree."""
    draw = Draw(11, seed)
    which, params, *data = problem(draw, exact)
    if draw.rng.uniform() < 0.3:
        params["splitter"] = draw.one_of("best", "random", "random")
    return finish(
        draw, seed, exact, "tree", draw.one_of("DecisionTree", "DecisionTree", "ExtraTree") + which, params, *data
    )


def forest_case(seed, exact=True):
    """A forest of a few trees, now and then grown in two steps."""
    draw = Draw(12, seed)
    which, params, *data = problem(draw, exact)
    params["n_estimators"] = int(draw.one_of(1, 2, 3, 5))
    params["bootstrap"] = bool(draw.rng.uniform() < 0.6)
    if params["bootstrap"]:
        params["oob_score"] = bool(draw.rng.uniform() < 0.4)
        params["max_samples"] = draw.one_of(None, None, 1, 0.3, 0.8)
    if which == "Classifier" and not exact and params["class_weight"] and draw.rng.uniform() < 0.5:
        params["class_weight"] = "balanced_subsample"
    warm_to = 0
    if draw.rng.uniform() < 0.12 and not isinstance(params.get("class_weight"), str):
        params["warm_start"], warm_to = True, params["n_estimators"] + 2
    return finish(draw, seed, exact, "ensemble", draw.one_of(*FORESTS) + which, params, *data, warm_to=warm_to)


def bagging_case(seed, exact=True):
    """Bagging over trees."""
    draw = Draw(13, seed)
    which, inner, kind, X, y, weights, X_new = problem(draw, exact)
    if np.ndim(y) > 1:
        y = np.ascontiguousarray(y[:, 0])
    inner.pop("monotonic_cst", None)  # the columns are drawn
    if draw.rng.uniform() < 0.2:
        inner["splitter"] = "random"
    bootstrap = bool(draw.rng.uniform() < 0.7)
    params = {
        "estimator": draw.one_of((draw.one_of(*SINGLE) + which, inner), (f"DecisionTree{which}", inner), None),
        "n_estimators": int(draw.one_of(1, 2, 3, 5)),
        "bootstrap": bootstrap,
        "bootstrap_features": bool(draw.rng.uniform() < 0.25),
        "max_samples": draw.one_of(1.0, 1.0, 0.5, 1),
        "max_features": draw.one_of(1.0, 1.0, 0.5, 1),
        "oob_score": bootstrap and bool(draw.rng.uniform() < 0.3),
    }
    warm_to = 0
    if draw.rng.uniform() < 0.12 and not params["oob_score"]:
        params["warm_start"], warm_to = True, params["n_estimators"] + 2
    return finish(draw, seed, exact, "ensemble", f"Bagging{which}", params, kind, X, y, weights, X_new, warm_to)


def tie_case(seed):
    """A tree, forest or bagging whose sums are rounded: real targets, fractional weights."""
    build = (tree_case, tree_case, forest_case, bagging_case)[seed % 4]
    return build(seed, exact=False)
