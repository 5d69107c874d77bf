"""The whole way with the real estimators: a program written for scikit-learn gets what scikit-learn gives."""

import copy
import os
import pickle
import subprocess
import sys

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
import sklearn.base
import sklearn.cluster
from sklearn.cluster import _kmeans as defining
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import BaggingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, StandardScaler

import fastml

# Other test modules may have bound the names.
pytestmark = pytest.mark.filterwarnings("ignore:.* had been imported before patch_sklearn:UserWarning")

X, y = sklearn.datasets.make_blobs(300, 4, centers=5, cluster_std=2.0, random_state=0)
FRAME = pd.DataFrame(X, columns=list("abcd"))
CLASSES = ["KMeans", "MiniBatchKMeans"]


@pytest.fixture(autouse=True)
def _patched():
    fastml.patch_sklearn()
    yield
    fastml.unpatch_sklearn()


def pair(name, **params):
    """Our estimator, by the name that the program uses, and scikit-learn's."""
    params = {"n_clusters": 5, "random_state": 0, "n_init": 2} | params
    ours, plain = getattr(sklearn.cluster, name)(**params), getattr(defining, name)(**params)
    assert type(ours).__module__.startswith("fastml.")
    assert type(plain).__module__.startswith("sklearn.")
    return ours, plain


def assert_same_model(ours, plain):
    np.testing.assert_array_equal(ours.labels_, plain.labels_)
    np.testing.assert_allclose(ours.cluster_centers_, plain.cluster_centers_, rtol=1e-10, atol=1e-12)
    assert ours.n_iter_ == plain.n_iter_
    assert set(vars(ours)) == set(vars(plain))


@pytest.mark.parametrize("name", CLASSES)
def test_frames_and_feature_names(name):
    for frame in (pl.DataFrame(dict(FRAME.items())), FRAME):
        ours, plain = (est.fit(frame) for est in pair(name))
        assert_same_model(ours, plain)
        assert list(getattr(ours, "feature_names_in_", ())) == list(getattr(plain, "feature_names_in_", ()))
        np.testing.assert_array_equal(ours.predict(frame), plain.predict(frame))
    assert ours.feature_names_in_.tolist() == list("abcd")
    with pytest.warns(UserWarning, match="X does not have valid feature names, but"):
        ours.predict(X)
    messages = []
    for est in (ours, plain):
        with pytest.raises(ValueError, match="z") as caught:
            est.predict(FRAME.rename(columns={"a": "z"}))
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
    ours.fit(X)
    assert not hasattr(ours, "feature_names_in_")
    with pytest.warns(UserWarning, match="X has feature names, but"):
        ours.transform(FRAME)


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("container", ["pandas", "polars", "default"])
def test_set_output(name, container):
    ours, plain = (est.set_output(transform=container) for est in pair(name))
    for method in ("fit_transform", "transform"):
        out, expected = getattr(ours, method)(FRAME), getattr(plain, method)(FRAME)
        assert type(out) is type(expected)
        np.testing.assert_allclose(out, expected, rtol=1e-9)
        if container != "default":
            assert list(out.columns) == list(expected.columns) == list(ours.get_feature_names_out())
        if container == "pandas":
            assert out.index.equals(expected.index)


def test_set_output_for_all():
    with sklearn.config_context(transform_output="pandas"):
        out = make_pipeline(StandardScaler(), *pair("KMeans")[:1]).fit(FRAME).transform(FRAME)
    assert list(out.columns) == [f"kmeans{i}" for i in range(5)]


@pytest.mark.parametrize("name", CLASSES)
def test_metadata_routing(name):
    weights = np.random.default_rng(0).uniform(0.1, 1, 300)
    results = []
    with sklearn.config_context(enable_metadata_routing=True):
        for est in pair(name):
            with pytest.raises(Exception, match="sample_weight") as caught:
                make_pipeline(StandardScaler(), est).fit(X, sample_weight=weights)
            est.set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
            pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), est)
            pipeline.fit(X, sample_weight=weights)
            requests = {method: getattr(est.get_metadata_routing(), method).requests for method in ("fit", "score")}
            results.append(
                (
                    type(caught.value),
                    str(caught.value),
                    requests,
                    [name for name in dir(est) if name[0] != "_"],
                    pipeline[-1],
                )
            )
    (*ours, model), (*plain, plain_model) = results
    assert ours == plain
    assert model.cluster_centers_.shape == (5, 4)
    np.testing.assert_array_equal(model.labels_, plain_model.labels_)


@pytest.mark.parametrize("name", CLASSES)
def test_class_tags_parameters_and_repr(name):
    ours, plain = pair(name)
    assert ours.get_params() == plain.get_params()
    assert repr(ours) == repr(plain)
    assert ours.__sklearn_tags__() == plain.__sklearn_tags__()
    assert isinstance(plain, type(ours))
    assert isinstance(ours, type(plain))
    other = getattr(sklearn.cluster, next(other for other in CLASSES if other != name))
    assert not isinstance(ours, other)
    assert not isinstance(plain, other)
    assert "<style>" in ours._repr_html_()
    assert ours._get_doc_link() == plain._get_doc_link()
    assert f"sklearn.cluster.{name}.html" in ours._repr_html_()


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, sklearn.base.clone, pickle, cloudpickle, joblib])
@pytest.mark.parametrize("name", CLASSES)
def test_copies_and_pickles(name, how, tmp_path):
    for est in pair(name):
        est.fit(X)
        if how is joblib:
            joblib.dump(est, tmp_path / "model")
            again = joblib.load(tmp_path / "model")
        else:
            again = how(est) if callable(how) else pickle.loads(how.dumps(est))
        assert type(again) is type(est)
        assert again.get_params() == est.get_params()
        if how is not sklearn.base.clone:
            np.testing.assert_array_equal(again.predict(X), est.predict(X))


