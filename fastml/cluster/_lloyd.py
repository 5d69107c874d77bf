"""Driver of Lloyd's iteration: buffers, convergence, empty clusters. Dense, CSR and GPU kernels take the same calls."""

from typing import NamedTuple

import numpy as np

from fastml._dispatch import load, note, record
from fastml._kernels._arrays import Csr
from fastml._kernels.kmeans.bounds import new_bounds
from fastml._kernels.kmeans.elkan import Elkan
from fastml.cluster._elkan import Trail, half_distances
from fastml.cluster._relocation import relocate_empty_clusters

# Bounds pay from so many multiply-adds per sample: at n = 1,000,000, d = 3, k = 8 they cost more than the tile.
WORTH_BOUNDS = 256
# From so many clusters on it pays to look at the centres that moved most apart from the others: 1.5x at k = 512,
# nothing at k = 64.
WORTH_MOVERS = 128
# Bounds that settle less than this share of the samples cost more than they spare: they are given up for so many
# iterations, and twice as many each time.
WORTH_KEEPING, PAUSE = 0.6, 4


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
    given    the same as an array or a CSR matrix, on the host
    weights  (n_samples,), or None: all 1
    shape    (n_samples, n_features)
    dtype    of X, centres and weights
    """

    kernel: object
    X: object
    given: object
    weights: np.ndarray | None
    shape: tuple
    dtype: np.dtype


def prepare(X, weights=None, *, n_clusters, family="kmeans.lloyd"):
    """Choose the kernel for an array or a CSR matrix and hand it the samples."""
    sparse = not isinstance(X, np.ndarray)
    work = float(X.nnz if sparse else X.size) * n_clusters
    kernel = load(f"{family}_csr" if sparse else family, work)
    rows = Csr(X.data, X.indices, X.indptr) if sparse else X
    return Samples(kernel, kernel.to_device(rows), X, kernel.to_device(weights), X.shape, X.dtype)


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
    samples.kernel.assign(samples.X, centers, squared_norms(centers), labels, None, None, None, n_threads)
    return labels


def inertia(samples, centers, labels, *, n_threads):
    """Weighted sum of squared distances to the own centres."""
    return samples.kernel.inertia(samples.X, samples.weights, centers, labels, n_threads)


class Assignment:
    """Labels of the samples and sums of the clusters, from iteration to iteration.

    labels   (n_samples,)  int32, where the kernel wants them
    touched  (n_clusters,)  uint8: clusters whose sums are out of date
    sums, totals  of the clusters: (n_clusters, n_features), (n_clusters,)
    trail    with `elkan` what tells scikit-learn's bounds, else None
    begun    with `elkan` whether there was an iteration
    unsure   (n_samples,)  uint8, where the kernel wants them: samples about whose labels they may decide
    """

    def __init__(self, samples, n_clusters, *, elkan, n_threads):
        self.samples, self.n_threads = samples, n_threads
        n_samples, n_features = samples.shape
        self.trail, self.begun = Trail(samples.given, n_clusters) if elkan else None, False
        self.unsure = samples.kernel.to_device(np.zeros(n_samples, np.uint8)) if elkan else None
        self.labels = samples.kernel.to_device(np.full(n_samples, -1, dtype=np.int32))
        self.touched = np.ones(n_clusters, np.uint8)
        self.sums, self.totals = np.zeros((n_clusters, n_features), samples.dtype), np.zeros(n_clusters, samples.dtype)
        bounded = samples.kernel.BOUNDED and n_clusters * n_features >= WORTH_BOUNDS
        self.bounds = new_bounds(n_samples, n_clusters) if bounded else None
        self.pause, self.next_pause, self.n_seen = 0, PAUSE, n_samples

    def update(self, centers, shift, *, add_up=True):
        """Find the nearest centres, and with `add_up` the sums; returns how many labels changed.

        shift : how far each centre has moved since the last call.
        """
        kernel, X, _, weights, _, _ = self.samples
        norms = squared_norms(centers)
        bounds, elkan = self._bounds_for(centers, norms, shift), self._rule_for(centers, shift)
        # where most samples are looked at anyway, one pass through the memory serves both
        fused = add_up and kernel.FUSED and 2 * self.n_seen > len(self.labels)
        if fused:
            n_changed, self.n_seen = kernel.assign_and_add_up(
                X, weights, centers, norms, self.labels, bounds, elkan, self.sums, self.totals, self.n_threads
            )
        else:
            n_changed, self.n_seen = kernel.assign(
                X, centers, norms, self.labels, self.touched, bounds, elkan, self.n_threads
            )
        added_up = fused
        if elkan is not None:
            if fused:
                self.touched[:] = 0
            n_changed += self._follow_the_past()
            added_up = fused and not self.touched.any()
        if add_up and not added_up:
            kernel.add_up(X, weights, self.labels, self.touched, self.sums, self.totals, self.n_threads)
        self.touched[:] = 0
        if bounds is not None:
            if bounds.known and self.n_seen > (1 - WORTH_KEEPING) * len(self.labels):
                self.bounds, self.pause = bounds._replace(known=False), self.next_pause
                self.next_pause *= 2
            else:
                self.bounds = bounds._replace(known=True)
        return n_changed

    def _rule_for(self, centers, shift):
        """Elkan's rule for these centres, which join the trail; None: Lloyd's."""
        if self.trail is None:
            return None
        halves = np.empty((0, len(centers)), centers.dtype) if self.begun else half_distances(centers)
        self.begun = True
        self.trail.add(centers, shift)
        return Elkan(halves, self.unsure)

    def _follow_the_past(self):
        """Take over scikit-learn's labels where rounding decided; returns how many more samples changed theirs."""
        kernel = self.samples.kernel
        unsure = kernel.to_host(self.unsure)
        rows = np.flatnonzero(unsure.view(bool))
        if not len(rows) or not self.trail.complete:
            return 0
        unsure[rows] = 0
        self.unsure = kernel.to_device(unsure)
        rows = self.trail.in_doubt(rows)
        if not len(rows):
            return 0
        note("Elkan's bounds decided about close calls: scikit-learn's own code followed these samples from the start")
        before, now = self.trail.last_labels(rows)
        labels = kernel.to_host(self.labels)
        wrong = now != labels[rows]
        self.touched[labels[rows[wrong]]] = self.touched[now[wrong]] = 1
        labels[rows] = now
        self.labels = kernel.to_device(labels)
        return np.count_nonzero(now != before) - len(rows)

    def _bounds_for(self, centers, norms, shift):
        """Bounds for these centres; unknown ones where they are to be written anew, None while they do not pay."""
        if self.bounds is None or self.pause:
            self.pause = max(self.pause - 1, 0)
            return None
        if not self.bounds.known:
            return self.bounds
        n_clusters = len(centers)
        # a table of distances between centres pays where it costs little beside the samples
        measure = 8 * n_clusters < len(self.labels)
        n_movers = n_clusters // 8 if n_clusters >= WORTH_MOVERS else 0
        return self.samples.kernel.follow(centers, norms, shift, self.bounds, measure, n_movers, self.n_threads)


