"""Least squares in closed form: without a penalty, and by the squares of the weights."""

from typing import NamedTuple

import numpy as np
import sklearn.linear_model
from scipy.sparse import issparse
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from fastml._dispatch import NotCovered, accelerated
from fastml._registry import Accelerated
from fastml._threads import effective_n_threads
from fastml._validate import check_weights, is_clean_array, is_clean_target, name_features
from fastml._versions import fit_context, thread_config
from fastml.linear_model import _least_squares
from fastml.linear_model._predict import scores

_FLOATS = [np.float64, np.float32]
_SPARSE = ["csr", "csc", "coo"]
_TOO_MUCH_ALIKE = "features, or sums of them, are so much alike that rounding would be seen."


class _Problem(NamedTuple):
    """Checked samples, targets (n, t) and weights (n,) or None in float64, the driver's options, the moments."""

    X: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None
    how: dict
    found: _least_squares.Moments
    is_flat: bool  # targets were 1-d


class FastLeastSquares(Accelerated):
    """What the two share: samples, targets and their moments, and the names of the result."""

    def _problem(self, X, y, sample_weight, n_threads, **checks):
        """Return the problem. scikit-learn's own fit sets again what this has set when it raises NotCovered.

        checks : parameters of scikit-learn's own check of samples and targets.
        """
        if issparse(X) or thread_config()["array_api_dispatch"]:
            raise NotCovered("the samples are sparse, or arrays of other libraries are allowed.")
        checks |= {"accept_sparse": _SPARSE, "y_numeric": True, "multi_output": True, "force_writeable": True}
        given, is_clean = (X, y), _is_clean(X) and is_clean_target(y, len(X))
        if not is_clean:
            X, y = validate_data(self, X, y, **checks)
            if X.dtype == np.float16:
                raise NotCovered("the samples are of half precision, which scikit-learn keeps.")
            X = check_array(X, dtype=_FLOATS)
        if len(X) <= X.shape[1]:
            raise NotCovered("there are no more samples than features.")
        if y.dtype.kind not in "biuf":
            raise NotCovered("the targets are no numbers.")
        is_flat = y.ndim == 1
        with np.errstate(over="ignore"):  # scikit-learn's own check tells of it
            y = y.astype(X.dtype, copy=False).astype(np.float64, order="C", copy=False)
        y = y[:, np.newaxis] if is_flat else y
        if sample_weight is not None:
            try:
                sample_weight = check_weights(sample_weight, X).astype(np.float64, copy=False)
            except (TypeError, ValueError):
                if is_clean:  # of NaN in the samples scikit-learn tells first
                    validate_data(self, *given, **checks)
                raise
            if not (sample_weight.min() >= 0 and sample_weight.any()):
                raise NotCovered("there are no weights above 0, or some below.")
        how = {"is_centred": bool(self.fit_intercept), "n_threads": n_threads}
        found = _least_squares.moments(X, y, sample_weight, **how)
        if not found.is_finite():
            if is_clean:  # and nobody has looked for NaN and infinity yet
                validate_data(self, *given, **checks)
            raise NotCovered("squares are beyond what floats hold, or NaN is allowed.")
        if is_clean:
            name_features(self, X)
        return _Problem(X, y, sample_weight, how, found, is_flat)

    def _name(self, coef, problem, is_one):
        """Set ``coef_``, from weights (t, p), and ``intercept_``; is_one: whether ``coef_`` is 1-d."""
        dtype, found = problem.X.dtype, problem.found
        self.coef_ = (coef[0] if is_one else coef).astype(dtype, copy=False)
        self.intercept_ = 0.0
        if self.fit_intercept:
            intercepts = (found.y_mean - coef @ found.x_mean).astype(dtype, copy=False)
            self.intercept_ = intercepts[0] if problem.is_flat else intercepts

    @accelerated
    def predict(self, X):
        """Targets of samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
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
        Class of agreement: identical: the same product. O(n_samples * n_features * n_targets).

        Examples
        --------
        >>> from fastml.linear_model import LinearRegression
        >>> model = LinearRegression().fit([[-1.0], [0.0], [1.0]], [-2.0, 0.0, 2.0])
        >>> model.predict([[0.5]]).shape
        (1,)
        """
        return scores(self, X, _SPARSE) + self.intercept_