@pytest.mark.parametrize("name", CLASSES)
def test_pickles_of_plain_models_load_into_either_world(name):
    ours, plain = (est.fit(X) for est in pair(name))
    as_plain = fastml.to_sklearn(ours)
    assert type(as_plain) is type(plain)
    assert set(vars(as_plain)) == set(vars(plain))
    again = pickle.loads(pickle.dumps(as_plain))
    fastml.unpatch_sklearn()
    assert type(again) is getattr(sklearn.cluster, name)
    np.testing.assert_array_equal(again.predict(X), plain.predict(X))
    again.fit(X)
    np.testing.assert_array_equal(again.labels_, plain.labels_)


@pytest.mark.parametrize("name", CLASSES)
def test_to_sklearn_loads_where_fastml_is_not_installed(name, tmp_path):
    model = make_pipeline(StandardScaler(), pair(name)[0]).fit(X)
    (tmp_path / "model").write_bytes(pickle.dumps(fastml.to_sklearn(model)))
    np.save(tmp_path / "X.npy", X)
    code = (
        "import sys, pathlib, pickle, numpy as np; sys.modules['fastml'] = None\n"
        "model = pickle.loads(pathlib.Path('model').read_bytes()); print(*model.predict(np.load('X.npy')))"
    )
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert run.stderr == ""
    assert run.stdout.split() == [str(label) for label in model.predict(X)]


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_a_search_in_workers(backend):
    ours, plain = (
        GridSearchCV(make_pipeline(StandardScaler(), est), {"kmeans__n_clusters": [2, 5, 9]}, cv=3)
        for est in pair("KMeans")
    )
    with joblib.parallel_config(backend, n_jobs=2):
        ours.fit(X)
    plain.fit(X)  # in forked processes, "multiprocessing", scikit-learn's OpenMP code hangs
    np.testing.assert_allclose(
        ours.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"], rtol=1e-10, atol=0
    )
    assert ours.best_params_ == plain.best_params_
    explanation = fastml.explain(ours)
    assert "kmeans.lloyd" in explanation.nested["best_estimator_"].nested["steps[1][1]"]["fit"].kernels
    assert type(fastml.to_sklearn(ours).best_estimator_[-1]) is defining.KMeans


def test_strict_reaches_the_workers():
    est = sklearn.cluster.KMeans(2, n_init=1)
    with fastml.config_context(strict=True), joblib.parallel_config("loky"):
        scores = cross_val_score(est, X, cv=2, n_jobs=2, scoring=lambda est, X, y=None: est._n_threads)
    assert len(scores) == 2


def test_ensembles_and_columns():
    for est in pair("KMeans"):
        columns = ColumnTransformer([("k", est, ["a", "b"])], remainder="passthrough").fit(FRAME)
        assert columns.transform(FRAME).shape == (300, 7)
        bagging = BaggingClassifier(make_pipeline(est, LogisticRegression()), 3, random_state=0).fit(X, y > 2)
        assert bagging.score(X, y > 2) > 0.8


def test_scikit_learns_own_uses_keep_working():
    fitted = KBinsDiscretizer(4, strategy="kmeans", quantile_method="averaged_inverted_cdf").fit(X)
    fastml.unpatch_sklearn()
    plain = KBinsDiscretizer(4, strategy="kmeans", quantile_method="averaged_inverted_cdf").fit(X)
    np.testing.assert_allclose(np.concatenate(fitted.bin_edges_), np.concatenate(plain.bin_edges_), rtol=1e-10)


@pytest.mark.parametrize("name", CLASSES)
def test_errors_are_scikit_learns(name):
    outcomes = []
    for est in pair(name):
        messages = []
        for call in (
            lambda est: est.predict(X),
            lambda est: est.set_params(n_clusters=0).fit(X),
            lambda est: est.set_params(n_clusters=301).fit(X),
            lambda est: est.set_params(n_clusters=5, nothing=1),
            lambda est: est.set_params(init="nowhere").fit(X),
            lambda est: est.set_params(init="random").fit([["a", "b"]]),
            lambda est: est.fit(X).predict(X[:, :2]),
        ):
            with pytest.raises((ValueError, NotFittedError)) as caught:
                call(est)
            messages.append((type(caught.value), str(caught.value)))
        outcomes.append(messages)
    assert outcomes[0] == outcomes[1]


SCRIPT = """
import numpy as np
from sklearn.cluster import KMeans, MiniBatchKMeans, k_means, kmeans_plusplus
from sklearn.datasets import load_iris
from sklearn.metrics import silhouette_score
X = load_iris().data
for estimator in (KMeans(3, random_state=0), MiniBatchKMeans(3, random_state=0, n_init=3)):
    labels = estimator.fit_predict(X)
    print(estimator, *labels, estimator.n_iter_, round(silhouette_score(X, labels), 10))
centers, labels, inertia = k_means(X, 3, random_state=1)
print(np.round(centers, 9), *labels, round(inertia, 9))
print(kmeans_plusplus(X, 5, random_state=2))
"""


def test_an_unchanged_script_prints_the_same(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    out = [
        subprocess.run(
            [sys.executable, *way, "script.py"], cwd=tmp_path, capture_output=True, text=True, env=environment
        )
        for way in ([], ["-m", "fastml"])
    ]
    assert out[0].stdout == out[1].stdout
    assert out[0].returncode == out[1].returncode == 0, out[1].stderr
    assert "KMeans" in out[1].stdout
