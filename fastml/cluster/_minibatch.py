"""Driver of mini-batch k-means: one step."""

import numpy as np

from fastml.cluster import _lloyd


def step(X, weights, centers, centers_new, seen, random_state, *, reassign, reassignment_ratio, verbose, n_threads):
    """Assign a batch, move the centres, and give starved centres to samples of the batch drawn at random.

    X            : (n_samples, n_features) array or CSR matrix, the batch; weights (n_samples,) or None.
    centers      : (n_clusters, n_features); centers_new, which may be the same array, is filled.
    seen         : (n_clusters,) weight that each centre has been given, updated in place.

    Returns the inertia of the batch before the centres moved.
    """
    if (*seen.shape, X.shape[1]) != centers.shape:  # edited since the last step
        raise ValueError(
            f"cluster_centers_ has the shape {centers.shape}, but _counts {seen.shape}; X has {X.shape[1]} features."
        )
    samples = _lloyd.prepare(X, weights, n_clusters=len(centers), family="kmeans.minibatch")
    labels = _lloyd.assign(samples, centers, n_threads=n_threads)
    inertia = _lloyd.inertia(samples, centers, labels, n_threads=n_threads)
    samples.kernel.update(samples.X, weights, labels, centers, centers_new, seen)
    if reassign and reassignment_ratio > 0:
        _reassign(X, centers_new, seen, random_state, reassignment_ratio, verbose)
    return inertia


def _reassign(X, centers, seen, random_state, ratio, verbose):
    """Move the centres that were given least, at most half as many as there are samples, to samples."""
    n_samples = X.shape[0]
    starved = seen < ratio * seen.max()
    if starved.sum() > 0.5 * n_samples:
        starved[np.argsort(seen)[int(0.5 * n_samples) :]] = False
    n_starved = starved.sum()
    if n_starved:
        chosen = random_state.choice(n_samples, replace=False, size=n_starved)
        if verbose:
            print(f"[MiniBatchKMeans] Reassigning {n_starved} cluster centers.")
        rows = X[chosen]
        centers[starved] = rows if isinstance(rows, np.ndarray) else rows.toarray()
    # not too small a weight, or the centre would be reassigned at once
    seen[starved] = np.min(seen[~starved])
