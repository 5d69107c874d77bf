"""K-means on random batches (Sculley 2010, WWW): each batch pulls its nearest centres."""

import numpy as np
import sklearn.cluster
from sklearn.utils import check_array, check_random_state

from fastml._dispatch import accelerated
from fastml._threads import effective_n_threads
from fastml._validate import check_weights, check_X
from fastml._versions import DRAWS_BY_WEIGHT, fit_context, is_arraylike_not_scalar
from fastml.cluster import _lloyd, _minibatch
from fastml.cluster._base import SAMPLES, FittedKMeans, check_params
from fastml.cluster._draws import WeightedDraws
from fastml.cluster._init import initial_centers


class MiniBatchKMeans(FittedKMeans, sklearn.cluster.MiniBatchKMeans):
    __doc__ = sklearn.cluster.MiniBatchKMeans.__doc__

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
        self : MiniBatchKMeans
            With ``cluster_centers_`` (n_clusters, n_features) in the units of X, ``inertia_`` in squared units of X,
            ``n_iter_``, ``n_steps_``, and under `compute_labels` ``labels_`` (n_samples,) int32.

        Raises
        ------
        ValueError
            If a parameter has a value that is not allowed; if X holds NaN or infinity, is not 2-d, has fewer samples
            than clusters or 64-bit sparse indices; if the shape of `init` or `sample_weight` does not fit X.

        Warns
        -----
        RuntimeWarning
            If `init` is an array and `n_init` more than 1; if `init_size` is less than `n_clusters`.

        See Also
        --------
        KMeans.fit : All samples in each iteration.
        partial_fit : One batch at a time, for data that do not fit into memory.

        Notes
        -----
        Class of agreement: identical ``labels_``, ``n_iter_``, ``n_steps_`` and state of the random generator;
        rounding for ``cluster_centers_`` and ``inertia_``.

        A batch (Sculley [1]_) costs O(batch_size * n_clusters * n_features), the labels at the end
        O(n_samples * n_clusters * n_features). Memory:
        O(n_samples + (batch_size + init_size + n_clusters) * n_features).

        References
        ----------
        .. [1] D. Sculley, "Web-scale k-means clustering", WWW 2010.

        Examples
        --------
        >>> from fastml.cluster import MiniBatchKMeans
        >>> model = MiniBatchKMeans(2, init=[[0.0], [5.0]], n_init=1, random_state=0)
        >>> model.fit([[0.0], [1.0], [5.0], [6.0]]).labels_.tolist()
        [0, 0, 1, 1]
        """
        X = check_X(self, X, reset=True, **SAMPLES)
        check_params(self, X)
        random_state = check_random_state(self.random_state)
        weights = check_weights(sample_weight, X)
        self._n_threads = n_threads = effective_n_threads()
        n_samples = X.shape[0]
        init = self._checked_init(X)

        valid = random_state.randint(0, n_samples, self._init_size)
        trial = X[valid], weights[valid]
        next_centers = initial_centers(self, X, init, weights, random_state, n_threads, init_size=self._init_size)
        best = None
        for number in range(self._n_init):
            if self.verbose:
                print(f"Init {number + 1}/{self._n_init} with method {init}")
            candidate = next_centers()
            inertia = _inertia(*trial, candidate, n_threads)
            if self.verbose:
                print(f"Inertia for init {number + 1}/{self._n_init}: {inertia}")
            if best is None or inertia < best:
                centers, best = candidate, inertia

        centers_new = np.empty_like(centers)
        self._counts = np.zeros(self.n_clusters, dtype=X.dtype)
        self._ewa_inertia = self._ewa_inertia_min = None
        self._no_improvement = self._n_since_last_reassign = 0
        draws = ones = None
        if DRAWS_BY_WEIGHT:
            draws, ones = WeightedDraws(weights, random_state), np.ones((self._batch_size,), X.dtype)
        n_steps = self.max_iter * n_samples // self._batch_size
        for i in range(n_steps):
            if draws:
                batch, batch_weights = draws.draw(self._batch_size), ones  # the draw has taken the weights into account
            else:
                batch = random_state.randint(0, n_samples, self._batch_size)
                batch_weights = weights[batch]
            inertia = _minibatch.step(
                X[batch],
                batch_weights,
                centers,
                centers_new,
                self._counts,
                random_state,
                reassign=self._random_reassign(),
                reassignment_ratio=self.reassignment_ratio,
                verbose=self.verbose,
                n_threads=n_threads,
            )
            moved = np.sum((centers_new - centers) ** 2) if self._tol > 0 else 0
            centers, centers_new = centers_new, centers
            if self._mini_batch_convergence(i, n_steps, n_samples, moved, inertia):
                break

        self.cluster_centers_ = centers
        self._n_features_out = len(centers)
        self.n_steps_ = i + 1
        self.n_iter_ = int(np.ceil((i + 1) * self._batch_size / n_samples))
        if self.compute_labels:
            self._label(X, weights, n_threads)
        else:
            self.inertia_ = self._ewa_inertia * (np.sum(weights) if DRAWS_BY_WEIGHT else n_samples)
        return self

    @accelerated
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, sample_weight=None):
        """Let one batch move the centres.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The batch. After the first call of the dtype, float32 or float64, of the first.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples; None: all 1.

        Returns
        -------
        self : MiniBatchKMeans
            With ``cluster_centers_``, ``n_steps_``, the number of batches so far, and under `compute_labels`
            ``labels_`` and ``inertia_`` of this batch. It sets no ``n_iter_``.

        Raises
        ------
        ValueError
            At the first call as :meth:`fit`. Later if X holds NaN or infinity, or has another number of features or
            another dtype than the first batch; if the shape of `sample_weight` does not fit X.

        Warns
        -----
        RuntimeWarning
            At the first call, as :meth:`fit`.

        See Also
        --------
        fit : Draws the batches from all samples.

        Notes
        -----
        Class of agreement: identical ``labels_`` and ``n_steps_``; rounding for ``cluster_centers_`` and
        ``inertia_``.

        O(n_samples * n_clusters * n_features) a batch, and at the first call the choice of the starting centres.
        Memory: O(n_samples + n_clusters * n_features), and copies of `init_size` samples at the first call.

        Examples
        --------
        >>> from fastml.cluster import MiniBatchKMeans
        >>> model = MiniBatchKMeans(2, init=[[0.0], [5.0]], n_init=1, random_state=0)
        >>> model.partial_fit([[0.0], [5.0]]).partial_fit([[1.0], [6.0]]).cluster_centers_.tolist()
        [[0.5], [5.5]]
        """
        started = hasattr(self, "cluster_centers_")
        X = check_X(self, X, reset=not started, **SAMPLES)
        self._random_state = getattr(self, "_random_state", check_random_state(self.random_state))
        weights = check_weights(sample_weight, X)
        self.n_steps_ = getattr(self, "n_steps_", 0)
        n_threads = effective_n_threads()
        if not started:
            check_params(self, X)
            self._n_threads = n_threads
            init = self._checked_init(X)
            self.cluster_centers_ = initial_centers(
                self, X, init, weights, self._random_state, n_threads, init_size=self._init_size
            )()
            self._counts = np.zeros(self.n_clusters, dtype=X.dtype)
            self._n_since_last_reassign = 0
        _minibatch.step(
            X,
            weights,
            self.cluster_centers_,
            self.cluster_centers_,
            self._counts,
            self._random_state,
            reassign=self._random_reassign(),
            reassignment_ratio=self.reassignment_ratio,
            verbose=self.verbose,
            n_threads=n_threads,
        )
        if self.compute_labels:
            self._label(X, weights, n_threads)
        self.n_steps_ += 1
        self._n_features_out = len(self.cluster_centers_)
        return self

    def _checked_init(self, X):
        if not is_arraylike_not_scalar(self.init):
            return self.init
        init = check_array(self.init, dtype=X.dtype, copy=True, order="C")
        self._validate_center_shape(X, init)
        return init

    def _label(self, X, weights, n_threads):
        samples = _lloyd.prepare(X, weights, n_clusters=self.n_clusters, family="kmeans.minibatch")
        self.labels_ = _lloyd.assign(samples, self.cluster_centers_, n_threads=n_threads)
        self.inertia_ = _lloyd.inertia(samples, self.cluster_centers_, self.labels_, n_threads=n_threads)


def _inertia(X, weights, centers, n_threads):
    samples = _lloyd.prepare(X, weights, n_clusters=len(centers), family="kmeans.minibatch")
    labels = _lloyd.assign(samples, centers, n_threads=n_threads)
    return _lloyd.inertia(samples, centers, labels, n_threads=n_threads)
