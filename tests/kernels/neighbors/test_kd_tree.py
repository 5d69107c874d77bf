"""The k-d tree: its shape, and its answers against the definition, with ties, duplicates and sizes near every edge."""

import sys

import numpy as np
import pytest

from fastml._kernels.neighbors import trees
from fastml._kernels.neighbors.trees import (
    ABSENT,
    CHEBYSHEV,
    EUCLIDEAN,
    HAVERSINE,
    LEAF,
    MANHATTAN,
    OF_POINTS,
    OF_UNIT_VECTORS,
    WIDTH,
    Queries,
    Rows,
)
from tests.kernels.neighbors import naive
from tests.kernels.twins import twins

N_SAMPLES = (1, 2, 15, 16, 17, 33, 127, 128, 129, 145, 700)
METRICS = {"euclidean": EUCLIDEAN, "manhattan": MANHATTAN, "chebyshev": CHEBYSHEV, "power 2.5": CHEBYSHEV + 5}


@pytest.fixture(params=twins("neighbors.kd_tree"), scope="module")
def kernel(request):
    return request.param()


@pytest.fixture(params=METRICS.values(), ids=METRICS)
def metric(request):
    return request.param


def samples(kind, n, d, seed=0):
    random = np.random.RandomState([seed, n, d])
    if kind == "lattice":
        return random.randint(0, 4, (n, d)).astype(float)
    if kind == "equal":
        return np.full((n, d), 0.1)
    if kind == "far":
        return random.randn(n, d) + 1e6
    if kind == "line":
        return np.linspace(0, 1, n)[:, None] * random.randn(d)
    return random.randn(n, d)


KINDS = ("normal", "lattice", "equal", "far", "line")


def grown(kernel, X, n_threads=1):
    tree = trees.allocate(*X.shape)
    kernel.build(X, tree, n_threads)
    return tree


def nearest(kernel, tree, X, k, metric, selves=False, sequence=None, n_threads=1):
    distances, indices = np.empty((len(X), k)), np.empty((len(X), k), np.int64)
    kernel.nearest(tree, Queries(X, sequence, selves, metric), distances, indices, n_threads)
    return distances, indices


def within(kernel, tree, X, radii, metric, selves=False, sort=False, with_distances=True, n_threads=1):
    queries, indptr = Queries(X, None, selves, metric), np.zeros(len(X) + 1, np.int64)
    kernel.count_within(tree, queries, radii, indptr[1:], n_threads)
    np.cumsum(indptr, out=indptr)
    rows = Rows(indptr, np.empty(indptr[-1], np.int64), np.empty(indptr[-1]) if with_distances else None)
    kernel.fill_within(tree, queries, radii, rows, sort, n_threads)
    return rows


def assert_nearest(kernel, X, asked, k, metric, selves=False):
    found = nearest(kernel, grown(kernel, X), asked, k, metric, selves)
    for ours, right in zip(found, naive.nearest(X, asked, k, metric, selves), strict=True):
        np.testing.assert_array_equal(ours, right)


def test_by_hand(kernel):
    X = np.array([[0.0, 0], [3, 4], [6, 8], [0, 1]])
    tree = grown(kernel, X)
    assert tree.order.tolist() == [0, 1, 2, 3] + [-1] * (LEAF - 4)
    asked = np.array([[0.0, 0.0]])
    for metric, right in ((EUCLIDEAN, [0, 1, 5, 10]), (MANHATTAN, [0, 1, 7, 14]), (CHEBYSHEV, [0, 1, 4, 8])):
        distances, indices = nearest(kernel, tree, asked, 4, metric)
        assert distances.tolist() == [right]
        assert indices.tolist() == [[0, 3, 1, 2]]
    rows = within(kernel, tree, asked, np.array([5.0]), EUCLIDEAN, sort=True)
    assert (rows.indices.tolist(), rows.distances.tolist()) == ([0, 3, 1], [0, 1, 5])


