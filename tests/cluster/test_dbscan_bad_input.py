"""Bad input of DBSCAN gives scikit-learn's exception with its text, or its success, and leaves the same estimator."""

import numpy as np
import pytest
import sklearn.cluster

import fastml.cluster
from tests.bad_inputs import DATA, NOT_A_COUNT, WEIGHTS, frame, good
from tests.outcomes import assert_same_outcome

PARAMETERS = {
    "eps": (0, -1, "a", None, np.nan, np.inf, True, 1j, [0.5], np.float32(0.5), 10, 1e-200, 1e200, 5e-324),
    "min_samples": (*NOT_A_COUNT, 10**12),
    "metric": ("l2", "sqeuclidean", "cosine", "manhattan", "precomputed", "unknown", None, 1, max),
    "metric_params": ({}, {"p": 2}, {"w": [1, 2, 3]}, {"unknown": 1}, "a", 1),
    "algorithm": ("kd_tree", "ball_tree", "brute", "tree", None, 1),
    "leaf_size": (*NOT_A_COUNT, 1, 10**9),
    "p": (0, -1, 1, 2, 0.5, np.inf, np.nan, "a", None),
    "n_jobs": (0, 1, -1, -100, 2.5, "a", None, True),
}


def assert_same(action):
    assert_same_outcome(action, fastml.cluster, sklearn.cluster)


def fitting(X, method="fit", sample_weight=None, **params):
    """Return the action of fitting a new estimator to what ``X`` and ``sample_weight`` build."""

    def action(library, left):
        left["estimator"] = est = library.DBSCAN(**({"min_samples": 3} | params))
        returned = getattr(est, method)(X(), sample_weight=sample_weight and sample_weight())
        return returned if method == "fit_predict" else None

    return action


@pytest.mark.parametrize("data", DATA)
def test_data(data):
    assert_same(fitting(DATA[data]))
    assert_same(fitting(DATA[data], "fit_predict"))
    assert_same(lambda library, left: library.dbscan(DATA[data](), min_samples=3))


@pytest.mark.parametrize("weights", WEIGHTS)
def test_weights(weights):
    assert_same(fitting(good, sample_weight=WEIGHTS[weights]))
    assert_same(fitting(lambda: good().astype(np.float32), sample_weight=WEIGHTS[weights]))
    assert_same(lambda library, left: library.dbscan(good(), sample_weight=WEIGHTS[weights]()))


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in PARAMETERS.items() for value in values])
def test_parameters(name, value):
    assert_same(fitting(good, **{name: value}))
    assert_same(lambda library, left: library.dbscan(good(), **{name: value}))
    assert_same(fitting(good, metric="minkowski", **({"p": 2} | {name: value} if name != "metric" else {"p": 2})))


@pytest.mark.parametrize(("dtype", "scale"), [(np.float64, 1e155), (np.float64, 1e307), (np.float32, 1e37)])
@pytest.mark.parametrize("algorithm", ["auto", "ball_tree", "brute"])
@pytest.mark.filterwarnings("ignore")
def test_squares_that_overflow(algorithm, dtype, scale):
    assert_same(fitting(lambda: (good() * scale).astype(dtype), algorithm=algorithm))


@pytest.mark.parametrize("data", ["NaN", "one column more", "words", "csr", "1-d"])
def test_a_second_fit(data):
    def action(library, left):
        left["estimator"] = est = library.DBSCAN(min_samples=3).fit(frame())
        est.fit(DATA[data]())

    assert_same(action)
