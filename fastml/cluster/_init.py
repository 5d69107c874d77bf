"""Starting centres: k-means++ by our kernel, the other ways by scikit-learn's own method."""

import numpy as np
import sklearn.cluster
from scipy.sparse import issparse
from sklearn.utils.extmath import row_norms

from fastml.cluster._plusplus import Undecided, plusplus

_BLOCK = 1 << 16  # elements of a temporary
_plain = sklearn.cluster.kmeans_plusplus.__wrapped__  # bound before any patch; its parameters are checked already


def initial_centers(est, X, init, weights, random_state, n_threads, *, init_size=None):
    """Return the (n_clusters, n_features) centres that scikit-learn would start from.

    weights   : (n_samples,) or None.
    init_size : so many samples, drawn with replacement, stand for all.
    """
    n_samples, n_clusters = X.shape[0], est.n_clusters
    weights = np.ones(n_samples, X.dtype) if weights is None else weights
    if not (isinstance(init, str) and init == "k-means++"):
        no_norms = np.broadcast_to(X.dtype.type(0), (n_samples,))  # only k-means++ reads them
        return est._init_centroids(
            X,
            x_squared_norms=no_norms,
            init=init,
            random_state=random_state,
            sample_weight=weights,
            init_size=init_size,
        )
    if init_size is not None and init_size < n_samples:
        chosen = random_state.randint(0, n_samples, init_size)
        X, weights = X[chosen], weights[chosen]
    return choose(X, n_clusters, weights, None, random_state, None, n_threads)[0]


def choose(X, n_clusters, weights, norms, random_state, n_local_trials, n_threads):
    """Centres (n_clusters, n_features) and their numbers by k-means++: scikit-learn's choice.

    norms : squared norms that scikit-learn shall use, or None.

    Where a choice hangs on rounding, scikit-learn's own function makes all of them anew from the same random state.
    """
    state = random_state.get_state(legacy=False)
    try:
        samples = X if X.dtype in (np.float64, np.float32) else X.astype(np.float64)
        ours = squared_norms(samples)
        if norms is not None and not np.allclose(norms, ours, rtol=1e-6 if X.dtype == np.float32 else 1e-14, atol=0):
            raise Undecided  # not norms of these samples, yet scikit-learn would take them
        indices = plusplus(
            samples,
            n_clusters,
            np.asarray(weights, samples.dtype),
            ours,
            random_state,
            n_local_trials,
            n_threads=n_threads,
        )
    except Undecided:
        random_state.set_state(state)
        return _plain(
            X,
            n_clusters,
            sample_weight=weights,
            x_squared_norms=norms,
            random_state=random_state,
            n_local_trials=n_local_trials,
        )
    centers = X[indices]
    return (centers.toarray() if issparse(centers) else centers), indices


def squared_norms(X):
    """Squared norms of the samples in float64, rounded as scikit-learn rounds them for its distances."""
    if X.dtype == np.float64:
        return row_norms(X, squared=True)
    rows = max(_BLOCK // X.shape[1], 1)
    parts = (row_norms(X[first : first + rows].astype(np.float64), squared=True) for first in range(0, X.shape[0], rows))
    return np.concatenate(list(parts))
