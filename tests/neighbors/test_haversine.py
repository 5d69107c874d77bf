"""Distances on the sphere: neighbours are scikit-learn's, distances to the bit."""

import pickle

import numpy as np
import pytest
import sklearn.neighbors
from scipy.sparse import csr_matrix
from sklearn.metrics.pairwise import haversine_distances

import fastml
import fastml.neighbors
from fastml.neighbors import NearestNeighbors
from tests.agreement import blocks
from tests.draws import laid_out
from tests.outcomes import assert_same_outcome

from .sphere_cases import sphere_case

# What scikit-learn's ball tree may be off by in what it leaves out; beyond 3 radians, where arc sines are steep.
ROUNDING, STEEP = 3e-13, 4e-7
ROUNDING_OF_BOUNDS = 1e-15  # of nodes so near


def answers(library, case, k):
    est = library.NearestNeighbors(n_neighbors=k, radius=case.radius, metric="haversine", **case.params).fit(case.X)
    asked = est.kneighbors(case.queries), est.radius_neighbors(case.queries, sort_results=True)
    return est, *asked, est.radius_neighbors(case.queries, return_distance=False)


def assert_neighbours(case, ours, theirs, D):
    """Distances to the bit; indices where no two of the distances are equal, and else ones at the same distances.

    But for queries of which scikit-learn's tree leaves out a nearer sample, by rounding: at a pole there are distances
    of 1e-17.
    """
    off = (ours[0] != theirs[0]).any(axis=1)
    assert (ours[0][off] <= theirs[0][off]).all(), case
    assert (theirs[0][off] - ours[0][off] <= ROUNDING_OF_BOUNDS).all(), case
    rows = np.arange(len(D))[:, None]
    at = D[rows, ours[1]]
    np.testing.assert_array_equal(at, np.sort(D, axis=1)[:, : at.shape[1]], err_msg=str(case))
    np.testing.assert_array_equal(at[~off], D[rows, theirs[1]][~off], err_msg=str(case))
    ranked = np.sort(D, axis=1)[:, : ours[1].shape[1] + 1]
    clear = (np.diff(ranked, axis=1) > 0).all(axis=1)
    np.testing.assert_array_equal(ours[1][clear & ~off], theirs[1][clear & ~off], err_msg=str(case))
    assert all(len(set(row)) == len(row) for row in ours[1]), case


def assert_members(case, ours, theirs, D, by_formula):
    """All within the radius; scikit-learn's own but for rounding at the border, none where it goes by the formula."""
    for q, (distances, indices) in enumerate(zip(*ours, strict=True)):
        np.testing.assert_array_equal(distances, D[q, indices], err_msg=str(case))
        assert np.array_equal(np.lexsort((indices, distances)), np.arange(len(indices))), case
        differ = list(set(indices) ^ set(theirs[1][q]))
        assert not (by_formula and differ), case
        assert (abs(D[q, differ] - case.radius) <= (ROUNDING if D[q].max() < 3 else STEEP)).all(), case


@blocks(4, 2)
def test_generated(block):
    n_ran = 0
    for seed in range(150 * block, 150 * (block + 1)):
        case = sphere_case(seed)
        n = len(case.values)
        k = 1 + seed % max(1, min(40, n - (case.queries is None)))
        if n == 1 and case.queries is None:
            continue
        with fastml.config_context(n_threads=1 + seed % 3):
            est, *ours = answers(fastml.neighbors, case, k)
        _, *theirs = answers(sklearn.neighbors, sphere_case(seed), k)
        asked = case.values if case.queries is None else np.asarray(case.queries)
        D = haversine_distances(asked, case.values)
        if case.queries is None:
            np.fill_diagonal(D, np.inf)
        reasons = [report.reason for report in fastml.explain(est).values()]
        n_ran += not any(reasons)
        if any(reasons):
            for mine, right in zip(ours[0], theirs[0], strict=True):
                np.testing.assert_array_equal(mine, right, err_msg=str(case))
            continue
        assert_neighbours(case, ours[0], theirs[0], D)
        by_formula = est._fit_method == "brute" and est._fit_X.dtype == asked.dtype  # else it compares angles
        assert_members(case, ours[1], theirs[1], D, by_formula)
        for row, alone in zip(ours[1][1], ours[2], strict=True):
            np.testing.assert_array_equal(np.sort(row), np.sort(alone), err_msg=str(case))
    assert n_ran > 100


