"""The fit of bagging ensembles over trees, all of them in few calls of the driver.

Breiman 1996, Machine Learning 24:2. Ho 1998, IEEE TPAMI 20:8.
"""

from numbers import Integral

import numpy as np
from scipy.sparse import issparse
from sklearn.base import ClassifierMixin
from sklearn.utils import check_random_state

from fastml._dispatch import note
from fastml._threads import effective_n_threads
from fastml._validate import narrowed
from fastml._versions import BaseBagging, n_samples_bootstrap
from fastml.ensemble._growth import Growth, are_trees, is_refused, ours
from fastml.ensemble._subsets import draw
from fastml.tree import _grow
from fastml.tree._draws import MAX_INT, generator
from fastml.tree._targets import are_refused, as_float64, columns, warn_each

# From so many samples to one that is drawn, the drawn ones are copied; else all share what was computed once.
_FEW = 8


class FastBagging(BaseBagging):
    """Growing. Stands between an ensemble of scikit-learn and its base, so that both their fits come by."""

    def _fit(self, X, y, max_samples=None, max_depth=None, check_input=True, sample_weight=None, **fit_params):
        """Grow the trees; scikit-learn's own code fits what is no tree, and says what is wrong."""
        given = {"max_samples": max_samples, "max_depth": max_depth, "check_input": check_input}
        targets = None
        if not fit_params and not issparse(y) and self._is_covered(X):
            targets = self._grow(X, y, sample_weight, **given)
        if targets is None:
            note("scikit-learn's own code fitted the ensemble.")
            return super()._fit(X, y, sample_weight=sample_weight, **given, **fit_params)
        if self.oob_score:
            self._set_oob_score(X, targets)
        return self

    def _is_covered(self, X):
        """Tell whether the estimators are trees, and the parameters ask for nothing that scikit-learn refuses."""
        n_features = self.max_features if isinstance(self.max_features, Integral) else 0
        n_fitted = len(self.estimators_) if self.warm_start and hasattr(self, "estimators_") else 0
        return (
            not issparse(X)
            and are_trees([self._get_estimator()], self)
            and isinstance(self.max_features, Integral | float)
            and n_features <= self.n_features_in_
            and not (self.oob_score and (self.warm_start or not self.bootstrap))
            and self.n_estimators > n_fitted
        )

    def _grow(self, X, y, sample_weight, max_samples, max_depth, check_input):
        """Grow the trees, and return the targets; None, before anything is drawn, where scikit-learn has to look."""
        n_samples, n_features = X.shape
        n_drawn = self.max_samples if max_samples is None else max_samples
        if not self.bootstrap and _most_drawn(n_samples, n_drawn, sample_weight) > n_samples:
            return None
        if isinstance(n_drawn, Integral) and n_drawn < 1:
            return None
        share, tree = self.max_features, self._get_estimator()
        n_used = max(1, int(share if isinstance(share, Integral) else share * n_features))
        X32 = None if is_refused(tree, n_used, columns(y)) else _checked(tree, X, y, check_input)
        if X32 is None:
            return None

        random_state = check_random_state(self.random_state)
        self._n_samples = n_samples
        y = self._validate_y(y)
        self._validate_estimator(tree)
        if max_depth is not None:
            self.estimator_.max_depth = max_depth
        self._max_samples = n_samples_bootstrap(n_samples, n_drawn, sample_weight)
        self._max_features, self._sample_weight = n_used, sample_weight
        if not self.warm_start or not hasattr(self, "estimators_"):
            self.estimators_, self.estimators_features_ = [], []
        elif hasattr(self, "oob_score_"):
            del self.oob_score_
        n_threads, targets = effective_n_threads(self.n_jobs), columns(y)
        classes = [np.arange(self.n_classes_)] if isinstance(self, ClassifierMixin) else None
        growth = Growth(self.estimator_, n_samples, n_used, targets.shape[1], classes, n_threads=n_threads)

        if self.warm_start and self.estimators_:
            random_state.randint(MAX_INT, size=len(self.estimators_))  # those of the trees that stand
        self._seeds = random_state.randint(MAX_INT, size=self.n_estimators - len(self.estimators_))
        if classes is not None:
            warn_each(targets, [self.n_classes_], len(self._seeds))
        features, trees = self._grow_trees(X32, as_float64(targets), growth, growth.class_weights(targets))
        self.estimators_ += trees
        self.estimators_features_ += features
        return y

    def _grow_trees(self, X, y, growth, class_weights):
        """Draw the features and samples of every tree, and grow it."""
        drawn, features = _Drawn(self, class_weights), []
        subspaces = self.bootstrap_features or self._max_features != X.shape[1]
        trees, seeds = [], self._seeds.tolist()
        if subspaces or drawn.few:
            for i, seed in enumerate(seeds):
                self._announce(i, i + 1)
                own, counts, kept = drawn.of(seed)
                features.append(own)
                samples, targets = (X, y) if kept is None else (X.take(kept, axis=0), y.take(kept, axis=0))
                samples = samples[:, own] if subspaces else samples
                trees += growth.grow(samples, targets, [counts], [_tree_state(seed)])
            return features, trees
        with _grow.sharing(X, X, len(seeds)):
            for batch in _grow.batches(len(seeds), X, drawn.itemsize, growth.n_threads):
                self._announce(batch.start, batch.stop)
                own, counts, _ = zip(*map(drawn.of, seeds[batch]), strict=True)
                features += own
                trees += growth.grow(X, y, counts, [_tree_state(seed) for seed in seeds[batch]])
        return features, trees

    def _announce(self, start, stop):
        if self.verbose > 1:
            for i in range(start, stop):
                n_more = len(self._seeds)
                print(f"Building estimator {i + 1} of {n_more} for this parallel run (total {n_more})...")


