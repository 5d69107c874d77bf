"""Bad input of metrics gives scikit-learn's exception with its text, or its success."""

import numpy as np
import pytest
import sklearn.metrics

import fastml.metrics
from tests.bad_inputs import DATA, N, good
from tests.outcomes import assert_same_outcome

LABELS = np.arange(N) % 3
NAMES = ("silhouette_samples", "silhouette_score")
OTHER_LABELS = {
    "one cluster": np.zeros(N, int),
    "all apart": np.arange(N),
    "too few": LABELS[:-1],
    "NaN": np.where(LABELS == 0, np.nan, LABELS),
    "a column": LABELS[:, None],
    "2-d": np.stack([LABELS, LABELS], axis=1),
    "words": np.array(["a", "b", "c"])[LABELS],
    "a list of words": ["x", "y"] * (N // 2),
    "objects": np.array(["a", None, 3], dtype=object)[LABELS],
    "a number": 3,
    "None": None,
    "booleans": LABELS == 0,
    "one alone": np.minimum(np.arange(N), 1),
}
PARAMETERS = (
    {"metric": "l2"}, {"metric": "unknown"}, {"metric": None}, {"metric": 1}, {"metric": "cosine"},
    {"metric": "precomputed"},
    {"metric": "wminkowski"}, {"metric": "minkowski", "p": 3}, {"metric": "seuclidean"}, {"unknown": 1}, {"n_jobs": 1},
    {"n_jobs": 2}, {"n_jobs": -1}, {"n_jobs": 0}, {"n_jobs": 1.5}, {"n_jobs": "a"}, {"n_jobs": None}, {"n_jobs": True},
    {"working_memory": 1}, {"working_memory": -1}, {"squared": True}, {"Y": None},
)  # fmt: skip
OF_SCORE = (
    {"sample_size": 0}, {"sample_size": 3, "random_state": 0}, {"sample_size": 2.5}, {"sample_size": "a"},
    {"random_state": "a"}, {"sample_size": 10, "random_state": -1}, {"sample_size": 10, "random_state": 1},
)  # fmt: skip


def assert_same(name, X=good, labels=LABELS, **params):
    def action(library, left):
        return getattr(library, name)(X(), labels, **params)

    assert_same_outcome(action, fastml.metrics, sklearn.metrics)


@pytest.mark.parametrize("data", DATA)
def test_data(data):
    for name in NAMES:
        assert_same(name, DATA[data])
        assert_same(name, DATA[data], metric="cosine")
    assert_same("silhouette_score", DATA[data], sample_size=12, random_state=0)


@pytest.mark.parametrize("labels", OTHER_LABELS)
def test_labels(labels):
    for name in NAMES:
        assert_same(name, labels=OTHER_LABELS[labels])
    assert_same("silhouette_score", labels=OTHER_LABELS[labels], sample_size=12, random_state=0)


def test_parameters():
    for params in PARAMETERS:
        for name in NAMES:
            assert_same(name, **params)
    for params in OF_SCORE:
        assert_same("silhouette_score", **params)


@pytest.mark.parametrize("scale", [1e-320, 1e-200, 1e-50, 1e50, 1e155, 1e307])
@pytest.mark.filterwarnings("ignore")
def test_range(scale):
    assert_same("silhouette_samples", lambda: good() * scale)
    assert_same("silhouette_samples", lambda: good() * scale, metric="manhattan")
