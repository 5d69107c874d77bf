"""Twin of minibatch_csr.pyx: one step of mini-batch k-means on CSR samples."""

from fastml._kernels._jit import kernel
from fastml._kernels.kmeans.lloyd_csr_jit import assign, inertia, to_device, to_host  # noqa: F401 (the driver's)
from fastml._kernels.kmeans.minibatch_jit import forget_means, form_means, joining_weights


@kernel
def update(X, weights, labels, centers_old, centers, seen):
    joined = joining_weights(weights, labels, seen)
    forget_means(centers_old, centers, seen, joined)
    for i in range(len(labels)):
        j = labels[i]
        if joined[j] > 0:
            w = seen.dtype.type(1) if weights is None else weights[i]
            for p in range(X.indptr[i], X.indptr[i + 1]):
                centers[j, X.indices[p]] += X.data[p] * w
    form_means(centers, seen, joined)
