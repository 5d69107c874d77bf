"""Starting centres: k-means++ by our kernel, the other ways by scikit-learn's own method."""

import numpy as np
import sklearn.cluster
from scipy.sparse import csr_matrix, issparse
from sklearn.utils.extmath import row_norms

from fastml._dispatch import record
from fastml._lazy import lazy
from fastml._versions import ROUNDS_RUNNING_SUMS
from fastml.cluster._draws import EvenDraws, WeightedDraws
from fastml.cluster._plusplus import Undecided, note_rounding, plusplus, repays
from fastml.cluster._products import Products

_BLOCK = 1 << 16  # elements of a temporary
_plain = sklearn.cluster.kmeans_plusplus.__wrapped__  # bound before any patch; its parameters are checked already
_plain_way = sklearn.cluster.KMeans._init_centroids


def initial_centers(est, X, init, weights, random_state, n_threads, *, init_size=None):
    """Return a function of no arguments that gives the centres from which scikit-learn's next run would start.

    weights   : (n_samples,) or None.
    init_size : so many samples, drawn with replacement for each run, stand for all.
    """
    n_samples, n_clusters = X.shape[0], est.n_clusters
    filled = np.ones(n_samples, X.dtype) if weights is None else weights
    own_way = type(est)._init_centroids is not _plain_way  # a subclass's
    if own_way or not (isinstance(init, str) and init == "k-means++"):
        # of scikit-learn's ways only k-means++ reads them
        norms = row_norms(X, squared=True) if own_way else np.broadcast_to(X.dtype.type(0), (n_samples,))
        return lambda: est._init_centroids(
            X,
            x_squared_norms=norms,
            init=init,
            random_state=random_state,
            sample_weight=filled,
            **({} if init_size is None else {"init_size": init_size}),
        )
    if init_size is None or init_size >= n_samples:
        seeds = Seeds(X, weights, random_state)
        return lambda: seeds.choose(n_clusters, n_threads=n_threads)[0]

    def of_some():
        chosen = random_state.randint(0, n_samples, init_size)
        return Seeds(X[chosen], filled[chosen], random_state).choose(n_clusters, n_threads=n_threads)[0]

    return of_some


class Seeds:
    """Samples from which k-means++ chooses centres, as often as wanted: scikit-learn's choice.

    norms : squared norms that scikit-learn shall use, or None.

    Where a choice hangs on rounding, scikit-learn's own operations make it; of float32 samples its function makes all
    choices anew, from the same random state.
    """

    def __init__(self, X, weights, random_state, norms=None):
        self.X, self.weights, self.random_state, self.given_norms = X, weights, random_state, norms
        dtype = X.dtype if X.dtype in (np.float64, np.float32) else np.float64
        self.dtype, self.double = dtype, X.dtype == np.float64
        self.dense = self.double and isinstance(X, np.ndarray)
        if weights is None:
            self.filled, self.draws = None, EvenDraws(X.shape[0], dtype, random_state)
        else:
            self.filled = np.asarray(weights, dtype)
            self.draws = WeightedDraws(self.filled, random_state)
        self.state, self.n_drawn = None, 0  # a state of the source, which takes NumPy 30 µs to tell, and draws since

    @lazy
    def samples(self):
        X = self.X
        return csr_matrix(X, dtype=self.dtype) if issparse(X) else np.ascontiguousarray(X, self.dtype)

    @lazy
    def norms(self):
        return squared_norms(self.samples)

    def choose(self, n_clusters, n_local_trials=None, *, tell_apart=False, n_threads):
        """Return the centres (n_clusters, n_features) and their numbers.

        tell_apart : whether it matters which one of equal samples is chosen.
        """
        centers = np.empty((n_clusters, self.X.shape[1]), self.X.dtype)
        n_trials = n_local_trials or 2 + int(np.log(n_clusters))
        if n_clusters == 1:
            record(n_threads=1)
            indices = self.draws.draw(1)
        elif self.dense and not (repays(self.X, n_clusters) and self._has_own_norms()):
            record(n_threads=1)
            first = int(self.draws.draw(1)[0])
            more = self._products(first).rest(n_clusters - 1, self.random_state, n_trials)
            indices = np.array([first, *more])
        else:
            if self.state is None:
                self.state, self.n_drawn = self.random_state.get_state(legacy=False), 0
            try:
                if not self._has_own_norms():
                    raise Undecided
                indices = self._by_distances(n_clusters, n_trials, tell_apart, n_threads)
            except Undecided:
                self.random_state.set_state(self.state)
                self.random_state.random_sample(self.n_drawn)
                self.state = None
                note_rounding()
                return _plain(
                    self.X,
                    n_clusters,
                    sample_weight=self.weights,
                    x_squared_norms=self.given_norms,
                    random_state=self.random_state,
                    n_local_trials=n_local_trials,
                )
        self.n_drawn += 1 + n_trials * (n_clusters - 1)
        chosen = self.X[indices]
        centers[:] = chosen.toarray() if issparse(chosen) else chosen
        return centers, indices

    def _products(self, first):
        norms = self.given_norms
        if norms is None:  # their rounding depends on the memory order
            norms = self.norms if not self.dense or self.X.flags.c_contiguous else row_norms(self.X, squared=True)
        return Products(self.X, norms, self.filled, first)

    def _by_distances(self, n_clusters, n_trials, tell_apart, n_threads):
        return plusplus(
            self.samples,
            n_clusters,
            self.filled,
            self.norms,
            self.draws,
            n_trials,
            tell_apart=tell_apart,
            running_type=np.float32 if ROUNDS_RUNNING_SUMS else np.float64,
            n_threads=n_threads,
            products=self._products if self.double else None,
        )

    def _has_own_norms(self):
        """Tell whether the norms are those of the samples: scikit-learn would take any others all the same."""
        relative = 1e-6 if self.samples.dtype == np.float32 else 1e-14
        return self.given_norms is None or np.allclose(self.given_norms, self.norms, rtol=relative, atol=0)


def squared_norms(X):
    """Squared norms of the samples in float64, rounded as scikit-learn rounds them for its distances."""
    if X.dtype == np.float64:
        return row_norms(X, squared=True)
    rows = max(_BLOCK // X.shape[1], 1)
    blocks = (X[first : first + rows].astype(np.float64) for first in range(0, X.shape[0], rows))
    return np.concatenate([row_norms(block, squared=True) for block in blocks])
