"""Linear one-class support vector machine by stochastic gradient descent."""

import numpy as np
import sklearn.linear_model
from sklearn.utils import check_random_state

from fastml._dispatch import accelerated
from fastml.linear_model._base import FastSGD, seed_of_order, skip_seed


class SGDOneClassSVM(FastSGD, sklearn.linear_model.SGDOneClassSVM):
    __doc__ = sklearn.linear_model.SGDOneClassSVM.__doc__

    @accelerated
    def fit(self, X, y=None, coef_init=None, offset_init=None, sample_weight=None):
        """Fit the model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, computed in float32 if they are float32, else in float64.
        y : None
            Ignored.
        coef_init : array-like of shape (n_features,), default=None
            Weights to start from.
        offset_init : array-like of shape (1,), default=None
            Offset to start from.
        sample_weight : array-like of shape (n_samples,), default=None
            Factors of the samples' steps; None: all 1.

        Returns
        -------
        self : SGDOneClassSVM
            With ``coef_``, ``offset_``, ``n_iter_`` and ``t_``.

        Raises
        ------
        ValueError
            If a parameter has a value that is not allowed; if X holds NaN or infinity; if shapes do not fit; if
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
        >>> from fastml.linear_model import SGDOneClassSVM
        >>> model = SGDOneClassSVM(random_state=0, tol=None).fit([[1.0, 1.0], [1.0, 2.0], [2.0, 1.0]])
        >>> model.predict([[4.0, 4.0]]).tolist()
        [1]
        """
        self._refuse()
        return super().fit(X, y, coef_init, offset_init, sample_weight)

    @accelerated
    def partial_fit(self, X, y=None, sample_weight=None):
        """Go once over some samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, of the type of the first ones.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Factors of the samples' steps; None: all 1.

        Returns
        -------
        self : SGDOneClassSVM
            As in :meth:`fit`.

        Raises
        ------
        ValueError
            As in :meth:`fit`.

        See Also
        --------
        fit : Goes over all samples until it converges.

        Notes
        -----
        Class of agreement: rounding. O(n_samples * n_features), and O(n_features) more for sparse X.

        Examples
        --------
        >>> from fastml.linear_model import SGDOneClassSVM
        >>> SGDOneClassSVM().partial_fit([[0.0], [1.0]]).t_
        3.0
        """
        self._refuse()
        return super().partial_fit(X, y, sample_weight)

    def _partial_fit(self, X, alpha, loss, learning_rate, max_iter, sample_weight, coef_init, offset_init):
        """Check and allocate, in scikit-learn's order."""
        if self.verbose:
            return super()._partial_fit(X, alpha, loss, learning_rate, max_iter, sample_weight, coef_init, offset_init)
        reset = getattr(self, "coef_", None) is None
        with self._looking_later(X, None, reset=reset):
            X = self._checked_samples(X, reset=reset)
            return self._partial_fit_by_kernel(
                X, alpha, loss, learning_rate, max_iter, sample_weight, coef_init, offset_init
            )

    def _partial_fit_by_kernel(self, X, alpha, loss, learning_rate, max_iter, sample_weight, coef_init, offset_init):
        n_features = X.shape[1]
        weights = self._checked_weights(sample_weight, X)
        if getattr(self, "coef_", None) is None or coef_init is not None:
            self._allocate_parameter_mem(1, n_features, X.dtype, coef_init, offset_init, one_class=1)
        elif n_features != self.coef_.shape[-1]:
            raise ValueError(f"Number of features {n_features} does not match previous data {self.coef_.shape[-1]}.")
        self._begin(n_features, X.dtype)
        self._loss_function_ = self._get_loss_function(loss)
        if self._is_covered(X, self._standard_coef if self.average else self.coef_):
            how = self._how(X, alpha=alpha, loss=loss, learning_rate=learning_rate, max_iter=max_iter, one_class=True)
            self._learn(X, weights, how)
        else:
            weights = np.ones(X.shape[0], X.dtype) if weights is None else weights
            self._fit_one_class(X, alpha, weights, learning_rate, max_iter)
        return self

    def _learn(self, X, weights, how):
        """Fit the model, and name its attributes as ``_fit_one_class`` does."""
        skip_seed(check_random_state(None))  # from NumPy's own generator, whatever random_state is
        seed = seed_of_order(check_random_state(self.random_state))
        averaged = self.average > 0
        coef, mean_coef = (self._standard_coef, self._average_coef) if averaged else (self.coef_, None)
        intercept, mean_intercept, self.n_iter_ = self._descend_one(
            X,
            np.ones(X.shape[0], X.dtype),
            coef,
            (self._standard_intercept if averaged else 1 - self.offset_)[0],
            mean_coef,
            self._average_intercept[0] if averaged else 0,
            how,
            seed,
            weights=weights,
        )
        self.t_ += self.n_iter_ * X.shape[0]
        self.offset_ = 1 - np.atleast_1d(intercept)
        if averaged:
            self._average_intercept = np.atleast_1d(mean_intercept)
            self._standard_intercept = np.atleast_1d(intercept)
            if self.average <= self.t_ - 1.0:
                self.coef_, self.offset_ = mean_coef, 1 - np.atleast_1d(mean_intercept)
            else:
                self.coef_ = coef

    @accelerated
    def decision_function(self, X):
        """Signed distances from the separating plane, in units of the weights.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        decisions : ndarray of shape (n_samples,)
            Above 0 for inliers.

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
        >>> from fastml.linear_model import SGDOneClassSVM
        >>> model = SGDOneClassSVM(random_state=0, tol=None).fit([[1.0, 1.0], [1.0, 2.0], [2.0, 1.0]])
        >>> model.decision_function([[4.0, 4.0]]).shape
        (1,)
        """
        return (self._scores(X) - self.offset_).ravel()
