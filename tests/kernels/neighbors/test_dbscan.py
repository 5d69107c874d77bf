import numpy as np
import pytest

from fastml._kernels.neighbors.density import BRUTE, KD_TREE, SPHERE, Density, Limits, SearchTree
from tests.kernels.twins import twins


@pytest.fixture(params=twins("neighbors.dbscan"), scope="module")
def kernel(request):
    return request.param().cluster


def limits(eps, search=KD_TREE, doubt=1e-13):
    square = eps * eps
    return Limits(eps, square, square, square * (1 - doubt), square * (1 + doubt), search)


def cluster(kernel, X, eps, min_samples, weights=None, doubt=0.0, n_threads=1, the_limits=None, tree=None):
    X = np.ascontiguousarray(X, dtype=float)
    density = Density(float(min_samples), weights, doubt, weights is not None and bool((weights < 0).any()))
    labels, core = np.empty(len(X), np.int64), np.empty(len(X), np.uint8)
    n_open = kernel(X, the_limits or limits(eps), tree, density, labels, core, n_threads)
    return n_open, labels, core


def naive(X, eps, min_samples, weights=None):
    """Labels and core samples by the definition."""
    near = ((X[:, None] - X) ** 2).sum(axis=2) <= eps * eps
    core = near @ (np.ones(len(X)) if weights is None else weights) >= min_samples
    labels, number = np.full(len(X), -1), 0
    for start in np.flatnonzero(core):
        if labels[start] >= 0:
            continue
        waiting = [start]
        while waiting:
            i = waiting.pop()
            if labels[i] < 0:
                labels[i] = number
                waiting += list(np.flatnonzero(near[i] & (labels < 0))) if core[i] else []
        number += 1
    return labels, core


def test_by_hand(kernel):
    X = np.array([[5], [0], [1], [9], [6], [2.0]])
    n_open, labels, core = cluster(kernel, X, 1, 3)
    assert (n_open, labels.tolist(), core.tolist()) == (0, [-1, 0, 0, -1, -1, 0], [0, 0, 1, 0, 0, 0])
    n_open, labels, core = cluster(kernel, X, 1, 2)
    assert (n_open, labels.tolist(), core.tolist()) == (0, [0, 1, 1, -1, 0, 1], [1, 1, 1, 0, 1, 1])


def test_a_border_point_belongs_to_the_first_cluster(kernel):
    X = np.array([[4.0], [4.5], [5], [3], [2], [1.5], [1]])  # 3 is a neighbour of 4 and of 2
    _, labels, core = cluster(kernel, X, 1, 4)
    assert core.tolist() == [1, 0, 0, 0, 1, 0, 0]
    assert labels.tolist() == [0, 0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("d", [1, 2, 3, 4, 5, 6, 7, 12])
@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 16, 17, 100, 333])
def test_as_by_the_definition(kernel, n, d):
    rng = np.random.RandomState(n + d)
    for scale in (0.05, 0.2, 0.6, 3.0):  # noise, clusters, one cluster, all points neighbours
        X = rng.uniform(size=(n, d))
        eps = scale * d**0.5
        for weights in (None, rng.randint(0, 3, n).astype(float), rng.randint(-1, 3, n).astype(float)):
            right, right_core = naive(X, eps, 5, weights)
            n_open, labels, core = cluster(kernel, X, eps, 5, weights, n_threads=3)
            assert n_open == 0
            np.testing.assert_array_equal(labels, right)
            np.testing.assert_array_equal(core, right_core)


@pytest.mark.parametrize("d", [2, 3, 5])
def test_far_apart_dense_and_alone(kernel, d):
    """Crowds that fill a cell, between which no grid is possible, and one point."""
    rng = np.random.RandomState(d)
    X = np.concatenate([1e-3 * rng.randn(1500, d), 1e30 + 1e15 * rng.randn(1, d), 0.5 + 1e-3 * rng.randn(700, d)])
    n_open, labels, core = cluster(kernel, X, 0.1, 10)
    assert n_open == 0
    assert labels.tolist() == [0] * 1500 + [-1] + [1] * 700
    assert core.sum() == 2200


