import types

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer as Plain
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import fastml
from fastml import _registry, _versions
from tests import fake

X = np.array([[1.0, -1.0], [0.5, 2.0], [3.0, 0.0], [-2.0, 1.0]])
y = np.array([0, 1, 0, 1])


@pytest.fixture(autouse=True)
def registry(monkeypatch):
    monkeypatch.setattr(_registry, "ACCELERATED", fake.TABLE)


def test_before_any_call():
    explanation = fastml.explain(fake.Binarizer())
    assert str(explanation) == "Binarizer: no call in this process yet."
    assert dict(explanation) == {}


def test_a_mapping_of_methods():
    with fastml.config_context(n_threads=2):
        est = fake.Binarizer().fit(X)
    est.transform(X)
    explanation = fastml.explain(est)
    assert list(explanation) == ["fit", "transform"]
    assert len(explanation) == 2
    assert explanation["fit"].n_threads == 2
    assert explanation["transform"].reason is None
    assert str(explanation) == (
        "Binarizer:\n    fit: fastml, no kernel needed\n    transform: fastml, no kernel needed"
    )
    with pytest.raises(KeyError):
        explanation["predict"]


def test_an_explanation_does_not_change_later():
    est = fake.Binarizer().fit(X)
    explanation = fastml.explain(est)
    est.transform(X)
    assert list(explanation) == ["fit"]


def test_the_reason_of_a_fallback():
    est = fake.Binarizer(threshold=-1.0)
    est.fit_transform(X)
    explanation = fastml.explain(est)
    assert explanation["fit_transform"].reason == "thresholds below 0 are beyond the fake."
    assert "    transform: scikit-learn's own code: thresholds below 0" in str(explanation)


def test_scikit_learns_own_estimators():
    assert str(fastml.explain(StandardScaler())) == (
        "StandardScaler: fastml has no kernel for it; scikit-learn's own code runs."
    )
    assert str(fastml.explain(Plain())) == (
        "Binarizer: scikit-learn's own; fastml.preprocessing.Binarizer is accelerated."
    )


def test_an_untested_version(monkeypatch):
    monkeypatch.setattr(_versions, "TESTED", False)
    assert "outside the range" in str(fastml.explain(Plain()))


def test_a_pipeline_tells_of_its_steps():
    explanation = fastml.explain(make_pipeline(StandardScaler(), fake.Binarizer()).fit(X))
    assert list(explanation.nested) == ["steps[0][1]", "steps[1][1]"]
    assert "fit_transform" not in explanation.nested["steps[1][1]"]
    assert list(explanation.nested["steps[1][1]"]) == ["fit"]
    assert str(explanation).splitlines() == [
        "Pipeline: fastml has no kernel for it; scikit-learn's own code runs.",
        "    steps[0][1]: StandardScaler: fastml has no kernel for it; scikit-learn's own code runs.",
        "    steps[1][1]: Binarizer:",
        "        fit: fastml, no kernel needed",
    ]


def test_a_search_tells_of_the_best_model():
    pipeline = make_pipeline(ColumnTransformer([("b", fake.Binarizer(), [0, 1])]), DecisionTreeClassifier())
    search = GridSearchCV(pipeline, {"decisiontreeclassifier__max_depth": [1, 2]}, cv=2).fit(X, y)
    best = fastml.explain(search).nested["best_estimator_"]
    assert "fit_transform" in best.nested["steps[0][1]"].nested["transformers_[0][1]"]
    assert "estimator" not in fastml.explain(search).nested


def test_a_large_ensemble_is_abridged():
    lines = str(fastml.explain(RandomForestClassifier(30, random_state=0).fit(X, y))).splitlines()
    assert len(lines) < 10
    assert lines[-1].endswith("more")
    assert len(fastml.explain(BaggingClassifier(fake.Binarizer(), 3)).nested) == 0  # not fitted


def test_functions():
    fake.binarize(X)
    assert fastml.explain(fake.binarize)["binarize"].reason is None
    assert str(fastml.explain(fake.binarize)).startswith("binarize:\n    binarize: ")
    from sklearn.preprocessing import binarize, normalize

    assert "fastml.preprocessing.binarize is accelerated" in str(fastml.explain(binarize))
    assert "no kernel" in str(fastml.explain(normalize))


def test_a_class_is_not_an_estimator():
    with pytest.raises(TypeError, match=r"explain\(Binarizer\(\)\)"):
        fastml.explain(fake.Binarizer)


def test_cycles_end():
    est = StandardScaler()
    est.self_ = types.SimpleNamespace()
    est.loop_ = [est, {"again": est}]
    assert fastml.explain(est).nested == {}
