"""Brute force among sparse samples: right to 1e-12, neighbours scikit-learn's but where its rounding decides."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.neighbors

import fastml
import fastml.neighbors
from fastml.neighbors import KNeighborsClassifier, NearestNeighbors
from tests.agreement import blocks
from tests.outcomes import assert_same_outcome, plain_names

from .sparse_cases import exact, plain_kind, sparse_case

BLOCK = 120
# What ours may be off by, of themselves; cosine: of 1.
RIGHT = {"cosine": 4e-15}
# What scikit-learn's may be off by: squares of the sizes of both rows, cosine of 1; of float32 data.
NOISE, NOISE_FLOAT32 = 2e-14, 4e-6


def rounding(case, values):
    """Return what results in float32 may be off by beside."""
    return np.abs(values) * 1e-7 if values.dtype == np.float32 else 0


def assert_right(case):
    kind = plain_kind(case.params)
    ours, theirs = (lib.neighbors.NearestNeighbors(**case.params).fit(case.X) for lib in (fastml, sklearn))
    distances, indices = ours.kneighbors(case.Q)
    plain, others = theirs.kneighbors(case.Q)
    alone = ours.kneighbors(case.Q, return_distance=False)
    report = fastml.explain(ours)["kneighbors"]
    assert report.reason is None, (str(case), report.reason)
    assert plain_names(report) == ("neighbors.sparse",), str(case)
    np.testing.assert_array_equal(alone, indices)
    assert distances.dtype == plain.dtype, str(case)
    assert indices.dtype == others.dtype, str(case)
    right, sizes = exact(case.asked, case.values, kind)
    rows = np.arange(len(right))[:, None]
    assert case.Q is not None or not (indices == rows).any(), str(case)
    assert (np.diff(np.sort(indices, axis=1)) > 0).all(), str(case)
    here, there = right[rows, indices], right[rows, others]
    off = np.abs(distances - here)
    allowed = RIGHT.get(kind, 1e-12 * np.maximum(here, 1e-290)) + rounding(case, distances)
    assert (off <= allowed).all(), (str(case), off.max())
    noise = NOISE_FLOAT32 if case.narrow else NOISE
    if not case.narrow:
        assert off.max() <= max(np.abs(plain - there).max(), 4e-15 * (kind == "cosine" or here.max())), str(case)
    if case.Q is None:
        np.fill_diagonal(right, np.inf)
    best = np.sort(right, axis=1)
    assert (np.abs(best[:, : case.k] - here) <= 2 * allowed + 1e-12 * here).all(), str(case)
    key = best**2 if kind == "euclidean" else best
    doubt = noise * (1 if kind == "cosine" else sizes.max(axis=1, keepdims=True))
    clear = (np.diff(key[:, : case.k + 1]) > doubt).all(axis=1)
    np.testing.assert_array_equal(indices[clear], others[clear], str(case))
    if case.whole and kind != "cosine" and case.Q is not None:  # exact: of equally near ones the first
        places = np.broadcast_to(np.arange(right.shape[1]), right.shape)
        np.testing.assert_array_equal(indices, np.lexsort((places, right))[:, : case.k], str(case))


def assert_right_within(case):
    kind, asked = plain_kind(case.params), {"X": case.Q, "radius": case.radius}
    ours, theirs = (lib.neighbors.NearestNeighbors(**case.params).fit(case.X) for lib in (fastml, sklearn))
    found, plain = (est.radius_neighbors(**asked) for est in (ours, theirs))
    report = fastml.explain(ours)["radius_neighbors"]
    assert (plain_names(report)[0], report.reason) == ("neighbors.sparse", None), str(case)
    ordered = ours.radius_neighbors(**asked, sort_results=True)
    alone = ours.radius_neighbors(**asked, return_distance=False)
    right, sizes = exact(case.asked, case.values, kind)
    noise = NOISE_FLOAT32 if case.narrow else NOISE
    for i in range(len(right)):
        distances, mine, others = found[0][i], found[1][i], plain[1][i]
        assert (distances.dtype, mine.dtype) == (plain[0][i].dtype, others.dtype), str(case)
        np.testing.assert_array_equal(mine, np.sort(mine))
        np.testing.assert_array_equal(mine, alone[i])
        assert case.Q is not None or i not in mine
        allowed = RIGHT.get(kind, 1e-12 * right[i, mine]) + rounding(case, distances)
        assert (np.abs(distances - right[i, mine]) <= allowed).all(), str(case)
        differ = list(set(mine) ^ set(others))
        apart = right[i, differ] ** 2 - case.radius**2 if kind == "euclidean" else right[i, differ] - case.radius
        doubt = noise if kind == "cosine" else noise * (sizes[i, differ] + case.radius**2)
        assert (np.abs(apart) <= doubt).all(), (str(case), i, differ)
        np.testing.assert_array_equal(np.sort(ordered[1][i]), mine)
        assert (np.diff(ordered[0][i]) >= 0).all(), str(case)


@blocks(6, quick=2)
def test_generated_cases(block):
    for seed in range(block * BLOCK, (block + 1) * BLOCK):
        assert_right(sparse_case(seed))


@blocks(4, quick=1)
def test_generated_cases_within_a_radius(block):
    for seed in range(5000 + block * BLOCK, 5000 + (block + 1) * BLOCK):
        assert_right_within(sparse_case(seed))


@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan"])
@pytest.mark.parametrize("name", ["KNeighborsClassifier", "KNeighborsRegressor"])
def test_predictions(name, metric, weights):
    rng = np.random.RandomState(0)
    X, Q = (sp.random(n, 300, 0.05, "csr", random_state=rng) for n in (400, 60))
    for y in (rng.randint(0, 4, 400), rng.randint(0, 4, (400, 2)), rng.randn(400)):
        if name == "KNeighborsClassifier" and y.dtype.kind == "f":
            continue
        ours, theirs = (
            getattr(lib.neighbors, name)(metric=metric, weights=weights).fit(X, y) for lib in (fastml, sklearn)
        )
        for asked in (Q, Q[:1], Q.toarray(), None):
            np.testing.assert_allclose(ours.predict(asked), theirs.predict(asked), rtol=1e-10)
            assert plain_names(fastml.explain(ours)["predict"]) == ("neighbors.sparse",)
            if name == "KNeighborsClassifier":
                np.testing.assert_allclose(ours.predict_proba(asked), theirs.predict_proba(asked), rtol=1e-10)


@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("name", ["RadiusNeighborsClassifier", "RadiusNeighborsRegressor"])
def test_predictions_within_a_radius(name, weights):
    rng = np.random.RandomState(0)
    X, Q = (sp.random(n, 300, 0.05, "csr", random_state=rng) for n in (400, 60))
    for y in (rng.randint(0, 4, 400), rng.randint(0, 4, (400, 2))):
        y = y.astype(float) if name == "RadiusNeighborsRegressor" else y
        ours, theirs = (
            getattr(lib.neighbors, name)(radius=0.95, metric="cosine", weights=weights).fit(X, y)
            for lib in (fastml, sklearn)
        )
        for asked in (Q, Q.toarray()):
            assert min(map(len, ours.radius_neighbors(asked)[1])) > 0
            np.testing.assert_allclose(ours.predict(asked), theirs.predict(asked), rtol=1e-10)
    graphs = [lib.neighbors.radius_neighbors_graph(X, 1.5, mode="distance").toarray() for lib in (fastml, sklearn)]
    np.testing.assert_allclose(*graphs, rtol=1e-10)
    graphs = [lib.neighbors.kneighbors_graph(X, 5, mode="distance").toarray() for lib in (fastml, sklearn)]
    np.testing.assert_allclose(*graphs, rtol=1e-10)


def text(n, d, entries, seed=0):
    """Words of unequal frequency, some of them in most of the rows, and one long row."""
    rng = np.random.RandomState(seed)
    odds = 1 / np.arange(1, d + 1)
    words = rng.choice(d, (n, entries), p=odds / odds.sum())
    X = sp.csr_matrix((rng.rand(n * entries), (np.repeat(np.arange(n), entries), words.ravel())), shape=(n, d)).tolil()
    X[n // 2] = rng.rand(d) * (rng.rand(d) < 0.7)
    return X.tocsr()


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan"])
def test_what_must_not_matter(metric):
    """Threads, how many queries are asked at once, and the backend: not a bit of the result."""
    X, Q = text(9000, 1500, 12), text(70, 1500, 12, seed=1)
    est = NearestNeighbors(n_neighbors=7, metric=metric).fit(X)
    radius = {"euclidean": 1.8, "cosine": 0.6, "manhattan": 6}[metric]
    with fastml.config_context(n_threads=1):
        one, within = est.kneighbors(Q), est.radius_neighbors(Q, radius)
    assert 100 < sum(map(len, within[1])) < 300_000  # neither none nor all
    for n_threads in (2, 3, 8):
        with fastml.config_context(n_threads=n_threads):
            for right, found in zip(one, est.kneighbors(Q), strict=True):
                np.testing.assert_array_equal(found, right)
            for right, found in zip(within, est.radius_neighbors(Q, radius), strict=True):
                np.testing.assert_array_equal(np.concatenate(found), np.concatenate(right))
    for row in (0, 35, 69):
        for right, found in zip(one, est.kneighbors(Q[row]), strict=True):
            np.testing.assert_array_equal(found[0], right[row])
    with fastml.config_context(backend="numba"):
        for right, found in zip(one, est.kneighbors(Q[30:40]), strict=True):
            np.testing.assert_array_equal(found, right[30:40])
        for right, found in zip(within, est.radius_neighbors(Q[30:34], radius), strict=True):
            np.testing.assert_array_equal(np.concatenate(found), np.concatenate(right[30:34]))
    assert fastml.explain(est)["kneighbors"].kernels == ("neighbors.sparse_jit",)


def test_numbers_of_neighbours():
    X = sp.csr_matrix(np.random.RandomState(0).randint(0, 2, (80, 9)).astype(float))
    right, _ = exact(X.toarray(), X.toarray(), "euclidean")
    order = np.lexsort((np.broadcast_to(np.arange(80), right.shape), right))
    for k in (1, 2, 31, 32, 33, 79, 80):
        np.testing.assert_array_equal(NearestNeighbors(n_neighbors=k).fit(X).kneighbors(X)[1], order[:, :k])


def test_rows_of_zeros_by_cosine():
    X = sp.csr_matrix(np.vstack([np.zeros((2, 3)), np.eye(3)]))
    ours, theirs = (lib.neighbors.NearestNeighbors(n_neighbors=1, metric="cosine").fit(X) for lib in (fastml, sklearn))
    np.testing.assert_array_equal(ours.kneighbors(ours._fit_X)[0], theirs.kneighbors(theirs._fit_X)[0])
    np.testing.assert_array_equal(ours.kneighbors(X.copy())[0], [[1], [1], [0], [0], [0]])
    assert ours.kneighbors()[0].tolist() == [[1]] * 5


def test_directions_that_agree_to_many_digits():
    rng = np.random.RandomState(0)
    X = sp.csr_matrix(rng.rand(30) * (rng.rand(30) < 0.5) * (1 + 1e-7 * rng.rand(40, 30)))
    for metric in ("cosine", "euclidean"):
        ours, theirs = (lib.neighbors.NearestNeighbors(metric=metric).fit(X).kneighbors() for lib in (fastml, sklearn))
        right = exact(X.toarray(), X.toarray(), metric)[0][np.arange(40)[:, None], ours[1]]
        bound = 1e-7 if metric == "cosine" else 1e-12
        assert (np.abs(ours[0] - right) <= bound * right).all(), metric
        assert np.abs(theirs[0] - right).max() > 100 * np.abs(ours[0] - right).max(), metric


REFUSED = {
    "has a feature twice": lambda X: sp.csr_matrix((X.data, X.indices // 2 * 2, X.indptr), shape=X.shape),
    "squares may overflow": lambda X: X * 1e160,
    "length loses digits": lambda X: X * 1e-150,
    "not sorted scikit-learn computes other manhattan": lambda X: sp.csr_matrix((X.data, X.indices[::-1], X.indptr)),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_runs_scikit_learns_own_code(reason):
    X = REFUSED[reason](sp.random(30, 40, 0.3, "csr", random_state=0))
    metric = "cosine" if "digits" in reason else "manhattan" if "manhattan" in reason else "euclidean"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # overflows
        ours, theirs = (lib.neighbors.NearestNeighbors(metric=metric).fit(X) for lib in (fastml, sklearn))
        np.testing.assert_array_equal(ours.kneighbors(X[:8])[0], theirs.kneighbors(X[:8])[0])
    assert reason in fastml.explain(ours)["kneighbors"].reason
    with fastml.config_context(strict=True), pytest.raises(fastml.FallbackError, match=reason):
        ours.kneighbors(X[:8])


def test_sparse_queries_of_dense_samples_run_scikit_learns_own_code():
    X = sp.random(50, 40, 0.3, "csr", random_state=0)
    ours, theirs = (lib.neighbors.NearestNeighbors().fit(X.toarray()) for lib in (fastml, sklearn))
    np.testing.assert_array_equal(ours.kneighbors(X)[1], theirs.kneighbors(X)[1])
    assert fastml.explain(ours)["kneighbors"].reason == "X is sparse."


def with_nan(X):
    X = X.copy()
    X.data[3] = np.nan
    return X


BAD = {
    "NaN": with_nan,
    "fewer features": lambda X: X[:, :7],
    "no rows": lambda X: X[:0],
    "strings": lambda X: "x",
    "one-dimensional": lambda X: X.toarray()[0],
    "complex": lambda X: X.astype(complex),
    "csc": lambda X: X.tocsc(),
    "bools": lambda X: X.astype(bool),
    "empty": lambda X: X * 0,
}
BAD_PARAMETERS = (
    {"metric": "sqeuclidean"}, {"metric": "chebyshev"}, {"metric": "haversine"}, {"p": 3}, {"metric": "word"},
    {"algorithm": "kd_tree"}, {"algorithm": "ball_tree"}, {"n_neighbors": 0}, {"n_neighbors": 31}, {"p": -1},
    {"metric_params": {"w": np.ones(40)}}, {"metric": "precomputed"}, {"metric": "minkowski", "p": 1},
)  # fmt: skip


@pytest.mark.parametrize("where", ["fit", "kneighbors"])
@pytest.mark.parametrize("kind", BAD)
def test_bad_samples(kind, where):
    X = sp.random(30, 40, 0.3, "csr", random_state=0)

    def action(library, left):
        left["estimator"] = est = library.KNeighborsClassifier(weights="distance")
        est.fit(BAD[kind](X) if where == "fit" else X, np.arange(30) % 3)
        return est.kneighbors(X if where == "fit" else BAD[kind](X), 2)[0].shape

    assert_same_outcome(action, fastml.neighbors, sklearn.neighbors)


@pytest.mark.parametrize("params", BAD_PARAMETERS, ids=str)
def test_bad_parameters(params):
    X = sp.random(30, 40, 0.3, "csr", random_state=0)

    def action(library, left):
        left["estimator"] = est = library.NearestNeighbors(**params).fit(X)
        return est.kneighbors()[0].shape

    assert_same_outcome(action, fastml.neighbors, sklearn.neighbors)


def test_wide_indices_by_manhattan():
    X = sp.random(30, 40, 0.3, "csr", random_state=0)
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)

    def action(library, left):
        return library.NearestNeighbors(metric="manhattan").fit(X).kneighbors(X)[0]

    assert_same_outcome(action, fastml.neighbors, sklearn.neighbors)


def test_samples_changed_in_place_count():
    X = sp.random(60, 40, 0.3, "csr", random_state=0)
    ours, theirs = (KNeighborsClassifier().fit(X, np.arange(60) % 3), sklearn.neighbors.NearestNeighbors().fit(X))
    for est in (ours, theirs):
        est._fit_X.data[:200] *= 3
    np.testing.assert_array_equal(ours.kneighbors(X)[1], theirs.kneighbors(X)[1])
    left = fastml.to_sklearn(ours)
    np.testing.assert_array_equal(left.kneighbors(X)[1], ours.kneighbors(X)[1])
    ours._fit_X = ours._fit_X[:20]
    assert ours.kneighbors(X)[1].max() < 20
