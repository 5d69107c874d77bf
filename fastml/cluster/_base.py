"""What KMeans and MiniBatchKMeans share: everything after the fit."""

import warnings
from contextlib import contextmanager
from math import isfinite

import numpy as np
import sklearn.cluster
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted

from fastml._dispatch import NotCovered, accelerated
from fastml._registry import Accelerated
from fastml._threads import effective_n_threads
from fastml._validate import check_weights, check_X
from fastml._warnings import call_from
from fastml.cluster import _distances, _lloyd

# How scikit-learn's k-means checks samples.
SAMPLES = {
    "accept_sparse": "csr",
    "accept_large_sparse": False,
    "dtype": [np.float64, np.float32],
    "order": "C",
}
_plain_check, _plain_transform = sklearn.cluster.KMeans._check_test_data, sklearn.cluster.KMeans._transform


class FittedKMeans(Accelerated, TransformerMixin):
    """Labels, distances and score of samples for the fitted centres."""

    def _check_samples(self, X):
        if type(self)._check_test_data is not _plain_check:
            raise NotCovered("a subclass checks samples its own way.")
        if "cluster_centers_" not in vars(self):
            check_is_fitted(self)
        X = check_X(self, X, reset=False, **SAMPLES)
        centers = self.cluster_centers_
        if type(centers) is not np.ndarray or centers.ndim != 2 or not len(centers) or centers.shape[1] != X.shape[1]:
            raise NotCovered("cluster_centers_ is no array of centres with the features of the samples.")
        return X

    def _samples(self, X, weights=None):
        """Return samples, of the type of the centres, for the kernels."""
        centers = self.cluster_centers_
        if centers.dtype != X.dtype:
            raise NotCovered("Samples and centres are of two types, which scikit-learn's compiled code refuses.")
        _refuse_infinite(centers)
        return _lloyd.prepare(X, weights, n_clusters=len(centers))

    def _distances(self, X):
        if type(self)._transform is not _plain_transform:
            raise NotCovered("a subclass has a _transform of its own.")
        X, centers = self._check_samples(X), self.cluster_centers_
        if centers.dtype.kind not in "fiu" or centers.dtype.itemsize > 8:
            raise NotCovered(f"cluster_centers_ is of type {centers.dtype}.")
        _refuse_infinite(centers)
        norms = _distances.squared_norms(centers)
        return _distances.distances(X, centers, norms, n_threads=effective_n_threads())

    @accelerated
    def predict(self, X):
        """Label of the nearest centre of every sample.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, of the dtype of the fit: float32, or what converts to float64.

        Returns
        -------
        labels : ndarray of shape (n_samples,), int32
            Ties go to the lowest label.

        Raises
        ------
        NotFittedError
            If the estimator was not fitted.
        ValueError
            If X holds NaN or infinity, or has another number of features than the samples of the fit; if one of the
            two is float32 and the other is not.
        RuntimeError
            Under ``device="cuda"``, if X is dense and there is no GPU.

        See Also
        --------
        transform : Distances to all centres.

        Notes
        -----
        Class of agreement: identical. O(n_samples * n_clusters * n_features); for a sparse X its stored entries count
        in the place of n_samples * n_features. Memory: O(n_samples + n_clusters * n_features).

        Examples
        --------
        >>> from fastml.cluster import KMeans
        >>> model = KMeans(2, init=[[0.0], [5.0]]).fit([[0.0], [1.0], [5.0], [6.0]])
        >>> model.predict([[2.0], [4.0]]).tolist()
        [0, 1]
        """
        samples = self._samples(self._check_samples(X))
        return samples.kernel.to_host(_lloyd.assign(samples, self.cluster_centers_, n_threads=effective_n_threads()))

    @accelerated
    def score(self, X, y=None, sample_weight=None):
        """Minus the inertia of the samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, of the dtype of the fit: float32, or what converts to float64.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the squared distances; None: all 1.

        Returns
        -------
        score : float
            Minus the weighted sum of squared distances to the nearest centres, in squared units of X.

        Raises
        ------
        NotFittedError, ValueError, RuntimeError
            As :meth:`predict`; ValueError also if the shape of `sample_weight` does not fit X.

        See Also
        --------
        predict : The labels.

        Notes
        -----
        Class of agreement: rounding. O(n_samples * n_clusters * n_features); for a sparse X its stored entries count
        in the place of n_samples * n_features. Memory: O(n_samples + n_clusters * n_features).

        Examples
        --------
        >>> from fastml.cluster import KMeans
        >>> model = KMeans(2, init=[[0.0], [5.0]]).fit([[0.0], [1.0], [5.0], [6.0]])
        >>> model.score([[2.5], [5.5]])
        -4.0
        """
        X = self._check_samples(X)
        weights = None if sample_weight is None else check_weights(sample_weight, X)
        n_threads, centers = effective_n_threads(), self.cluster_centers_
        samples = self._samples(X, weights)
        labels = _lloyd.assign(samples, centers, n_threads=n_threads)
        return -_lloyd.inertia(samples, centers, labels, n_threads=n_threads)

    @accelerated
    def transform(self, X):
        """Distances of the samples to all centres.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_clusters)
            Euclidean distances in the units of X: float32 where X and the centres are, else float64. A data frame
            after ``set_output``.

        Raises
        ------
        NotFittedError
            If the estimator was not fitted.
        ValueError
            If X holds NaN or infinity, or has another number of features than the samples of the fit.

        See Also
        --------
        fit_transform : After a fit to the same samples.
        predict : The nearest centres alone.

        Notes
        -----
        Class of agreement: rounding. Computed in float64. O(n_samples * n_clusters * n_features); for a sparse X its
        stored entries count in the place of n_samples * n_features. Memory: the result,
        O(n_clusters * n_features), and a copy of X where it is float32 and the centres are not.

        Examples
        --------
        >>> from fastml.cluster import KMeans
        >>> model = KMeans(2, init=[[0.0], [5.0]]).fit([[0.0], [1.0], [5.0], [6.0]])
        >>> model.transform([[2.0]]).tolist()
        [[1.5, 3.5]]
        """
        return self._distances(X)

    @accelerated
    def fit_transform(self, X, y=None, sample_weight=None):
        """Fit, and return the distances of the samples to all centres.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples in the fit; None: all 1.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_clusters)
            Euclidean distances, as :meth:`transform` gives them.

        Raises
        ------
        ValueError, RuntimeError
            As ``fit``.

        See Also
        --------
        transform : Distances without a fit.

        Notes
        -----
        Class of agreement: rounding; that of ``fit`` for the attributes. Cost and memory: ``fit``, then
        :meth:`transform`.

        Examples
        --------
        >>> from fastml.cluster import KMeans
        >>> KMeans(2, init=[[0.0], [5.0]]).fit_transform([[0.0], [1.0], [5.0], [6.0]]).shape
        (4, 2)
        """
        self.fit(X, sample_weight=sample_weight)
        try:
            return self._distances(X)
        except NotCovered:  # the fit is done
            return self._transform(X)


def _refuse_infinite(centers):
    # All squares at once, as a number: two microseconds beside the thirteen of a prediction.
    if not isfinite(np.vdot(centers, centers)):
        raise NotCovered("The squares of cluster_centers_ have no finite sum.")


def check_params(est, X):
    """Check the parameters against the samples as scikit-learn does, and set what it derives from them."""
    call_from("sklearn.cluster._kmeans", est._check_params_vs_input, X)


@contextmanager
def checked_params(est, X):
    """Check the parameters against the samples as scikit-learn does; set what it derives from them but for ``_tol``.

    scikit-learn's check also computes the variance of the samples by NumPy, a tenth of a fit; our own pass over the
    samples yields it, so a stand-in with ``tol=0`` is checked, for which scikit-learn skips it. Where the body then
    raises, the estimator is left as scikit-learn's would be.
    """
    probe = object.__new__(type(est))
    vars(probe).update(vars(est), tol=0)
    check_params(probe, X)
    vars(est).update({name: value for name, value in vars(probe).items() if name.startswith("_") and name != "_tol"})
    try:
        yield
    except Exception:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they were given above
            check_params(est, X)
        raise
