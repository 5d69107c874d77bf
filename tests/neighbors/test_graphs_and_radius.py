"""Estimators and functions that stand on the searches: votes within a radius, graphs. Generated, compared.

Lattices of whole numbers and radii between their distances: what counts is then certain, even for brute force of
scikit-learn's, and of votes by distance the sums differ by rounding alone.
"""

import warnings

import numpy as np
import pytest
import sklearn.neighbors

import fastml
import fastml.neighbors
from tests.kernels.neighbors import naive

RADII = (0.5, 1.2, 1.5, 2.3)
EUCLIDEAN = 0


def farther_less(distances):
    """Return weights, of one row of an array or of rows that are arrays."""
    if distances.dtype == object:
        return np.array([*map(farther_less, distances), None], dtype=object)[:-1]
    return 1 / (1 + distances)


def draw(seed):
    """Return samples, queries, and parameters of estimators."""
    rng = np.random.RandomState([17, seed])
    n, d = rng.randint(2, 150), rng.choice([1, 2, 3, 16, 20])
    X = rng.randint(0, 6 if d < 5 else 2, (n, d)).astype(rng.choice(["float64", "float32"]))
    queries = [X + X.dtype.type(0), X[: n // 3 + 1][::-1].copy(), None][rng.randint(3)]
    params = {
        "algorithm": rng.choice(["auto", "brute", "kd_tree"]),
        "metric": rng.choice(["minkowski", "euclidean", "manhattan", "chebyshev", "sqeuclidean"]),
    }
    if params["metric"] == "sqeuclidean" and params["algorithm"] == "kd_tree":
        params["algorithm"] = "brute"
    return rng, X, queries, {name: str(value) for name, value in params.items()}


def outcome(action):
    """Return what an action gives or raises, and what it warns of."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            found = action()
        except (ValueError, TypeError) as error:
            found = repr(error)
    return found, sorted(str(w.message) for w in warned)


def assert_alike(action, *context):
    (ours, warned), (theirs, warned_too) = (outcome(lambda lib=lib: action(lib)) for lib in (fastml, sklearn))
    assert warned == warned_too, context
    assert type(ours) is type(theirs), (ours, theirs, context)
    if isinstance(theirs, str):
        assert ours == theirs, context
        return
    for mine, right in zip(*((part if isinstance(part, list) else [part]) for part in (ours, theirs)), strict=True):
        assert mine.dtype == right.dtype
        assert mine.shape == right.shape
        if right.dtype.kind == "f":
            np.testing.assert_allclose(
                mine, right, rtol=1e-10, atol=1e-7 * ("float32" in context), err_msg=str(context)
            )
        else:
            np.testing.assert_array_equal(mine, right, err_msg=str(context))


@pytest.mark.parametrize("block", range(3))
def test_votes_within_a_radius(block):
    for seed in range(40 * block, 40 * (block + 1)):
        rng, X, queries, params = draw(seed)
        params |= {
            "radius": float(rng.choice(RADII)),
            "weights": [None, "uniform", "distance", farther_less][rng.randint(4)],
        }
        labels = rng.randint(0, 4, (len(X), 2))
        y = [labels[:, 0], labels, np.array(list("abcd"))[labels[:, 0]]][rng.randint(3)]
        label = ["most_frequent", None, 2 if y.dtype.kind == "i" else "b", 9 if y.dtype.kind == "i" else "z"][
            rng.randint(4)
        ]
        targets = [rng.randn(len(X)), rng.randn(len(X), 2), rng.randint(0, 9, len(X))][rng.randint(3)]
        if X.dtype == np.float32 and params["weights"] == "distance":
            X, queries = X.astype(float), queries if queries is None else queries.astype(float)
        context = seed, params, str(X.dtype), label

        def classify(lib, method, X=X, y=y, params=params, label=label, queries=queries):
            est = lib.neighbors.RadiusNeighborsClassifier(**params, outlier_label=label).fit(X, y)
            return getattr(est, method)(queries)

        def average(lib, X=X, targets=targets, params=params, queries=queries):
            return lib.neighbors.RadiusNeighborsRegressor(**params).fit(X, targets).predict(queries)

        assert_alike(lambda lib: classify(lib, "predict_proba"), *context)
        if params["weights"] in (None, "uniform"):  # by distance equal votes fall as they round
            assert_alike(lambda lib: classify(lib, "predict"), *context)
        assert_alike(average, *context)


def dense(graph):
    assert graph.format == "csr"
    return graph.toarray()


def test_graphs():
    for seed in range(80):
        rng, X, queries, params = draw(seed)
        mode, k, include = rng.choice(["distance", "connectivity"]), rng.randint(1, 6), rng.choice([True, False])
        radius = float(rng.choice(RADII))
        more = {"mode": str(mode), "metric": params["metric"], "include_self": bool(include)}

        def transformed(lib, X=X, queries=queries, params=params, mode=mode, radius=radius):
            est = lib.neighbors.RadiusNeighborsTransformer(mode=mode, radius=radius, **params)
            return [dense(est.fit_transform(X)), dense(est.transform(X if queries is None else queries))]

        def within(lib, X=X, radius=radius, more=more):
            return dense(lib.neighbors.radius_neighbors_graph(X, radius, **more))

        def nearest(lib, X=X, k=k, params=params, mode=mode, more=more):
            """Sorted rows: which of equally near samples is a neighbour differs."""
            est = lib.neighbors.KNeighborsTransformer(mode=mode, n_neighbors=k, **params)
            graph = lib.neighbors.kneighbors_graph(X, k, **more)
            return [np.sort(dense(found), axis=1) for found in (est.fit_transform(X), graph)]

        for action in (transformed, within, nearest):
            assert_alike(action, seed, params, more, k, radius, str(X.dtype))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("offset", [0, 1e3])
def test_radius_by_brute_force_is_that_of_the_definition(dtype, offset):
    for seed in range(12):
        rng = np.random.RandomState(seed)
        n, d = rng.randint(1, 400), rng.choice([1, 3, 20])
        X = (rng.randint(0, 4, (n, d)) * 0.1 + offset if seed % 2 else rng.randn(n, d) + offset).astype(dtype)
        Q = (X[: rng.randint(1, n + 1)] + rng.choice([0, 0.1])).astype(dtype)
        radius = [0.0, 0.2, 0.1 * d, 3.0, 1e9, np.inf][seed % 6]
        est = fastml.neighbors.NearestNeighbors(radius=radius, algorithm="brute").fit(X)
        for queries in (Q, None):
            asked = X if queries is None else queries
            right = naive.within(
                X.astype(float), asked.astype(float), np.full(len(asked), radius), EUCLIDEAN, queries is None
            )
            distances, indices = est.radius_neighbors(queries)
            reduced = naive.reduced_distances(asked.astype(float), X.astype(float), EUCLIDEAN)
            alone = est.radius_neighbors(queries, return_distance=False)
            sorted_distances, sorted_indices = est.radius_neighbors(queries, sort_results=True)
            for q, members in enumerate(right):
                np.testing.assert_array_equal(indices[q], members)
                np.testing.assert_array_equal(alone[q], members)
                np.testing.assert_array_equal(distances[q], np.sqrt(reduced[q, members]))
                order = np.lexsort((members, distances[q]))
                np.testing.assert_array_equal(sorted_indices[q], members[order])
                np.testing.assert_array_equal(sorted_distances[q], distances[q][order])
        assert fastml.explain(est)["radius_neighbors"].reason is None


@pytest.mark.parametrize("algorithm", ["brute", "kd_tree"])
@pytest.mark.parametrize("k", [1, 5, 8, 9, 30, 140, 300])
def test_votes_have_the_bits_of_scikit_learns(k, algorithm):
    """Sums by distance, in its order."""
    rng = np.random.RandomState(k)
    X, Q = (np.round(rng.randn(n, 4) * 2**12) / 2**12 for n in (400, 60))  # exact squares: a zero is, too
    Q[0] = X[7]
    labels, targets = rng.randint(0, 5, (400, 2)), rng.randn(400, 2)
    for weights in ("uniform", "distance"):
        params = {"n_neighbors": k, "weights": weights, "algorithm": algorithm}
        for columns in (0, slice(0, 1), slice(0, 2)):
            found = []
            for lib in (fastml, sklearn):
                classifier = lib.neighbors.KNeighborsClassifier(**params).fit(X, labels[:, columns].squeeze())
                regressor = lib.neighbors.KNeighborsRegressor(**params).fit(X, targets[:, columns])
                found.append(
                    [
                        (np.vstack(classifier.predict_proba(q)), classifier.predict(q), regressor.predict(q))
                        for q in (Q, None)
                    ]
                )
            for ours, theirs in zip(*found, strict=True):
                for mine, right in zip(ours, theirs, strict=True):
                    if algorithm == "brute" and weights == "distance":  # its distances are off
                        np.testing.assert_allclose(mine, right, rtol=1e-9)
                    else:
                        np.testing.assert_array_equal(mine, right)
