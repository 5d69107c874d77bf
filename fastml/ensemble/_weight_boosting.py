"""AdaBoost: scikit-learn's parameters, defaults and rounds; trees grow on our kernels, on samples ranked once.

Zhu, Zou, Rosset, Hastie 2009, Statistics and its Interface 2:3 (SAMME). Drucker 1997, ICML (AdaBoost.R2).
"""

from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

import numpy as np
import sklearn.ensemble
from sklearn.base import is_regressor
from sklearn.utils.validation import check_is_fitted, validate_data

from fastml._dispatch import NotCovered, accelerated
from fastml._registry import Accelerated
from fastml._threads import effective_n_threads
from fastml._validate import clean_float32, is_clean_target, narrowed
from fastml._versions import fit_context
from fastml.ensemble._growth import Growth, are_trees, ours, refuse_others
from fastml.tree import _grow, _predict
from fastml.tree._draws import MAX_INT
from fastml.tree._fitted import refuse_sparse
from fastml.tree._targets import are_plain, as_float64, columns, find_classes, have_fractions, warn_each


class _Samples(NamedTuple):
    """What the rounds of one fit share."""

    X: np.ndarray
    X32: np.ndarray
    targets: np.ndarray
    classes: list | None
    n_threads: int


_fitting = ContextVar("_fitting", default=None)


@contextmanager
def _rounds(X, X32, y, classify, n_rounds):
    """Within it, the rounds of a fit to this very array find it in float32 and ranked, and its targets as codes."""
    samples = None if X32 is None else _prepared(X, _rows(X32), y, classify)
    token = _fitting.set(samples)
    try:
        if samples is None:
            yield
        else:
            with _grow.sharing(X, samples.X32, n_rounds):
                yield
    finally:
        _fitting.reset(token)


def _prepared(X, X32, y, classify):
    """Return what the rounds share; None where the first tree has to say what is wrong with the targets."""
    targets, classes = columns(y), None
    if targets.shape[1] != 1 or not (classify or y.dtype.kind in "biuf"):
        return None
    if classify:
        if not are_plain(targets):
            return None
        try:
            targets, classes = find_classes(targets)
        except TypeError:  # strings beside numbers
            return None
        if have_fractions(classes[0]):
            return None
    return _Samples(X, X32, as_float64(targets), classes, effective_n_threads())


class FittedAdaBoost(Accelerated):
    """What the classifier and the regressor share."""

    @accelerated
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, sample_weight=None):
        """Fit a sequence of trees, each to weights that grow where those before it failed.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, which trees round to float32. Sparse ones run scikit-learn's own code.
        y : array-like of shape (n_samples,)
            Classes, as integers or strings; numbers for regression.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights to begin with; None: all the same.

        Returns
        -------
        self : estimator
            With ``estimators_``, a list of trees, ``estimator_weights_``, ``estimator_errors_`` and, for
            classification, ``classes_`` and ``n_classes_``.

        Raises
        ------
        ValueError
            If a parameter has a value that is not allowed; if X holds NaN or infinity, or the number of targets or
            weights is not that of the samples; if a weight is negative; if the first tree is worse than guessing.

        See Also
        --------
        predict : Classes or values of samples.

        Notes
        -----
        Class of agreement: tie.

        Estimators other than scikit-learn's trees run in scikit-learn's own rounds. O(n_estimators * n_samples *
        n_features * depth), after sorting each feature once (for regression in every round). Memory:
        O(n_samples * n_features).

        Examples
        --------
        >>> from fastml.ensemble import AdaBoostClassifier
        >>> model = AdaBoostClassifier(random_state=0).fit([[0.0], [1.0], [5.0], [6.0]], [0, 0, 1, 1])
        >>> model.predict([[2.0], [6.0]]).tolist()
        [0, 1]
        """
        refuse_sparse(X)
        if self.estimator is not None:
            refuse_others(self.estimator, self)
        regress = is_regressor(self)
        X32 = clean_float32(self, X, reset=True) if is_clean_target(y, _length(X)) and y.ndim == 1 else None
        if X32 is None:
            accepted = {"accept_sparse": ["csr", "csc"], "allow_nd": True, "dtype": None, "y_numeric": regress}
            given = X, y
            X, y = validate_data(self, X, y, **accepted)
            if regress and y.dtype.kind == "f" and not np.all(np.isfinite(y)):  # None, made NaN by the check
                return super().fit(*given, sample_weight)
            X32 = narrowed(X)
        names = vars(self).get("feature_names_in_")
        try:
            with _rounds(X, X32, y, not regress, self.n_estimators):
                return super().fit(X, y, sample_weight)
        finally:
            if names is not None:
                self.feature_names_in_ = names  # the second check has seen an array without names

    def _validate_estimator(self):
        super()._validate_estimator()
        if self.estimator is None:
            self.estimator_ = ours(self.estimator_)

    def _check_X(self, X):
        if getattr(self, "n_classes_", 2) > 1 and self._has_trees():
            X32 = clean_float32(self, X, reset=False)
            if X32 is not None:
                return X32
        return super()._check_X(X)

    def _has_trees(self):
        """Tell whether all rounds made trees; a round that failed may have left one that is not fitted."""
        estimators = getattr(self, "estimators_", None)
        return are_trees(estimators, self) and "tree_" in vars(estimators[-1])

    def _samples(self, X):
        """Return what the rounds share, and how their trees grow; None where scikit-learn's own round has to run."""
        samples = _fitting.get()
        if samples is None or samples.X is not X or self.estimator_.criterion == "poisson":
            return None, None
        n_samples, n_features = X.shape
        growth = Growth(self.estimator_, n_samples, n_features, 1, samples.classes, n_threads=samples.n_threads)
        return (samples, growth) if growth.covered else (None, None)


