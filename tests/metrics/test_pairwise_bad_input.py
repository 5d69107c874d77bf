"""Bad input of the functions of pairs gives scikit-learn's exception with its text, or its success."""

import numpy as np
import pytest
import sklearn.metrics.pairwise

import fastml.metrics.pairwise
from tests.bad_inputs import DATA, good
from tests.outcomes import assert_same_outcome

TABLES = ("euclidean_distances", "manhattan_distances", "cosine_distances")
METRICS = (
    "l2", "l1", "cityblock", "cosine", "chebyshev", "sqeuclidean", "unknown", "wminkowski", "minkowski", "precomputed",
    "nan_euclidean", "haversine", "seuclidean", "hamming", "dice", None, 1,
)  # fmt: skip
OTHERS = tuple({"metric": metric} for metric in METRICS)
PARAMETERS = (
    *OTHERS, {"squared": True}, {"squared": "a"}, {"squared": 0}, {"metric": "l2", "squared": True},
    {"metric": "manhattan", "squared": True}, {"unknown": 1}, {"n_jobs": 0}, {"n_jobs": 2}, {"n_jobs": -1},
    {"n_jobs": 1.5}, {"n_jobs": True}, {"ensure_all_finite": False}, {"ensure_all_finite": "allow-nan"},
    {"ensure_all_finite": 1}, {"metric": "chebyshev", "ensure_all_finite": False},
    {"metric": "chebyshev", "w": np.ones(3)}, {"metric": "chebyshev", "n_jobs": 2}, {"force_all_finite": True},
)  # fmt: skip
OF_ARGMIN = (
    {"axis": 0}, {"axis": 2}, {"axis": "a"}, {"a": 1}, {"metric_kwargs": 3}, {"metric_kwargs": {"squared": True}},
    {"metric_kwargs": {"squared": 1}}, {"metric_kwargs": {"squared": True}, "metric": "l2"},
    {"metric_kwargs": {"p": 3}, "metric": "minkowski"},
)  # fmt: skip
NORMS = (
    lambda X: (X * X).sum(axis=1), lambda X: (X * X).sum(axis=1)[:, None], lambda X: (X * X).sum(axis=1)[None],
    lambda X: (X * X).sum(axis=1).astype(np.float32), lambda X: (X * X).sum(axis=1).tolist(),
    lambda X: (X * X).sum(axis=1) + 1, lambda X: np.ones(3), lambda X: np.full(len(X), np.nan), lambda X: "a",
)  # fmt: skip


def apart():
    """Other samples, none of which is one of the good ones: of these scikit-learn's distances are rounding errors."""
    return good() + 1


def assert_same(name, *arguments, **params):
    """Compare the outcomes; arguments are functions that build data, or are passed on."""

    def action(library, left):
        return getattr(library, name)(*(make() if callable(make) else make for make in arguments), **params)

    assert_same_outcome(action, fastml.metrics.pairwise, sklearn.metrics.pairwise)


@pytest.mark.parametrize("data", DATA)
def test_data(data):
    if data != "broadcast":  # equal rows: see above
        for name in TABLES:
            assert_same(name, DATA[data])
    assert_same("euclidean_distances", apart, DATA[data])
    assert_same("manhattan_distances", DATA[data], apart)
    assert_same("pairwise_distances", DATA[data], metric="chebyshev")
    assert_same("pairwise_distances", apart, DATA[data], metric="sqeuclidean", ensure_all_finite=False)
    assert_same("pairwise_distances_argmin", apart, DATA[data], metric="manhattan")
    assert_same("pairwise_distances_argmin_min", DATA[data], apart, axis=0)


def test_parameters():
    for params in PARAMETERS:
        for wide in (False, True):
            # multiples, whose squares are exact: so are scikit-learn's zeros
            X = np.random.RandomState(0).randint(0, 2**12, (9, 200 if wide else 3)) / 2**12
            params = {**params, "w": np.ones(200)} if wide and "w" in params else params
            assert_same("pairwise_distances", X, **params)
            assert_same("pairwise_distances", X, X[:4].copy(), **params)
    for params in (*OTHERS, *OF_ARGMIN):
        for name in ("pairwise_distances_argmin", "pairwise_distances_argmin_min"):
            assert_same(name, good, lambda: good()[:7] + 0.1, **params)
            assert_same(name, **params)
            assert_same(name, good, **params)


def test_arguments():
    for name in (*TABLES, "pairwise_distances"):
        assert_same(name)
        assert_same(name, Y=[[1.0]])
        assert_same(name, X=[[1.0]], Y=[[3.0]])
        assert_same(name, good, good, good, good)
        assert_same(name, good, unknown=1)
    assert_same("pairwise_distances", good, good, "manhattan")
    assert_same("euclidean_distances", good, squared="a")


def test_norms():
    for norms in NORMS:
        for dtype in (np.float64, np.float32):
            X, Y = good().astype(dtype), good()[:5].astype(dtype) + 1
            for squared in (False, True):
                assert_same("euclidean_distances", X, X_norm_squared=norms(X), squared=squared)
                assert_same("euclidean_distances", X, Y, Y_norm_squared=norms(Y), squared=squared)
            assert_same("pairwise_distances", X, Y, Y_norm_squared=norms(Y))


@pytest.mark.parametrize("scale", [1e-320, 1e-200, 1e-50, 1e30, 1e155, 1e307])
@pytest.mark.filterwarnings("ignore")
def test_range(scale):
    for name in ("euclidean_distances", "manhattan_distances", "pairwise_distances_argmin_min"):
        second = [(good() + 1) * scale] if "argmin" in name else []
        assert_same(name, good() * scale, *second)
        assert_same(name, good() * scale, good()[:5] * scale + scale)
        with np.errstate(over="ignore"):
            narrow = (good() * scale).astype(np.float32)
        assert_same(name, narrow, *second)