@pytest.mark.parametrize("n", [*N_SAMPLES, 16 * 8 * 8 + 1, 5000])
def test_shape(kernel, n):
    """Every sample is in one leaf, every box is the box of its samples, and each leaf is some node's child."""
    X = samples("normal", n, 3)
    tree = grown(kernel, X)
    assert sorted(tree.order[:n]) == list(range(n))
    assert (tree.order[n:] == -1).all()
    leaves, nodes = [], [0]
    for node in range(len(tree.boxes)):
        assert node in nodes
        for c in range(WIDTH):
            child, (first, end) = tree.children[node, c], tree.starts[node, c : c + 2]
            if child == ABSENT:
                assert first == end
                assert np.isnan(tree.boxes[node, :, :, c]).all()
                continue
            rows = X[tree.order[first * LEAF : min(n, end * LEAF)]]
            np.testing.assert_array_equal(tree.boxes[node, :, 0, c], rows.min(axis=0))
            np.testing.assert_array_equal(tree.boxes[node, :, 1, c], rows.max(axis=0))
            (leaves if child < 0 else nodes).append(~child if child < 0 else child)
            assert child >= 0 or (first, end) == (~child, ~child + 1)
    assert sorted(leaves) == list(range(len(tree.points)))
    for leaf, points in enumerate(tree.points):
        rows = tree.order[leaf * LEAF : (leaf + 1) * LEAF]
        rows = rows[rows >= 0]
        assert (np.diff(rows) > 0).all()
        np.testing.assert_array_equal(points[:, : len(rows)].T, X[rows])


@pytest.mark.parametrize("kind", KINDS)
def test_twins_grow_the_same_tree(kernel, kind):
    from fastml._kernels.neighbors import kd_tree_jit

    for n in (17, 300, 3000):
        X = samples(kind, n, 3)
        for ours, plain in zip(grown(kernel, X), grown(kd_tree_jit, X), strict=True):
            np.testing.assert_array_equal(ours, plain)


