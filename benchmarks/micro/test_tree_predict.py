"""Prediction by trees, on one thread: few rows through the trees' own nodes, many through copies."""

import numpy as np
import pytest

sklearn = pytest.importorskip("sklearn", minversion="1.9")  # nodes of another type

N_FEATURES, N_TREES = 20, 20


@pytest.fixture(scope="module", params=[8, None], ids=["depth-8", "full-depth"])
def trees(request):
    from sklearn.datasets import make_classification
    from sklearn.ensemble import RandomForestClassifier

    X, y = make_classification(5_000, N_FEATURES, random_state=0)
    forest = RandomForestClassifier(N_TREES, max_depth=request.param, random_state=0).fit(X, y)
    return [tree.tree_ for tree in forest.estimators_]


@pytest.fixture(params=[1, 200, 20_000])
def X(request):
    return np.random.default_rng(0).standard_normal((request.param, N_FEATURES), np.float32)


def test_apply(benchmark, kernel, trees, X):
    out = np.empty((N_TREES, len(X)), np.int64)
    benchmark(kernel("tree.predict").apply, trees, X, None, out, 1)
    assert (out > 0).all()


def test_add_up(benchmark, kernel, trees, X):
    out = np.zeros((len(X), 1, 2))
    benchmark(kernel("tree.predict").add_up, trees, None, X, None, 1.0, out, 1)
    assert (out.sum(axis=2) > 0).all()
