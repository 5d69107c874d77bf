"""Driver of Lloyd's iteration: buffers, convergence, empty clusters. Dense, CSR and GPU kernels take the same calls."""

from typing import NamedTuple

import numpy as np

from fastml._dispatch import load, record
from fastml._kernels._arrays import Csr
from fastml._kernels.kmeans.bounds import new_bounds
from fastml.cluster._relocation import relocate_empty_clusters

# Bounds pay from so many multiply-adds per sample: at n = 1,000,000, d = 3, k = 8 they cost more than the tile.
WORTH_BOUNDS = 256
# From so many clusters on it pays to look at the centres that moved most apart from the others: 1.5x at k = 512,
# nothing at k = 64.
WORTH_MOVERS = 128


class LloydResult(NamedTuple):
    """A local optimum: labels (n_samples,) int32, inertia, centers (n_clusters, n_features), n_iter."""

    labels: np.ndarray
    inertia: float
    centers: np.ndarray
    n_iter: int


class Samples(NamedTuple):
    """Samples where their kernel wants them.

    kernel   module with assign, add_up, average, inertia ...
    X        (n_samples, n_features) array, or Csr
    weights  (n_samples,), or None: all 1
    shape    (n_samples, n_features)
    dtype    of X, centres and weights
    """

    kernel: object
    X: object
    weights: np.ndarray | None
    shape: tuple
    dtype: np.dtype


def prepare(X, weights=None, *, n_clusters, family="kmeans.lloyd"):
    """Choose the kernel for an array or a CSR matrix and hand it the samples."""
    sparse = not isinstance(X, np.ndarray)
    work = float(X.nnz if sparse else X.size) * n_clusters
    kernel = load(f"{family}_csr" if sparse else family, work)
    rows = Csr(X.data, X.indices, X.indptr) if sparse else X
    return Samples(kernel, kernel.to_device(rows), kernel.to_device(weights), X.shape, X.dtype)


def squared_norms(centers):
    """Squared norms of the rows, rounded as scikit-learn rounds them: ties of the assignment depend on it."""
    return np.einsum("ij,ij->i", centers, centers)


def assign(samples, centers, *, n_threads):
    """Label of the nearest centre of every sample."""
    record(n_threads=n_threads)
    if centers.dtype != samples.dtype:  # in scikit-learn too it is the compiled code that refuses
        expected, got = ("float" if dtype == np.float32 else "double" for dtype in (samples.dtype, centers.dtype))
        raise ValueError(f"Buffer dtype mismatch, expected 'const {expected}' but got '{got}'")
    labels = samples.kernel.to_device(np.full(samples.shape[0], -1, dtype=np.int32))
    samples.kernel.assign(samples.X, centers, squared_norms(centers), labels, None, None, False, n_threads)
    return labels


def inertia(samples, centers, labels, *, n_threads):
    """Weighted sum of squared distances to the own centres."""
    return samples.kernel.inertia(samples.X, samples.weights, centers, labels, n_threads)


def lloyd(samples, centers, *, elkan, max_iter, tol, verbose, n_threads):
    """Alternate assignment and averaging from the given centres on.

    elkan  : what scikit-learn's algorithm="elkan" does where two centres are equally near: the label stays.
    tol    : the iteration stops where the squared movements of the centres add up to no more.
    """
    record(n_threads=n_threads)
    kernel, X, weights, (n_samples, n_features), dtype = samples
    n_clusters = len(centers)
    labels = kernel.to_device(np.full(n_samples, -1, dtype=np.int32))
    sums, totals = np.zeros_like(centers), np.zeros(n_clusters, dtype)
    centers = centers.copy()  # it is written to in turn with centers_new, and may be a view of X
    centers_new, shift = np.empty_like(centers), np.zeros(n_clusters, dtype)
    touched = np.ones(n_clusters, np.uint8)  # clusters whose sums are out of date
    bounded = kernel.BOUNDED and n_clusters * n_features >= WORTH_BOUNDS
    bounds = new_bounds(n_samples, n_clusters) if bounded else None

    def reassign():
        nonlocal bounds
        norms = squared_norms(centers)
        if bounds is not None and n_iter > 1:
            # a table of distances between centres pays where it costs little beside the samples
            measure = 8 * n_clusters < n_samples
            n_movers = n_clusters // 8 if n_clusters >= WORTH_MOVERS else 0
            bounds = kernel.follow(centers, norms, shift, bounds, measure, n_movers, n_threads)
        return kernel.assign(X, centers, norms, labels, touched, bounds, elkan, n_threads)[0]

    for n_iter in range(1, max_iter + 1):
        n_changed = reassign()
        kernel.add_up(X, weights, labels, touched, sums, totals, n_threads)
        touched[:] = 0
        if not totals.all():
            relocated = relocate_empty_clusters(samples, centers, labels, sums, totals)
            touched[relocated] = 1
        kernel.average(sums, totals, centers, centers_new, shift)
        if verbose:
            dot = "" if elkan else "."
            print(f"Iteration {n_iter - 1}, inertia {inertia(samples, centers, labels, n_threads=n_threads)}{dot}")
        centers, centers_new = centers_new, centers
        if not n_changed:
            if verbose:
                print(f"Converged at iteration {n_iter - 1}: strict convergence.")
            break
        moved = np.add.reduce(shift * shift)
        if moved <= tol:
            if verbose:
                print(f"Converged at iteration {n_iter - 1}: center shift {moved} within tolerance {tol}.")
            break
    if n_changed:  # labels that fit the last centres
        n_iter += 1
        reassign()
        n_iter -= 1
    return LloydResult(kernel.to_host(labels), inertia(samples, centers, labels, n_threads=n_threads), centers, n_iter)


def same_clustering(labels, others, n_clusters):
    """Tell whether two labellings are equal up to the names of the clusters."""
    names = np.full(n_clusters, -1, dtype=np.int32)
    names[labels] = others
    return np.array_equal(names[labels], others)


def best_of(runs, n_clusters):
    """Return the run of least inertia; one that only renames the clusters of an earlier one is no better."""
    best = None
    for run in runs:
        if best is None or (run.inertia < best.inertia and not same_clustering(run.labels, best.labels, n_clusters)):
            best = run
    return best
