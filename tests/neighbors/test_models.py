"""Fitted models are scikit-learn's: pickles, copies, its tree where it is asked for, models made of other models."""

import copy
import pickle

import numpy as np
import pytest
import sklearn.neighbors
from sklearn.neighbors import BallTree, KDTree

import fastml
import fastml.neighbors
from fastml.neighbors import KNeighborsClassifier, NearestNeighbors

X = np.random.RandomState(0).randn(300, 3)
OTHERS = np.random.RandomState(1).randn(40, 3)


def plain(**params):
    return sklearn.neighbors.NearestNeighbors(**params).fit(X)


def assert_answers(est, right):
    for ours, theirs in zip(est.kneighbors(OTHERS), right.kneighbors(OTHERS), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def ran(est, method="kneighbors"):
    return fastml.explain(est)[method]


def test_attributes_are_scikit_learns():
    est = NearestNeighbors().fit(X)
    assert set(vars(plain())) - set(vars(est)) == {"_tree"}
    assert type(est._tree) is KDTree
    assert sorted(vars(est)) == sorted(vars(plain()))
    np.testing.assert_array_equal(est._tree.query(OTHERS, 5)[1], est.kneighbors(OTHERS)[1])


@pytest.mark.parametrize("leave", [lambda est: pickle.loads(pickle.dumps(est)), copy.copy, copy.deepcopy])
def test_copies(leave):
    left = leave(NearestNeighbors(metric="manhattan").fit(X))
    assert sorted(vars(left)) == sorted(vars(plain()))
    assert type(vars(left)["_tree"]) is KDTree
    assert_answers(left, plain(metric="manhattan"))
    assert ran(left).reason is None


def test_to_sklearn():
    left = fastml.to_sklearn(NearestNeighbors().fit(X))
    assert type(left) is sklearn.neighbors.NearestNeighbors
    assert sorted(vars(left)) == sorted(vars(plain()))
    assert_answers(left, plain())


def test_a_plain_model_turned_into_ours():
    """As under a patch, where a pickle of scikit-learn's own class meets our code."""
    est = plain(p=1)
    est.__class__ = NearestNeighbors
    assert_answers(est, plain(p=1))
    assert ran(est).reason is None


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev", "minkowski"])
def test_the_metric_is_that_of_the_tree(metric):
    """A model fitted to a tree, or to another model, answers by the metric of that."""
    tree = KDTree(X, metric=metric, **({"p": 3.3} if metric == "minkowski" else {}))
    est, right = NearestNeighbors().fit(X).fit(tree), sklearn.neighbors.NearestNeighbors().fit(tree)
    assert_answers(est, right)
    assert (ran(est).reason is None) == (metric != "minkowski")
    other = NearestNeighbors(metric="manhattan").fit(X)
    assert_answers(NearestNeighbors().fit(X).fit(other), plain(metric="manhattan"))


@pytest.mark.parametrize("metric", ["minkowski", "l1", "chebyshev", "canberra"])
def test_ball_trees(metric):
    """Ours is searched, unless there is no kernel for the metric; scikit-learn's is grown when something asks."""
    est = NearestNeighbors(algorithm="ball_tree", metric=metric).fit(X)
    right = sklearn.neighbors.NearestNeighbors(algorithm="ball_tree", metric=metric).fit(X)
    assert ("_tree" in vars(est)) == (metric == "canberra")
    assert_answers(est, right)
    assert type(est._tree) is BallTree
    for ours, theirs in zip(est._tree.get_arrays(), right._tree.get_arrays(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert (ran(est).reason is None) == (metric != "canberra")
    assert_answers(pickle.loads(pickle.dumps(est)), right)


def test_a_fit_forgets_the_last_one():
    est = NearestNeighbors().fit(X)
    est.kneighbors(OTHERS)
    est._tree  # noqa: B018
    est.fit(X[:50])
    assert est._tree.get_arrays()[0].shape == (50, 3)
    assert_answers(est, sklearn.neighbors.NearestNeighbors().fit(X[:50]))
    est.set_params(algorithm="brute").fit(X)
    assert est._tree is None
    np.testing.assert_array_equal(est.kneighbors(OTHERS)[1], plain().kneighbors(OTHERS)[1])


def test_two_models_of_one_array():
    """Each answers for the samples that it was fitted to."""
    mine = X.copy()
    first = NearestNeighbors().fit(mine)
    before = first.kneighbors(OTHERS)
    mine += 5
    second = NearestNeighbors().fit(mine)
    for ours, kept in zip(first.kneighbors(OTHERS), before, strict=True):
        np.testing.assert_array_equal(ours, kept)
    np.testing.assert_array_equal(second.kneighbors(OTHERS + 5)[1], before[1])


def test_algorithm_is_left_as_it_was():
    for X_bad in (X, np.full((3, 2), np.nan)):
        est = NearestNeighbors(algorithm="kd_tree")
        try:
            est.fit(X_bad)
        except ValueError:
            pass
        assert est.algorithm == "kd_tree"


def test_brute_force():
    """Samples changed in place count as they are, as in scikit-learn."""
    mine = np.random.RandomState(0).randn(100, 20)
    ours, theirs = (lib.NearestNeighbors().fit(mine) for lib in (fastml.neighbors, sklearn.neighbors))
    assert sorted(vars(ours)) == sorted(vars(theirs))
    for offset in (0, 3):
        mine += offset * np.random.RandomState(1).randn(100, 20)
        np.testing.assert_array_equal(ours.kneighbors()[1], theirs.kneighbors()[1])
        np.testing.assert_allclose(ours.kneighbors()[0], theirs.kneighbors()[0], rtol=1e-12)
    assert ran(ours).kernels == ("neighbors.brute",) or ran(ours).kernels == ("neighbors.brute_jit",)


@pytest.mark.parametrize("metric", ["manhattan", "l1", "chebyshev"])
def test_brute_force_by_other_metrics(metric):
    ours, theirs = NearestNeighbors(metric=metric, algorithm="brute").fit(X), plain(metric=metric, algorithm="brute")
    for queries in (OTHERS, OTHERS[:1], None):
        for found, right in zip(ours.kneighbors(queries), theirs.kneighbors(queries), strict=True):
            np.testing.assert_array_equal(found, right)
        for found, right in zip(
            ours.radius_neighbors(queries, 1.2), theirs.radius_neighbors(queries, 1.2), strict=True
        ):
            for row, right_row in zip(found, right, strict=True):
                np.testing.assert_array_equal(row, right_row)
    assert ran(ours).reason is None


def test_brute_force_without_a_kernel_runs_scikit_learns_code():
    est = NearestNeighbors(metric="correlation", algorithm="brute").fit(X)
    np.testing.assert_array_equal(est.kneighbors()[1], plain(metric="correlation", algorithm="brute").kneighbors()[1])
    assert "correlation" in ran(est).reason
    est.radius_neighbors()
    assert ran(est, "radius_neighbors").reason


def test_strict():
    with fastml.config_context(strict=True):
        NearestNeighbors(algorithm="brute").fit(X).kneighbors()
        NearestNeighbors().fit(X).kneighbors()
        KNeighborsClassifier(algorithm="kd_tree").fit(X, X[:, 0] > 0).predict(OTHERS)
        NearestNeighbors(algorithm="ball_tree").fit(X).kneighbors()
        with pytest.raises(fastml.FallbackError, match="no kernel for trees"):
            NearestNeighbors(algorithm="ball_tree", metric="canberra").fit(X)


def test_large_answers_are_made_of_arrays_of_their_own_type():
    distances, indices = NearestNeighbors(radius=0.5).fit(X).radius_neighbors()
    assert distances.dtype == indices.dtype == object
    assert {row.dtype for row in distances} == {np.dtype(float)}
    assert {row.dtype for row in indices} == {np.dtype(np.intp)}


def test_a_subclass_may_fit_in_its_own_way():
    class Noted(NearestNeighbors):
        def _fit(self, X, y=None):
            self.seen_ = len(X)
            return super()._fit(X, y)

    est = Noted(n_neighbors=5).fit(X)
    assert est.seen_ == 300
    assert ran(est, "fit").reason is None
    assert_answers(est, plain(n_neighbors=5))


def test_too_many_neighbours_of_named_samples_warn_once():
    frame = pytest.importorskip("pandas").DataFrame(X[:1], columns=list("abc"))
    est = NearestNeighbors(n_neighbors=3).fit(X[:1])
    with pytest.warns(UserWarning, match="feature names") as warned, pytest.raises(ValueError, match="n_neighbors"):
        est.kneighbors(frame)
    assert len(warned) == 1
