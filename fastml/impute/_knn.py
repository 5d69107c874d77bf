"""Missing entries filled from the nearest samples that have them.

Troyanskaya et al. 2001, Bioinformatics 17.
"""

from numbers import Integral, Real

import numpy as np
import sklearn.impute
from sklearn.metrics.pairwise import nan_euclidean_distances
from sklearn.utils.validation import check_is_fitted

from fastml._dispatch import NotCovered, accelerated
from fastml._registry import Accelerated
from fastml._threads import effective_n_threads
from fastml._validate import check_X
from fastml._versions import get_chunk_n_rows, get_mask
from fastml.impute import _donors

FLOATS = [np.float64, np.float32, np.float16]


class KNNImputer(Accelerated, sklearn.impute.KNNImputer):
    __doc__ = sklearn.impute.KNNImputer.__doc__

    @accelerated
    def transform(self, X):
        """Fill the missing entries of samples with means over the nearest samples of the fit that have them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        X : ndarray of shape (n_samples, n_output_features)
            Without the features that the fit saw no value of, unless `keep_empty_features`; with the indicators of
            missing entries beside them if `add_indicator`.

        Raises
        ------
        NotFittedError
            If the imputer was not fitted.
        ValueError
            If X holds infinity, or NaN where `missing_values` is another; if it has another number of features than
            the samples of the fit.
        FallbackError
            Under ``strict``, if `metric` is a function, `missing_values` no number, or squares of X overflow; if
            ``copy=False`` makes samples of the fit change under a transform that scikit-learn does piece by piece.
            scikit-learn's own code runs otherwise.

        See Also
        --------
        explain : Whether our kernel ran.

        Notes
        -----
        Class of agreement: rounding; the donors are scikit-learn's, those of equal distances too.

        O(n_missing_rows * n_samples_fit * n_features), a tile of multiply-adds at a time. Memory: some copies of X and
        of the samples of the fit; scikit-learn holds distances, up to ``working_memory``, several times.

        Examples
        --------
        >>> import numpy as np
        >>> from fastml.impute import KNNImputer
        >>> X = [[1, 2, np.nan], [3, 4, 3], [np.nan, 6, 5], [8, 8, 7]]
        >>> KNNImputer(n_neighbors=2).fit_transform(X).tolist()
        [[1.0, 2.0, 4.0], [3.0, 4.0, 3.0], [5.5, 6.0, 5.0], [8.0, 8.0, 7.0]]
        """
        by_nan = self._refuse()
        check_is_fitted(self)
        finite = "allow-nan" if by_nan else True
        X = check_X(self, X, reset=False, copy=self.copy, dtype=FLOATS, force_writeable=True, ensure_all_finite=finite)
        missing = get_mask(X, self.missing_values)
        wanted = missing & self._valid_mask
        rows = np.flatnonzero(wanted.any(axis=1))
        values = self._values(X, rows, missing, wanted, by_nan) if len(rows) else ()
        indicator = self._transform_indicator(missing)
        X[wanted] = values
        if self.keep_empty_features:
            X[:, ~self._valid_mask] = 0
        else:
            X = X[:, self._valid_mask]
        return self._concatenate_indicator(X, indicator)

    def _refuse(self):
        """Leave to scikit-learn's own code what has no kernel; tell whether what is missing is NaN."""
        if self.metric != "nan_euclidean":
            raise NotCovered("metric is a function.")
        if not (callable(self.weights) or self.weights in (None, "uniform", "distance")):
            raise NotCovered(f"weights={self.weights!r} is not known.")
        if not isinstance(self.n_neighbors, Integral) or self.n_neighbors < 1 or type(self.n_neighbors) is bool:
            raise NotCovered(f"n_neighbors={self.n_neighbors!r} is no number of neighbours.")
        by_nan = isinstance(self.missing_values, Real) and np.isnan(self.missing_values)
        if not by_nan and not isinstance(self.missing_values, Real):
            raise NotCovered(f"missing_values={self.missing_values!r} is not a number.")
        return by_nan

    def _values(self, X, rows, missing, wanted, by_nan):
        """Return the values of the wanted entries, row by row."""
        samples = self._fit_X
        if not by_nan and X.dtype != samples.dtype:
            raise NotCovered("missing_values is not NaN, and X and the samples of the fit are of two types.")
        chunk = get_chunk_n_rows(row_bytes=8 * len(samples), max_n_rows=len(rows))
        if chunk < len(rows) and np.may_share_memory(X, samples):
            raise NotCovered("X shares memory with the samples of the fit, which change as it is filled.")
        if not self.copy and not np.array_equal(get_mask(samples, self.missing_values), self._mask_fit_X):
            raise NotCovered("the samples of the fit were changed since, as copy=False allows.")
        asked = X[rows]

        def judge(first, last):
            return nan_euclidean_distances(asked[first:last], samples, missing_values=self.missing_values)

        values = _donors.impute(
            asked,
            missing[rows],
            samples,
            self._mask_fit_X,
            wanted[rows],
            n_neighbors=self.n_neighbors,
            weights=self.weights,
            chunk=chunk,
            judge=judge,
            n_threads=effective_n_threads(),
        )
        if values is None:
            raise NotCovered("squares of X overflow.")
        return values