class AdaBoostClassifier(FittedAdaBoost, sklearn.ensemble.AdaBoostClassifier):
    __doc__ = sklearn.ensemble.AdaBoostClassifier.__doc__

    def _boost(self, iboost, X, y, sample_weight, random_state):
        samples, growth = self._samples(X)
        if samples is None or not sample_weight.any():
            return super()._boost(iboost, X, y, sample_weight, random_state)
        try:
            preset = growth.class_weights(y)
        except ValueError:  # scikit-learn's own round draws a seed and makes a tree before it finds out
            return super()._boost(iboost, X, y, sample_weight, random_state)
        warn_each(samples.targets, growth.n_classes, 1)
        weights = sample_weight if preset is None else sample_weight * preset
        seed = random_state.randint(MAX_INT)
        tree = growth.grow(samples.X32, samples.targets, [weights], [seed])[0]
        self.estimators_.append(tree)
        if iboost == 0:
            self.classes_ = tree.classes_
            self.n_classes_ = len(tree.classes_)
        n_classes = self.n_classes_

        leaves = _predict.apply([tree.tree_], samples.X32, n_threads=samples.n_threads)[:, 0]
        predicted = tree.tree_.value[:, 0].argmax(axis=1).astype(np.float64)
        wrong = predicted[leaves] != samples.targets[:, 0]
        error = np.mean(np.average(wrong, weights=sample_weight, axis=0))
        if error <= 0:
            return sample_weight, 1.0, 0.0
        if error >= 1.0 - 1.0 / n_classes:
            self.estimators_.pop()
            if not self.estimators_:
                raise ValueError(
                    "BaseClassifier in AdaBoostClassifier ensemble is worse than random, ensemble can not be fit."
                )
            return None, None, None
        weight = self.learning_rate * (np.log((1.0 - error) / error) + np.log(n_classes - 1.0))
        if iboost != self.n_estimators - 1:
            sample_weight = np.exp(np.log(sample_weight) + weight * wrong * (sample_weight > 0))
        return sample_weight, weight, error

    @accelerated
    def decision_function(self, X):
        """Sum of the trees' votes, by their weights.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, which trees round to float32. Sparse ones run scikit-learn's own code.

        Returns
        -------
        score : ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
            Columns in the order of ``classes_``; of two classes, the second's score less the first's.

        Raises
        ------
        NotFittedError
            If the estimator was not fitted.
        ValueError
            If X holds NaN or infinity, or has another number of features than the samples of the fit.

        See Also
        --------
        predict : The class of the highest score.

        Notes
        -----
        Class of agreement: identical. O(n_samples * n_estimators * depth). Memory: O(n_samples * n_classes).

        Examples
        --------
        >>> from fastml.ensemble import AdaBoostClassifier
        >>> model = AdaBoostClassifier(random_state=0).fit([[0.0], [1.0], [5.0], [6.0]], [0, 0, 1, 1])
        >>> model.decision_function([[2.0], [6.0]]).tolist()
        [-2.0, 2.0]
        """
        refuse_sparse(X)
        check_is_fitted(self)
        n_classes, weights = self.n_classes_, self.estimator_weights_
        if n_classes == 1 or not self._has_trees() or not self._are_known(self.classes_):
            return super().decision_function(X)
        X32 = clean_float32(self, X, reset=False)
        if X32 is None:
            X32 = self.estimators_[0]._validate_X_predict(super()._check_X(X), check_input=True)
        trees = [tree.tree_ for tree in self.estimators_]
        votes = [_votes(tree, weight, n_classes) for tree, weight in zip(trees, weights, strict=False)]
        scores = _predict.sum_values(trees, _rows(X32), tables=votes, n_threads=effective_n_threads())
        scores /= weights.sum()
        if n_classes > 2:
            return np.asfortranarray(scores)
        scores[:, 0] *= -1
        return scores.sum(axis=1)

    def _are_known(self, classes):
        """Tell whether every tree knows these classes and no others: one that was put in may not."""
        if type(classes) is not np.ndarray:
            return False
        # bytes first: 50 comparisons of arrays took a quarter of the time of one row
        kind, content = classes.dtype, classes.tobytes()
        return all(
            (type(known) is np.ndarray and known.dtype == kind and known.tobytes() == content)
            or np.array_equal(known, classes)
            for known in (tree.classes_ for tree in self.estimators_)
        )


