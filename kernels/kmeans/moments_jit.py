"""Twin of moments.pyx."""

from fastml._kernels._jit import kernel


@kernel
def add_columns(X, sums, n_threads):
    for i in range(len(X)):
        for f in range(X.shape[1]):
            sums[f] += X[i, f]


@kernel
def subtract_columns(X, means, out, squares, n_threads):
    for i in range(len(X)):
        for f in range(X.shape[1]):
            out[i, f] = X[i, f] - means[f]
            squares[f] += out[i, f] * out[i, f]