def test_threads_change_nothing(kernel):
    rng = np.random.RandomState(0)
    for X in (rng.uniform(size=(20_000, 2)), rng.randn(12_000, 4)):
        right = cluster(kernel, X, 0.3 * X.shape[1] ** 2 / 100, 6)
        for n_threads in (2, 3, 8):
            for one, other in zip(
                cluster(kernel, X, 0.3 * X.shape[1] ** 2 / 100, 6, n_threads=n_threads), right, strict=True
            ):
                np.testing.assert_array_equal(one, other)


def test_pairs_in_doubt_are_left_open(kernel):
    X = np.array([[0.0, 0], [1, 0], [5, 0], [5.5, 0], [6, 0]])
    wide = limits(1.0, BRUTE, doubt=1e-3)
    assert cluster(kernel, X, 1, 2, the_limits=wide)[0] > 0  # whether the first two are core
    assert cluster(kernel, X[2:], 1, 2, the_limits=wide)[0] == 0  # the last two have another neighbour, and one cluster
    assert cluster(kernel, X[:2], 1, 1, the_limits=wide)[0] > 0  # one cluster or two
    assert cluster(kernel, X[:2], 1, 3, the_limits=wide)[0] == 0


def test_sums_of_weights_in_doubt_are_left_open(kernel):
    X, weights = np.zeros((10, 1)), np.full(10, 0.1)
    assert cluster(kernel, X, 1, 1, weights, doubt=1e-16)[0] > 0
    n_open, labels, core = cluster(kernel, X, 1, 1, weights + 1e-9, doubt=1e-16)
    assert (n_open, labels.tolist(), core.all()) == (0, [0] * 10, True)


@pytest.mark.parametrize("low", [0.0, 1e-17])
def test_a_pair_in_doubt_is_judged_by_the_tree(kernel, low):
    """The square of sqrt(3) is less than 3: for a leaf such a pair is apart, for a node within sqrt(3) it is one."""
    eps = 3**0.5
    X = np.array([[0.0, 0, 0], [1, 1, 1], [1, 1, 1]])
    the_limits = limits(eps)._replace(root_square=3.0)
    places, ends = np.arange(3, dtype=np.int32), np.array([3, 1, 3])
    corners = np.array([[low, 0, 0], [low, 0, 0], [1, 1, 1]])
    whole = SearchTree(places, ends, np.zeros(3), corners, np.array([[1.0, 1, 1], [0, 0, 0], [1, 1, 1]]))
    n_open, labels, _ = cluster(kernel, X, eps, 1, the_limits=the_limits, tree=whole)
    assert (n_open, labels.tolist()) == (0, [0, 0, 0])
    leaf = SearchTree(places, ends[:1], np.zeros(1), corners[:1] - 1, np.full((1, 3), 2.0))
    n_open, labels, _ = cluster(kernel, X, eps, 1, the_limits=the_limits, tree=leaf)
    assert (n_open, labels.tolist()) == (0, [0, 1, 1])


def test_on_the_sphere_pairs_in_doubt_are_judged_by_formula_and_by_the_tree(kernel):
    """Two points on the equator, one radian apart: for a leaf by their reduced distance, for a ball by its bounds."""
    points = np.array([[0.0, 0, 1], [0, 1, 1]])
    X, reduced = np.array([[1.0, 0, 0], [np.cos(1), np.sin(1), 0]]), np.sin(0.5) ** 2
    of_sphere = Limits(1.0, reduced, 0.0, reduced, 4.0, SPHERE, points)

    def labels(near, far, tree=None):
        its = of_sphere._replace(near=near, far=far)
        n_open, found, _ = cluster(kernel, X, 1, 1, the_limits=its, tree=tree)
        return None if n_open else found.tolist()

    assert labels(reduced * 1.001, reduced * 1.001) == [0, 0]
    assert labels(reduced * 0.999, reduced * 0.999) == [0, 1]
    assert labels(reduced * 0.999, reduced * 1.001) is None
    places, ends, centre = np.arange(2, dtype=np.int32), np.array([2]), np.array([[0, 0.5]])
    for radius, right in ((0.4, [0, 0]), (0.5, [0, 0]), (0.6, [0, 0]), (-0.6, [0, 1])):  # -0.6: out of the ball
        leaf = SearchTree(places, ends, np.array([radius]), centre, centre)
        assert labels(reduced * 0.999, reduced * 1.001, leaf) == right
