"""Prediction by trees that are made here, without scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml._kernels.tree.tables import NODE
from tests.kernels.twins import SIMULATED, twins

NAN, INF = np.nan, np.inf
N_ROWS = 40 if SIMULATED else 700


@pytest.fixture(params=twins("tree.predict"), scope="module")
def kernel(request):
    return request.param()


class Tree:
    """What the kernels ask of scikit-learn's own."""

    def __init__(self, nodes, values, n_features):
        self.nodes, self.values, self.n_features = np.array(nodes, NODE), np.array(values, float), n_features
        self.node_count = len(self.nodes)

    def __getstate__(self):
        return {"max_depth": 0, "node_count": len(self.nodes), "nodes": self.nodes, "values": self.values}


def inner(left, right, feature, threshold, missing_left=0):
    return left, right, feature, threshold, 0.5, 1, 1.0, missing_left


LEAF = (-1, -1, -2, -2.0, 0.0, 1, 1.0, 0)


def stump(threshold, missing_left=0, feature=0, n_features=1):
    return Tree([inner(1, 2, feature, threshold, missing_left), LEAF, LEAF], [[0.5], [1], [10]], n_features)


def grown(seed, n_nodes=41, n_features=5, width=2, best_first=False):
    """A random tree whose thresholds are values of float32, halves between them, and extremes."""
    random = np.random.RandomState(seed)
    nodes, open_leaves = [LEAF], [0]
    while len(nodes) < n_nodes:
        at = open_leaves.pop(random.randint(len(open_leaves)) if best_first else -1)
        threshold = random.choice([np.float32(random.randn()), random.randn(), INF, -INF, 0.0, -0.0, 1e300, 1e-300])
        nodes[at] = inner(len(nodes), len(nodes) + 1, random.randint(n_features), threshold, random.randint(2))
        open_leaves += [len(nodes), len(nodes) + 1]
        nodes += [LEAF, LEAF]
    return Tree(nodes, random.randn(len(nodes), width), n_features)


def samples(seed, n=N_ROWS, d=5, missing=False):
    random = np.random.RandomState(seed)
    X = random.randn(n, d).astype(np.float32)
    special = np.array([0.0, -0.0, INF, -INF, 1e-45, -1e-45, 3e38] + [NAN] * missing, np.float32)
    return np.where(random.rand(n, d) < 0.2, special[random.randint(len(special), size=(n, d))], X)


def slow_leaf(tree, x):
    at = 0
    while tree.nodes["left_child"][at] >= 0:
        node = tree.nodes[at]
        value = float(x[node["feature"]])
        left = node["missing_go_to_left"] if value != value else value <= node["threshold"]
        at = node["left_child"] if left else node["right_child"]
    return at


def apply(kernel, trees, X, columns=None, n_threads=1):
    out = np.empty((len(trees), len(X)), np.int64)
    kernel.apply(trees, X, columns, out, n_threads)
    return out.T


def add_up(kernel, trees, X, n_groups=1, width=2, scale=1.0, tables=None, columns=None, n_threads=1):
    out = np.zeros((len(X), n_groups, width))
    kernel.add_up(trees, tables, X, columns, scale, out, n_threads)
    return out


def column(*values):
    return np.array(values, np.float32)[:, None]


# By hand --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_copies", [1, 300], ids=["few", "many"])
@pytest.mark.parametrize(
    ("threshold", "missing_left", "left", "right"),
    [
        (0.0, 0, [-1, -0.0, 0.0, -INF, -1e-45], [1e-45, 1, INF, NAN]),
        (-0.0, 1, [-0.0, 0.0, NAN], [1e-45]),
        (0.1, 0, [np.nextafter(np.float32(0.1), np.float32(0))], [np.float32(0.1)]),  # 0.1 in float32 is more
        (0.7, 0, [np.float32(0.7)], [np.nextafter(np.float32(0.7), np.float32(1))]),  # 0.7 in float32 is less
        (INF, 0, [INF, -INF, 3e38], [NAN]),
        (INF, 1, [INF, -INF, NAN], []),
        (-INF, 0, [-INF], [-3e38, INF, NAN]),
        (1e300, 0, [3.4028235e38], [INF, NAN]),
        (-1e300, 1, [-INF, NAN], [-3.4028235e38]),
        (1e-300, 0, [0.0, -1e-45], [1e-45]),
        (-1e-300, 0, [-1e-45], [0.0, -0.0]),
        (NAN, 0, [], [-INF, 0, INF, NAN]),
        (NAN, 1, [NAN], [-INF, 0, INF]),
    ],
)
def test_which_way(kernel, threshold, missing_left, left, right, n_copies):
    if SIMULATED and n_copies > 1:
        n_copies = 4
    X = column(*(left + right) * n_copies)
    expected = ([1] * len(left) + [2] * len(right)) * n_copies
    assert apply(kernel, [stump(threshold, missing_left)], X)[:, 0].tolist() == expected


