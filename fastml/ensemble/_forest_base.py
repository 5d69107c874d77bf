"""What the forests share: their fit, all trees in a few calls of the driver.

Breiman 2001, Machine Learning 45:5. Geurts, Ernst, Wehenkel 2006, Machine Learning 63:3.
"""

import sys
import time

import numpy as np
from scipy.sparse import issparse
from sklearn.base import ClassifierMixin
from sklearn.exceptions import DataConversionWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data

from fastml._dispatch import NotCovered, accelerated, note
from fastml._threads import effective_n_threads
from fastml._validate import clean_float32, is_clean_target
from fastml._versions import BaseForest, check_sample_weight, fit_context, n_samples_bootstrap
from fastml._warnings import warn_from
from fastml.ensemble import _oob
from fastml.ensemble._bootstrap import Weights
from fastml.ensemble._fitted_forest import FittedForest
from fastml.ensemble._growth import describe, fitted_tree
from fastml.tree import _grow
from fastml.tree._base import genuine, too_many
from fastml.tree._classes import OURS
from fastml.tree._draws import MAX_INT, tree_seed
from fastml.tree._fitted import refuse_sparse
from fastml.tree._params import KnownParams
from fastml.tree._targets import are_refused, as_float64, columns, encode, warn_each


class FastForest(KnownParams, FittedForest):
    """Growing."""

    def _refuse(self, X):
        refuse_sparse(X)
        if not (isinstance(self.criterion, str) or callable(self.criterion)):
            raise NotCovered(f"criterion={self.criterion!r} is scikit-learn's own object.")
        if type(self.estimator) not in OURS:
            raise NotCovered(f"estimator={self.estimator!r} is none of scikit-learn's trees.")

    def _validate_estimator(self, default=None):
        super()._validate_estimator(default)
        self.estimator_ = OURS[type(self.estimator_)](**self.estimator_.get_params())

    def _grow_forest(self, X, y, sample_weight):
        """Grow the trees, or let scikit-learn's own code say what is wrong."""
        if not self._grow(X, y, sample_weight):
            BaseForest.fit(self, X, y, sample_weight)
            note("scikit-learn's own code grew the forest.")
        return self

    def _grow(self, X, y, sample_weight):
        if issparse(y) or (not self.bootstrap and (self.max_samples is not None or self.oob_score)):
            return False
        if too_many(self.max_leaf_nodes):
            return False
        n_more = self.n_estimators - (len(self.estimators_) if self.warm_start and hasattr(self, "estimators_") else 0)
        if n_more <= 0:
            return False
        X, y = self._checked(X, y)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X)
        targets = columns(y)
        if are_refused(self.criterion, targets):
            return False
        if y.ndim == 2 and y.shape[1] == 1:
            warn_from(
                "sklearn.base",
                "A column-vector y was passed when a 1d array was expected. Please change the shape of y to "
                "(n_samples,), for example using ravel().",
                DataConversionWarning,
            )
        y = targets
        self._n_samples, self.n_outputs_ = y.shape
        y, class_weights = self._encoded(y, sample_weight)
        y = as_float64(y)
        weights = class_weights if sample_weight is None else sample_weight
        if sample_weight is not None and class_weights is not None:
            weights = sample_weight * class_weights
        self._sample_weight = weights
        self._validate_estimator()
        template, rules = self._template(len(X))
        self._n_samples_bootstrap = n_samples_bootstrap(len(X), self.max_samples, weights) if self.bootstrap else None
        random_state = check_random_state(self.random_state)
        if n_more == self.n_estimators:
            self.estimators_ = []
        else:
            random_state.randint(MAX_INT, size=len(self.estimators_))  # those of the trees that stand
        seeds = random_state.randint(MAX_INT, size=n_more).tolist()
        n_threads = effective_n_threads(self.n_jobs)
        if rules is None:
            template._fit(X, y, weights, check_input=False)  # the trees' own error: the forest has warned by now
        self.estimators_ += self._grow_trees(X, y, weights, template, rules, seeds, n_threads)
        if self.oob_score:
            _oob.check(self, y)
            scoring = {"scoring_function": self.oob_score} if callable(self.oob_score) else {}
            self._set_oob_score_and_attributes(X, y, **scoring)
        if hasattr(self, "classes_") and self.n_outputs_ == 1:
            self.n_classes_, self.classes_ = self.n_classes_[0], self.classes_[0]
        return True

    def _checked(self, X, y):
        """Check samples and targets as scikit-learn's forest does."""
        if is_clean_target(y, len(X) if type(X) is np.ndarray and X.ndim else 0):
            X32 = clean_float32(self, X, reset=True)
            if X32 is not None:
                return X32, y
        samples = {"accept_sparse": "csc", "dtype": np.float32, "ensure_all_finite": False}
        X, y = validate_data(self, X, y, multi_output=True, **samples)
        tree = type(self.estimator)(criterion=self.criterion)
        tree._compute_missing_values_in_feature_mask(X, estimator_name=type(self).__name__)  # infinity is its error
        return X, np.atleast_1d(y)

    def _encoded(self, y, sample_weight):
        """Return codes of the classes and what `class_weight` makes of them, or the targets of a regression."""
        if not isinstance(self, ClassifierMixin) or self.class_weight is not None:
            return self._validate_y_class_weight(y, sample_weight)
        y, self.classes_ = encode(y, "sklearn.ensemble._forest")
        self.n_classes_ = [len(classes) for classes in self.classes_]
        return y, None

    def _template(self, n_samples):
        """Return a tree with all that the new ones have in common, and the rules by which they grow."""
        tree, classes = self._make_estimator(append=False), None
        if isinstance(self, ClassifierMixin):  # the trees are given codes, and take them for the classes
            classes = [np.arange(float(n)) for n in self.n_classes_]
        n_classes = describe(tree, self.n_features_in_, self.n_outputs_, classes)
        return tree, tree._rules(n_samples, n_classes)

    def _grow_trees(self, X, y, weights, template, rules, seeds, n_threads):
        """Grow one tree for every seed."""
        begun = time.perf_counter()
        n_classes = None if not isinstance(self, ClassifierMixin) else np.atleast_1d(template.n_classes_)
        balanced = self.bootstrap and isinstance(self, ClassifierMixin) and self.class_weight == "balanced_subsample"
        own = Weights(y, weights, self._n_samples_bootstrap, balanced, self.min_weight_fraction_leaf)
        if n_classes is not None:
            warn_each(y, n_classes, len(seeds))
        features = _grow.prepare(X, rules, n_threads, n_classes, own.are_counts, len(seeds))
        trees = []
        for batch in _grow.batches(len(seeds), X, own.itemsize, n_threads):
            if self.verbose > 1:
                for i in range(batch.start, batch.stop):
                    print(f"building tree {i + 1} of {len(seeds)}")
            own_weights, min_weights = own.of(seeds[batch])
            starts = [tree_seed(seed) for seed in seeds[batch]]
            grown = _grow.grow(features, y, n_classes, own_weights, min_weights, starts, rules, n_threads)
            del own_weights
            for i, seed in enumerate(seeds[batch]):
                tree = genuine(grown[i], X.shape[1], n_classes, y.shape[1])
                trees.append(fitted_tree(type(template), vars(template), seed, tree))
                grown[i] = None  # the tree holds a copy
        if self.verbose:
            elapsed = time.perf_counter() - begun
            print(f"[fastml(n_threads={n_threads})]: {len(trees)} trees in {elapsed:.1f} s", file=sys.stderr)
        return trees


