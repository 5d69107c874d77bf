"""How scikit-learn grew its trees: what went into each of them, so that it can be grown again and looked into."""

import contextlib
import copy
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from sklearn.tree import _classes
from sklearn.tree._tree import Tree

BUILDERS = {name: getattr(_classes, name) for name in ("DepthFirstTreeBuilder", "BestFirstTreeBuilder")}
SPLITTERS = dict(_classes.DENSE_SPLITTERS)


@dataclass
class Growth:
    """One tree that scikit-learn grew, and all that it was grown from."""

    builder: str
    limits: tuple
    splitter: str
    criterion: object
    rules: tuple
    random_state: np.random.RandomState
    X: np.ndarray
    y: np.ndarray
    sample_weight: np.ndarray | None
    missing: np.ndarray | None
    empty: tuple
    built: dict

    @property
    def best_first(self):
        return self.builder == "BestFirstTreeBuilder"

    @property
    def min_weight_leaf(self):
        return self.rules[2]

    @property
    def monotonic_cst(self):
        return self.rules[3]

    @property
    def min_impurity_decrease(self):
        return self.limits[-1]

    @cached_property
    def weights(self):
        return np.ones(len(self.X)) if self.sample_weight is None else np.asarray(self.sample_weight, dtype=float)

    @cached_property
    def n_classes(self):
        """The classes of each output; None for regression."""
        arguments = self.criterion.__reduce__()[1]
        return np.asarray(arguments[1]) if np.ndim(arguments[1]) else None

    @cached_property
    def impurity(self):
        return {"Gini": "gini", "Entropy": "entropy", "MSE": "squared_error", "MAE": "absolute_error"}.get(
            type(self.criterion).__name__, "poisson"
        )

    def again(self, order):
        """Return the tree that scikit-learn grows from the same samples in another order."""
        kind, arguments = self.criterion.__reduce__()[:2]
        max_features, min_samples_leaf, min_weight_leaf, cst = self.rules
        random_state = copy.deepcopy(self.random_state)
        splitter = SPLITTERS[self.splitter](
            kind(*arguments), max_features, min_samples_leaf, min_weight_leaf, random_state, cst
        )
        tree = Tree(*self.empty)
        weights = None if self.sample_weight is None else self.sample_weight[order]
        X, y = np.ascontiguousarray(self.X[order]), np.ascontiguousarray(self.y[order])
        BUILDERS[self.builder](splitter, *self.limits).build(tree, X, y, weights, self.missing)
        return tree.__getstate__()


@contextlib.contextmanager
def recorded():
    """Give a list to which every tree that scikit-learn grows in the block is added, as a `Growth`."""
    grown = []
    drawn = {}

    def splitter_named(name):
        def make(criterion, max_features, min_samples_leaf, min_weight_leaf, random_state, monotonic_cst):
            rules = max_features, min_samples_leaf, min_weight_leaf, monotonic_cst
            drawn["last"] = name, criterion, rules, copy.deepcopy(random_state)
            return SPLITTERS[name](criterion, *rules[:3], random_state, monotonic_cst)

        return make

    def builder_named(name):
        def make(splitter, *limits):
            return Recording(name, limits, drawn["last"], grown, BUILDERS[name](splitter, *limits))

        return make

    try:
        for name in BUILDERS:
            setattr(_classes, name, builder_named(name))
        _classes.DENSE_SPLITTERS.update({name: splitter_named(name) for name in SPLITTERS})
        yield grown
    finally:
        for name, builder in BUILDERS.items():
            setattr(_classes, name, builder)
        _classes.DENSE_SPLITTERS.update(SPLITTERS)


class Recording:
    """Stands in for a builder, and remembers what it builds."""

    def __init__(self, name, limits, drawn, grown, builder):
        self.name, self.limits, self.drawn, self.grown, self.builder = name, limits, drawn, grown, builder

    def build(self, tree, X, y, sample_weight=None, missing=None):
        self.builder.build(tree, X, y, sample_weight, missing)
        splitter, criterion, rules, random_state = self.drawn
        copies = [None if array is None else np.array(array) for array in (X, y, sample_weight)]
        made = tree.__reduce__()[1], copy.deepcopy(tree.__getstate__())
        self.grown.append(
            Growth(self.name, self.limits, splitter, criterion, rules, random_state, *copies, missing, *made)
        )