def test_values_are_added_in_the_order_of_the_trees(kernel):
    trees = [Tree([LEAF], [[value]], 1) for value in (1e16, 1.0, -1e16, 3.0)]
    assert add_up(kernel, trees, column(0), width=1).tolist() == [[[3.0]]]  # 1e16 + 1 is 1e16
    assert add_up(kernel, trees, column(0), n_groups=2, width=1).tolist() == [[[0.0], [4.0]]]
    assert add_up(kernel, trees, column(0), n_groups=4, width=1, scale=0.5).ravel().tolist() == [5e15, 0.5, -5e15, 1.5]


def test_a_sum_goes_on_from_what_was_there(kernel):
    out = np.full((2, 1, 1), 100.0)
    kernel.add_up([stump(0)], None, column(-1, 1), None, 0.5, out, 1)
    assert out.ravel().tolist() == [100.5, 105]


def test_product_and_sum_are_rounded_one_by_one(kernel):
    third, out = 1 / 3, np.full((1, 1, 1), -0.1)
    kernel.add_up([Tree([LEAF], [[0.3]], 1)], None, column(0), None, third, out, 1)
    assert out[0, 0, 0] == -0.1 + third * 0.3


def test_tables_stand_for_the_values(kernel):
    tables = [np.array([0.0, 7, 8]), np.array([[0.0], [1], [2]])]
    assert add_up(kernel, [stump(0), stump(5)], column(-1, 1, 9), width=1, tables=tables).ravel().tolist() == [8, 9, 10]
    out = np.empty((2, 2, 1))
    kernel.gather([stump(0), stump(5)], tables, column(-1, 9), None, out, 1)
    assert out[..., 0].tolist() == [[7, 1], [8, 2]]
    kernel.gather([stump(0), stump(5)], None, column(-1, 9), None, out, 1)
    assert out[..., 0].tolist() == [[1, 1], [10, 10]]


def test_columns(kernel):
    X = np.array([[0, 5, -5]], np.float32)
    trees = [stump(1, feature=1, n_features=2)] * 3
    assert apply(kernel, trees, X, [[0, 1], [1, 2], np.array([2, 0], np.int32)]).tolist() == [[2, 1, 1]]


def test_a_single_leaf_no_row_no_feature(kernel):
    alone = Tree([LEAF], [[4.0]], 3)
    assert apply(kernel, [alone], np.zeros((300, 3), np.float32)).tolist() == [[0]] * 300
    assert apply(kernel, [alone], np.zeros((0, 3), np.float32)).shape == (0, 1)
    assert apply(kernel, [Tree([LEAF], [[4.0]], 0)], np.zeros((2, 0), np.float32)).tolist() == [[0], [0]]


# Against the definition ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("best_first", [False, True])
@pytest.mark.parametrize("n_rows", [1, 7, 20, N_ROWS])
def test_leaves_and_sums(kernel, n_rows, best_first, missing):
    trees = [grown(s, 1 + 20 * (s % 4), best_first=best_first) for s in range(9)]
    X = samples(n_rows, n_rows, missing=missing)
    right = np.array([[slow_leaf(tree, x) for tree in trees] for x in X])
    np.testing.assert_array_equal(apply(kernel, trees, X), right)
    sums, gathered = np.zeros((len(X), 3, 2)), np.empty((len(X), 9, 2))
    for t, tree in enumerate(trees):
        gathered[:, t] = tree.values[right[:, t]]
        sums[:, t % 3] += 0.1 * gathered[:, t]
    np.testing.assert_array_equal(add_up(kernel, trees, X, 3, 2, 0.1), sums)
    out = np.empty_like(gathered)
    kernel.gather(trees, None, X, None, out, 1)
    np.testing.assert_array_equal(out, gathered)


@given(st.integers(0, 10**6), st.integers(1, 200), st.integers(1, 300), st.booleans(), st.booleans())
def test_equal_to_the_plain_twin(seed, n_nodes, n_features, missing, best_first):
    kernel = pytest.importorskip("fastml._kernels.tree.predict", exc_type=ImportError)
    from fastml._kernels.tree import predict_jit

    trees = [grown(seed + s, n_nodes, n_features, 3, best_first) for s in range(3)]
    X = samples(seed, 1500, n_features, missing)
    np.testing.assert_array_equal(apply(kernel, trees, X), apply(predict_jit, trees, X))
    np.testing.assert_array_equal(add_up(kernel, trees, X, width=3), add_up(predict_jit, trees, X, width=3))


def test_few_rows_have_what_they_have_among_many(kernel):
    trees, X = [grown(s, 101, width=1) for s in range(5)], samples(3, missing=True)
    together = add_up(kernel, trees, X, width=1)
    for i in range(0, 40, 9):
        np.testing.assert_array_equal(add_up(kernel, trees, X[i : i + 9], width=1), together[i : i + 9])
    np.testing.assert_array_equal(add_up(kernel, trees, X[5:6], width=1), together[5:6])


