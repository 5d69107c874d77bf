"""Fitted models whose parameters or attributes are edited, and data at the edge, end as scikit-learn's do."""

import copy
import pickle
from itertools import product

import numpy as np
import pytest
import sklearn.neighbors
from sklearn.base import clone
from sklearn.neighbors import BallTree, KDTree

import fastml.neighbors
from tests.outcomes import assert_same_outcome

N = 60
CLASSIFIERS = ("KNeighborsClassifier", "RadiusNeighborsClassifier")
REGRESSORS = ("KNeighborsRegressor", "RadiusNeighborsRegressor")
TRANSFORMERS = ("KNeighborsTransformer", "RadiusNeighborsTransformer")
ALGORITHMS = ("kd_tree", "brute")


def samples(seed=0, n=N):
    """Return samples among which no two distances are equal. Squares are exact: so are scikit-learn's zeros."""
    return np.round(np.random.RandomState(seed).randn(n, 3) * 2**20) / 2**20


def targets(name, outputs=1):
    y = np.random.RandomState(5).randint(0, 4, (N, 2))
    if name in CLASSIFIERS:
        y = np.array(["north", "east", "south", "w"])[y]
    else:
        y = y + 0.5
    return y[:, 0] if outputs == 1 else y


def fitted(library, name, X=None, outputs=1, **params):
    if name.startswith("Radius"):
        params = {"radius": 2.0} | params
    if name == "RadiusNeighborsClassifier":
        params = {"outlier_label": "most_frequent"} | params
    est = getattr(library, name)(**params)
    return est.fit(samples() if X is None else X, targets(name, outputs))


def answers(est, X):
    """Return what the model says of samples, as arrays."""
    found = []
    if hasattr(est, "predict"):
        found.append(est.predict(X))
    if hasattr(est, "predict_proba"):
        proba = est.predict_proba(X)
        found += proba if isinstance(proba, list) else [proba]
    if hasattr(est, "transform"):
        found.append(est.transform(X).toarray())
    if hasattr(est, "kneighbors"):
        found += est.kneighbors(X)
    if hasattr(est, "radius_neighbors"):
        distances, indices = est.radius_neighbors(X, sort_results=True)
        order = [np.lexsort(row) for row in zip(indices, distances, strict=True)]  # equally near ones by index
        found += [np.concatenate([row[o] for row, o in zip(rows, order, strict=True)]) for rows in (distances, indices)]
    return tuple(found)


def assert_same(act, names=(*CLASSIFIERS, *REGRESSORS, *TRANSFORMERS), **choices):
    """Compare ``act(library, name, **choice)`` for every name, algorithm and combination of choices."""
    for name, algorithm, *values in product(names, ALGORITHMS, *choices.values()):
        choice = {"algorithm": algorithm} | dict(zip(choices, values, strict=True))
        try:
            assert_same_outcome(
                lambda library, left, name=name, choice=choice: act(library, name, **choice),
                fastml.neighbors,
                sklearn.neighbors,
            )
        except AssertionError as error:
            error.add_note(f"{name} {choice}")
            raise


def by_rank(distances):
    """Return weights of arrays of distances, or of arrays of such."""
    if distances.dtype == object:
        weights = np.empty(len(distances), object)
        weights[:] = [by_rank(row) for row in distances]
        return weights
    return 1 / (1 + distances)


