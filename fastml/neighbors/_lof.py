"""Local outlier factor: how much sparser the samples lie around one than around its neighbours.

Breunig, Kriegel, Ng, Sander 2000, SIGMOD.
"""

from numbers import Integral

import numpy as np
import sklearn.neighbors
from scipy.sparse import issparse

from fastml._dispatch import NotCovered, accelerated, note
from fastml._registry import plain_of
from fastml._versions import fit_context
from fastml.neighbors import _brute, _search
from fastml.neighbors._fit import TREES, refuse
from fastml.neighbors._kneighbors import KNeighbors
from fastml.neighbors._unsupervised import NearestNeighbors

# Samples that tell how many tie, and from how many on it pays to ask them first.
PROBES, WORTH_PROBING = 32, 512
# By brute force: so many, or one in ONE_IN; from how many samples on; the share of ties from which scikit-learn's own
# search is sooner than ours and its (iris, lattices of 400 to 1,500 samples: 0.5 to 0.7 times as fast with both).
BRUTE_PROBES, ONE_IN, WORTH_PROBING_BRUTE, MOST_TIED = 16, 48, 64, {False: 0.5, True: 0.05}
# Distances that rounding, ours or scikit-learn's, may take for each other: a share of 1 by cosine, of themselves by
# metrics whose operations are others.
AS_NEAR, AS_NEAR_FLOAT32 = 1e-13, 2e-6
EXACT = {"euclidean", "l2", "sqeuclidean", "manhattan", "l1", "cityblock", "chebyshev", "hamming", "canberra"}