def world(n, seed=0):
    rng = np.random.RandomState(seed)
    return np.column_stack([np.arcsin(rng.uniform(-1, 1, n)), rng.uniform(-np.pi, np.pi, n)])


@pytest.mark.parametrize("algorithm", ["auto", "ball_tree", "brute"])
@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_predictions(algorithm, weights):
    X, Q, params = world(400), world(60, 1), {"metric": "haversine", "algorithm": algorithm, "weights": weights}
    y = np.random.RandomState(2).randint(0, 3, 400).astype(float)
    for name in ("KNeighborsClassifier", "KNeighborsRegressor"):
        ours, theirs = (getattr(lib.neighbors, name)(**params).fit(X, y) for lib in (fastml, sklearn))
        for asked in (Q, Q[:1], None):
            np.testing.assert_array_equal(ours.predict(asked), theirs.predict(asked))
        if name == "KNeighborsClassifier":
            np.testing.assert_array_equal(ours.predict_proba(Q), theirs.predict_proba(Q))
    for name in ("RadiusNeighborsClassifier", "RadiusNeighborsRegressor"):
        ours, theirs = (getattr(lib.neighbors, name)(0.6, **params).fit(X, y) for lib in (fastml, sklearn))
        np.testing.assert_allclose(ours.predict(Q), theirs.predict(Q), rtol=1e-12)


def test_graphs_and_outlier_factors():
    X, metric = world(300), {"metric": "haversine"}
    for name, size in (("kneighbors_graph", 4), ("radius_neighbors_graph", 0.2)):
        for mode in ("connectivity", "distance"):
            made, right = (getattr(lib.neighbors, name)(X, size, mode=mode, **metric) for lib in (fastml, sklearn))
            np.testing.assert_array_equal(made.toarray(), right.toarray())
    for algorithm in ("ball_tree", "brute"):
        for points in (X, np.repeat(X[:100], 3, axis=0)):
            params = metric | {"algorithm": algorithm, "contamination": 0.1}
            ours, theirs = (lib.neighbors.LocalOutlierFactor(**params).fit(points) for lib in (fastml, sklearn))
            factors = ours.negative_outlier_factor_, theirs.negative_outlier_factor_
            np.testing.assert_allclose(*factors, rtol=1e-10)


def test_one_row_and_pickles():
    X = world(500)
    est = NearestNeighbors(metric="haversine").fit(X)
    distances, indices = est.kneighbors(X)
    for model in (est, pickle.loads(pickle.dumps(est))):
        for i in range(5):
            found = model.kneighbors(X[i : i + 1])
            np.testing.assert_array_equal(found[0][0], distances[i])
            np.testing.assert_array_equal(found[1][0], indices[i])
            assert fastml.explain(model)["kneighbors"].reason is None
    other = NearestNeighbors().fit(sklearn.neighbors.BallTree(X, metric="haversine"))
    np.testing.assert_array_equal(other.kneighbors(X)[0], distances)
    assert fastml.explain(other)["kneighbors"].reason is None


def test_many_neighbours_and_distances_among_antipodes():
    """From 33 neighbours on they are kept in a heap; near pi arc sines are steep, or of more than 1."""
    X = world(300)
    X = np.vstack([X, X * [-1, 1] + [0, np.pi]])
    ours, theirs = (
        lib.neighbors.NearestNeighbors(n_neighbors=600, metric="haversine").fit(X) for lib in (fastml, sklearn)
    )
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(ours.kneighbors(X)[0], theirs.kneighbors(X)[0])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_order_in_memory(dtype):
    X = world(200).astype(dtype)
    right = NearestNeighbors(metric="haversine").fit(X).kneighbors()
    for layout in ("F", "every_second_row", "flipped", "list"):
        for ours, other in zip(
            NearestNeighbors(metric="haversine").fit(laid_out(X.copy(), layout)).kneighbors(), right, strict=True
        ):
            np.testing.assert_array_equal(ours, other)


