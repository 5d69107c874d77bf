"""Driver of greedy k-means++: the draws of scikit-learn, in its order, on our distances."""

import numpy as np

from fastml._dispatch import load, record
from fastml._kernels._arrays import Csr
from fastml._kernels.kmeans.seeding import new_seeding

MAX_TRIALS = 16  # candidates per centre that the kernel takes
FEW_CENTERS, SAMPLES_PER_CENTER, WORTH_DISTANCES = 4, 8, 1 << 12  # see repays
PAUSE = 6  # centres chosen without estimates after one spared little
WORTH_ESTIMATES = 1 << 15  # elements from which they pay, where
ESTIMATED_CENTERS = 8  # so many centres are to be chosen
EPS = np.finfo(np.float64).eps
LEAST_NORM = 1e-280  # squared norms are rounded more coarsely than EPS below, and overflow above its reciprocal


class Undecided(Exception):
    """A choice hangs on rounding: only scikit-learn's own sequence of operations tells how it falls."""


def plusplus(X, n_clusters, weights, norms, draws, n_trials, *, tell_apart, running_type, n_threads):
    """Numbers of the samples chosen as centres.

    X        : (n_samples, n_features) array or CSR matrix, float32 or float64.
    weights  : (n_samples,) of the dtype of X, or None: all 1; norms : (n_samples,) squared norms in float64.
    draws    : WeightedDraws by these weights; its random state serves all draws. n_trials: candidates for each centre
    but the first.
    tell_apart : whether it matters which one of equal samples is chosen; running_type : of the sums along the samples
    of float32.

    Raises Undecided where two candidates, or two samples to draw, differ by no more than rounding may: duplicates
    beyond the number of distinct samples, symmetric data, samples far from the origin. The random state has then been
    used.
    """
    record(n_threads=n_threads)
    kernel = load("kmeans.plusplus")
    chosen = [int(draws.draw(1)[0])]
    arguments = kernel, X, weights, norms, draws.random_state, chosen, n_clusters, n_trials, n_threads
    if X.dtype == np.float32:
        return _choose_rounded(*arguments, running_type)
    return _choose(*arguments, tell_apart)


def _choose(kernel, X, weights, norms, random_state, chosen, n_clusters, n_trials, n_threads, tell_apart):
    """Add centres to `chosen`: potentials from sums of blocks, with the room that rounding may take up."""
    n_samples, n_features = X.shape
    rows, samples, seeding = _rows_of(X), _samples_of(X), new_seeding(n_samples)
    total_weight = n_samples if weights is None else weights.sum()
    # of one squared distance, by scikit-learn's formula or ours; sums err by a random walk
    largest = norms.max()
    noise = 32 * (n_features + 4) * EPS * largest
    walk = 4 * np.sqrt(n_samples)
    heaviest = 1.0 if weights is None else weights.max()
    if not LEAST_NORM < largest < 1 / LEAST_NORM:
        raise Undecided

    def commit(center, index, bits):
        kernel.commit(samples, norms, weights, center, norms[index], bits, seeding, n_threads)
        return np.add.reduce(seeding.block_sums)

    estimates = Estimates(kernel, samples, weights, noise, n_clusters, n_threads)
    potential = commit(rows(chosen), chosen, 0)
    while len(chosen) < n_clusters:
        if not 64 * total_weight * noise < potential < np.inf:
            raise Undecided
        targets = random_state.uniform(size=n_trials) * potential
        drawn = kernel.find(
            seeding.closest, weights, seeding.block_sums, targets, walk * (EPS * 4 * potential + heaviest * noise)
        )
        if drawn is None:
            raise Undecided
        candidates = rows(drawn)
        doubt = total_weight * noise + walk * EPS * 4 * potential
        rivals = estimates.rivals(drawn, seeding.closest, None, seeding.nearer, doubt)
        best = rivals[0]
        if len(rivals) > 1 or not estimates.given:
            bits = sum(1 << number for number in rivals) if estimates.given else 0
            gains, n_opened = kernel.evaluate(
                samples, norms, weights, candidates, norms[drawn], bits, seeding, n_threads
            )
            estimates.learn(n_opened)
            enough = max(gains[number] for number in rivals) - doubt
            close = [number for number in rivals if gains[number] >= enough]
            best = close[0]  # of equal samples the first drawn
            alike = drawn if tell_apart else candidates
            if len(close) > 1 and (alike[close] != alike[best]).any():
                raise Undecided
        chosen.append(int(drawn[best]))
        potential = commit(candidates[best : best + 1], drawn[best : best + 1], 1 << best)
    return np.array(chosen)


