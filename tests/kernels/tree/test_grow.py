"""The growing of trees: cases computed by hand, both twins against each other, threads."""

import numpy as np
import pytest
import sklearn
from packaging.version import Version
from sklearn.tree import DecisionTreeRegressor

from fastml._kernels.tree.tables import NODE, Rules
from tests.kernels.twins import compiled, twins

RULES = Rules(
    criterion="gini",
    random=False,
    max_features=1,
    max_depth=2**31 - 1,
    min_samples_split=2,
    min_samples_leaf=1,
    max_leaf_nodes=-1,
    min_impurity_decrease=0.0,
    monotonic_cst=None,
)
kernels = pytest.mark.parametrize("kernel", twins("tree.grow"))
same_sums = pytest.mark.skipif(Version(sklearn.__version__) < Version("1.9"), reason="it adds up in another order")


def grow(kernel, X, y, n_classes, rules, *, weights=None, seed=1, n_threads=1, presort=True):
    X, y = np.asarray(X, np.float32), np.asarray(y, float).reshape(len(X), -1)
    features = kernel.prepare(X, rules.random, presort, n_threads)
    if rules.arranged:
        features = features._replace(columns=np.ascontiguousarray(X.T))
    n_classes = None if n_classes is None else np.array([n_classes] * y.shape[1])
    return kernel.grow(features, y, n_classes, [weights], [0.0], [seed], rules, n_threads)[0]


@kernels
@pytest.mark.parametrize("presort", [True, False])
def test_a_tree_of_one_split(kernel, presort):
    nodes, values, depth = grow(kernel(), [[0], [1], [5], [6]], [0, 0, 0, 1], 2, RULES, presort=presort)
    assert depth == 1
    assert nodes.dtype == NODE
    assert nodes["left_child"].tolist() == [1, -1, -1]
    assert nodes["right_child"].tolist() == [2, -1, -1]
    assert nodes["feature"].tolist() == [0, -2, -2]
    assert nodes["threshold"].tolist() == [5.5, -2.0, -2.0]
    assert nodes["impurity"].tolist() == [0.375, 0.0, 0.0]
    assert nodes["n_node_samples"].tolist() == [4, 3, 1]
    assert nodes["weighted_n_node_samples"].tolist() == [4.0, 3.0, 1.0]
    assert nodes["missing_go_to_left"].tolist() == [1, 0, 0]  # where most of the samples are
    assert values.tolist() == [[[0.75, 0.25]], [[1.0, 0.0]], [[0.0, 1.0]]]


@kernels
def test_regression_on_means_and_on_medians(kernel):
    X, y = [[0], [1], [5], [6], [7]], [0, 0, 3, 3, 9]
    for criterion, impurity, value in (("squared_error", 10.8, 3.0), ("absolute_error", 2.4, 3.0)):
        nodes, values, _ = grow(kernel(), X, y, None, RULES._replace(criterion=criterion, max_depth=1))
        assert nodes["impurity"][0] == pytest.approx(impurity, rel=1e-15)
        assert values[0, 0, 0] == value
        assert nodes["n_node_samples"].tolist() == ([5, 4, 1] if criterion == "squared_error" else [5, 2, 3])


@kernels
def test_missing_values_alone_may_go_right(kernel):
    X, y = [[0], [1], [np.nan], [np.nan]], [0, 0, 1, 1]
    nodes, _, _ = grow(kernel(), X, y, 2, RULES)
    assert nodes["threshold"][0] == np.inf
    assert nodes["missing_go_to_left"][0] == 0
    assert nodes["n_node_samples"].tolist() == [4, 2, 2]


@kernels
def test_values_too_close_are_one(kernel):
    X = np.array([[0], [0.9e-7], [1.8e-7], [4e-7]])
    nodes, _, _ = grow(kernel(), X, [0, 1, 1, 0], 2, RULES)
    # each of the first three is too close to the one before it: the one gap that counts is the last
    assert nodes["n_node_samples"].tolist() == [4, 3, 1]


@kernels
def test_samples_of_no_weight_are_left_out(kernel):
    counts = np.array([1, 0, 3, 2], np.uint8)
    nodes, values, _ = grow(kernel(), [[0], [1], [2], [3]], [0, 1, 0, 1], 2, RULES, weights=counts)
    assert nodes["n_node_samples"].tolist() == [3, 2, 1]
    assert nodes["weighted_n_node_samples"].tolist() == [6.0, 4.0, 2.0]
    assert values[0, 0].tolist() == [4 / 6, 2 / 6]


@kernels
def test_best_first_stops_at_so_many_leaves(kernel):
    X, y = np.arange(8)[:, None], [0, 0, 1, 1, 0, 0, 0, 0]
    nodes, _, depth = grow(kernel(), X, y, 2, RULES._replace(max_leaf_nodes=3))
    assert (nodes["left_child"] < 0).sum() == 3
    assert depth == 2


