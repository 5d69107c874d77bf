"""What a linear model by stochastic gradient descent shows, and whether fastml shows what scikit-learn does.

The last bit of a sum may tell on which side of a hinge a sample lies. Cases in which scikit-learn disagrees with itself
by a tenth of what is allowed when the columns are in another order are counted apart.
"""

import copy
from dataclasses import replace

import numpy as np
import scipy.sparse as sp
import sklearn.linear_model

import fastml
import fastml.linear_model
from tests.agreement import Verdict, assert_few_unstable, presence, watched

CLOSE = {"float64": 1e-12, "float32": 2e-5}
SHOWN = ("coef_", "intercept_", "offset_", "n_iter_", "t_", "classes_", "_average_coef", "_average_intercept")
SHOWN += ("_standard_coef", "_standard_intercept", "_expanded_class_weight", "n_features_in_")
WIDE = ("coef_", "_average_coef", "_standard_coef")


def orders(n_features):
    """Yield the columns from last to first, and in some orders at random."""
    yield np.arange(n_features)[::-1]
    for seed in range(4):
        yield np.random.RandomState(seed).permutation(n_features)


def in_order(X, columns):
    """Return the columns in another order; entries of sparse rows, too."""
    X = X[:, columns]
    if sp.issparse(X):
        X = X.tocsr()
        X.sort_indices()
    return X


def observe(library, case, columns=None):
    """Return what a caller sees, the columns in another order."""
    seen, case = {}, copy.deepcopy(case)
    X = case.X if columns is None else in_order(case.X, columns)
    est = getattr(library, case.estimator)(**case.params)
    with watched(seen), fastml.config_context(**case.options):
        for name, given in case.calls:
            if columns is not None and "coef_init" in given:
                given = given | {"coef_init": given["coef_init"][..., columns]}
            getattr(est, name)(X, case.y, **given) if case.y is not None else getattr(est, name)(X, **given)
        seen["predictions"] = est.predict(X)
    seen |= {name: value for name, value in vars(est).items() if name in SHOWN and value is not None}
    for name in WIDE:
        if name in seen:
            seen[name] = np.array(seen[name] if columns is None else seen[name][..., np.argsort(columns)])
    state = case.params["random_state"]
    seen["random state"] = state.randint(2**31) if isinstance(state, np.random.RandomState) else None
    return seen


def differences(case, ours, theirs, share=1):
    return {name: what for name in sorted({*ours, *theirs}) if (what := unequal(case, name, ours, theirs, share))}


def unequal(case, name, ours, theirs, share):
    if name not in ours or name not in theirs:
        return presence(name, ours, theirs)
    one, other = ours[name], theirs[name]
    if not isinstance(other, np.ndarray) or other.dtype.kind != "f":
        same = type(one) is type(other) and np.array_equal(one, other)
        return None if same else f"{one!r} instead of {other!r}"
    if one.shape != other.shape or one.dtype != other.dtype:
        return f"{one.dtype} {one.shape} instead of {other.dtype} {other.shape}"
    scale = max((np.abs(theirs[each]).max(initial=0) for each in WIDE if each in theirs), default=0)
    scale = max(scale, np.abs(other).max(initial=0)) if np.isfinite(other).all() else 0
    off = ~np.isclose(one, other, rtol=0, atol=share * CLOSE[case.X.dtype.name] * scale, equal_nan=True)
    return f"{off.sum()} of {off.size} by {np.abs(one - other)[off].max()}" if off.any() else None


def judge(build, seed, **options):
    case = build(seed)
    theirs = observe(sklearn.linear_model, case)
    found = differences(case, observe(fastml.linear_model, replace(case, options=options)), theirs)
    unstable = False
    if found:
        others = (observe(sklearn.linear_model, case, columns) for columns in orders(case.X.shape[1]))
        unstable = any(set(found) <= set(differences(case, other, theirs, share=0.1)) for other in others)
    return Verdict(case, found, unstable)


def assert_same_models(build, seeds, record, family, **options):
    assert_few_unstable([judge(build, seed, **options) for seed in seeds], record, family)