class SupervisedForest(FastForest):
    """The fit to targets."""

    @accelerated
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Grow the trees.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, rounded to float32. NaN: missing. Sparse ones run scikit-learn's own code.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Classes, as integers or strings; numbers for regression.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples; None: all 1. With `bootstrap` the probabilities by which they are drawn.

        Returns
        -------
        self : estimator
            With ``estimators_``, a list of trees, ``n_outputs_`` and, for classification, ``classes_`` and
            ``n_classes_``; with `oob_score`, ``oob_score_`` and the predictions that it rests on.

        Raises
        ------
        ValueError
            If a parameter has a value that is not allowed; if X holds infinity or is not 2-d, y holds NaN, or the
            number of targets or weights is not that of the samples; if y holds numbers with a fraction where classes
            are wanted; if `max_samples` or `oob_score` is given without `bootstrap`; if `monotonic_cst` does not fit;
            under `warm_start`, if `n_estimators` is less than the number of trees.

        Warns
        -----
        DataConversionWarning
            If y is a single column.
        UserWarning
            If `oob_score` is asked for, and a sample is in every tree; if `max_samples` draws very few; if
            `warm_start` leaves nothing to do, or meets a preset of `class_weight`.

        See Also
        --------
        apply : Leaves of samples.
        predict : Classes or values of samples.

        Notes
        -----
        Class of agreement: identical for classification with integer weights, or none, and for regression on
        integers; tie otherwise.

        O(n_estimators * n_samples * max_features * depth), after sorting each feature once for all trees. Memory,
        beside the trees: O(n_samples * n_features) for all threads, and as much for each.

        Examples
        --------
        >>> from fastml.ensemble import RandomForestClassifier
        >>> model = RandomForestClassifier(10, random_state=0).fit([[0.0], [1.0], [5.0], [6.0]], [0, 0, 1, 1])
        >>> len(model.estimators_), model.classes_.tolist()
        (10, [0, 1])
        """
        self._refuse(X)
        return self._grow_forest(X, y, sample_weight)

    def _set_oob_score_and_attributes(self, X, y, scoring_function=None):
        several = len(set(getattr(self, "n_classes_", ()))) > 1
        if issparse(X) or several or not self._are_ours(self._trees()):
            return super()._set_oob_score_and_attributes(X, y, scoring_function)
        return _oob.score(self, X, y, scoring_function)
