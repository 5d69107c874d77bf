"""Cosine distances by brute force: right to 4e-15, neighbours scikit-learn's but where its rounding decides."""

import numpy as np
import pytest
import sklearn.neighbors

import fastml
import fastml.neighbors
from fastml.neighbors import NearestNeighbors
from tests.cluster.cases import Draw
from tests.draws import laid_out
from tests.outcomes import plain_names

RIGHT = 4e-15  # what ours may be off by
NOISE = {"float64": 4e-15, "float32": 2e-6}  # what scikit-learn's may be off by: by 1 - x.y, of rows in their type
ESTIMATORS = ("NearestNeighbors", "KNeighborsClassifier", "KNeighborsRegressor", "RadiusNeighborsRegressor")


def case_of(seed):
    """Return samples, queries (or None), k and a radius."""
    draw = Draw(83, seed, False)
    rng = draw.rng
    n, d = draw.one_of(2, 3, 5, 17, 64, 65, 130, 300), draw.one_of(1, 2, 3, 5, 16, 33, 100)
    kind = draw.pick(blobs=10, normal=25, grid=25, duplicates=20, equal_rows=5, constant_columns=10, line=5)
    values = draw.values(kind, n, d)
    dtype = "float64" if rng.uniform() < 0.65 else draw.one_of("float32", "int64")
    if dtype == "float64" and rng.uniform() < 0.2:
        values = values + 1e6
    values = np.round(values).clip(-9, 9) if dtype == "int64" else values
    queries = draw.new_values(values, draw.one_of(1, 2, 3, 40))
    for rows in (values, queries):
        if rng.uniform() < 0.3:
            rows[rng.randint(0, len(rows), 2)] = 0
    layout = draw.pick(C=70, F=20, list=10)
    asked = None if rng.uniform() < 0.3 else laid_out(queries.astype(dtype), layout)
    radius = draw.one_of(0.0, 0.01, 0.3, 1.0, 1.0, 1.7, 2.0)
    return laid_out(values.astype(dtype), layout), asked, rng.randint(1, n), radius


def exact(Q, X):
    """Compute all distances, 1 from rows of zeros."""
    Q, X = (np.asarray(rows, np.longdouble) for rows in (Q, X))
    norms = [np.sqrt((rows**2).sum(axis=1)) for rows in (Q, X)]
    units = [rows / np.where(norm, norm, 1)[:, None] for rows, norm in zip((Q, X), norms, strict=True)]
    made = ((units[0][:, None] - units[1]) ** 2).sum(axis=2) / 2
    made[(norms[0] == 0)[:, None] | (norms[1] == 0)] = 1
    return made


def answers(library, X, Q, k, radius):
    est = library.NearestNeighbors(n_neighbors=k, radius=radius, metric="cosine").fit(X)
    return est, est.kneighbors(Q), est.radius_neighbors(Q, sort_results=True), est.radius_neighbors(Q)


