from importlib import import_module

import numpy as np
import pytest

from tests.kernels.exact import fused
from tests.kernels.kmeans.steps import (
    DTYPES,
    KINDS,
    LARGE_SIZES,
    SIZES,
    WEIGHTS,
    Problem,
    Steps,
    dense_and_csr,
    elkan_rule,
    no_labels,
    squared_norms,
)


@pytest.fixture(params=dense_and_csr("kmeans.lloyd"), scope="module")
def steps(request):
    return Steps(*request.param)


@pytest.fixture(scope="module")
def truth(steps):
    """The plain twin, to which every kernel is held."""
    name = "lloyd_csr_jit" if steps.sparse else "lloyd_jit"
    return Steps(lambda: import_module(f"fastml._kernels.kmeans.{name}"), steps.sparse)


@pytest.fixture(params=DTYPES)
def dtype(request):
    return request.param


def column(values, dtype):
    return np.array(values, dtype)[:, None]


# Computed by hand ----------------------------------------------------------------------------------------------------


def test_the_nearest_centre_and_of_equally_near_ones_the_first(steps, dtype):
    X, centers = column([1, 9, 5, 15, -7], dtype), column([0, 10, 20], dtype)
    labels, n_changed = steps.assign(X, centers, no_labels(5))
    assert labels.tolist() == [0, 1, 0, 1, 0]
    assert n_changed == 5
    assert labels.dtype == np.int32


def test_of_equal_centres_the_first_gets_the_samples(steps, dtype):
    centers = np.array([[1, 2], [3, 4], [3, 4], [1, 2]], dtype)
    labels, _ = steps.assign(np.array([[3, 4], [1, 2], [3, 5]], dtype), centers, no_labels(3))
    assert labels.tolist() == [1, 0, 1]


def test_elkans_rule_leaves_a_tied_label(steps, dtype):
    X, centers = column([5, 5, 5, 4, 6], dtype), column([0, 10, 10], dtype)
    old = np.array([-1, 1, 2, 1, 0], np.int32)
    labels, n_changed = steps.assign(X, centers, old, elkan=elkan_rule(5, centers))
    assert labels.tolist() == [0, 1, 2, 0, 1]
    assert n_changed == 3
    labels, n_changed = steps.assign(X, centers, old)
    assert labels.tolist() == [0, 0, 0, 0, 1]
    assert n_changed == 5


def test_elkans_rule_looks_at_no_centre_beyond_half_its_distance(steps, dtype):
    """A sample a little past the midpoint: whoever looks at the second centre goes there."""
    past = np.nextafter(dtype(5), dtype(9))
    X, centers, none = column([past, past, 6, 5], dtype), column([0, 10], dtype), np.array([-1, 0, 0, 0], np.int32)
    beyond = elkan_rule(4, centers)
    beyond.halves[:] = past
    nearest = elkan_rule(4, centers)
    nearest.halves[-1] = past  # counts once the others were looked at
    for rule, label in ((beyond, 0), (nearest, 1), (elkan_rule(4, centers, look_everywhere=True), 1)):
        labels, _ = steps.assign(X, centers, none, elkan=rule)
        assert labels.tolist() == [label, 1, 1, 0]
        assert rule.unsure.tolist() == [0, 1, 0, 0]  # the past of the first is known, the others are no close calls


@pytest.mark.parametrize("elkan", [False, True])
def test_clusters_that_a_sample_leaves_or_joins_are_touched(steps, dtype, elkan):
    X, centers, touched = column([0, 10, 30], dtype), column([0, 10, 20, 30, 40], dtype), np.zeros(5, np.uint8)
    rule = elkan_rule(3, centers) if elkan else None
    _, n_changed = steps.assign(X, centers, np.array([0, 2, -1], np.int32), touched=touched, elkan=rule)
    assert touched.tolist() == [0, 1, 1, 1, 0]
    assert n_changed == 2
    touched[:] = [0, 0, 0, 0, 1]
    _, n_changed = steps.assign(X, centers, np.array([0, 1, 3], np.int32), touched=touched, elkan=rule)
    assert touched.tolist() == [0, 0, 0, 0, 1]
    assert n_changed == 0


def test_sums_and_weights_of_clusters(steps, dtype):
    X = np.array([[1, 2], [3, 4], [0, 0], [5, 6]], dtype)
    labels = np.array([1, 0, 1, 1], np.int32)
    sums, totals = np.full((3, 2), 9, dtype), np.full(3, 9, dtype)
    steps.add_up(X, None, labels, sums, totals)
    assert sums.tolist() == [[3, 4], [6, 8], [0, 0]]
    assert totals.tolist() == [1, 3, 0]
    steps.add_up(X, np.array([2, 0.5, 7, 0], dtype), labels, sums, totals)
    assert sums.tolist() == [[1.5, 2], [2, 4], [0, 0]]
    assert totals.tolist() == [0.5, 9, 0]


