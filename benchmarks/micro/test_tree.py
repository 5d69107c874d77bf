"""The kernels that grow trees, on one thread: 4,000 samples of 12 features."""

from typing import NamedTuple

import numpy as np
import pytest
from sklearn.datasets import make_classification

from fastml._kernels.tree.tables import Rules

N_SAMPLES, N_FEATURES, N_TREES = 4_000, 12, 4
RULES = Rules(
    criterion="gini",
    random=False,
    max_features=N_FEATURES,
    max_depth=2**31 - 1,
    min_samples_split=2,
    min_samples_leaf=1,
    max_leaf_nodes=-1,
    min_impurity_decrease=0.0,
    monotonic_cst=None,
)
FEW = RULES._replace(max_features=3)
WAYS = {  # rules, classes (0: real targets), whether the samples are drawn: which path of the kernel grows the tree
    "lists": (RULES, 2, False),
    "lists, ten classes": (RULES, 10, False),
    "lists, real targets": (RULES._replace(criterion="squared_error"), 0, False),
    "histograms": (FEW, 2, True),
    "sorted anew": (FEW, 10, True),
    "any criterion": (FEW._replace(criterion="entropy"), 2, True),
    "medians": (RULES._replace(criterion="absolute_error", max_depth=4), 0, False),
    "random thresholds": (FEW._replace(random=True), 2, False),
    "best first": (RULES._replace(max_leaf_nodes=32), 2, False),
}


class Problem(NamedTuple):
    """What the kernel takes beside the rules."""

    X: np.ndarray
    y: np.ndarray
    n_classes: np.ndarray | None
    weights: list

    @classmethod
    def of(cls, n_classes, bootstrap):
        X, y = make_classification(
            N_SAMPLES, N_FEATURES, n_informative=N_FEATURES // 2, n_classes=n_classes or 2, random_state=0
        )
        rng, y = np.random.default_rng(0), y.astype(float)[:, None]
        drawn = [np.bincount(rng.integers(N_SAMPLES, size=N_SAMPLES), minlength=N_SAMPLES) for _ in range(N_TREES)]
        weights = [counts.astype(np.uint8) if bootstrap else None for counts in drawn]
        if not n_classes:
            y += rng.random(y.shape)
        return cls(X.astype(np.float32), y, np.array([n_classes], np.intp) if n_classes else None, weights)


def presorted(rules):
    return not rules.random and rules.max_features == N_FEATURES


@pytest.mark.parametrize("rules", [RULES, FEW, FEW._replace(random=True)], ids=["lists", "ranks", "columns"])
def test_prepare(benchmark, kernel, rules):
    X = Problem.of(2, False).X
    features = benchmark(kernel("tree.grow").prepare, X, rules.random, presorted(rules), 1)
    as_given = features.columns is None and features.values is None  # few samples, which the random splitter reads so
    assert as_given or not features.missing.any()


@pytest.mark.parametrize("way", WAYS)
def test_grow(benchmark, kernel, way):
    """All trees of a small forest, full depth unless said."""
    grow, (rules, *kind) = kernel("tree.grow"), WAYS[way]
    X, y, n_classes, weights = Problem.of(*kind)
    features = grow.prepare(X, rules.random, presorted(rules), 1)
    arguments = (y, n_classes, weights, [0.0] * N_TREES, range(1, N_TREES + 1), rules, 1)
    benchmark.pedantic(grow.grow, (features, *arguments), rounds=3, warmup_rounds=1)
    for nodes, values, depth in grow.grow(features, *arguments):
        leaves = nodes[nodes["left_child"] < 0]
        assert len(nodes) == 2 * len(leaves) - 1 == len(values)
        assert leaves["weighted_n_node_samples"].sum() == N_SAMPLES
        if rules.max_leaf_nodes > 0:
            assert len(leaves) == rules.max_leaf_nodes
        elif depth < rules.max_depth:
            assert leaves["impurity"].max() < 1e-12