def test_threads_change_no_bit(kernel):
    n_rows = 100 if SIMULATED else 20_000
    trees, X = [grown(s, 301) for s in range(40 if n_rows > 100 else 3)], samples(1, n_rows)
    right = add_up(kernel, trees, X)
    for n_threads in (2, 3, 8):
        np.testing.assert_array_equal(add_up(kernel, trees, X, n_threads=n_threads), right)


def test_wide_samples_and_many_trees(kernel):
    d, n_trees = (70, 3) if SIMULATED else (3000, 300)
    trees, X = [grown(s, 21, d) for s in range(n_trees)], samples(0, N_ROWS, d, missing=True)
    right = [[slow_leaf(tree, x) for tree in trees[-3:]] for x in X[:30]]
    np.testing.assert_array_equal(apply(kernel, trees, X)[:30, -3:], right)


def test_read_only_samples(kernel):
    X = samples(0, 30)
    X.flags.writeable = False
    assert apply(kernel, [grown(0)], X).shape == (30, 1)


# Trees that were changed ---------------------------------------------------------------------------------------------


def test_a_tree_is_read_anew_at_every_call(kernel):
    tree, X = stump(0), column(*[-1] * 300)
    assert add_up(kernel, [tree], X, width=1)[0] == 1
    tree.values[1] = 5
    assert add_up(kernel, [tree], X, width=1)[0] == 5
    tree.nodes["threshold"][0] = -2
    assert add_up(kernel, [tree], X[:1], width=1)[0] == 10
    tree.nodes = np.array([LEAF], NODE)
    tree.values = np.array([[3.0]])
    assert add_up(kernel, [tree], X, width=1)[0] == 3


def test_a_branch_that_was_cut_off(kernel):
    for n_rows in (3, N_ROWS):
        tree, X = grown(1, 61), samples(2, n_rows)
        tree.nodes["left_child"][5:9] = tree.nodes["right_child"][5:9] = -1
        assert apply(kernel, [tree], X)[:, 0].tolist() == [slow_leaf(tree, x) for x in X]


@pytest.mark.parametrize("n_rows", [1, 8, 300])
@pytest.mark.parametrize(
    "root",
    [
        inner(1, 99, 0, 0),
        inner(-5, 2, 0, 0),
        inner(1, -1, 0, 0),
        inner(0, 0, 0, 0),
        inner(1, 2, 7, 0),
        inner(1, 2, -9, 0),
    ],
    ids=["beyond", "negative", "half a leaf", "circle", "no such feature", "negative feature"],
)
def test_broken_references_end_the_walk(kernel, root, n_rows):
    X = np.where(np.arange(n_rows) % 2, -1, 1)[:, None].astype(np.float32)
    found = apply(kernel, [Tree([root, LEAF, LEAF], [[0]] * 3, 1)], X)[:, 0]
    kept = root[0] == 1 and root[2] == 0  # the left child is sound
    assert found.tolist() == [1 if kept and x <= 0 else 0 for x in X[:, 0]]


def test_shared_children_are_no_regular_tree(kernel):
    tree = Tree([inner(1, 2, 0, 0), inner(3, 3, 0, 0), inner(3, 3, 0, 0), LEAF], [[0]] * 4, 1)
    assert set(apply(kernel, [tree], column(*[-1, 1] * 200))[:, 0]) == {3}


# Refused -------------------------------------------------------------------------------------------------------------


def test_what_does_not_fit_is_refused(kernel):
    X = np.zeros((2, 3), np.float32)
    with pytest.raises(ValueError, match="tree 1 was grown on 5 features and is given 3"):
        apply(kernel, [Tree([LEAF], [[0]], 3), grown(0)], X)
    with pytest.raises(ValueError, match="was grown on 3 features and is given 2"):
        apply(kernel, [Tree([LEAF], [[0]], 3)], X, [[0, 1]])
    with pytest.raises(ValueError, match="columns of tree 0 are 0 to 3, and X has 3"):
        apply(kernel, [Tree([LEAF], [[0]], 2)], X, [[0, 3]])
    with pytest.raises(ValueError, match="the table of tree 0 is"):
        add_up(kernel, [Tree([LEAF], [[0]], 3)], X, width=2)
    with pytest.raises(ValueError, match="the table of tree 0 is"):
        add_up(kernel, [Tree([LEAF], [[0]], 3)], X, width=1, tables=[np.zeros(1, np.float32)])
    with pytest.raises(ValueError, match="tree 1 has 2 outputs, tree 0 has 1"):
        add_up(kernel, [Tree([LEAF], np.zeros((1, *shape)), 3) for shape in ((1, 2), (2, 1))], X, width=2)
    with pytest.raises(ValueError, match="there are 2 trees, and 1 tables"):
        add_up(kernel, [Tree([LEAF], [[0]], 3)] * 2, X, width=1, tables=[np.zeros(1)])
    with pytest.raises(ValueError, match="there are 2 trees, and 1 columns"):
        apply(kernel, [Tree([LEAF], [[0]], 3)] * 2, X, [[0, 1, 2]])
    with pytest.raises(ValueError, match="no nodes that could be read"):
        apply(kernel, [Tree(np.empty(0, NODE), np.empty((0, 1)), 3)], X)