EDITS = {
    "metric": lambda est: est.set_params(metric="manhattan"),
    "metric without kernel": lambda est: est.set_params(metric="canberra"),
    "metric that is none": lambda est: est.set_params(metric="word"),
    "metric of a function": lambda est: est.set_params(metric=lambda x, y: abs(x - y).sum()),
    "metric precomputed": lambda est: est.set_params(metric="precomputed"),
    "p": lambda est: est.set_params(p=1),
    "algorithm": lambda est: est.set_params(algorithm="ball_tree"),
    "samples": lambda est: setattr(est, "_fit_X", samples(1)),
    "fewer samples": lambda est: setattr(est, "_fit_X", samples(1, N // 2)),
    "more samples": lambda est: setattr(est, "_fit_X", samples(1, N + 20)),
    "samples of other features": lambda est: setattr(est, "_fit_X", samples(1)[:, :2].copy()),
    "samples and their features": lambda est: vars(est).update(_fit_X=samples(1)[:, :2].copy(), n_features_in_=2),
    "features": lambda est: setattr(est, "n_features_in_", 2),
    "a smaller tree": lambda est: setattr(est, "_tree", KDTree(samples(1, N // 2))),
    "a larger tree": lambda est: setattr(est, "_tree", KDTree(samples(1, N + 20))),
    "a tree of other features": lambda est: setattr(est, "_tree", KDTree(samples(1)[:, :2])),
    "effective metric": lambda est: setattr(est, "effective_metric_", "manhattan"),
    "another tree": lambda est: setattr(est, "_tree", KDTree(samples(1))),
    "a tree by another metric": lambda est: setattr(est, "_tree", KDTree(samples(), metric="manhattan")),
    "a tree of balls": lambda est: setattr(est, "_tree", BallTree(samples(1), metric="chebyshev")),
    "no tree": lambda est: setattr(est, "_tree", None),
    "classes": lambda est: hasattr(est, "classes_") and setattr(est, "classes_", est.classes_[::-1].copy()),
}


@pytest.mark.parametrize("edit", EDITS)
def test_edited_after_the_fit(edit):
    def act(library, name, asked, queries, **params):
        est = fitted(library, name, **params)
        if asked:
            answers(est, samples(2, 5))
        EDITS[edit](est)
        return answers(est, queries)

    names = [*CLASSIFIERS, *REGRESSORS]
    if edit == "samples of other features":
        names = REGRESSORS  # scikit-learn's votes by brute force do not look, and read what lies beyond the samples
    assert_same(act, asked=(False, True), queries=(samples(2, 9), None), names=names)


@pytest.mark.parametrize(
    "edit",
    [
        lambda est: setattr(est, "classes_", est.classes_[:2]),
        lambda est: setattr(est, "_y", est._y + 1),
        lambda est: setattr(est, "_y", est._y - 1),
    ],
)
@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_labels_beyond_the_classes(weights, edit):
    def act(library, name, asked, method, **params):
        est = getattr(library, name)(n_neighbors=3, weights=weights, **params).fit(samples(), np.arange(N) % 3)
        if asked:
            est.predict(samples(2, 5))
        edit(est)
        return getattr(est, method)(samples(2, 9))

    names = ("KNeighborsClassifier",)
    assert_same(act, asked=(False, True), method=("predict", "predict_proba"), names=names)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("scale", [1e-170, 1e100, 1e160, 1e300])
def test_squares_that_overflow(scale):
    """And that underflow: distances; who is near, and votes, where no distances are equal for it."""

    def act(library, name, weights, m, **params):
        est = fitted(library, name, samples() * scale, weights=weights, **params)
        if hasattr(est, "radius"):
            est.radius *= scale
            return answers(est, samples(2, m) * scale)
        if scale == 1e100:
            return answers(est, samples(2, m) * scale)
        return est.kneighbors(samples(2, m) * scale)[0]

    # One or two queries by brute force have no check of overflow: infinity, where scikit-learn's sums give 0.
    n_queries = (9,) if scale > 1e150 else (1, 9)
    assert_same(act, (*CLASSIFIERS, *REGRESSORS), weights=("uniform", "distance"), m=n_queries)


def test_other_types_of_queries():
    def act(library, name, fit, asked, **params):
        found = answers(fitted(library, name, samples().astype(fit), **params), samples(2, 9).astype(asked))
        return tuple(part.astype("f") if part.dtype == float else part for part in found)  # brute force is off

    assert_same(act, fit=("float64", "float32"), asked=("float64", "float32", "int64", "float16"))


def test_too_many_neighbors():
    def act(library, name, k, queries, method, **params):
        return getattr(fitted(library, name, n_neighbors=k, **params), method)(queries)

    assert_same(
        act, (CLASSIFIERS[0], REGRESSORS[0]), k=(N - 1, N, N + 1), queries=(samples(2, 9), None), method=("predict",)
    )


def test_votes():
    def act(library, name, outputs, weights, queries, **params):
        return answers(fitted(library, name, outputs=outputs, weights=weights, **params), queries)

    assert_same(
        act,
        (*CLASSIFIERS, *REGRESSORS),
        outputs=(1, 2),
        weights=("uniform", "distance", None, by_rank),
        queries=(samples(2, 9), samples(), None),
    )


def test_copies():
    def act(library, name, copied, asked, **params):
        est = fitted(library, name, **params)
        if asked:
            answers(est, samples(2, 5))
        other = copied(est)
        return (sorted(vars(other)) == sorted(vars(est)), *answers(other, samples(2, 9)))

    assert_same(
        act, copied=(lambda est: pickle.loads(pickle.dumps(est)), copy.copy, copy.deepcopy, clone), asked=(False, True)
    )
