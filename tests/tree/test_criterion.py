"""Criteria given as functions."""

import logging

import numpy as np
import pytest
from sklearn.datasets import make_classification, make_regression

import fastml
import fastml.ensemble
import fastml.tree


def gini(counts):
    return 1.0 - (counts * counts).sum() / counts.sum() ** 2


def variance(w, wy, wyy):
    return wyy / w - (wy / w) ** 2


X, y = make_classification(300, 6, n_informative=4, n_classes=3, random_state=0)
SAME = {
    "DecisionTreeClassifier": (fastml.tree, "gini", gini),
    "ExtraTreeClassifier": (fastml.tree, "gini", gini),
    "DecisionTreeRegressor": (fastml.tree, "squared_error", variance),
    "RandomForestClassifier": (fastml.ensemble, "gini", gini),
    "ExtraTreesRegressor": (fastml.ensemble, "squared_error", variance),
}


def fitted(name, criterion):
    module = SAME[name][0]
    params = {"random_state": 0, "max_depth": 4, **({"n_estimators": 3} if module is fastml.ensemble else {})}
    return getattr(module, name)(criterion=criterion, **params).fit(X, y.astype(float) if "Regressor" in name else y)


@pytest.mark.parametrize("backend", ["cython", "numba"])
@pytest.mark.parametrize("name", SAME)
def test_the_same_model_as_under_the_name(name, backend):
    _, named, function = SAME[name]
    with fastml.config_context(backend=backend):
        ours, theirs = fitted(name, function), fitted(name, named)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-12)


def test_functions_of_numba():
    import numba

    model = fitted("DecisionTreeClassifier", numba.njit(gini))
    np.testing.assert_array_equal(model.predict(X), fitted("DecisionTreeClassifier", "gini").predict(X))


def test_what_numba_cannot_compile_runs_and_is_told(caplog):
    seen = {}

    def counted(counts):
        seen["calls"] = seen.get("calls", 0) + 1
        return gini(counts)

    with caplog.at_level(logging.INFO, logger="fastml"):
        model = fitted("DecisionTreeClassifier", counted)
    np.testing.assert_array_equal(model.predict(X), fitted("DecisionTreeClassifier", "gini").predict(X))
    assert seen["calls"] > 100
    assert "through the interpreter" in caplog.text
    assert "Numba cannot compile it" in str(fastml.explain(model))
    with fastml.config_context(strict=True), pytest.raises(fastml.FallbackError, match="interpreter"):
        fitted("DecisionTreeClassifier", counted)


def test_an_error_of_the_function_reaches_the_caller():
    def broken(counts):
        raise KeyError("no impurity today")

    with pytest.raises(KeyError, match="no impurity today"):
        fitted("DecisionTreeClassifier", broken)


def test_several_targets_of_a_regression_are_refused():
    X, y = make_regression(50, 3, n_targets=2, random_state=0)
    with pytest.raises(ValueError, match="takes the sums of one target; y has 2"):
        fastml.tree.DecisionTreeRegressor(criterion=variance).fit(X, y)
