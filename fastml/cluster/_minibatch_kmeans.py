"""K-means on random batches (Sculley 2010, WWW): each batch pulls its nearest centres."""

import numpy as np
import sklearn.cluster
from sklearn.utils import check_array, check_random_state

from fastml._dispatch import accelerated
from fastml._threads import effective_n_threads
from fastml._validate import check_weights, check_X
from fastml._versions import DRAWS_BY_WEIGHT, fit_context, is_arraylike_not_scalar
from fastml.cluster import _lloyd, _minibatch
from fastml.cluster._base import SAMPLES, FittedKMeans
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
            Samples.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        self : MiniBatchKMeans
            Class of agreement: identical labels, n_iter_ and n_steps_, centres and inertia up to rounding. A batch
            costs O(batch_size * n_clusters * n_features). Memory: O(n_samples + n_clusters * n_features).
        """
        X = check_X(self, X, reset=True, **SAMPLES)
        self._check_params_vs_input(X)
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
        draws = WeightedDraws(weights, random_state) if DRAWS_BY_WEIGHT else None
        ones = np.ones((self._batch_size,), X.dtype)
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
            The batch.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        self : MiniBatchKMeans
            As :meth:`fit`.
        """
        started = hasattr(self, "cluster_centers_")
        X = check_X(self, X, reset=not started, **SAMPLES)
        self._random_state = getattr(self, "_random_state", check_random_state(self.random_state))
        weights = check_weights(sample_weight, X)
        self.n_steps_ = getattr(self, "n_steps_", 0)
        n_threads = effective_n_threads()
        if not started:
            self._check_params_vs_input(X)
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