@pytest.mark.parametrize("kind", KINDS)
def test_nearest(kernel, metric, kind):
    for n in N_SAMPLES:
        for d in (1, 3):
            X = samples(kind, n, d)
            asked = np.concatenate([X[: n // 2 + 1], samples(kind, 9, d, seed=1)])
            for k in {1, min(n, 7), min(n, 40)}:
                assert_nearest(kernel, X, asked, k, metric)
            if n > 1:
                assert_nearest(kernel, X, X, min(n - 1, 9), metric, selves=True)


def test_nearest_of_every_number(kernel):
    """Lists of one to four vectors, full and not, and heaps."""
    X = samples("lattice", 120, 2)
    for k in (*range(1, 36), 63, 64, 65, 119, 120):
        assert_nearest(kernel, X, X[:20], k, EUCLIDEAN)
    assert_nearest(kernel, X, X, 119, EUCLIDEAN, selves=True)


@pytest.mark.parametrize("d", [2, 8, 17, 40])
def test_many_features(kernel, metric, d):
    X = samples("normal", 400, d)
    assert_nearest(kernel, X, samples("normal", 50, d, seed=1), 5, metric)


def test_order_of_queries_changes_nothing(kernel):
    X, asked = samples("normal", 900, 3), samples("normal", 800, 3, seed=1)
    tree, sequence = grown(kernel, X), np.empty(800, np.int64)
    right = nearest(kernel, tree, asked, 6, EUCLIDEAN)
    kernel.arrange(tree, asked, EUCLIDEAN, sequence, 1)
    assert sorted(sequence) == list(range(800))
    for found, one in zip(nearest(kernel, tree, asked, 6, EUCLIDEAN, sequence=sequence), right, strict=True):
        np.testing.assert_array_equal(found, one)


def test_samples_are_arranged_by_their_leaves(kernel):
    """Of samples that are well apart the nearest leaf is their own."""
    X = samples("line", 640, 1)
    tree, sequence = grown(kernel, X), np.empty(640, np.int64)
    kernel.arrange(tree, X, EUCLIDEAN, sequence, 1)
    np.testing.assert_array_equal(sequence // LEAF, tree.order // LEAF)


def test_without_distances(kernel):
    X = samples("normal", 300, 3)
    for k in (5, 50):
        indices = np.empty((300, k), np.int64)
        kernel.nearest(grown(kernel, X), Queries(X, None, False, EUCLIDEAN), None, indices, 1)
        np.testing.assert_array_equal(indices, naive.nearest(X, X, k, EUCLIDEAN)[1])


@pytest.mark.parametrize("kind", KINDS)
def test_within(kernel, metric, kind):
    for n in N_SAMPLES:
        X = samples(kind, n, 2)
        tree, asked = grown(kernel, X), np.concatenate([X[: n // 2 + 1], samples(kind, 9, 2, seed=1)])
        for radius in (0.0, 1.0, 2.0, 5.0, np.inf, -1.0, np.nan):  # 1 and 2: exact distances of the lattice
            radii = np.full(len(asked), radius)
            right = naive.within(X, asked, radii, metric)
            for with_distances in (False, True):
                rows = within(kernel, tree, asked, radii, metric, with_distances=with_distances)
                for i, members in enumerate(right):
                    row = slice(rows.indptr[i], rows.indptr[i + 1])
                    np.testing.assert_array_equal(np.sort(rows.indices[row]), members)
            reduced = naive.reduced_distances(asked, X, metric)
            at = np.repeat(np.arange(len(asked)), np.diff(rows.indptr))
            np.testing.assert_array_equal(rows.distances, naive.restored(metric, reduced[at, rows.indices]))


def test_within_sorted_and_without_selves(kernel, metric):
    X = samples("lattice", 300, 2)
    radii = np.random.RandomState(0).uniform(0, 3, 300)
    rows = within(kernel, grown(kernel, X), X, radii, metric, selves=True, sort=True)
    for i, members in enumerate(naive.within(X, X, radii, metric, selves=True)):
        row = slice(rows.indptr[i], rows.indptr[i + 1])
        distances = naive.restored(metric, naive.reduced_distances(X[i : i + 1], X[members], metric)[0])
        order = np.argsort(distances, kind="stable")
        np.testing.assert_array_equal(rows.indices[row], members[order])
        np.testing.assert_array_equal(rows.distances[row], distances[order])


def test_split(kernel):
    for values in (np.arange(5), np.arange(5) / 2):
        rows = kernel.split(values, np.array([0, 2, 2, 5]))
        assert (rows.shape, rows.dtype) == ((3,), object)
        assert [row.tolist() for row in rows] == [values[:2].tolist(), [], values[2:].tolist()]
        assert {row.dtype for row in rows} == {values.dtype}
        assert all(row.flags.writeable and np.shares_memory(row, values) for row in rows[::2])
    assert kernel.split(np.empty(0), np.zeros(1, np.int64)).shape == (0,)


def test_split_rows_keep_the_values(kernel):
    values = np.arange(10**5)
    held = sys.getrefcount(values)
    rows = kernel.split(values, np.arange(10**5 + 1))
    assert sys.getrefcount(values) == held + 10**5
    del rows
    assert sys.getrefcount(values) == held


def on_sphere(kernel, kind, n):
    """Return points as the tree takes them, among them equal ones, some at a pole, and some a millimetre apart."""
    random = np.random.RandomState(n)
    X = np.column_stack([np.arcsin(random.uniform(-1, 1, n)), random.uniform(-np.pi, np.pi, n)])
    if kind == "degrees":
        X = np.radians(random.randint(0, 5, (n, 2)) * 0.1 + [89.7, 0]).clip(-np.pi / 2, np.pi / 2)
    if kind == "close":
        X = 0.5 + random.randint(0, 9, (n, 2)) * 1e-10
    made = np.empty((n, OF_POINTS))
    assert kernel.directions(X, made)
    return made


@pytest.mark.parametrize("kind", ["world", "degrees", "close"])
@pytest.mark.parametrize("n", [1, 17, 400])
def test_on_the_sphere(kernel, kind, n):
    X = on_sphere(kernel, kind, n)
    np.testing.assert_allclose(np.linalg.norm(X[:, :3], axis=1), 1, rtol=1e-15)
    tree = trees.allocate(*X.shape, OF_UNIT_VECTORS)
    kernel.build(X, tree, 1)
    reduced = np.array([[naive.haversine(x, y) for y in X[:, 3:5]] for x in X[:, 3:5]])
    for k in {1, min(n, 9), min(n, 40)}:
        distances, indices = nearest(kernel, tree, X, k, HAVERSINE)
        order = np.argsort(reduced, axis=1, kind="stable")[:, :k]
        np.testing.assert_array_equal(indices, order)
        np.testing.assert_array_equal(distances, np.take_along_axis(reduced, order, axis=1))
    arcs = reduced.copy()
    kernel.arcs(arcs)
    np.testing.assert_allclose(np.sin(arcs / 2) ** 2, reduced, rtol=1e-14, atol=1e-15)
    for radius in (0.0, arcs[0, n // 2], arcs[0, -1], 0.1, 3.0):
        for with_distances in (False, True):
            rows = within(kernel, tree, X, np.full(n, radius), HAVERSINE, with_distances=with_distances)
            for i, row in enumerate(reduced):
                found = slice(rows.indptr[i], rows.indptr[i + 1])
                members = np.flatnonzero(row <= naive.half_chord(radius))
                np.testing.assert_array_equal(np.sort(rows.indices[found]), members)
                if with_distances:
                    np.testing.assert_array_equal(rows.distances[found], arcs[i, rows.indices[found]])


def test_points_beyond_the_sphere(kernel):
    out = np.empty((1, OF_POINTS))
    for point, known in (((np.pi / 2, 7), True), ((1.6, 0), False), ((-1.6, 0), False), ((0, 7.1), False)):
        assert kernel.directions(np.array([point], float), out) == known
    assert not kernel.directions(np.full((1, 2), np.nan), out)


def test_twins_find_in_the_same_order(kernel):
    from fastml._kernels.neighbors import kd_tree_jit

    X = samples("normal", 900, 3)
    radii = np.full(900, 0.8)
    ours, plain = (within(twin, grown(twin, X), X, radii, EUCLIDEAN) for twin in (kernel, kd_tree_jit))
    np.testing.assert_array_equal(ours.indices, plain.indices)
    np.testing.assert_array_equal(ours.distances, plain.distances)


def test_no_bound_is_lost_to_overflow(kernel):
    X = np.array([[1e300], [-1e300], [0.0], [1e200]])
    distances, indices = nearest(kernel, grown(kernel, X), np.array([[1e300]]), 4, EUCLIDEAN)
    assert distances.tolist() == [[0.0, np.inf, np.inf, np.inf]]
    assert indices.tolist() == [[0, 1, 2, 3]]


def test_nan_harms_nothing(kernel):
    """Nobody checks the samples under assume_finite=True."""
    X = samples("normal", 700, 2)
    X[::3] = np.nan
    tree = grown(kernel, X)
    assert sorted(tree.order[:700]) == list(range(700))
    for k in (5, 50):
        distances, indices = nearest(kernel, tree, X, k, EUCLIDEAN)
        assert ((indices >= 0) & (indices < 700)).all()
        assert (distances[::3] == np.inf).all()


def test_threads_change_no_bit(kernel):
    X = samples("normal", 20_000, 3)
    one = grown(kernel, X)
    asked = samples("normal", 3000, 3, seed=1)
    right = nearest(kernel, one, asked, 10, EUCLIDEAN)
    balls = within(kernel, one, asked, np.full(3000, 0.1), EUCLIDEAN)
    for n_threads in (2, 3, 8):
        tree = grown(kernel, X, n_threads)
        for ours, first in zip(tree, one, strict=True):
            np.testing.assert_array_equal(ours, first)
        for ours, first in zip(nearest(kernel, tree, asked, 10, EUCLIDEAN, n_threads=n_threads), right, strict=True):
            np.testing.assert_array_equal(ours, first)
        found = within(kernel, tree, asked, np.full(3000, 0.1), EUCLIDEAN, n_threads=n_threads)
        for ours, first in zip(found, balls, strict=True):
            np.testing.assert_array_equal(ours, first)