def test_only_touched_clusters_are_added_up(steps, dtype):
    X, labels = column([1, 2, 4, 8], dtype), np.array([0, 1, 2, 1], np.int32)
    sums, totals = column([70, 80, 90], dtype), np.array([7, 8, 9], dtype)
    steps.add_up(X, None, labels, sums, totals, touched=np.array([0, 1, 0], np.uint8))
    assert sums.tolist() == [[70], [10], [90]]
    assert totals.tolist() == [7, 2, 9]


def test_centres_are_means_and_their_movement_is_told(steps, dtype):
    sums, totals = np.array([[6, 8], [5, 5]], dtype), np.array([2, 5], dtype)
    centers, shift = steps.average(sums, totals, np.array([[0, 0], [1, 1]], dtype))
    assert centers.tolist() == [[3, 4], [1, 1]]
    assert shift.tolist() == [5, 0]


def test_a_cluster_without_weight_takes_what_scikit_learn_gives_it(steps, dtype):
    # the centre of the heaviest cluster, or its sum where that centre does not exist yet
    sums, totals = column([0, 12, 9, 0], dtype), np.array([0, 4, 3, 0], dtype)
    centers, _ = steps.average(sums, totals, column([0, 0, 0, 0], dtype))
    assert centers.ravel().tolist() == [12, 3, 3, 3]


def test_inertia(steps, dtype):
    X, centers = np.array([[3, 4], [1, 1], [0, 0]], dtype), np.array([[0, 0], [1, 0]], dtype)
    labels = np.array([0, 1, 0], np.int32)
    assert steps.inertia(X, None, centers, labels) == 26
    assert steps.inertia(X, np.array([2, 3, 5], dtype), centers, labels) == 53
    assert steps.inertia(X, np.zeros(3, dtype), centers, labels) == 0


# Against the plain twin, bit for bit ---------------------------------------------------------------------------------


def problems(steps, dtype):
    for size in SIZES if steps.small_only else SIZES + LARGE_SIZES:
        for number, kind in enumerate(KINDS):
            yield Problem(size, kind, WEIGHTS[(number + size[0]) % 3], dtype)


@pytest.mark.parametrize("elkan", [False, True], ids=["lloyd", "elkan"])
def test_labels_are_those_of_the_plain_twin(steps, truth, dtype, elkan):
    for p in problems(steps, dtype):
        rule = elkan_rule(len(p.X), p.centers) if elkan else None
        touched, right_touched = np.zeros((2, len(p.centers)), np.uint8)
        labels, n_changed = steps.assign(p.X, p.centers, p.labels, touched=touched, elkan=rule)
        right, right_n_changed = truth.assign(p.X, p.centers, p.labels, touched=right_touched, elkan=rule)
        np.testing.assert_array_equal(labels, right)
        np.testing.assert_array_equal(touched, right_touched)
        assert n_changed == right_n_changed == (labels != p.labels).sum()


@pytest.mark.parametrize("touch", [None, 0.5], ids=["all", "some"])
def test_sums_are_those_of_the_plain_twin(steps, truth, dtype, touch):
    for p in problems(steps, dtype):
        labels, k = np.maximum(p.labels, 0), len(p.centers)
        touched = touch and (np.random.RandomState(k).uniform(size=k) < touch).astype(np.uint8)
        results = [(np.full_like(p.centers, 9), np.full(k, 9, dtype)) for _ in range(2)]
        for kernel, (sums, totals) in zip((steps, truth), results, strict=True):
            kernel.add_up(p.X, p.weights, labels, sums, totals, touched=touched)
        for mine, right in zip(*results, strict=True):
            np.testing.assert_array_equal(mine, right)


