"""Empty clusters of k-means: they move to the samples that are farthest from their centres."""

import numpy as np

_BLOCK = 1 << 16  # elements of a temporary


def relocate_empty_clusters(samples, centers, labels, sums, totals):
    """Give each cluster without weight one far sample, taken out of its old cluster.

    Which samples are farthest, and in which order, hangs on the last bit of the distances and on NumPy's selection
    among equals; hence scikit-learn's own expressions, in blocks.

    Parameters
    ----------
    samples : Samples
    centers : ndarray of shape (n_clusters, n_features)
        The centres that the labels belong to.
    labels : (n_samples,)
    sums, totals : ndarray
        Sums of the clusters, changed in place.

    Returns
    -------
    list of int
        The clusters whose sums no longer are those of their samples.
    """
    empty = np.flatnonzero(totals == 0)
    labels = samples.kernel.to_host(labels)
    distances = _squared_distances(samples, centers, labels)
    farthest = np.argpartition(distances, -len(empty))[: -len(empty) - 1 : -1]
    if distances.max() == 0:  # fewer distinct samples than clusters: nowhere to go
        return []
    touched = []
    for new, sample in zip(empty, farthest, strict=True):
        old = labels[sample]
        weight = samples.dtype.type(1) if samples.weights is None else samples.weights[sample]
        columns, values = samples.kernel.row(samples.X, sample)
        part = values * weight
        sums[old, columns] -= part
        sums[new, columns] = part
        totals[new] = weight
        totals[old] -= weight
        touched += [new, old]
    return touched


def _squared_distances(samples, centers, labels):
    """Squared distance of every sample to its centre."""
    n_samples, n_features = samples.shape
    distances = np.empty(n_samples, samples.dtype)
    rows = max(_BLOCK // n_features, 1)
    for first in range(0, n_samples, rows):
        part = slice(first, first + rows)
        distances[part] = samples.kernel.squared_distances(samples.X, centers, labels, part)
    return distances
