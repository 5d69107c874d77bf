"""Predictions of linear models: the product that each begins with, and what classifiers make of it."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from fastml._dispatch import NotCovered, accelerated
from fastml._registry import Accelerated
from fastml._validate import check_X
from fastml._versions import thread_config


def scores(est, X, accept_sparse):
    """Return samples times weights, and the intercepts not yet added, by the operations of scikit-learn.

    accept_sparse : as scikit-learn's own method checks the samples.
    """
    coef = vars(est).get("coef_")
    if coef is None or hasattr(est, "__sklearn_is_fitted__"):
        check_is_fitted(est)
    if type(coef) is not np.ndarray or thread_config()["array_api_dispatch"]:
        raise NotCovered("the weights are no dense array of NumPy, or arrays of other libraries are allowed.")
    return check_X(est, X, reset=False, accept_sparse=accept_sparse) @ coef.T


def scores_of_classes(est, X):
    """Return the scores where their number and the classes are as a fit leaves them."""
    if thread_config()["array_api_dispatch"]:
        raise NotCovered("arrays of other libraries are allowed.")
    found, classes = est.decision_function(X), est.classes_
    if type(found) is not np.ndarray or type(classes) is not np.ndarray or classes.ndim != 1:
        raise NotCovered("weights or classes are no arrays of NumPy.")
    if found.ndim != (1 if len(classes) == 2 else 2) or len(classes) < 2:
        raise NotCovered("there are not as many classes as weights.")
    return found


class LinearClassifier(Accelerated):
    """Scores and classes of samples."""

    @accelerated
    def decision_function(self, X):
        """Signed distances from the separating planes, in units of the weights.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            Of two classes those of the second alone.

        Raises
        ------
        NotFittedError
            If the model was not fitted.
        ValueError
            If X holds NaN or infinity, or has another number of features than the samples of the fit.

        See Also
        --------
        predict : The classes.

        Notes
        -----
        Class of agreement: identical: the same product. O(n_samples * n_features * n_classes).

        Examples
        --------
        >>> from fastml.linear_model import Perceptron
        >>> model = Perceptron().fit([[0.0], [1.0], [5.0], [6.0]], [0, 0, 1, 1])
        >>> model.decision_function([[2.0]]).shape
        (1,)
        """
        found = scores(self, X, "csr") + self.intercept_
        return found.reshape(-1) if found.ndim > 1 and found.shape[1] == 1 else found

    @accelerated
    def predict(self, X):
        """Classes of samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The class with the largest score, the first of equal ones.

        Raises
        ------
        NotFittedError, ValueError
            As :meth:`decision_function`.

        See Also
        --------
        decision_function : The scores.

        Notes
        -----
        Class of agreement: identical. O(n_samples * n_features * n_classes).

        Examples
        --------
        >>> from fastml.linear_model import Perceptron
        >>> model = Perceptron().fit([[0.0], [1.0], [5.0], [6.0]], ["low", "low", "high", "high"])
        >>> model.predict([[0.5]]).tolist()
        ['low']
        """
        found = scores_of_classes(self, X)
        return self.classes_.take((found > 0).view(np.int8) if found.ndim == 1 else found.argmax(axis=1))
