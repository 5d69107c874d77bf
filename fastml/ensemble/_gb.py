"""Gradient boosting: scikit-learn's parameters, losses and stages; trees grow on our kernels, on samples ranked once.

Friedman 2001, Annals of Statistics 29:5.
"""

import numpy as np
import sklearn.ensemble
from scipy.sparse import issparse
from sklearn.utils.validation import check_is_fitted, validate_data

from fastml._dispatch import NotCovered, accelerated, note
from fastml._registry import Accelerated
from fastml._threads import effective_n_threads
from fastml._validate import clean_float32
from fastml._versions import init_raw_predictions, set_huber_delta, update_terminal_regions
from fastml.ensemble._gb_start import start_of_all
from fastml.ensemble._growth import Growth
from fastml.ensemble._line_search import leaf_values
from fastml.ensemble._replay import Replay, are_whole_columns, is_whole
from fastml.tree import _grow, _predict
from fastml.tree._classes import DecisionTreeRegressor
from fastml.tree._fitted import refuse_sparse
from fastml.tree._params import KnownParams

_OF_TREES = (
    "max_depth",
    "min_samples_split",
    "min_samples_leaf",
    "min_weight_fraction_leaf",
    "min_impurity_decrease",
    "max_features",
    "max_leaf_nodes",
    "ccp_alpha",
)
# Trees on whole targets keep the lists of all features sorted. With 60 features to one that a node draws they were 1.2
# to 1.7 times as fast as scikit-learn's, with 200 a third as fast at worst (62 to 1,000 samples).
_MOST_LISTS = 60


