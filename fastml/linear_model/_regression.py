"""Linear regression by stochastic gradient descent."""

import numpy as np
import sklearn.linear_model
from sklearn.utils import check_random_state

from fastml._dispatch import accelerated
from fastml.linear_model._base import FastSGD, seed_of_order, skip_seed


class SGDRegressor(FastSGD, sklearn.linear_model.SGDRegressor):
    __doc__ = sklearn.linear_model.SGDRegressor.__doc__

    @accelerated
    def fit(self, X, y, coef_init=None, intercept_init=None, sample_weight=None):
        """Fit the model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, computed in float32 if they are float32, else in float64.
        y : array-like of shape (n_samples,)
            Targets.
        coef_init : array-like of shape (n_features,), default=None
            Weights to start from.
        intercept_init : array-like of shape (1,), default=None
            Intercept to start from.
        sample_weight : array-like of shape (n_samples,), default=None
            Factors of the samples' steps; None: all 1.

        Returns
        -------
        self : SGDRegressor
            With ``coef_``, ``intercept_``, ``n_iter_`` and ``t_``.

        Raises
        ------
        ValueError
            If a parameter has a value that is not allowed; if X or y holds NaN or infinity; if shapes do not fit; if
            numbers overflow.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` epochs have not met `tol`.

        See Also
        --------
        partial_fit : One epoch over some samples.

        Notes
        -----
        Class of agreement: rounding, and identical ``n_iter_`` and ``t_``.

        O(n_iter * n_samples * n_features); of sparse X the entries. Memory: O(n_samples).

        Examples
        --------
        >>> from fastml.linear_model import SGDRegressor
        >>> model = SGDRegressor(random_state=0).fit([[-1.0], [0.0], [1.0]], [-2.0, 0.0, 2.0])
        >>> model.coef_.shape, model.intercept_.shape
        ((1,), (1,))
        """
        self._refuse()
        return super().fit(X, y, coef_init, intercept_init, sample_weight)

    @accelerated
    def partial_fit(self, X, y, sample_weight=None):
        """Go once over some samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, of the type of the first ones.
        y : array-like of shape (n_samples,)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Factors of the samples' steps; None: all 1.

        Returns
        -------
        self : SGDRegressor
            As in :meth:`fit`.

        Raises
        ------
        ValueError
            As in :meth:`fit`; and if `early_stopping` is set.

        See Also
        --------
        fit : Goes over all samples until it converges.

        Notes
        -----
        Class of agreement: rounding. O(n_samples * n_features), and O(n_features) more for sparse X.

        Examples
        --------
        >>> from fastml.linear_model import SGDRegressor
        >>> SGDRegressor().partial_fit([[0.0], [1.0]], [0.0, 2.0]).t_
        3.0
        """
        self._refuse()
        return super().partial_fit(X, y, sample_weight)

    def _partial_fit(self, X, y, alpha, loss, learning_rate, max_iter, sample_weight, coef_init, intercept_init):
        """Check and allocate, in scikit-learn's order."""
        if self.verbose:
            return super()._partial_fit(
                X, y, alpha, loss, learning_rate, max_iter, sample_weight, coef_init, intercept_init
            )
        first_call = getattr(self, "coef_", None) is None
        with self._looking_later(X, y, reset=first_call):
            X, y = self._checked(X, y, reset=first_call)
            return self._partial_fit_by_kernel(
                X, y, alpha, loss, learning_rate, max_iter, sample_weight, coef_init, intercept_init
            )

    def _partial_fit_by_kernel(
        self, X, y, alpha, loss, learning_rate, max_iter, sample_weight, coef_init, intercept_init
    ):
        first_call = getattr(self, "coef_", None) is None
        y = np.ascontiguousarray(y, X.dtype)
        n_features = X.shape[1]
        weights = self._checked_weights(sample_weight, X)
        if first_call:
            self._allocate_parameter_mem(1, n_features, X.dtype, coef_init, intercept_init)
        self._begin(n_features, X.dtype)
        if self._is_covered(X, self._standard_coef if self.average else self.coef_):
            self._learn(
                X, y, weights, self._how(X, alpha=alpha, loss=loss, learning_rate=learning_rate, max_iter=max_iter)
            )
        else:
            weights = np.ones(len(y), X.dtype) if weights is None else weights
            self._fit_regressor(X, y, alpha, loss, learning_rate, weights, max_iter)
        return self

    def _learn(self, X, y, weights, how):
        """Fit the model, and name its attributes as ``_fit_regressor`` does."""
        held_out = self._held_out(y, weights)
        score = self._score_of(held_out, X, y, weights)
        random_state = check_random_state(self.random_state)
        seed = seed_of_order(random_state)
        skip_seed(random_state)
        averaged = self.average > 0
        coef, mean_coef = (self._standard_coef, self._average_coef) if averaged else (self.coef_, None)
        intercept, mean_intercept, self.n_iter_ = self._descend_one(
            X,
            y,
            coef,
            (self._standard_intercept if averaged else self.intercept_)[0],
            mean_coef,
            self._average_intercept[0] if averaged else 0,
            how,
            seed,
            weights=weights,
            held_out=held_out,
            score=score,
        )
        self.t_ += self.n_iter_ * X.shape[0]
        self.intercept_ = np.atleast_1d(intercept)
        if averaged:
            self._average_intercept = np.atleast_1d(mean_intercept)
            self._standard_intercept = np.atleast_1d(intercept)
            if self.average <= self.t_ - 1.0:
                self.coef_, self.intercept_ = mean_coef, np.atleast_1d(mean_intercept)
            else:
                self.coef_ = coef

    @accelerated
    def predict(self, X):
        """Targets of samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The predicted targets.

        Raises
        ------
        NotFittedError
            If the model was not fitted.
        ValueError
            If X holds NaN or infinity, or has another number of features than the samples of the fit.

        See Also
        --------
        fit : Learns the weights.

        Notes
        -----
        Class of agreement: identical: the same product. O(n_samples * n_features).

        Examples
        --------
        >>> from fastml.linear_model import SGDRegressor
        >>> model = SGDRegressor(random_state=0).fit([[-1.0], [0.0], [1.0]], [-2.0, 0.0, 2.0])
        >>> model.predict([[0.5]]).shape
        (1,)
        """
        return (self._scores(X) + self.intercept_).ravel()
