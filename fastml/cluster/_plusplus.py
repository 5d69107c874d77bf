"""Driver of greedy k-means++: the draws of scikit-learn, in its order, on our distances."""

import numpy as np

from fastml._dispatch import load, record
from fastml._kernels._arrays import Csr
from fastml._kernels.kmeans.seeding import new_seeding

EPS = np.finfo(np.float64).eps


class Undecided(Exception):
    """A choice hangs on rounding: only scikit-learn's own sequence of operations tells how it falls."""


def plusplus(X, n_clusters, weights, norms, random_state, n_local_trials, *, n_threads):
    """Numbers of the samples chosen as centres.

    X        : (n_samples, n_features) array or CSR matrix, float32 or float64.
    weights  : (n_samples,) of the dtype of X; norms : (n_samples,) squared norms in float64.

    Raises Undecided where two candidates, or two samples to draw, differ by no more than rounding may: duplicates beyond the
    number of distinct samples, symmetric data, samples far from the origin. The random state has then been used.
    """
    record(n_threads=n_threads)
    n_trials = n_local_trials or 2 + int(np.log(n_clusters))
    kernel = load("kmeans.plusplus")
    if n_trials > kernel.MAX_TRIALS:
        raise Undecided
    chosen = [random_state.choice(X.shape[0], p=weights / weights.sum())]
    choose = _choose_rounded if X.dtype == np.float32 else _choose
    return choose(kernel, X, weights, norms, random_state, chosen, n_clusters, n_trials, n_threads)


def _choose(kernel, X, weights, norms, random_state, chosen, n_clusters, n_trials, n_threads):
    """Add centres to `chosen`: potentials from sums of blocks, with the room that rounding may take up."""
    n_samples, n_features = X.shape
    rows, samples, seeding = _rows_of(X), _samples_of(X), new_seeding(n_samples)
    total_weight = weights.sum()
    # of one squared distance, by scikit-learn's formula or ours; sums err by a random walk
    noise = 32 * (n_features + 4) * EPS * norms.max()
    walk = 4 * np.sqrt(n_samples)
    weights = None if (weights == 1).all() else weights
    heaviest = 1.0 if weights is None else weights.max()

    def commit(index, take):
        number = len(chosen) - 1
        kernel.commit(samples, norms, weights, rows(index), norms[index], number, take, seeding, n_threads)
        return seeding.block_sums.sum()

    centers = np.empty((n_clusters, n_features)) if not isinstance(samples, Csr) else None
    potential = commit(chosen, 0)
    while len(chosen) < n_clusters:
        if potential <= 64 * total_weight * noise:
            raise Undecided
        targets = random_state.uniform(size=n_trials) * potential
        drawn = kernel.find(
            seeding.closest, weights, seeding.block_sums, targets, walk * (EPS * 4 * potential + heaviest * noise)
        )
        if drawn is None:
            raise Undecided
        candidates = rows(drawn)
        reach = None
        if centers is not None:  # a sparse candidate would have to be spread out for each centre
            centers[len(chosen) - 1] = rows(chosen[-1:])
            reach = kernel.reach_of(candidates, centers[: len(chosen)], noise)
        gains = kernel.evaluate(samples, norms, weights, candidates, norms[drawn], reach, seeding, n_threads)
        best = int(np.argmax(gains))
        close = np.flatnonzero(gains >= gains[best] - total_weight * noise - walk * EPS * 4 * potential)
        if len(close) > 1:
            if (candidates[close] != candidates[best]).any():
                raise Undecided
            best = int(close[0])  # equal samples: the first drawn
        chosen.append(int(drawn[best]))
        potential = commit(drawn[best : best + 1], best)
    return np.array(chosen)


def _choose_rounded(kernel, X, weights, norms, random_state, chosen, n_clusters, n_trials, n_threads):
    """The same for float32, whose sums scikit-learn rounds so coarsely that only NumPy's own order of summation gives its draws."""
    n_samples, n_features = X.shape
    rows, samples = _rows_of(X), _samples_of(X)
    noise = 64 * weights.sum(dtype=np.float64) * 32 * (n_features + 4) * EPS * norms.max()
    closest = np.empty((1, n_samples), np.float32)
    kernel.rounded_distances(samples, norms, rows(chosen), norms[chosen], None, closest, n_threads)
    potential = closest @ weights
    nearer = np.empty((n_trials, n_samples), np.float32)
    closest = closest[0]
    while len(chosen) < n_clusters:
        if potential[0] <= noise:
            raise Undecided
        targets = random_state.uniform(size=n_trials) * potential
        drawn = np.minimum(np.searchsorted(np.cumsum(weights * closest), targets), n_samples - 1)
        kernel.rounded_distances(samples, norms, rows(drawn), norms[drawn], closest, nearer, n_threads)
        potentials = nearer @ weights.reshape(-1, 1)
        best = int(np.argmin(potentials))
        potential, closest = potentials[best], nearer[best].copy()
        chosen.append(int(drawn[best]))
    return np.array(chosen)


def _samples_of(X):
    return X if isinstance(X, np.ndarray) else Csr(X.data, X.indices, X.indptr)


def _rows_of(X):
    """Return a function that gives samples as dense float64."""
    if isinstance(X, np.ndarray):
        return lambda indices: np.ascontiguousarray(X[indices], dtype=np.float64)
    return lambda indices: np.ascontiguousarray(X[indices].toarray(), dtype=np.float64)