class FastGradientBoosting(KnownParams, Accelerated):
    """What the classifier and the regressor share."""

    @accelerated
    def fit(self, X, y, sample_weight=None, monitor=None):
        """Fit stages of trees, each to the gradient that those before it leave.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, rounded to float32. Sparse ones run scikit-learn's own code.
        y : array-like of shape (n_samples,)
            Classes, as integers or strings; numbers for regression.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples; None: all 1.
        monitor : callable, default=None
            Called after each stage as ``monitor(i, self, locals())``; stops the fit where it returns True.

        Returns
        -------
        self : estimator
            With ``estimators_``, an array of trees (n_estimators, n_trees_per_iteration), ``train_score_``, ``init_``,
            ``n_estimators_`` and, for classification, ``classes_`` and ``n_classes_``; with `subsample` below 1,
            ``oob_improvement_``, ``oob_scores_`` and ``oob_score_``.

        Raises
        ------
        ValueError
            If a parameter has a value that is not allowed; if X holds NaN or infinity or is not 2-d, or the number of
            targets or weights is not that of the samples; if there is only one class; under `warm_start`, if
            `n_estimators` is less than the number of stages.

        See Also
        --------
        predict : Classes or values of samples.

        Notes
        -----
        Class of agreement: rounding for `squared_error` and `absolute_error` on whole targets with whole weights; tie
        otherwise.

        O(n_estimators * n_trees * n_samples * n_features * depth), after sorting each feature once. Memory:
        O(n_samples * n_features).

        Examples
        --------
        >>> from fastml.ensemble import GradientBoostingRegressor
        >>> model = GradientBoostingRegressor(random_state=0).fit([[0.0], [1.0], [5.0], [6.0]], [1.0, 1.0, 2.0, 2.0])
        >>> model.predict([[2.0], [6.0]]).round(3).tolist()
        [1.0, 2.0]
        """
        refuse_sparse(X)
        shape = getattr(X, "shape", ())
        if self._draws_few(shape) and are_whole_columns(y, sample_weight):
            raise NotCovered(
                "On whole targets the choice between equally good splits takes sorted lists of all features, and "
                f"max_features={self.max_features!r} draws few of {shape[1]}."
            )
        return super().fit(X, y, sample_weight, monitor)

    def _draws_few(self, shape):
        """Tell whether a node draws so few features that scikit-learn's own trees are sooner on whole targets."""
        if self.loss != "squared_error" or len(shape) != 2 or shape[1] <= _MOST_LISTS:
            return False
        growth = self._growth(shape)
        return growth.covered and _MOST_LISTS * growth.rules.max_features < shape[1]

    def _fit_stages(self, X, y, raw_predictions, sample_weight, *args, **more):
        if issparse(X):
            return super()._fit_stages(X, y, raw_predictions, sample_weight, *args, **more)
        X = np.ascontiguousarray(X)
        replay = None
        whole = self.loss == "squared_error" and is_whole(y, sample_weight)
        self._plain = whole and self._draws_few(X.shape)
        if self._plain:
            note("scikit-learn's own code grew the trees.")
        if whole and not self._plain:
            # Rounding alone may tell what pruning cuts, or whether a loss that has stopped falling still falls.
            always = bool(self.ccp_alpha) or (self.n_iter_no_change is not None and self.tol <= 0)
            replay = Replay(self._loss, X, y, self.learning_rate, effective_n_threads(), always)
        self._replay, self._held = replay, (None, None)
        try:
            with _grow.sharing(X, X, self.n_estimators * self.n_trees_per_iteration_):
                n_stages = super()._fit_stages(X, y, raw_predictions, sample_weight, *args, **more)
                if replay and self.warm_start:  # further stages start from these
                    replay.catch_up(raw_predictions)
        finally:
            del self._replay, self._plain, self._held
        return n_stages

    def _growth(self, shape):
        like = DecisionTreeRegressor(**{name: getattr(self, name) for name in _OF_TREES})
        return Growth(like, *shape, 1, n_threads=effective_n_threads())

    def _growth_of_stage(self, shape, n_threads):
        """Return the former stage's, unless a monitor has changed a parameter: checks take a tenth of small fits."""
        given = (n_threads, *(getattr(self, name) for name in _OF_TREES))
        former, growth = self._held
        if former is None or any(now is not then for now, then in zip(given, former, strict=True)):
            growth = self._growth(shape)
            self._held = given, growth
        return growth

    def _fit_stage(self, i, X, y, raw_predictions, sample_weight, sample_mask, random_state, X_csc=None, X_csr=None):
        n_threads, loss = effective_n_threads(), self._loss
        growth = None if issparse(X) or self._plain else self._growth_of_stage(X.shape, n_threads)
        if growth is None or not growth.covered or not np.any(sample_weight[sample_mask]):
            sparse = {"X_csc": X_csc, "X_csr": X_csr}
            return super()._fit_stage(i, X, y, raw_predictions, sample_weight, sample_mask, random_state, **sparse)
        if self.loss == "huber":
            set_huber_delta(loss=loss, y_true=y, raw_prediction=raw_predictions, sample_weight=sample_weight)
        if self._replay is not None:
            mask = sample_mask if self.subsample < 1.0 else None
            tree = self._replay.grow(growth, raw_predictions, sample_weight, mask, random_state)
            self._add(tree.tree_, X, y, None, raw_predictions, sample_weight, mask, 0, n_threads)
            self.estimators_[i, 0] = tree
            return raw_predictions
        # The weights count where the tree grows.
        neg_gradient = -loss.gradient(y_true=y, raw_prediction=raw_predictions, sample_weight=None)
        neg_gradient = neg_gradient.reshape(len(y), -1)
        mask = None
        if self.subsample < 1.0:
            mask = sample_mask
            sample_weight = sample_weight * sample_mask.astype(np.float64)
        for k in range(self.n_trees_per_iteration_):
            own = np.ascontiguousarray(neg_gradient[:, k])
            tree = growth.grow(X, own.reshape(-1, 1), [sample_weight], [random_state])[0]
            targets = (y == k).astype(np.float64) if loss.is_multiclass else y
            self._add(tree.tree_, X, targets, own, raw_predictions, sample_weight, mask, k, n_threads)
            self.estimators_[i, k] = tree
        return raw_predictions

    def _add(self, tree, X, y, neg_gradient, raw_predictions, weights, mask, k, n_threads):
        """Find the values of a tree's leaves, and add them to the predictions for the samples."""
        leaves = _predict.apply([tree], X, n_threads=n_threads)[:, 0]
        if self.loss != "squared_error":
            nodes, values = leaf_values(self._loss, tree, leaves, y, neg_gradient, raw_predictions[:, k], weights, mask)
            if values is None:
                mask = np.ones(len(X), dtype=bool) if mask is None else mask
                update_terminal_regions(
                    self._loss, tree, X, y, neg_gradient, raw_predictions, weights, mask, self.learning_rate, k
                )
                return
            tree.value[nodes, 0, 0] = values
        raw_predictions[:, k] += self.learning_rate * tree.value[:, 0, 0].take(leaves)

    def _samples(self, X):
        """Return samples in float32 and C order."""
        refuse_sparse(X)
        X32 = clean_float32(self, X, reset=False)
        if X32 is None:
            return validate_data(self, X, dtype=np.float32, order="C", accept_sparse="csr", reset=False)
        return np.ascontiguousarray(X32)

    def _raw_predict_init(self, X):
        if type(X) is not np.ndarray or X.dtype != np.float32 or type(self.estimators_) is not np.ndarray:
            return super()._raw_predict_init(X)
        if isinstance(self.init_, str):
            return np.zeros((len(X), self.n_trees_per_iteration_))
        start = start_of_all(self.init_, self._loss, X) if self.init is None else None
        if start is None:
            return init_raw_predictions(X, self.init_, self._loss, hasattr(self, "classes_"))
        return np.repeat(start, len(X), axis=0)

    def _raw_predict(self, X):
        if issparse(X) or type(vars(self).get("estimators_")) is not np.ndarray:
            return super()._raw_predict(X)
        raw_predictions = self._raw_predict_init(X)
        self._add_stages(self.estimators_, X, raw_predictions)
        return raw_predictions

    def _add_stages(self, stages, X, raw_predictions):
        trees = [tree.tree_ for tree in stages.ravel()]
        try:
            _predict.add_scaled(trees, X, self.learning_rate, raw_predictions, n_threads=effective_n_threads())
        except NotCovered as refusal:
            super()._raw_predict_init(X)  # looks at the first tree
            raise ValueError(str(refusal)) from None  # from here on scikit-learn would read what is no tree's

    def _staged_raw_predict(self, X, check_input=True):
        if issparse(X):
            yield from super()._staged_raw_predict(X, check_input)
            return
        if check_input:
            X = self._samples(X)
        check_is_fitted(self)
        raw_predictions = self._raw_predict_init(X)
        for i in range(len(self.estimators_)):
            self._add_stages(self.estimators_[i : i + 1], X, raw_predictions)
            yield raw_predictions.copy()


