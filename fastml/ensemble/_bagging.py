"""Bagging: scikit-learn's parameters and defaults; trees grow and predict on our kernels."""

import numpy as np
import sklearn.ensemble
from sklearn.utils.validation import check_is_fitted, validate_data

from fastml._dispatch import NotCovered, accelerated
from fastml._registry import Accelerated
from fastml._threads import effective_n_threads
from fastml._validate import clean_float32, narrowed
from fastml.ensemble._bagging_base import FastBagging
from fastml.ensemble._growth import are_trees, ours, refuse_others
from fastml.tree import _predict
from fastml.tree._fitted import refuse_sparse


class FittedBagging(Accelerated):
    """Fit and sums over the trees, in their order."""

    @accelerated
    def fit(self, X, y, sample_weight=None, **fit_params):
        """Fit the ensemble.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, which trees round to float32. Sparse ones run scikit-learn's own code.
        y : array-like of shape (n_samples,); for regression also (n_samples, n_outputs)
            Classes, as integers or strings; numbers for regression.
        sample_weight : array-like of shape (n_samples,), default=None
            Probabilities by which the samples are drawn, up to a factor; None: all the same.
        **fit_params : dict
            For the estimators, under metadata routing: with any, scikit-learn's own loop runs.

        Returns
        -------
        self : estimator
            With ``estimators_``, a list of trees, ``estimators_features_``, the features that each was given, and,
            for classification, ``classes_`` and ``n_classes_``; with `oob_score`, ``oob_score_`` and the predictions
            that it rests on.

        Raises
        ------
        ValueError
            If a parameter has a value that is not allowed; if X is not 2-d, or the trees take it not; if the number
            of targets or weights is not that of the samples.

        Warns
        -----
        UserWarning
            If `oob_score` is asked for, and a sample is in every tree; if weights are given without `bootstrap`; if
            `warm_start` leaves nothing to do.

        See Also
        --------
        predict : Classes or values of samples.

        Notes
        -----
        Class of agreement: identical for classification, and for regression on integers; tie otherwise.

        Estimators other than scikit-learn's trees run in scikit-learn's own loop. The features are sorted once for
        all trees, unless each tree is given its own or a few samples only. Cost and memory: those of a forest.

        Examples
        --------
        >>> from fastml.ensemble import BaggingClassifier
        >>> model = BaggingClassifier(random_state=0).fit([[0.0], [1.0], [5.0], [6.0]], [0, 0, 1, 1])
        >>> len(model.estimators_), model.classes_.tolist()
        (10, [0, 1])
        """
        refuse_sparse(X)
        refuse_others(self._get_estimator(), self)
        return super().fit(X, y, sample_weight, **fit_params)

    def _get_estimator(self):
        tree = super()._get_estimator()
        return ours(tree) if self.estimator is None else tree

    def _refuse_prediction(self, X, params):
        """Leave it to scikit-learn's own code to ask estimators that are not trees."""
        check_is_fitted(self)
        refuse_sparse(X)
        if params or not are_trees(self.estimators_, self):
            raise NotCovered("Parameters are routed, or the estimators are not scikit-learn's trees.")

    def _mean(self, X, ask):
        """Mean over the trees, (n_samples, n_outputs * n_classes), or that of what they are asked for."""
        X32 = clean_float32(self, X, reset=False)
        if X32 is None:
            X = validate_data(self, X, accept_sparse=["csr", "csc"], dtype=None, ensure_all_finite=False, reset=False)
            X32 = narrowed(X)
        asked, features = self.estimators_[: self.n_estimators], self.estimators_features_[: self.n_estimators]
        if self.n_estimators < 1:
            raise NotCovered(f"n_estimators={self.n_estimators} asks no tree.")
        if X32 is None:  # the trees look at it one by one
            each = zip(asked, features, strict=False)
            return sum(getattr(tree, ask)(X[:, own]) for tree, own in each) / self.n_estimators
        trees = [tree.tree_ for tree in asked]
        same = self._max_features == X.shape[1] and not self.bootstrap_features
        columns, n_threads = None if same else features, effective_n_threads(self.n_jobs)
        if trees[0].max_n_classes != getattr(self, "n_classes_", 1):
            raise NotCovered("The trees have other classes than the ensemble.")
        total = _predict.sum_values(trees, np.ascontiguousarray(X32), columns=columns, n_threads=n_threads)
        return total / self.n_estimators


class BaggingClassifier(FittedBagging, sklearn.ensemble.BaggingClassifier, FastBagging):
    __doc__ = sklearn.ensemble.BaggingClassifier.__doc__

    @accelerated
    def predict_proba(self, X, **params):
        """Probabilities of the classes: the mean of those of the estimators.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, which trees round to float32. Sparse ones run scikit-learn's own code.
        **params : dict
            For the estimators, under metadata routing.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.

        Raises
        ------
        NotFittedError
            If the ensemble was not fitted.
        ValueError
            If X holds infinity, or has another number of features than the samples of the fit.

        See Also
        --------
        predict : The most probable class.

        Notes
        -----
        Class of agreement: identical to scikit-learn's with ``n_jobs=1``; with more, its sum is grouped by jobs.
        O(n_samples * n_estimators * depth). Memory: the result.

        Examples
        --------
        >>> from fastml.ensemble import BaggingClassifier
        >>> model = BaggingClassifier(bootstrap=False).fit([[0.0], [1.0], [5.0], [6.0]], [0, 0, 1, 1])
        >>> model.predict_proba([[2.0], [6.0]]).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
        """
        self._refuse_prediction(X, params)
        return self._mean(X, "predict_proba")


class BaggingRegressor(FittedBagging, sklearn.ensemble.BaggingRegressor, FastBagging):
    __doc__ = sklearn.ensemble.BaggingRegressor.__doc__

    @accelerated
    def predict(self, X, **params):
        """Value of every sample: the mean of those of the estimators.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, which trees round to float32. Sparse ones run scikit-learn's own code.
        **params : dict
            For the estimators, under metadata routing.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)

        Raises
        ------
        NotFittedError
            If the ensemble was not fitted.
        ValueError
            If X holds infinity, or has another number of features than the samples of the fit.

        See Also
        --------
        fit : Fits the estimators.

        Notes
        -----
        Class of agreement: identical to scikit-learn's with ``n_jobs=1``; with more, its sum is grouped by jobs.
        O(n_samples * n_estimators * depth). Memory: the result.

        Examples
        --------
        >>> from fastml.ensemble import BaggingRegressor
        >>> model = BaggingRegressor(bootstrap=False).fit([[0.0], [1.0], [5.0], [6.0]], [1.0, 1.0, 2.0, 2.0])
        >>> model.predict([[2.0], [6.0]]).tolist()
        [1.0, 2.0]
        """
        self._refuse_prediction(X, params)
        values = self._mean(X, "predict")
        return values[:, 0] if values.ndim == 2 and self.estimators_[0].n_outputs_ == 1 else values