class LocalOutlierFactor(KNeighbors, sklearn.neighbors.LocalOutlierFactor):
    __doc__ = sklearn.neighbors.LocalOutlierFactor.__doc__

    @accelerated
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Compute the local outlier factors of the samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features), or (n_samples, n_samples)
            Samples, or distances if `metric` is "precomputed".
        y : None
            Ignored.

        Returns
        -------
        self : LocalOutlierFactor
            With ``negative_outlier_factor_`` (n_samples,), near -1 for inliers, and ``offset_``, below which a sample
            is an outlier.

        Raises
        ------
        ValueError
            If a parameter has a value that is not allowed; if X holds NaN or infinity.

        Warns
        -----
        UserWarning
            If there are no more samples than `n_neighbors`; if duplicates make factors meaningless.

        See Also
        --------
        kneighbors : The neighbours that the factors rest on.

        Notes
        -----
        Class of agreement: rounding, 1e-12; labels identical. Where neighbours tie, scikit-learn's own tree says which
        it takes: factors hang on that.

        The neighbours are searched by our kernels, factors come of them by scikit-learn's own operations. Memory:
        O(n_samples * (n_features + n_neighbors)).

        Examples
        --------
        >>> from fastml.neighbors import LocalOutlierFactor
        >>> LocalOutlierFactor(n_neighbors=2).fit_predict([[-1.1], [0.2], [101.1], [0.3]]).tolist()
        [1, 1, -1, 1]
        """
        refuse(self, X)
        if issparse(X):
            raise NotCovered("X is sparse.")
        return super().fit(X, y)  # which asks for _fit and kneighbors

    def _fit(self, X, y=None):
        """Take the samples, with a tree of ours where there is a kernel."""
        try:
            return self._plant(X, y, super()._fit)
        except NotCovered:  # before anything was changed
            return super()._fit(X, y)

    @accelerated
    def kneighbors(self, X=None, n_neighbors=None, return_distance=True):
        """Find the nearest neighbours of samples: parameters, results and errors are those of `NearestNeighbors`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features), default=None
            The samples. None: those of the fit, none of which is then its own neighbour.
        n_neighbors : int, default=None
            How many; None: as many as the estimator's parameter says.
        return_distance : bool, default=True
            Whether to return the distances too.

        Returns
        -------
        neigh_dist : ndarray of shape (n_queries, n_neighbors), float64
            Distances in the units of X, nearest first; only if `return_distance`.
        neigh_ind : ndarray of shape (n_queries, n_neighbors), int64
            Which samples of the fit they belong to.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As :meth:`NearestNeighbors.kneighbors`.

        See Also
        --------
        NearestNeighbors : The cost, and how neighbours are searched.

        Notes
        -----
        Class of agreement: identical. Where the last neighbour is as near as the next one, which of the two it is hangs
        on scikit-learn's search; such queries are put to that. Others' equally near neighbours come by their index.

        Examples
        --------
        >>> from fastml.neighbors import LocalOutlierFactor
        >>> model = LocalOutlierFactor(n_neighbors=1).fit([[0.0], [1.0], [5.0], [6.0]])
        >>> model.kneighbors([[2.0]])
        (array([[1.]]), array([[1]]))
        """
        if self._by_function():  # which takes what scikit-learn takes
            return super().kneighbors(X, n_neighbors, return_distance)
        if issparse(vars(self).get("_fit_X")):
            note("the samples are sparse: scikit-learn's own search")
            return super(KNeighbors, self).kneighbors(X, n_neighbors, return_distance)
        measure = self._brute_measure()
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        whole = isinstance(k, Integral) and type(k) is not bool
        most = self.n_samples_fit_ - (X is None)
        if issparse(X) or not whole or not 1 <= k <= most:
            return super().kneighbors(X, n_neighbors, return_distance)
        worth = WORTH_PROBING_BRUTE if measure else WORTH_PROBING
        if X is None and k < most and most >= worth and self._many_tie(k, measure):
            note("of many samples neighbours tie: scikit-learn's own search")
            return super(KNeighbors, self).kneighbors(X, n_neighbors, return_distance)
        # Not `super`, which would ask scikit-learn for one neighbour more than it is to find where there is no kernel.
        distances, indices = KNeighbors.kneighbors.__wrapped__(self, X, min(k + 1, most))
        tied = np.flatnonzero(self._ties(distances, k))
        distances, indices = np.ascontiguousarray(distances[:, :k]), np.ascontiguousarray(indices[:, :k])
        if len(tied):
            queries = self._fit_X[tied] if X is None else self._queries(X)[tied]
            theirs = self._plain_search()(queries, k + (X is None))
            distances[tied], indices[tied] = theirs if X is not None else without_selves(*theirs, tied)
        return (distances, indices) if return_distance else indices

    def _many_tie(self, k, measure):
        """Tell of some samples whether many have a last neighbour as near as the next one."""
        options = {"with_distances": True, "n_threads": 1}
        if measure:
            some = self._fit_X[:: min(ONE_IN, self.n_samples_fit_ // BRUTE_PROBES)]
            distances, _ = _brute.nearest(self._fit_X, some, k + 2, measure=measure, **options)
            distances = distances[:, 1:]  # without themselves
        else:
            some = self._fit_X[:: -(-self.n_samples_fit_ // PROBES)]
            search = self._tree_search(True)
            distances, _ = _search.nearest(search.planted, some, k + 1, metric=search.metric, **options)
        return self._ties(distances, k).mean() > MOST_TIED[measure is not None]

    def _ties(self, distances, k):
        """Tell of which queries the k-th neighbour is as near as the next one.

        Where the share of outliers is given, factors are compared with each other and the order in which they are added
        up may part equal ones: there any two neighbours count.
        """
        compared = distances[:, k - 1 :] if self.contamination == "auto" else distances
        near, far = compared[:, :-1], compared[:, 1:]
        if self.effective_metric_ in EXACT or callable(self.effective_metric_):
            return (near == far).any(axis=1)
        doubt = AS_NEAR_FLOAT32 if self._fit_X.dtype == np.float32 else AS_NEAR
        return (far <= near + doubt * (1 if self.effective_metric_ == "cosine" else far)).any(axis=1)

    def _plain_search(self):
        """Return scikit-learn's own search among the samples of the fit."""
        if self._fit_method in TREES:
            return self._tree.query
        metric = {"metric": self.effective_metric_, "metric_params": self.effective_metric_params_ or None}
        plain = plain_of(NearestNeighbors)(algorithm="brute", p=None, **metric)  # the name may be patched
        return plain.fit(self._fit_X).kneighbors


def without_selves(distances, indices, selves):
    """Leave sample ``selves[i]`` out of row i, or the first one where others lie in its place."""
    kept = indices != selves[:, np.newaxis]
    kept[kept.all(axis=1), 0] = False
    shape = len(selves), indices.shape[1] - 1
    return distances[kept].reshape(shape), indices[kept].reshape(shape)