@compiled
def test_features_in_integers():
    from fastml._kernels.tree.grow import prepare

    X = np.array([[3, 1], [np.nan, 1], [-1, 1.00000001], [3, 1]], np.float32)
    features = prepare(X, False, False, 1)
    assert features.ranks.tolist() == [[1, 2, 0, 1], [0, 0, 0, 0]]
    assert features.n_distinct.tolist() == [2, 1]
    assert features.values[0, :2].tolist() == [-1.0, 3.0]
    assert features.missing.tolist() == [1, 0]
    features = prepare(X, False, True, 1)
    assert (features.entries[0] >> np.uint64(36)).tolist() == [0, 1, 1, 2]
    assert (features.entries[0] >> np.uint64(8) & np.uint64(0xFFFFFFF)).tolist() == [2, 0, 3, 1]


def case(seed):
    """Return a small fit: samples, targets, number of classes, rules, weights."""
    r = np.random.RandomState(seed)
    n, d = r.choice([5, 40, 150]), r.randint(1, 5)
    X = r.normal(size=(n, d)).round(r.randint(0, 4))
    X[r.rand(n, d) < 0.1 * (r.rand() < 0.3)] = np.nan
    criterion = r.choice(["gini", "entropy", "squared_error", "absolute_error", "poisson"])
    if criterion == "absolute_error":
        X = np.nan_to_num(X)
    is_classifier = criterion in ("gini", "entropy")
    y = r.randint(0, 3, size=(n, r.choice([1, 1, 2]))) + (criterion == "poisson")
    constrained = y.shape[1] == 1 and not is_classifier and r.rand() < 0.3
    rules = RULES._replace(
        criterion=str(criterion),
        random=bool(r.rand() < 0.25),
        max_features=int(r.randint(1, d + 1)),
        min_samples_leaf=int(r.randint(1, 4)),
        max_leaf_nodes=int(r.choice([-1, -1, 9])),
        monotonic_cst=r.randint(-1, 2, d).astype(np.int8) if constrained else None,
    )
    weights = [None, r.randint(0, 4, n).astype(np.uint8)][r.randint(2)]
    if weights is not None:
        weights[0] = 1
    return X, y, 3 if is_classifier else None, rules, weights


@compiled
@pytest.mark.parametrize("seed", range(120))
def test_twins_agree(seed):
    from fastml._kernels.tree import grow as cython
    from fastml._kernels.tree import grow_jit as numba

    X, y, n_classes, rules, weights = case(seed)
    plain = grow(numba, X, y, n_classes, rules, weights=weights, seed=seed + 1)
    for presort in (True, False):
        ours = grow(cython, X, y, n_classes, rules, weights=weights, seed=seed + 1, presort=presort)
        assert ours[2] == plain[2]
        np.testing.assert_array_equal(ours[1], plain[1])
        for field in NODE.names:
            if rules.criterion == "poisson" and field == "impurity":
                np.testing.assert_allclose(ours[0][field], plain[0][field], rtol=1e-12, atol=1e-14)
            else:
                np.testing.assert_array_equal(ours[0][field], plain[0][field], field)


def arranged_case(seed):
    """Return samples of many equal values or none, real targets, weights and rules for scikit-learn's arrangement."""
    r = np.random.RandomState(seed)
    n, d = r.choice([2, 17, 60, 400]), r.randint(1, 6)
    X = r.normal(size=(n, d)).astype(np.float32)
    for f in range(d):
        digits = r.randint(-1, 5)
        X[:, f] = X[:, f] > 0.5 if digits < 0 else X[:, f].round(digits) + 0.0
    weights = [None, r.randint(0, 4, n).astype(float), r.uniform(0.1, 1, n)][r.randint(3)]
    if weights is not None:
        weights[0] = 1
    rules = RULES._replace(
        criterion="squared_error",
        max_features=int(r.randint(1, d + 1)),
        min_samples_leaf=int(r.choice([1, 1, 3])),
        max_leaf_nodes=int(r.choice([-1, -1, 9])),
        doubt=0.0,
        arranged=True,
    )
    return X, r.normal(size=n), weights, rules


@same_sums
@kernels
@pytest.mark.parametrize("seed", range(40))
def test_arranged_sums_have_the_bits_of_scikit_learn(kernel, seed):
    X, y, weights, rules = arranged_case(seed)
    theirs = DecisionTreeRegressor(
        max_features=rules.max_features,
        min_samples_leaf=rules.min_samples_leaf,
        max_leaf_nodes=None if rules.max_leaf_nodes < 0 else rules.max_leaf_nodes,
        random_state=seed,
    ).fit(X, y, sample_weight=weights)
    drawn = int(np.random.RandomState(seed).randint(0, 2**31 - 1))
    nodes, values, depth = grow(kernel(), X, y, None, rules, weights=weights, seed=drawn)
    assert depth == theirs.tree_.max_depth
    np.testing.assert_array_equal(values, theirs.tree_.value)
    for field in NODE.names:
        np.testing.assert_array_equal(nodes[field], theirs.tree_.__getstate__()["nodes"][field], field)


