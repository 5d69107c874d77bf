"""A single tree on several threads, grown ahead of its random stream: the bits of one thread, whatever ties."""

import numpy as np
import pytest

from fastml._kernels.tree.tables import Rules
from tests.kernels.twins import compiled

pytestmark = compiled
NO_LIMIT = 2**31 - 1


def samples(r, n, d):
    """Return samples whose features tie more or less often."""
    kind = r.choice(["real", "tenths", "whole", "few", "mixed", "mirrored", "close"])
    X = r.normal(size=(n, d))
    if kind in ("tenths", "whole"):
        X = X.round(int(kind == "tenths"))
    elif kind == "few":
        X = r.randint(0, 3, size=(n, d)).astype(float)
    elif kind == "mixed":
        X[:, ::2] = X[:, ::2].round(1)
        X[:, 1::3] = r.randint(0, 2, size=X[:, 1::3].shape)
    elif kind == "mirrored":  # two features part every node alike, or send the other side left
        X[:, d // 2 :] = X[:, : d - d // 2] * r.choice([1, -1], size=d - d // 2)
    elif kind == "close":
        X = X.round(2) + r.randint(0, 3, size=X.shape) * 6e-8
    if r.rand() < 0.3:
        X[r.rand(n, d) < 0.1] = np.nan
    if r.rand() < 0.2:
        X[:, r.randint(d)] = 1
    return X.astype(np.float32)


def targets(r, X, criterion, n_outputs):
    """Return targets, and the number of classes or None."""
    n, base = len(X), np.nan_to_num(X[:, :1])
    if criterion in ("gini", "entropy"):
        k = int(r.choice([2, 2, 3, 20]))
        y = r.randint(0, k, size=(n, n_outputs)).astype(float)
        if r.rand() < 0.6:
            y[:] = np.clip(base.round() % k, 0, k - 1)
        y[r.rand(n) < r.choice([0, 0.3])] = 0
        return y, np.array([k] * n_outputs)
    whole = r.choice([0, 3, 100])
    y = r.randint(0, whole, size=(n, n_outputs)) if whole else r.normal(size=(n, n_outputs)) + base
    y = y * r.choice([1.0, 1e5]) + r.choice([0, 0, 0, 1e8])
    return np.abs(y) if criterion == "poisson" else y, None


def case(seed):
    """Return the arguments of a fit, the features and the number of threads aside."""
    r = np.random.RandomState(seed)
    n, d = int(r.choice([300, 1000, 3000])), int(r.randint(1, 25))
    X = samples(r, n, d)
    criterion = str(r.choice(["squared_error", "squared_error", "gini", "gini", "entropy", "poisson"]))
    y, n_classes = targets(r, X, criterion, int(r.choice([1, 1, 1, 2])))
    counts, shares, scales = r.randint(0, 4, n).astype(np.uint8), r.rand(n) + 0.01, 10.0 ** r.uniform(-20, 5, n)
    weights = [None, None, counts, shares, scales][r.randint(5)]
    if weights is not None:
        weights[0] = 1
    min_leaf = int(r.choice([1, 1, 1, 2, 5]))
    rules = Rules(
        criterion=criterion,
        random=False,
        max_features=d,
        max_depth=int(r.choice([NO_LIMIT, NO_LIMIT, NO_LIMIT, 4, 10])),
        min_samples_split=max(int(r.choice([2, 2, 2, 7])), 2 * min_leaf),
        min_samples_leaf=min_leaf,
        max_leaf_nodes=-1,
        min_impurity_decrease=float(r.choice([0, 0, 0, 1e-4])),
        monotonic_cst=None,
    )
    total = n if weights is None else weights.sum(dtype=float)
    return X, y, n_classes, weights, float(r.choice([0, 0, 0, 0.001, 0.00037])) * total, rules, bool(r.rand() < 0.8)


def trees(X, y, n_classes, weights, min_weight_leaf, rules, presort, threads, seed=1):
    """Return the tree that each number of threads grows, and how many nodes it grew ahead."""
    from fastml._kernels.tree import grow as kernel

    features = kernel.prepare(X, False, presort, 1)
    for n_threads in threads:
        before = kernel.n_ahead()
        nodes, values, depth = kernel.grow(
            features, np.ascontiguousarray(y), n_classes, [weights], [min_weight_leaf], [seed], rules, n_threads
        )[0]
        yield (nodes.tobytes(), values.tobytes(), depth), len(nodes), kernel.n_ahead() - before


@pytest.mark.parametrize("seed", range(250))
def test_threads_do_not_matter(seed):
    X, y, n_classes, weights, min_weight_leaf, rules, presort = case(seed)
    (one, _, ahead), *more = trees(X, y, n_classes, weights, min_weight_leaf, rules, presort, (1, 2, 3, 8), seed + 1)
    assert ahead == 0
    for other, _, ahead in more:
        assert other == one
        used = len(X) if weights is None else np.count_nonzero(weights)
        assert (ahead > 0) == (used * X.shape[1] >= 16384)


def plain(criterion, d):
    return Rules(criterion, False, d, NO_LIMIT, 2, 1, -1, 0.0, None)


def test_real_targets_leave_nothing_to_the_turn():
    """Ties between features part a node alike up to its sides: these are no reason to wait for the draws."""
    r = np.random.RandomState(0)
    X, y = r.normal(size=(4000, 10)).astype(np.float32), r.normal(size=(4000, 1))
    ((_, n_nodes, ahead),) = trees(X, y, None, None, 0.0, plain("squared_error", 10), True, [2])
    assert ahead > 0.99 * n_nodes


def test_a_chain_of_ties_does_not_nest():
    """The best splits peel one sample off, and two features tie for them in different ways at every node."""
    n = 6000
    X = np.stack([np.arange(n), -np.arange(n), np.zeros(n)], axis=1).astype(np.float32)
    y = (np.arange(n) % 2).astype(float)[:, None]
    (one, _, _), (two, n_nodes, _) = trees(X, y, np.array([2]), None, 0.0, plain("gini", 3), True, (1, 2))
    assert two == one
    assert n_nodes == 2 * n - 1