def test_centres_inertia_and_distances_are_those_of_the_plain_twin(steps, truth, dtype):
    for p in problems(steps, dtype):
        labels, k = np.maximum(p.labels, 0), len(p.centers)
        rng = np.random.RandomState(k)
        totals = (rng.uniform(size=k) * (rng.uniform(size=k) < 0.8)).astype(dtype)
        averages = [s.average(p.centers, totals, p.centers[::-1].copy()) for s in (steps, truth)]
        for mine, right in zip(*averages, strict=True):
            np.testing.assert_array_equal(mine, right)
        assert steps.inertia(p.X, p.weights, p.centers, labels) == truth.inertia(p.X, p.weights, p.centers, labels)
        for rows in (slice(0, len(labels)), slice(len(labels) // 2, len(labels) + 3)):
            mine, right = (s.module.squared_distances(s.samples(p.X), p.centers, labels, rows) for s in (steps, truth))
            np.testing.assert_array_equal(mine, right)


def test_one_row_of_the_samples(steps, dtype):
    X = np.array([[1, 0, 3], [0, 0, 0], [4, 5, 0]], dtype)
    samples, found = steps.samples(X), np.zeros((3, 3), dtype)
    for i in range(3):
        columns, values = steps.module.row(samples, np.int64(i))
        found[i, columns] = values
    np.testing.assert_array_equal(found, X)


def test_threads_change_no_bit(steps, dtype):
    for size, elkan in (((3000, 5, 7), False), ((2100, 40, 9), True), ((2500, 3, 40), False)):
        if steps.small_only:
            continue
        p = Problem(size, "normal", "uniform", dtype)
        rule = elkan_rule(len(p.X), p.centers) if elkan else None
        results = []
        for n_threads in (1, 2, 3, 8):
            labels, _ = steps.assign(p.X, p.centers, p.labels, elkan=rule, n_threads=n_threads)
            sums, totals = np.zeros_like(p.centers), np.zeros(len(p.centers), dtype)
            steps.add_up(p.X, p.weights, labels, sums, totals, n_threads=n_threads)
            inertia = steps.inertia(p.X, p.weights, p.centers, labels, n_threads=n_threads)
            results.append((labels, sums, totals, np.array(inertia)))
        for other in results[1:]:
            for a, b in zip(results[0], other, strict=True):
                np.testing.assert_array_equal(a, b)


# The truth itself ----------------------------------------------------------------------------------------------------


def test_the_dot_products_are_chains_of_fused_operations(dtype):
    from fastml._kernels.kmeans.lloyd_jit import scores

    p = Problem((20, 11, 5), "normal", "none", dtype)
    out = np.empty(5, dtype)
    for ends in ([11], [4, 11], [4, 8, 11]):
        for x in p.X:
            scores(
                x,
                p.centers.T.copy(),
                squared_norms(p.centers),
                np.array(ends),
                np.ones(5, np.uint8),
                np.empty(5, dtype),
                out,
            )
            for j, c in enumerate(p.centers):
                value, dot = squared_norms(p.centers)[j], dtype(0)
                for f in range(11):
                    dot = fused(x[f], c[f], dot, dtype)
                    if f + 1 in ends:
                        value, dot = value - 2 * dot, dtype(0)
                assert out[j] == value


def test_chains_are_cut_where_the_blocks_of_openblas_end(monkeypatch):
    from fastml._kernels.kmeans import gemm

    monkeypatch.setattr(gemm, "HAS_SMALL_KERNELS", True)
    assert gemm.chain_ends(448, 4) == [448]
    assert gemm.chain_ends(784, 4) == [400, 784]
    assert gemm.chain_ends(784, 8) == [384, 592, 784]
    assert gemm.chain_ends(1000, 4) == [448, 736, 1000]
    monkeypatch.setattr(gemm, "HAS_SMALL_KERNELS", False)
    assert gemm.chain_ends(784, 8) == [256, 512, 648, 784]


def test_distances_are_summed_four_features_at_a_time(dtype):
    from fastml._kernels.kmeans.lloyd_jit import squared_distance

    for d in (1, 3, 4, 7, 8, 14):
        p = Problem((1, d, 1), "normal", "none", dtype, seed=d)
        e = p.X[0] - p.centers[0]
        total = dtype(0)
        for f in range(0, d - d % 4, 4):
            total += ((e[f] * e[f] + e[f + 1] * e[f + 1]) + e[f + 2] * e[f + 2]) + e[f + 3] * e[f + 3]
        for f in range(d - d % 4, d):
            total += e[f] * e[f]
        assert squared_distance(p.X[0], p.centers[0]) == total


def test_the_inertia_is_added_up_in_the_order_of_the_samples(dtype):
    from fastml._kernels.kmeans.lloyd_jit import inertia, squared_distance

    p = Problem((2500, 3, 4), "normal", "uniform", dtype)
    labels = np.maximum(p.labels, 0)
    total = dtype(0)
    for i in range(2500):
        total += dtype(squared_distance(p.X[i], p.centers[labels[i]])) * p.weights[i]
    assert inertia(p.X, p.weights, p.centers, labels, 1) == total
