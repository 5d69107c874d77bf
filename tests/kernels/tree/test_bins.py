"""Splits of two classes that are found by bins (bins.h): the trees of sorted lists, whatever the features look like."""

import numpy as np
import pytest

from fastml._kernels.tree.tables import Rules
from tests.kernels.twins import compiled

pytestmark = compiled


def samples(r, n, d):
    """Return features of many values: spread evenly or not, with ties, near-ties and copies of each other."""
    X = r.normal(size=(n, d))
    X[:, ::3] = np.exp(4 * X[:, ::3])
    kind = r.choice(["real", "ties", "close", "mirrored", "missing", "clustered"])
    if kind == "ties":
        X = X.round(2)
    elif kind == "close":  # neighbours that scikit-learn takes for equal
        X = X.round(3) + r.randint(0, 3, size=X.shape) * 6e-8
    elif kind == "mirrored":
        X[:, 1::2] = -X[:, : d // 2]
    elif kind == "missing":
        X[r.rand(n, d) < 0.1] = np.nan
    elif kind == "clustered":  # ranks of a node far apart, in two heaps
        X += 100 * (X[:, :1] > 0)
    return X.astype(np.float32)


def case(seed):
    """Return the arguments of a fit, its samples aside."""
    r = np.random.RandomState(seed)
    n, d = int(r.choice([600, 700, 2000, 9000])), int(r.randint(2, 12))
    X = samples(r, n, d)
    y = np.nan_to_num(X[:, :2]).sum(axis=1) + r.choice([0, 0.1, 3]) * r.normal(size=n) > r.choice([0, 1])
    weights = [None, r.poisson(1, n).astype(np.uint8), r.randint(0, 90, n).astype(np.uint8)][r.randint(3)]
    rules = Rules(
        criterion="gini",
        random=False,
        max_features=int(r.randint(1, d + 1)),
        max_depth=int(r.choice([2**31 - 1, 5])),
        min_samples_split=2,
        min_samples_leaf=int(r.choice([1, 1, 1, 7, 100])),
        max_leaf_nodes=int(r.choice([-1, -1, 30])),
        min_impurity_decrease=0.0,
        monotonic_cst=None,
    )
    heaviest = n if weights is None else weights.sum()
    least = float(heaviest * r.choice([0, 0, 0.01]))
    return X, (y.astype(float)[:, None], np.array([2]), [weights], [least], [seed + 1], rules)


def assert_same_tree(X, arguments):
    """Assert that bins and sorted lists give the same nodes and values."""
    from fastml._kernels.tree import grow

    by_bins, by_lists = (grow.grow(grow.prepare(X, False, presort, 1), *arguments, 1)[0] for presort in (False, True))
    np.testing.assert_array_equal(by_bins[0], by_lists[0])
    np.testing.assert_array_equal(by_bins[1], by_lists[1])


@pytest.mark.parametrize("seed", range(120))
def test_the_tree_of_sorted_lists(seed):
    assert_same_tree(*case(seed))


@pytest.mark.parametrize("n", [*range(3, 70), 127, 128, 129, 255, 300, 1023, 1025])
def test_few_samples_of_many_ranks(n):
    """Most samples weigh nothing: a node's ranks lie far apart."""
    r = np.random.RandomState(n)
    X = r.normal(size=(3000, 3)).astype(np.float32)
    weights = np.zeros(3000, np.uint8)
    weights[r.permutation(3000)[:n]] = r.randint(1, 4, n)
    y = (r.rand(3000, 1) < 0.5).astype(float)
    rules = case(0)[1][-1]._replace(max_features=2, max_depth=2**31 - 1, min_samples_leaf=1, max_leaf_nodes=-1)
    assert_same_tree(X, (y, np.array([2]), [weights], [0.0], [n], rules))


@pytest.mark.parametrize("first", [40, 41, 42, 43, 500, 900])
def test_the_best_border_lies_between_close_values(first):
    X = np.full((1000, 2), 0.001)
    X[first + 1 : first + 30] = 2.0**-24
    X = (0.5 - 0.001 * first + np.cumsum(X, axis=0)).astype(np.float32)
    X[first:, 1] += 1  # the second feature has no close values there
    X[:, 1] += np.arange(1000) * 1e-5
    y = (np.arange(1000) >= first + 15).astype(float)[:, None]
    rules = case(0)[1][-1]._replace(max_features=1, max_depth=1, min_samples_leaf=1, max_leaf_nodes=-1)
    for seed in range(1, 5):
        assert_same_tree(X, (y, np.array([2]), [None], [0.0], [seed], rules))