def lloyd(samples, centers, *, elkan, max_iter, tol, verbose, n_threads, check=None):
    """Alternate assignment and averaging from the given centres on.

    elkan  : what scikit-learn's algorithm="elkan" does where two centres are equally near. The label stays, unless
             rounding makes another centre strictly nearer and the bounds let scikit-learn look at it.
    tol    : the iteration stops where the squared movements of the centres add up to no more.
    check  : called with the centres of every iteration.
    """
    record(n_threads=n_threads)
    kernel = samples.kernel
    found = Assignment(samples, len(centers), elkan=elkan, n_threads=n_threads)
    if isinstance(samples.given, np.ndarray) and np.may_share_memory(centers, samples.given):
        centers = centers.copy()  # it is written to in turn with centers_new, and a callable's may be a view of X
    centers_new, shift = np.empty_like(centers), np.zeros(len(centers), samples.dtype)
    for n_iter in range(1, max_iter + 1):
        n_changed = found.update(centers, shift)
        if not found.totals.all():
            relocated = relocate_empty_clusters(samples, centers, found.labels, found.sums, found.totals)
            found.touched[relocated] = 1
        kernel.average(found.sums, found.totals, centers, centers_new, shift)
        if check is not None:
            check(centers_new)
        if verbose:
            dot = "" if elkan else "."
            print(
                f"Iteration {n_iter - 1}, inertia {inertia(samples, centers, found.labels, n_threads=n_threads)}{dot}"
            )
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
        found.update(centers, shift, add_up=False)
    labels = kernel.to_host(found.labels)
    return LloydResult(labels, inertia(samples, centers, found.labels, n_threads=n_threads), centers, n_iter)


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