class GradientBoostingClassifier(FastGradientBoosting, sklearn.ensemble.GradientBoostingClassifier):
    __doc__ = sklearn.ensemble.GradientBoostingClassifier.__doc__

    @accelerated
    def decision_function(self, X):
        """Sum of the trees' values: the logarithm of the odds, under the logistic loss.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, rounded to float32. Sparse ones run scikit-learn's own code.

        Returns
        -------
        score : ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
            Columns in the order of ``classes_``; of two classes the second's.

        Raises
        ------
        NotFittedError
            If the estimator was not fitted.
        ValueError
            If X holds NaN or infinity, or has another number of features than the samples of the fit.

        See Also
        --------
        predict_proba : Probabilities of the classes.

        Notes
        -----
        Class of agreement: identical. O(n_samples * n_estimators * depth). Memory: the result.

        Examples
        --------
        >>> from fastml.ensemble import GradientBoostingClassifier
        >>> model = GradientBoostingClassifier(n_estimators=1).fit([[0.0], [1.0], [5.0], [6.0]], [0, 0, 1, 1])
        >>> model.decision_function([[2.0], [6.0]]).tolist()
        [-0.2, 0.2]
        """
        raw_predictions = self._raw_predict(self._samples(X))
        return raw_predictions.ravel() if raw_predictions.shape[1] == 1 else raw_predictions


class GradientBoostingRegressor(FastGradientBoosting, sklearn.ensemble.GradientBoostingRegressor):
    __doc__ = sklearn.ensemble.GradientBoostingRegressor.__doc__

    @accelerated
    def predict(self, X):
        """Value of every sample: the sum of the trees'.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, rounded to float32. Sparse ones run scikit-learn's own code.

        Returns
        -------
        y : ndarray of shape (n_samples,), float64

        Raises
        ------
        NotFittedError
            If the estimator was not fitted.
        ValueError
            If X holds NaN or infinity, or has another number of features than the samples of the fit.

        See Also
        --------
        staged_predict : After each stage.

        Notes
        -----
        Class of agreement: identical. O(n_samples * n_estimators * depth). Memory: the result.

        Examples
        --------
        >>> from fastml.ensemble import GradientBoostingRegressor
        >>> model = GradientBoostingRegressor(random_state=0).fit([[0.0], [1.0], [5.0], [6.0]], [1.0, 1.0, 2.0, 2.0])
        >>> model.predict([[2.0], [6.0]]).round(3).tolist()
        [1.0, 2.0]
        """
        return self._raw_predict(self._samples(X)).ravel()
