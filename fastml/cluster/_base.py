"""What KMeans and MiniBatchKMeans share: everything after the fit."""

import warnings
from contextlib import contextmanager

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted

from fastml._dispatch import accelerated
from fastml._registry import Accelerated
from fastml._threads import effective_n_threads
from fastml._validate import check_weights, check_X
from fastml.cluster import _distances, _lloyd

# How scikit-learn's k-means checks samples.
SAMPLES = {
    "accept_sparse": "csr",
    "accept_large_sparse": False,
    "dtype": [np.float64, np.float32],
    "order": "C",
}


class FittedKMeans(Accelerated, TransformerMixin):
    """Labels, distances and score of samples for the fitted centres."""

    def _check_samples(self, X):
        if "cluster_centers_" not in vars(self):
            check_is_fitted(self)
        return check_X(self, X, reset=False, **SAMPLES)

    @accelerated
    def predict(self, X):
        """Label of the nearest centre of every sample.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        labels : ndarray of shape (n_samples,), int32
            Equal to scikit-learn's; ties go to the lowest label. O(n_samples * n_clusters * n_features).
        """
        X = self._check_samples(X)
        centers = self.cluster_centers_
        samples = _lloyd.prepare(X, n_clusters=len(centers))
        return samples.kernel.to_host(_lloyd.assign(samples, centers, n_threads=effective_n_threads()))

    @accelerated
    def score(self, X, y=None, sample_weight=None):
        """Minus the inertia of the samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the squared distances.

        Returns
        -------
        score : float
            Equal to scikit-learn's up to rounding.
        """
        X = self._check_samples(X)
        weights = None if sample_weight is None else check_weights(sample_weight, X)
        n_threads, centers = effective_n_threads(), self.cluster_centers_
        samples = _lloyd.prepare(X, weights, n_clusters=len(centers))
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
            Equal to scikit-learn's up to rounding. O(n_samples * n_clusters * n_features).
        """
        return _distances.distances(self._check_samples(X), self.cluster_centers_, n_threads=effective_n_threads())

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
            Weights of the samples.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_clusters)
            Distances.
        """
        self.fit(X, sample_weight=sample_weight)
        return _distances.distances(self._check_samples(X), self.cluster_centers_, n_threads=effective_n_threads())


@contextmanager
def checked_params(est, X):
    """Check the parameters against the samples as scikit-learn does; set what it derives from them but for ``_tol``.

    scikit-learn's check also computes the variance of the samples by NumPy, a tenth of a fit; our own pass over the
    samples yields it, so a stand-in with ``tol=0`` is checked, for which scikit-learn skips it. Where the body then
    raises, the estimator is left as scikit-learn's would be.
    """
    probe = object.__new__(type(est))
    vars(probe).update(vars(est), tol=0)
    probe._check_params_vs_input(X)
    vars(est).update({name: value for name, value in vars(probe).items() if name.startswith("_") and name != "_tol"})
    try:
        yield
    except Exception:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they were given above
            est._check_params_vs_input(X)
        raise