@pytest.mark.parametrize("block", range(2))
def test_generated_cases(block):
    for seed in range(block * 120, (block + 1) * 120):
        X, Q, k, radius = case_of(seed)
        narrow = all(getattr(rows, "dtype", None) == np.float32 for rows in (X, X if Q is None else Q))
        noise = NOISE["float32" if narrow else "float64"]
        est, *ours = answers(fastml.neighbors, X, Q, k, radius)
        _, *theirs = answers(sklearn.neighbors, X, Q, k, radius)
        assert all(report.reason is None for report in fastml.explain(est).values()), seed
        right = exact(X if Q is None else Q, X)
        rows = np.arange(len(right))[:, None]
        (distances, indices), (plain, _) = ours[0], theirs[0]
        assert distances.dtype == plain.dtype, seed
        rounding = RIGHT + 1e-7 * narrow
        assert np.abs(distances - right[rows, indices]).max() <= rounding, seed
        assert np.abs(distances - plain).max() <= 2 * noise, seed
        assert (np.sort(indices, axis=1)[:, 1:] > np.sort(indices, axis=1)[:, :-1]).all(), seed
        assert Q is not None or not (indices == rows).any(), seed
        if Q is None:
            np.fill_diagonal(right, np.inf)
        assert np.abs(np.sort(right, axis=1)[:, :k] - distances).max() <= rounding, seed
        for found, plain in zip(ours[1:], theirs[1:], strict=True):
            for i, (mine, other) in enumerate(zip(found[1], plain[1], strict=True)):
                assert found[0][i].dtype == plain[0][i].dtype
                assert np.abs(found[0][i] - right[i, mine]).max(initial=0) <= rounding, seed
                differ = list(set(mine) ^ set(other))
                assert (np.abs(right[i, differ] - radius) <= noise).all(), (seed, i, differ)
        for distances, indices in zip(*ours[1], strict=True):
            assert (np.diff(distances) >= 0).all(), seed
            assert narrow or (np.lexsort((indices, distances)) == np.arange(len(indices))).all(), seed


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_predictions(name, weights):
    rng = np.random.RandomState(0)
    X, Q = rng.randn(300, 5), rng.randn(50, 5)
    y = rng.randint(0, 3, (300, 2)) if "Classifier" in name else rng.randn(300)
    for dtype, rtol in ((float, 1e-11), (np.float32, 1e-4)):
        params = {"metric": "cosine"} | ({} if name == "NearestNeighbors" else {"weights": weights})
        ours, theirs = (getattr(lib.neighbors, name)(**params).fit(X.astype(dtype), y) for lib in (fastml, sklearn))
        if name == "NearestNeighbors":
            np.testing.assert_allclose(
                ours.kneighbors_graph(Q.astype(dtype), mode="distance").toarray(),
                theirs.kneighbors_graph(Q.astype(dtype), mode="distance").toarray(),
                rtol=rtol,
                atol=1e-7,
            )
            return
        np.testing.assert_allclose(ours.predict(Q.astype(dtype)), theirs.predict(Q.astype(dtype)), rtol=rtol)
        assert plain_names(fastml.explain(ours)["predict"]) == ("neighbors.brute",)


def test_directions_that_agree_to_many_digits():
    X = np.random.RandomState(0).randn(200, 6) + 1e6
    ours, theirs = (lib.neighbors.NearestNeighbors(metric="cosine").fit(X).kneighbors() for lib in (fastml, sklearn))
    right = exact(X, X)[np.arange(200)[:, None], ours[1]]
    assert np.abs(ours[0] - right).max() < 1e-21
    assert np.abs(theirs[0] - right).max() > 1e-17


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_lengths_that_scikit_learn_does_not_scale(dtype):
    X = np.random.RandomState(0).randn(20, 3).astype(dtype)
    for length in (1e-17, 1e200 if dtype == "float64" else 1e25):
        for rows in (X * np.asarray(length, dtype), X):
            others = X * np.asarray(length, dtype) if rows is X else X
            est = NearestNeighbors(metric="cosine").fit(rows)
            right = sklearn.neighbors.NearestNeighbors(metric="cosine").fit(rows).kneighbors(others)
            np.testing.assert_array_equal(est.kneighbors(others)[0], right[0])
            assert "scikit-learn does not scale" in fastml.explain(est)["kneighbors"].reason


def test_rows_of_zeros_asked_among_themselves():
    X = np.vstack([np.zeros((2, 3)), np.eye(3)])
    ours, theirs = (lib.neighbors.NearestNeighbors(n_neighbors=1, metric="cosine").fit(X) for lib in (fastml, sklearn))
    np.testing.assert_array_equal(ours.kneighbors(ours._fit_X)[0], theirs.kneighbors(theirs._fit_X)[0])
    np.testing.assert_array_equal(ours.kneighbors(X.copy())[0], [[1], [1], [0], [0], [0]])


@pytest.mark.parametrize("kind", ["normal", "lattice", "duplicates"])
def test_outlier_factors(kind):
    rng = np.random.RandomState(0)
    X = {"normal": rng.randn(300, 4), "lattice": rng.randint(0, 3, (300, 4)) + 0.0, "duplicates": rng.randn(300, 4)}[
        kind
    ]
    if kind == "duplicates":
        X[100:200] = X[:100]
    ours, theirs = (lib.neighbors.LocalOutlierFactor(metric="cosine", novelty=True).fit(X) for lib in (fastml, sklearn))
    np.testing.assert_allclose(ours.negative_outlier_factor_, theirs.negative_outlier_factor_, rtol=1e-10)
    np.testing.assert_allclose(ours.score_samples(X + 0.1), theirs.score_samples(X + 0.1), rtol=1e-10)
