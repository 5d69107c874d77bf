"""Trees of features that are ranked in the nodes (unranked.h): those of features that were ranked before."""

import numpy as np
import pytest

from fastml._kernels.tree.tables import Rules
from tests.kernels.twins import compiled

pytestmark = compiled
BLOCK = 150


def samples(r, n, d):
    """Return features with ties, frequent values, near-ties, zeros of both signs and missing values, in any order."""
    kind = r.choice(["real", "few", "sparse", "close", "steps", "zeros"])
    if kind == "real":
        X = r.randn(n, d)
    elif kind == "few":
        X = r.randint(0, r.randint(2, 5), (n, d))
    elif kind == "sparse":
        X = (r.rand(n, d) < 0.1) * r.randn(n, d)
    elif kind == "close":
        X = r.randn(n, d).round(1) * r.choice([1, -1, 1e-7, 6e-8, 1e6])
    elif kind == "steps":
        X = r.randint(0, 40, (n, d)) * 4e-8
    else:
        X = r.choice([0.0, -0.0, 1e-8, -1e-8, 1.0, 1 + 1e-7], (n, d))
    X = X.astype(np.float32)
    if r.rand() < 0.3:
        X[r.rand(n, d) < r.choice([0.02, 0.3, 0.9])] = np.nan
        X[:, r.randint(d)] = np.nan
    return [X, np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2]][r.randint(3)]


def case(seed):
    """Return samples and the arguments of a fit; sums are exact, so that no order matters."""
    r = np.random.RandomState(seed)
    n, d, n_outputs = (
        int(r.choice([2, 3, 5, 17, 33, 40, 130, 300, 700])),
        int(r.randint(1, 12)),
        int(r.choice([1, 2, 3])),
    )
    X = samples(r, n, d)
    n_classes = r.choice([1, 2, 3, 20, 300], n_outputs) if r.rand() < 0.6 else None
    if n_classes is None:
        y, criterion = r.randint(1, 9, (n, n_outputs)), r.choice(["squared_error", "poisson", "absolute_error"])
    else:
        y = np.stack([r.randint(0, k, n) for k in n_classes], axis=1)
        criterion = r.choice(["gini", "entropy"])
    weights = [None, r.randint(0, 4, n).astype(np.uint8), r.randint(0, 1000, n).astype(float)][r.randint(3)]
    if weights is not None:
        weights[0] = 1
    constrained = n_outputs == 1 and (n_classes is None or n_classes[0] <= 2) and not np.isnan(X).any()
    rules = Rules(
        criterion=str(criterion),
        random=bool(r.rand() < 0.2),
        max_features=int(r.randint(1, d + 1)),
        max_depth=int(r.choice([3, 2**31 - 1])),
        min_samples_split=2,
        min_samples_leaf=int(r.choice([1, 1, 3])),
        max_leaf_nodes=int(r.choice([-1, -1, 5])),
        min_impurity_decrease=0.0,
        monotonic_cst=r.randint(-1, 2, d).astype(np.int8) if constrained and r.rand() < 0.2 else None,
    )
    least = float(r.choice([0, 0, 0.05]) * (n if weights is None else weights.sum()))
    return X, (y.astype(float), n_classes, [weights], [least], [seed + 1], rules)


@pytest.mark.parametrize("block", range(8))
def test_the_tree_of_ranked_features(block):
    from fastml._kernels.tree import grow

    for seed in range(block * BLOCK, (block + 1) * BLOCK):
        X, arguments = case(seed)
        (nodes, values, depth), *others = (
            grow.grow(grow.prepare(X, arguments[-1].random, presort, 1, ranked), *arguments, n_threads)[0]
            for presort, ranked, n_threads in ((False, False, 1), (False, False, 2), (False, True, 1), (True, True, 1))
        )
        for other in others:
            np.testing.assert_array_equal(nodes, other[0], err_msg=f"case {seed}")
            np.testing.assert_array_equal(values, other[1], err_msg=f"case {seed}")
            assert depth == other[2]