class AdaBoostRegressor(FittedAdaBoost, sklearn.ensemble.AdaBoostRegressor):
    __doc__ = sklearn.ensemble.AdaBoostRegressor.__doc__

    def _boost(self, iboost, X, y, sample_weight, random_state):
        samples, growth = self._samples(X)
        if samples is None:
            return super()._boost(iboost, X, y, sample_weight, random_state)
        seed = random_state.randint(MAX_INT)
        drawn = random_state.choice(np.arange(len(X)), size=len(X), replace=True, p=sample_weight)
        tree = growth.grow(samples.X32[drawn], samples.targets[drawn], [None], [seed])[0]
        self.estimators_.append(tree)

        values = _predict.apply([tree.tree_], samples.X32, n_threads=samples.n_threads)[:, 0]
        errors = np.abs(tree.tree_.value[:, 0, 0].take(values) - y)
        counted = sample_weight > 0
        errors = errors[counted]
        largest = errors.max()
        if largest != 0:
            errors /= largest
        if self.loss == "square":
            errors **= 2
        elif self.loss == "exponential":
            errors = 1.0 - np.exp(-errors)
        error = (sample_weight[counted] * errors).sum()
        if error <= 0:
            return sample_weight, 1.0, 0.0
        if error >= 0.5:
            if len(self.estimators_) > 1:
                self.estimators_.pop()
            return None, None, None
        beta = error / (1.0 - error)
        if iboost != self.n_estimators - 1:
            sample_weight[counted] *= np.power(beta, (1.0 - errors) * self.learning_rate)
        return sample_weight, self.learning_rate * np.log(1.0 / beta), error

    @accelerated
    def predict(self, X):
        """Value of every sample: the median of the trees', by their weights.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, which trees round to float32. Sparse ones run scikit-learn's own code.

        Returns
        -------
        y : ndarray of shape (n_samples,)

        Raises
        ------
        NotFittedError
            If the estimator was not fitted.
        ValueError
            If X holds NaN or infinity, or has another number of features than the samples of the fit.

        See Also
        --------
        staged_predict : After each round.

        Notes
        -----
        Class of agreement: identical. O(n_samples * n_estimators * (depth + log(n_estimators))). Memory:
        O(n_samples * n_estimators).

        Examples
        --------
        >>> from fastml.ensemble import AdaBoostRegressor
        >>> model = AdaBoostRegressor(random_state=1).fit([[0.0], [1.0], [5.0], [6.0]], [1.0, 1.0, 2.0, 2.0])
        >>> model.predict([[2.0], [6.0]]).tolist()
        [1.0, 2.0]
        """
        refuse_sparse(X)
        return super().predict(X)

    def _get_median_predict(self, X, limit):
        if type(X) is not np.ndarray or X.dtype != np.float32 or not self._has_trees():
            return super()._get_median_predict(X, limit)
        trees = [tree.tree_ for tree in self.estimators_[:limit]]
        try:
            values = _predict.gather(trees, _rows(X), n_threads=effective_n_threads())[:, :, 0]
        except NotCovered:  # what is wrong is its error
            return super()._get_median_predict(X, limit)
        order = np.argsort(values, axis=1)
        weights = np.cumsum(self.estimator_weights_[order], axis=1)
        half = (weights >= 0.5 * weights[:, -1:]).argmax(axis=1)[:, np.newaxis]
        return np.take_along_axis(values, np.take_along_axis(order, half, axis=1), axis=1)[:, 0]


def _votes(tree, weight, n_classes):
    """Return what every leaf adds to the scores of the classes."""
    votes = np.full((tree.node_count, n_classes), -1 / (n_classes - 1) * weight)
    votes[np.arange(tree.node_count), tree.value[:, 0].argmax(axis=1)] = weight
    return votes


def _rows(X):
    """Return dense samples as prediction takes them."""
    return X if X.flags.c_contiguous else np.ascontiguousarray(X)


def _length(X):
    return len(X) if type(X) is np.ndarray and X.ndim else 0
