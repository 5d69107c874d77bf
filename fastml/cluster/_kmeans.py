"""K-means:  min_C  sum_i  w_i  min_k ||x_i - c_k||^2  by Lloyd's iteration.

Lloyd 1982, IEEE Transactions on Information Theory 28:129.
"""

import numpy as np
import sklearn.cluster
from scipy.sparse import issparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import assert_all_finite, check_array, check_random_state
from sklearn.utils.sparsefuncs import mean_variance_axis

from fastml._dispatch import NotCovered, accelerated
from fastml._threads import effective_n_threads
from fastml._validate import check_weights, check_X
from fastml._versions import fit_context, is_arraylike_not_scalar
from fastml._warnings import warn_from
from fastml.cluster import _lloyd, _moments
from fastml.cluster._base import SAMPLES, FittedKMeans, checked_params
from fastml.cluster._init import initial_centers


class KMeans(FittedKMeans, sklearn.cluster.KMeans):
    __doc__ = sklearn.cluster.KMeans.__doc__

    @accelerated
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        """Find the centres.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples. Computed in float32 if they are float32, else in float64.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples; None: all 1.

        Returns
        -------
        self : KMeans
            With ``cluster_centers_`` (n_clusters, n_features) in the units of X, ``labels_`` (n_samples,) int32,
            ``inertia_`` in squared units of X, and ``n_iter_``.

        Raises
        ------
        ValueError
            If a parameter has a value that is not allowed; if X holds NaN or infinity, is not 2-d, has fewer samples
            than clusters or 64-bit sparse indices; if the shape of `init` or `sample_weight` does not fit X.
        RuntimeError
            Under ``device="cuda"``, if X is dense and there is no GPU.

        Warns
        -----
        ConvergenceWarning
            If fewer than `n_clusters` clusters have samples.
        RuntimeWarning
            If `init` is an array and `n_init` more than 1; if `algorithm` is "elkan" for a single cluster.

        See Also
        --------
        predict : Labels of other samples.
        transform : Distances to the centres.

        Notes
        -----
        Class of agreement: identical ``labels_``, ``n_iter_`` and state of the random generator; rounding for
        ``cluster_centers_`` and ``inertia_``.

        One iteration (Lloyd [1]_) is O(n_samples * n_clusters * n_features) at most; the bounds of Hamerly [2]_ skip
        most of it once the centres settle. For a sparse X its stored entries count in the place of
        n_samples * n_features.

        Memory: a centred copy of a dense X, one more in float32 while k-means++ runs, and
        O(n_samples + n_clusters * n_features). With ``copy_x=False`` X itself is centred; afterwards it is as
        before up to rounding. ``algorithm="elkan"`` keeps the centres of all iterations besides, as long as they take
        no more than X and n_samples * n_clusters numbers.

        References
        ----------
        .. [1] S. P. Lloyd, "Least squares quantization in PCM", IEEE Transactions on Information Theory 28, 1982.
        .. [2] G. Hamerly, "Making k-means even faster", SDM 2010.

        Examples
        --------
        >>> from fastml.cluster import KMeans
        >>> model = KMeans(2, init=[[0.0], [5.0]]).fit([[0.0], [1.0], [5.0], [6.0]])
        >>> model.labels_.tolist()
        [0, 0, 1, 1]
        >>> model.cluster_centers_.tolist()
        [[0.5], [5.5]]
        """
        given, X = X, check_X(self, X, reset=True, copy=self.copy_x and type(X) is not np.ndarray, **SAMPLES)
        with checked_params(self, X):
            random_state = check_random_state(self.random_state)
            weights = None if sample_weight is None else check_weights(sample_weight, X)
            self._n_threads = n_threads = effective_n_threads()
            init = self.init
            if init_is_array := is_arraylike_not_scalar(init):
                init = check_array(init, dtype=X.dtype, copy=True, order="C")
                self._validate_center_shape(X, init)
                if self._algorithm == "elkan" and not np.isfinite(np.vdot(init, init)):
                    raise NotCovered("The squares of init have no finite sum.")

            if issparse(X):
                means, variances = 0, mean_variance_axis(X, axis=0)[1] if self.tol else None
            else:
                keep = self.copy_x and isinstance(given, np.ndarray) and np.may_share_memory(X, given)
                X, means, variances = _moments.center(X, keep=keep, n_threads=n_threads)
                if init_is_array:
                    init -= means

        self._tol = np.mean(variances) * self.tol if self.tol else 0
        samples = _lloyd.prepare(X, weights, n_clusters=self.n_clusters)
        elkan = self._algorithm == "elkan"
        next_centers = initial_centers(self, X, init, weights, random_state, n_threads)

        def run():
            centers = next_centers()
            if self.verbose:
                print("Initialization complete")
            return _lloyd.lloyd(
                samples,
                centers,
                elkan=elkan,
                max_iter=self.max_iter,
                tol=self._tol,
                verbose=self.verbose,
                n_threads=n_threads,
                check=assert_all_finite if elkan else None,  # as scikit-learn's, which takes distances between them
            )

        best = _lloyd.best_of((run() for _ in range(self._n_init)), self.n_clusters)
        if not issparse(X):
            if not self.copy_x:
                X += means
            np.add(best.centers, means, out=best.centers)  # it may be the array that a callable gave
        self._warn_of_few(best.labels)
        self.cluster_centers_ = best.centers
        self._n_features_out = len(self.cluster_centers_)
        self.labels_, self.inertia_, self.n_iter_ = best.labels, best.inertia, best.n_iter
        return self

    def _warn_of_few(self, labels):
        n_found = np.count_nonzero(np.bincount(labels, minlength=1))
        if n_found < self.n_clusters:
            warn_from(
                "sklearn.base",
                f"Number of distinct clusters ({n_found}) found smaller than n_clusters ({self.n_clusters}). "
                "Possibly due to duplicate points in X.",
                ConvergenceWarning,
            )
