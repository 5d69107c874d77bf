"""What runs, what is left to scikit-learn, and what the models may be asked."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.linear_model
from sklearn.base import clone

import fastml
import fastml.linear_model
from tests.outcomes import assert_same_outcome, plain_names

from .agreement import assert_same_models
from .cases import sgd_case

NAMES = ("SGDClassifier", "SGDRegressor", "Perceptron", "SGDOneClassSVM")


def samples(n=60, d=5):
    X = np.random.RandomState(0).randn(n, d)
    return X, (X[:, 0] > 0).astype(int)


@pytest.mark.parametrize("name", NAMES)
def test_kernels_run(name):
    X, y = samples()
    est = getattr(fastml.linear_model, name)()
    for fit in (est.fit, est.partial_fit):
        fit(X, y)
        report = fastml.explain(est)[fit.__name__]
        assert plain_names(report) == ("linear.sgd",)
        assert report.reason is None
    est.predict(X)
    assert list(fastml.explain(est).values())[-1].reason is None


@pytest.mark.parametrize("name", NAMES)
def test_verbose_runs_scikit_learns_own_code(name, capsys):
    X, y = samples()
    est = getattr(fastml.linear_model, name)(verbose=1).fit(X, y)
    assert "Epoch 1" in capsys.readouterr().out
    assert fastml.explain(est)["fit"].reason.startswith("verbose=1")
    with fastml.config_context(strict=True), pytest.raises(fastml.FallbackError, match="prints a line"):
        est.fit(X, y)


def test_sparse_weights_predict_by_scikit_learns_own_code():
    X, y = samples()
    est = fastml.linear_model.SGDClassifier(penalty="l1").fit(X, y)
    dense = est.predict(X)
    np.testing.assert_array_equal(est.sparsify().predict(X), dense)
    assert "weights" in fastml.explain(est)["predict"].reason


@pytest.mark.parametrize("name", NAMES)
def test_what_is_left_to_scikit_learn_ends_alike(name):
    X, y = samples()

    def no_entries(library, left):
        left["model"] = est = getattr(library, name)(random_state=0)
        est.fit(sp.csr_matrix(X.shape), y)

    def another_type(library, left):
        left["model"] = est = getattr(library, name)(random_state=0).fit(X, y)
        est.partial_fit(X.astype(np.float32), y)

    for action in (no_entries, another_type):
        assert_same_outcome(action, fastml.linear_model, sklearn.linear_model)


@pytest.mark.parametrize("name", NAMES)
def test_asked_in_every_way(name):
    X, y = samples()
    for given in (X, X[:1], X[:0], X.astype(np.float32), sp.csr_matrix(X), sp.csc_array(X), X.tolist()):
        for method in ("predict", "decision_function", "predict_proba", "score_samples"):

            def ask(library, left, given=given, method=method):
                est = getattr(library, name)(random_state=0).fit(X, y)
                return getattr(est, method)(given)

            assert_same_outcome(ask, fastml.linear_model, sklearn.linear_model)


def test_probabilities_and_names_of_classes():
    X, _ = samples()
    y = np.array(["red", "green", "blue"])[np.argsort(X[:, :3], axis=1)[:, 0]]
    for loss in ("log_loss", "modified_huber"):
        ours, plain = (
            module.SGDClassifier(loss=loss, random_state=0).fit(X, y)
            for module in (fastml.linear_model, sklearn.linear_model)
        )
        # after some twenty epochs, each of which multiplies what rounding has moved
        np.testing.assert_allclose(ours.predict_proba(X), plain.predict_proba(X), rtol=0, atol=1e-7)
        np.testing.assert_array_equal(ours.predict(X), plain.predict(X))


def test_a_users_decision_function_counts():
    class Contrary(fastml.linear_model.SGDClassifier):
        def decision_function(self, X):
            return -super().decision_function(X)

    X, y = samples()
    assert (Contrary(random_state=0).fit(X, y).predict(X) == y).mean() < 0.2


def test_pickles_and_clones():
    X, y = samples()
    est = fastml.linear_model.SGDClassifier(random_state=0).fit(X, y)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(est)).predict(X), est.predict(X))
    assert clone(est).get_params() == est.get_params()
    plain = fastml.to_sklearn(est)
    assert type(plain) is sklearn.linear_model.SGDClassifier
    np.testing.assert_array_equal(plain.predict(X), est.predict(X))


def test_hinges_have_scikit_learns_own_bits():
    """On lattices, where samples lie on the margin itself, and sums in another order would tell otherwise."""
    rng = np.random.RandomState(0)
    perceptron, constant = ("Perceptron", {"eta0": 0.1}), ("SGDClassifier", {"eta0": 0.1, "learning_rate": "constant"})
    for seed in range(120):
        X = (rng.randint(-3, 4, (50, rng.randint(2, 40))) * 0.1).astype([float, np.float32][seed % 3 == 2])
        X = sp.csr_matrix(X) if seed % 5 == 4 else X
        y, weights = rng.randint(0, 2 + seed % 2, 50), rng.randint(1, 4, 50) if seed % 4 == 3 else None
        for name, params in (perceptron, constant, ("SGDClassifier", {"penalty": "elasticnet"})):
            ours, plain = (
                getattr(module, name)(max_iter=20, tol=None, random_state=seed, **params).fit(
                    X, y, sample_weight=weights
                )
                for module in (fastml.linear_model, sklearn.linear_model)
            )
            np.testing.assert_array_equal(ours.coef_, plain.coef_)
            np.testing.assert_array_equal(ours.intercept_, plain.intercept_)


def test_out_of_core_is_in_memory():
    """Batches read one at a time give the weights of the same batches at hand."""
    X, y = samples(400)
    ours, plain = (module.SGDClassifier(random_state=0) for module in (fastml.linear_model, sklearn.linear_model))
    for first in range(0, 400, 50):
        for est in (ours, plain):
            est.partial_fit(X[first : first + 50].copy(), y[first : first + 50], classes=[0, 1])
    np.testing.assert_array_equal(ours.coef_, plain.coef_)


@pytest.mark.slow
def test_numba_backend(record_parity):
    assert_same_models(sgd_case, range(9_000, 9_300), record_parity, "numba sgd", backend="numba")


def test_numba_backend_is_what_runs():
    X, y = samples()
    with fastml.config_context(backend="numba"):
        est = fastml.linear_model.SGDRegressor().fit(X, y)
    assert fastml.explain(est)["fit"].backend == "numba"