class _Drawn:
    """Features, samples and weights of the trees of an ensemble."""

    def __init__(self, ensemble, class_weights):
        self.population = ensemble.n_features_in_, ensemble._n_samples
        self.drawn = ensemble._max_features, ensemble._max_samples
        self.replace = ensemble.bootstrap_features, ensemble.bootstrap
        weights = ensemble._sample_weight
        self.shares = None if weights is None else weights / np.sum(weights)
        self.class_weights = class_weights
        self.few = self.drawn[1] * _FEW < self.population[1]
        self.itemsize = 1 if class_weights is None else 8

    def of(self, seed):
        """Return the features of a tree, the weights of its samples, and which samples these are; None: all."""
        features, samples = draw(seed, self.population, self.drawn, self.replace, self.shares)
        if self.few and not self.replace[1] and self.class_weights is None:
            return features, None, np.sort(samples)
        if self.few:
            kept, counts = np.unique(samples, return_counts=True)
        else:
            kept, counts = None, np.bincount(samples, minlength=self.population[1])
        if self.class_weights is not None:
            counts = counts * (self.class_weights if kept is None else self.class_weights[kept])
        return features, _grow.narrowed(counts), kept


def _most_drawn(n_samples, n_drawn, sample_weight):
    """Return how many samples an estimator would get; a share is one of the total weight."""
    if n_drawn is None or isinstance(n_drawn, Integral):
        return n_samples if n_drawn is None else n_drawn
    return int(n_drawn * (n_samples if sample_weight is None else np.sum(sample_weight)))


def _tree_state(seed):
    """Return the ``random_state`` that scikit-learn's ``_set_random_states`` gives a tree."""
    return generator(seed).randint(MAX_INT)


def _checked(tree, X, y, check_input):
    """Return samples as the trees' own check does, in float32; None where scikit-learn's trees have to look at them."""
    if not check_input:
        return narrowed(X)
    try:
        if are_refused(tree.criterion, y):
            return None
        return ours(tree)._checked(X, np.zeros(len(X)))[0]  # the targets have passed the ensemble's check
    except (TypeError, ValueError):
        return None