def _choose_rounded(kernel, X, weights, norms, random_state, chosen, n_clusters, n_trials, n_threads, running_type):
    """Add centres to `chosen` for float32 samples.

    scikit-learn rounds their sums so coarsely that only NumPy's own order of summation gives its draws.
    """
    n_samples, n_features = X.shape
    rows, samples = _rows_of(X), _samples_of(X)
    weights = np.ones(n_samples, np.float32) if weights is None else weights
    largest = norms.max()
    noise = 32 * (n_features + 4) * EPS * largest  # of one squared distance, before it is rounded
    if 4 * largest > np.finfo(np.float32).max:  # scikit-learn's distances overflow, and it warns
        raise Undecided
    least = 64 * weights.sum(dtype=np.float64) * noise
    closest = np.empty((1, n_samples), np.float32)
    kernel.rounded_distances(samples, norms, rows(chosen), norms[chosen], None, None, closest, n_threads)
    estimates = Estimates(kernel, samples, None, noise, n_clusters, n_threads)
    maybe_nearer = np.empty(n_samples, np.uint16)
    potential = closest @ weights
    nearer = np.empty((n_trials, n_samples), np.float32)
    closest = closest[0]
    while len(chosen) < n_clusters:
        if potential[0] <= least:
            raise Undecided
        targets = random_state.uniform(size=n_trials) * potential
        running = np.cumsum(weights * closest, dtype=running_type)
        drawn = np.minimum(np.searchsorted(running, targets), n_samples - 1)
        candidates = rows(drawn)
        estimates.rivals(drawn, None, closest, maybe_nearer, 0.0)
        few = maybe_nearer if estimates.given else None
        n_opened = kernel.rounded_distances(samples, norms, candidates, norms[drawn], closest, few, nearer, n_threads)
        estimates.learn(n_opened)
        potentials = nearer @ weights.reshape(-1, 1)
        best = int(np.argmin(potentials))
        potential, closest = potentials[best], nearer[best].copy()
        chosen.append(int(drawn[best]))
    return np.array(chosen)


def repays(X, n_clusters):
    """Tell whether our distances pay, for dense samples of float64.

    They do not where two passes are all there is, where NumPy's calls cost more than its arithmetic, and where samples
    are so few for a centre that pairs of them, each the only one near the other, tie and leave us undecided.
    """
    return n_clusters >= FEW_CENTERS and len(X) >= SAMPLES_PER_CENTER * n_clusters and X.size >= WORTH_DISTANCES


def plusplus_by_products(X, n_clusters, weights, norms, draws, n_trials):
    """Numbers of the samples chosen as centres: scikit-learn's own operations, in its order, on dense float64.

    Nothing can be undecided here: every sum is rounded as it is there, by the same library. What is spared are the
    checks around them, half of the time with little data, and a few temporaries. Arguments as of plusplus; the memory
    order of X counts.
    """
    ones = np.ones(len(X)) if weights is None else weights

    def squares(rows):
        found = rows @ X.T
        found *= -2
        found += np.einsum("ij,ij->i", rows, rows)[:, np.newaxis]
        found += norms.reshape(1, -1)
        return np.maximum(found, 0, out=found)

    chosen = np.empty(n_clusters, dtype=int)
    chosen[0] = draws.draw(1)[0]
    closest = squares(X[chosen[:1]])
    potential, column = closest @ ones, ones.reshape(-1, 1)
    for c in range(1, n_clusters):
        targets = draws.random_state.uniform(size=n_trials) * potential
        drawn = np.searchsorted((closest if weights is None else weights * closest).cumsum(), targets)
        np.minimum(drawn, len(X) - 1, out=drawn)
        nearest = squares(X[drawn])
        np.minimum(closest, nearest, out=nearest)
        potentials = nearest @ column
        best = potentials.argmin()
        potential, closest, chosen[c] = potentials[best], nearest[best], drawn[best]
    return chosen


class Estimates:
    """Estimates of what candidates gain, and of the samples that are nearer to them, for dense samples.

    given : whether the last call of rivals made one, and wrote `nearer`.
    """

    def __init__(self, kernel, samples, weights, noise, n_clusters, n_threads):
        worth = isinstance(samples, np.ndarray) and samples.size >= WORTH_ESTIMATES and n_clusters >= ESTIMATED_CENTERS
        self.floats = kernel.narrow(samples, n_threads) if worth else None
        self.kernel, self.weights, self.noise, self.n_threads = kernel, weights, noise, n_threads
        self.given, self.pause = False, 0

    def rivals(self, drawn, closest, closest_rounded, nearer, doubt):
        """Numbers of the candidates of which any may be the best; all of them where there is no estimate."""
        everybody = list(range(len(drawn)))
        self.given = self.floats is not None and not self.pause
        self.pause = max(self.pause - 1, 0)
        if not self.given:
            return everybody
        gains, excess = self.kernel.estimate(
            self.floats, self.weights, drawn, self.noise, closest, closest_rounded, nearer, self.n_threads
        )
        enough = max(gains) - excess - doubt
        return [number for number in everybody if gains[number] >= enough] if np.isfinite(enough) else everybody

    def learn(self, n_opened):
        """Pause for some centres after an estimate spared less than a third of the samples."""
        if self.given and 3 * n_opened > 2 * len(self.floats.norms):
            self.pause = PAUSE


def _samples_of(X):
    return X if isinstance(X, np.ndarray) else Csr(X.data, X.indices, X.indptr)


def _rows_of(X):
    """Return a function that gives samples as dense float64."""
    if isinstance(X, np.ndarray):
        return lambda indices: np.ascontiguousarray(X[indices], dtype=np.float64)
    return lambda indices: np.ascontiguousarray(X[indices].toarray(), dtype=np.float64)