def test_samples_changed_in_place_count_as_they_are_by_brute_force():
    X = world(100)
    models = [lib.neighbors.NearestNeighbors(metric="haversine", algorithm="brute").fit(X) for lib in (fastml, sklearn)]
    X[:50] = world(50, 3)
    ours, theirs = (model.kneighbors(X) for model in models)
    np.testing.assert_array_equal(ours[0], theirs[0])
    assert fastml.explain(models[0])["kneighbors"].reason is None


@pytest.mark.parametrize(
    ("X", "queries", "reason"),
    [
        (np.degrees(world(50)), world(20), "beyond the poles"),
        (world(50), np.degrees(world(20)), "beyond the poles"),
        (np.add(world(50), [0, 9]), world(20), "beyond the poles"),
    ],
)
def test_points_beyond_the_sphere(X, queries, reason):
    ours, theirs = (lib.neighbors.NearestNeighbors(metric="haversine", radius=0.4).fit(X) for lib in (fastml, sklearn))
    with np.errstate(invalid="ignore"):
        for name in ("kneighbors", "radius_neighbors"):
            found, right = getattr(ours, name)(queries), getattr(theirs, name)(queries)
            for mine, other in zip(found[0], right[0], strict=True):
                np.testing.assert_array_equal(mine, other)
            assert reason in fastml.explain(ours)[name].reason
    assert len(fastml.explain(ours)["fit"].notes) == (np.abs(X).max() > 7)
    with fastml.config_context(strict=True), pytest.raises(fastml.FallbackError, match=reason):
        ours.kneighbors(queries)


@pytest.mark.parametrize("algorithm", ["auto", "ball_tree", "kd_tree", "brute"])
@pytest.mark.parametrize(
    "X", [world(30), np.ones((30, 3)), np.ones((30, 1)), np.full((30, 2), np.nan), world(3), world(30).astype(int)]
)
def test_bad_input(algorithm, X):
    for params in ({}, {"metric_params": {"p": 3}}, {"radius": -1.0}, {"radius": 4.0}, {"radius": np.nan}):

        def action(library, left, params=params):
            left["estimator"] = est = library.NearestNeighbors(metric="haversine", algorithm=algorithm, **params).fit(X)
            return est.kneighbors(X)[0], [np.sort(row) for row in est.radius_neighbors(X, return_distance=False)]

        assert_same_outcome(action, fastml.neighbors, sklearn.neighbors)


@pytest.mark.parametrize("algorithm", ["ball_tree", "brute"])
def test_queries_that_are_sparse_and_several_radii(algorithm):
    X = world(30)
    for asked, radius in ((csr_matrix(X), 0.5), (X, np.linspace(0, 1, 30)), (X, np.ones(3)), (X[:, :1], 0.5)):

        def action(library, left, asked=asked, radius=radius):
            left["estimator"] = est = library.NearestNeighbors(metric="haversine", algorithm=algorithm).fit(X)
            found = est.radius_neighbors(asked, radius, return_distance=False)
            return *map(np.sort, found), est.kneighbors(asked)[0]

        assert_same_outcome(action, fastml.neighbors, sklearn.neighbors)


@pytest.mark.slow
def test_numba_backend():
    for seed in range(9000, 9040):
        case, answers_of = sphere_case(seed), {}
        if len(case.values) < 4:
            continue
        for backend in ("numba", "cython"):
            with fastml.config_context(backend=backend):
                _, nearest, within, _ = answers(fastml.neighbors, case, 3)
            answers_of[backend] = [*nearest, *map(np.concatenate, within)]
        for one, other in zip(*answers_of.values(), strict=True):
            np.testing.assert_array_equal(one, other, err_msg=str(case))
