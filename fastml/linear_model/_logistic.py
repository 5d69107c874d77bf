"""Logistic regression: scikit-learn's solvers, over losses and gradients of our kernels."""

import inspect

import numpy as np
import sklearn.linear_model
from scipy.special import expit

from fastml._dispatch import NotCovered, accelerated
from fastml._versions import fit_context, thread_config
from fastml.linear_model._linear_loss import logistic_path, rebound
from fastml.linear_model._predict import LinearClassifier, scores_of_classes

_SOLVERS = ("lbfgs", "newton-cholesky")
_fit = rebound(inspect.unwrap(sklearn.linear_model.LogisticRegression.fit), _logistic_regression_path=logistic_path)


class LogisticRegression(LinearClassifier, sklearn.linear_model.LogisticRegression):
    __doc__ = sklearn.linear_model.LogisticRegression.__doc__

    @accelerated
    def fit(self, X, y, sample_weight=None):
        """Fit the model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, computed in float32 if they are float32, else in float64.
        y : array-like of shape (n_samples,)
            Classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples' losses; None: all 1.

        Returns
        -------
        self : estimator
            With ``coef_``, ``intercept_``, ``classes_`` and ``n_iter_``.

        Raises
        ------
        ValueError
            If a parameter has a value that is not allowed; if X or y holds NaN or infinity; if there is one class
            alone; if shapes do not fit.

        Warns
        -----
        ConvergenceWarning
            If the solver has not met `tol` in `max_iter` iterations.

        See Also
        --------
        SGDClassifier : With ``loss="log_loss"``, for samples that come in parts.

        Notes
        -----
        Class of agreement: optimum: the solvers "lbfgs" and "newton-cholesky" are scikit-learn's, with our losses and
        gradients, equal to rounding; the other solvers run its own code. The same result for any number of threads.

        O(n_iter * n_classes * n_samples * n_features), of sparse X the entries; "newton-cholesky":
        O(n_iter * n_samples * n_features^2). Memory: O(n_classes * n_features), "newton-cholesky" O(n_features^2), for
        each of at most 32 parts of the samples, which but for the first take a sixteenth of what the samples do.

        Examples
        --------
        >>> from fastml.linear_model import LogisticRegression
        >>> model = LogisticRegression().fit([[0.0], [1.0], [5.0], [6.0]], [0, 0, 1, 1])
        >>> model.predict([[0.5], [5.5]]).tolist()
        [0, 1]
        """
        if not isinstance(self.solver, str) or self.solver not in _SOLVERS:
            raise NotCovered(f"solver={self.solver!r}: there are kernels for {' and '.join(map(repr, _SOLVERS))}.")
        if thread_config()["array_api_dispatch"]:
            raise NotCovered("arrays of other libraries are allowed.")
        return _fit_checked(self, X, y, sample_weight)

    @accelerated
    def predict_proba(self, X):
        """Probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.

        Raises
        ------
        NotFittedError, ValueError
            As :meth:`decision_function`.

        See Also
        --------
        predict : The classes.

        Notes
        -----
        Class of agreement: identical: scikit-learn's operations. O(n_samples * n_features * n_classes).

        Examples
        --------
        >>> from fastml.linear_model import LogisticRegression
        >>> model = LogisticRegression().fit([[0.0], [1.0], [5.0], [6.0]], [0, 0, 1, 1])
        >>> model.predict_proba([[3.0]]).round(2).tolist()
        [[0.5, 0.5]]
        """
        found = scores_of_classes(self, X)
        if found.ndim == 1:
            p = np.empty((len(found), 2), found.dtype)
            expit(found, out=p[:, 1])
            np.subtract(1, p[:, 1], out=p[:, 0])
            return p
        found -= found.max(axis=1, keepdims=True)
        np.exp(found, out=found)
        found /= found.sum(axis=1, keepdims=True)
        return found


@fit_context(prefer_skip_nested_validation=True)
def _fit_checked(estimator, X, y, sample_weight):
    return _fit(estimator, X, y, sample_weight)