@same_sums
@kernels
def test_a_sort_that_has_gone_quadratic_is_finished_by_heaps(kernel):
    X = np.concatenate([np.arange(60) % 7, np.arange(200)[::-1], np.arange(200)])[:, None].astype(np.float32)
    X = np.hstack([X, np.roll(X, 77, axis=0), (X * 31) % 101])
    y = np.random.RandomState(0).normal(size=len(X))
    killer = X[np.lexsort((X[:, 2] % 3, -X[:, 0]))]
    rules = RULES._replace(criterion="squared_error", max_features=3, doubt=0.0, arranged=True)
    for samples in (X, killer, organ_pipe(3000)):
        targets = np.resize(y, len(samples))
        theirs = DecisionTreeRegressor(random_state=1, max_depth=4).fit(samples, targets)
        drawn = int(np.random.RandomState(1).randint(0, 2**31 - 1))
        own = rules._replace(max_features=samples.shape[1], max_depth=4)
        _, values, _ = grow(kernel(), samples, targets, None, own, seed=drawn)
        np.testing.assert_array_equal(values, theirs.tree_.value)


def organ_pipe(n):
    """Return values each of which stands twice, so arranged that medians of three are poor pivots."""
    half = np.arange(n // 2, dtype=np.float32)
    return np.concatenate([half, half[::-1]])[:, None]


@compiled
def test_a_tree_is_given_up_where_rounding_may_decide():
    from fastml._kernels.tree import grow as kernel

    rules = RULES._replace(criterion="squared_error", max_features=2, max_depth=1, doubt=0.0)
    X, y = np.arange(6.0)[:, None], [0.1, 0.1, 0.1, 0.7, 0.7, 0.7]
    assert grow(kernel, np.hstack([X, -X]), y, None, rules) is None  # the same split, by two features
    assert grow(kernel, np.hstack([X, 0 * X]), y, None, rules) is not None
    assert grow(kernel, np.hstack([X, 0 * X]), [0.1, 0.7, 0.1, 0.1, 0.7, 0.1], None, rules) is None  # mirrored
    assert grow(kernel, np.hstack([X, -X]), y, None, rules._replace(doubt=None)) is not None
    better = np.hstack([X, X[[5, 0, 1, 2, 3, 4]]])
    assert grow(kernel, better, y, None, rules) is not None
    assert grow(kernel, better, y, None, rules._replace(doubt=1.0)) is None


@compiled
@pytest.mark.parametrize("criterion", ["gini", "entropy", "squared_error"])
@pytest.mark.parametrize("presort", [True, False])
def test_threads_do_not_matter(criterion, presort):
    from fastml._kernels.tree import grow as kernel

    r = np.random.RandomState(0)
    X = r.normal(size=(9000, 12)).round(3)  # large enough for a node's features to be shared out
    y = r.normal(size=9000) if criterion == "squared_error" else r.randint(0, 3, 9000)
    n_classes = None if criterion == "squared_error" else 3
    rules = RULES._replace(criterion=criterion, max_features=12, max_depth=8)
    one, *more = (grow(kernel, X, y, n_classes, rules, n_threads=t, presort=presort) for t in (1, 2, 3, 8))
    for other in more:
        assert other[0].tobytes() == one[0].tobytes()
        assert other[1].tobytes() == one[1].tobytes()


@kernels
def test_a_users_criterion_is_called_by_pointer(kernel):
    from fastml._kernels._callback import Callback

    X, y, _, _, _ = case(7)
    samples = [np.array([1.0, 2.0, 3.0])]
    gini = Callback(lambda counts: 1 - (counts * counts).sum() / counts.sum() ** 2, samples, spread=False)
    variance = Callback(lambda w, wy, wyy: wyy / w - (wy / w) ** 2, samples, spread=True)
    assert gini.reason is variance.reason is None
    for user, name, n_classes in ((gini, "gini", 3), (variance, "squared_error", None)):
        rules = RULES._replace(max_depth=3)
        ours, theirs = (grow(kernel(), X, y[:, :1], n_classes, rules._replace(criterion=c)) for c in (user, name))
        np.testing.assert_array_equal(ours[0]["threshold"], theirs[0]["threshold"])
        np.testing.assert_allclose(ours[0]["impurity"], theirs[0]["impurity"], atol=1e-15)


def test_a_function_that_numba_cannot_compile_is_called_through_the_interpreter():
    from fastml._kernels._callback import Callback

    calls = []

    def impurity(counts):
        calls.append(None)  # a side effect on a list of the interpreter's
        return 1 - (counts * counts).sum() / counts.sum() ** 2

    user = Callback(impurity, [np.array([1.0, 3.0])], spread=False)
    assert "Numba cannot compile it" in user.reason

    def broken(counts):
        raise KeyError("broken")

    from fastml._kernels.tree import grow_jit as kernel

    user = Callback(broken, [np.array([1.0, 3.0])], spread=False)
    grow(kernel, [[0.0], [1.0]], [0, 1], 2, RULES._replace(criterion=user))
    with pytest.raises(KeyError, match="broken"):
        user.raise_error()


def test_a_function_that_gives_other_results_when_compiled_is_not_compiled():
    from fastml._kernels._callback import Callback

    user = Callback(lambda w, wy, wyy: int(wyy) * 2**62 / w, [np.array([1.0, 1.0, 4.0])], spread=True)
    assert user.reason.startswith("compiled it gives")
