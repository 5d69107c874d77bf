"""Starting centres of an estimator: k-means++ by our kernel, the other ways by scikit-learn's own method."""

import numpy as np
from sklearn.utils.extmath import row_norms


def initial_centers(est, X, init, weights, random_state, n_threads, **more):
    """Return the centres that scikit-learn would start from."""
    n_samples = X.shape[0]
    plain_weights = np.ones(n_samples, X.dtype) if weights is None else weights
    return est._init_centroids(
        X, x_squared_norms=row_norms(X, squared=True), init=init, random_state=random_state, sample_weight=plain_weights, **more
    )


def plusplus(X, n_clusters, weights, norms, random_state, n_local_trials, n_threads):
    """Centres and indices of k-means++."""
    import sklearn.cluster._kmeans as sk

    norms = row_norms(X, squared=True) if norms is None else norms
    return sk._kmeans_plusplus(X, n_clusters, norms, weights, random_state, n_local_trials)
