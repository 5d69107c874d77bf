"""Twin of minibatch.pyx: one step of mini-batch k-means on dense samples."""

import numpy as np

from fastml._kernels._jit import kernel
from fastml._kernels.kmeans.lloyd_jit import assign, inertia, to_device, to_host  # noqa: F401 (the driver's)


@kernel
def forget_means(centers_old, centers, seen, joined):
    """Means to sums, for the clusters that get samples."""
    for j in range(len(centers)):
        for f in range(centers.shape[1]):
            centers[j, f] = centers_old[j, f] * seen[j] if joined[j] > 0 else centers_old[j, f]


@kernel
def form_means(centers, seen, joined):
    for j in range(len(centers)):
        if joined[j] > 0:
            seen[j] += joined[j]
            scale = seen.dtype.type(1) / seen[j]
            for f in range(centers.shape[1]):
                centers[j, f] *= scale


@kernel
def joining_weights(weights, labels, seen):
    joined = np.zeros_like(seen)
    for i in range(len(labels)):
        joined[labels[i]] += seen.dtype.type(1) if weights is None else weights[i]
    return joined


@kernel
def update(X, weights, labels, centers_old, centers, seen):
    joined = joining_weights(weights, labels, seen)
    forget_means(centers_old, centers, seen, joined)
    for i in range(len(X)):
        j = labels[i]
        if joined[j] > 0:
            w = X.dtype.type(1) if weights is None else weights[i]
            for f in range(X.shape[1]):
                centers[j, f] += X[i, f] * w
    form_means(centers, seen, joined)