class LinearRegression(FastLeastSquares, sklearn.linear_model.LinearRegression):
    __doc__ = sklearn.linear_model.LinearRegression.__doc__

    @accelerated
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, in float32 if they are float32, else in float64. Sparse ones run scikit-learn's own code.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples' squares; None: all 1.

        Returns
        -------
        self : LinearRegression
            With ``coef_``, ``intercept_``, ``rank_`` and ``singular_``.

        Raises
        ------
        ValueError
            If a parameter has a value that is not allowed; if X or y holds NaN or infinity; if shapes do not fit.

        See Also
        --------
        predict : The targets of samples.

        Notes
        -----
        Class of agreement: rounding. The products of the features are added up in float64 in one pass, without a copy
        of X, and solved by Cholesky's factor, once more for what is left where features are alike. Where rounding
        could be seen (features of nearly linear dependence), there are no more samples than features, or `positive`
        is set, scikit-learn's own code runs.

        O(n_samples * n_features * (n_features + n_targets)). Memory: O(n_samples * n_targets + n_features ** 2).

        Examples
        --------
        >>> from fastml.linear_model import LinearRegression
        >>> model = LinearRegression().fit([[-1.0], [0.0], [1.0]], [-1.0, 1.0, 3.0])
        >>> model.coef_.round(6).tolist(), round(float(model.intercept_), 6)
        ([2.0], 1.0)
        """
        if self.positive:
            raise NotCovered("positive=True: scikit-learn's own code searches for weights that are not negative.")
        problem = self._problem(X, y, sample_weight, effective_n_threads(self.n_jobs or None))
        found, X = problem.found, problem.X
        solved = _least_squares.solve_precisely(
            found, X, problem.y, problem.weights, tol=float(self.tol), **problem.how
        )
        if solved is None:
            raise NotCovered(_TOO_MUCH_ALIKE)
        coef, singular = solved
        self.coef_, self.rank_, self.singular_ = None, X.shape[1], singular.astype(X.dtype, copy=False)
        self._name(coef, problem, problem.is_flat)
        return self


class Ridge(FastLeastSquares, sklearn.linear_model.Ridge):
    __doc__ = sklearn.linear_model.Ridge.__doc__

    @accelerated
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, in float32 if they are float32, else in float64. Sparse ones run scikit-learn's own code.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Weights of the samples' squares; None: all 1.

        Returns
        -------
        self : Ridge
            With ``coef_``, ``intercept_``, ``n_iter_`` and ``solver_``.

        Raises
        ------
        ValueError
            If a parameter has a value that is not allowed; if X or y holds NaN or infinity; if shapes do not fit.

        See Also
        --------
        predict : The targets of samples.

        Notes
        -----
        Class of agreement: rounding. The products of the features are added up in float64 in one pass, without a copy
        of X, and solved by Cholesky's factor. Where rounding could be seen, there are no more samples than features,
        or `solver` is neither "auto" nor "cholesky", scikit-learn's own code runs.

        O(n_samples * n_features * (n_features + n_targets)), and O(n_features ** 3) for each penalty. Memory:
        O(n_samples * n_targets + n_features ** 2).

        Examples
        --------
        >>> from fastml.linear_model import Ridge
        >>> model = Ridge(alpha=1.0).fit([[-1.0], [0.0], [1.0]], [-1.0, 1.0, 3.0])
        >>> model.coef_.round(6).tolist(), round(float(model.intercept_), 6)
        ([1.333333], 1.0)
        """
        if self.positive or self.solver not in ("auto", "cholesky"):
            raise NotCovered("positive=True, or a solver other than Cholesky's: scikit-learn's own code runs.")
        problem = self._problem(X, y, sample_weight, effective_n_threads(), dtype=_FLOATS)
        n_targets = problem.y.shape[1]
        alphas = np.ravel(np.asarray(self.alpha, dtype=problem.X.dtype)).astype(np.float64)
        if len(alphas) not in (1, n_targets):
            raise NotCovered("there are neither one penalty nor as many as targets.")
        coef = _least_squares.solve(problem.found, alphas)
        if coef is None:
            raise NotCovered(_TOO_MUCH_ALIKE)
        self.coef_, self.n_iter_, self.solver_ = None, None, "cholesky"
        self._name(coef, problem, n_targets == 1)
        return self


def _is_clean(X):
    """Tell whether the kernel takes samples as they are, in C or F order; NaN and infinity apart."""
    if type(X) is not np.ndarray or not X.size:
        return False
    return is_clean_array(X, _FLOATS, 2) or is_clean_array(X.T, _FLOATS, 2)
