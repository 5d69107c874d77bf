"""Bad input gives scikit-learn's exception with its text, or its success, and leaves the same estimator behind."""

import numpy as np
import pytest
import sklearn.neighbors
from sklearn.neighbors import BallTree, KDTree

import fastml.neighbors
from tests.bad_inputs import DATA, NOT_A_COUNT, N, frame, good
from tests.outcomes import ADDRESS, assert_same_outcome

from .cases import NAMES

TREE = {"algorithm": "kd_tree"}


def labels():
    return np.arange(N) % 3


TARGETS = {
    "none": lambda: None,
    "too short": lambda: labels()[:-1],
    "column": lambda: labels()[:, None],
    "two columns": lambda: np.stack([labels(), labels() + 1], axis=1),
    "real": lambda: np.random.RandomState(0).randn(N),
    "words": lambda: np.array(["a", "b", "c"])[labels()],
    "NaN": lambda: np.append(np.ones(N - 1), np.nan),
    "objects": lambda: labels().astype(object),
    "list": lambda: labels().tolist(),
    "3-d": lambda: np.ones((N, 1, 1)),
    "one class": lambda: np.ones(N),
}
PARAMETERS = {
    "n_neighbors": (*NOT_A_COUNT, N, N + 1, N // 2),
    "algorithm": ("auto", "kd_tree", "ball_tree", "brute", "tree", None, 1),
    "leaf_size": (*NOT_A_COUNT,),
    "p": (1, 2, np.inf, 3, 0.5, 0, -1, None, "2", np.nan, True),
    "metric": ("minkowski", "euclidean", "l1", "infinity", "p", "haversine", "cosine", "nan_euclidean", "seuclidean",
               "precomputed", "word", None, lambda x, y: 0.0),
    "metric_params": ({}, {"p": 3}, {"w": np.ones(3)}, {"V": np.ones(3)}, {"x": 1}, 3),
    "n_jobs": (None, 1, 2, -1, 0, 1.5, "1"),
}  # fmt: skip


def assert_same(action):
    assert_same_outcome(action, fastml.neighbors, sklearn.neighbors)


def fitted(library, name, left, X=good, y=labels, **params):
    left["estimator"] = est = getattr(library, name)(**params)
    assert est.fit(X(), y()) is est
    assert est._tree is None or est._tree  # ours is made when it is asked for
    return est


def kneighbors(est, *args, **keywords):
    """Return the distances: these data have ties."""
    found = est.kneighbors(*args, **keywords)
    return found[0] if isinstance(found, tuple) else found.shape


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("name", NAMES)
def test_data_to_fit(name, data):
    def action(library, left):
        return kneighbors(fitted(library, name, left, DATA[data], **TREE), n_neighbors=1)

    assert_same(action)


@pytest.mark.parametrize("data", DATA)
def test_data_by_brute_force(data):
    """As the samples, and as the queries: their squared distances, because scikit-learn's zeros are not quite."""

    def fit(library, left):
        return kneighbors(fitted(library, NAMES[1], left, DATA[data], algorithm="brute"), n_neighbors=1)

    def ask(library, left):
        est = fitted(library, NAMES[1], left, algorithm="brute", n_neighbors=3)
        return kneighbors(est, DATA[data]()) ** 2, est.predict_proba(DATA[data]())

    assert_same(fit)
    assert_same(ask)


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("method", ["kneighbors", "radius_neighbors"])
def test_data_for_a_fitted_model(method, data):
    def action(library, left):
        est = fitted(library, "NearestNeighbors", left, radius=0.5, **TREE)
        found = getattr(est, method)(DATA[data]())
        return [len(row) for row in found[0]]

    assert_same(action)


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("name", NAMES[1:])
def test_data_to_predict(name, data):
    assert_same(lambda library, left: fitted(library, name, left, **TREE).predict(DATA[data]()))


@pytest.mark.parametrize("data", [name for name in DATA if "frame" in name or "column" in name])
def test_data_for_a_model_with_feature_names(data):
    assert_same(lambda library, left: kneighbors(fitted(library, NAMES[0], left, frame, **TREE), DATA[data]()))


@pytest.mark.parametrize("y", TARGETS)
@pytest.mark.parametrize("name", NAMES)
def test_targets(name, y):
    def action(library, left):
        est = fitted(library, name, left, y=TARGETS[y], **TREE)
        return est.predict(good()) if name != "NearestNeighbors" else kneighbors(est)

    assert_same(action)


def parameter_values():
    for parameter, values in PARAMETERS.items():
        for value in values:
            yield pytest.param(parameter, value, id=ADDRESS.sub("0x", f"{parameter}={value!r}")[:60])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("algorithm", ["auto", "kd_tree", "brute"])
@pytest.mark.parametrize(("parameter", "value"), list(parameter_values()))
def test_parameters(parameter, value, algorithm):
    for name in NAMES[:2]:
        params = {"algorithm": algorithm} | {parameter: value}
        assert_same(lambda library, left, params=params, name=name: kneighbors(fitted(library, name, left, **params)))


@pytest.mark.parametrize("n_neighbors", [*NOT_A_COUNT, True, N - 1, N, N + 1, 10**9])
@pytest.mark.parametrize("X", [None, "good"])
def test_number_of_neighbors(n_neighbors, X):
    def action(library, left, algorithm="kd_tree"):
        return kneighbors(fitted(library, NAMES[0], left, algorithm=algorithm), X and good() + 0.1, n_neighbors)

    assert_same(action)
    assert_same(lambda library, left: action(library, left, "brute"))


RADII = [0, -1, 1, 0.5, np.inf, np.nan, True, "1", [1.0], [1.0, 2.0], np.ones(N), np.arange(N) / N, np.ones((N, 1)),
         np.float32(0.5)]  # fmt: skip


@pytest.mark.parametrize("radius", RADII, ids=lambda radius: repr(radius)[:30])
@pytest.mark.parametrize("X", [None, "good"])
def test_radius(radius, X):
    def action(library, left):
        found = fitted(library, NAMES[0], left, **TREE).radius_neighbors(X and good(), radius)
        return [len(row) for row in found[0]]

    assert_same(action)


@pytest.mark.parametrize("keywords", [{"sort_results": True, "return_distance": False}, {"sort_results": 1}, {}])
def test_sorting(keywords):
    def action(library, left):
        found = fitted(library, NAMES[0], left, **TREE).radius_neighbors(good(), 1.0, **keywords)
        return len(found)

    assert_same(action)


@pytest.mark.parametrize("make", [KDTree, BallTree, lambda X: sklearn.neighbors.NearestNeighbors().fit(X)])
def test_a_fitted_tree_or_model_to_fit(make):
    def action(library, left):
        return kneighbors(fitted(library, NAMES[0], left, lambda: make(good())), good())

    assert_same(action)


@pytest.mark.parametrize("name", NAMES)
def test_not_fitted(name):
    assert_same(lambda library, left: getattr(library, name)().kneighbors(good()))
    assert_same(lambda library, left: getattr(library, name)()._tree)
