"""Driver of greedy k-means++: the draws of scikit-learn, in its order, on our distances."""

import numpy as np

from fastml._dispatch import load, note, record
from fastml._kernels._arrays import Csr
from fastml._kernels.kmeans.seeding import new_seeding

MAX_TRIALS = 16  # candidates per centre that the kernel takes
FEW_CENTERS, SAMPLES_PER_CENTER, WORTH_DISTANCES, WORTH_FEW = 4, 8, 1 << 12, 1 << 18  # see repays
WIDE, WORTH_WIDE = 200, 500  # features of a sample, samples
MOST_SETTLED = 3  # choices that hung on rounding before scikit-learn's operations make all that are left
PAUSE = 6  # centres chosen without estimates after one spared little
WORTH_ESTIMATES = 1 << 15  # elements from which they pay, where
ESTIMATED_CENTERS = 8  # so many centres are to be chosen
EPS = np.finfo(np.float64).eps
LEAST_NORM = 1e-280  # squared norms are rounded more coarsely than EPS below, and overflow above its reciprocal


class Undecided(Exception):
    """A choice hangs on rounding: only scikit-learn's own sequence of operations tells how it falls."""


def note_rounding():
    """Note in the report of the call that scikit-learn made such choices."""
    note("scikit-learn's own operations chose starting centres, as a choice hung on rounding")


def plusplus(X, n_clusters, weights, norms, draws, n_trials, *, tell_apart, running_type, n_threads, products=None):
    """Numbers of the samples chosen as centres.

    X        : (n_samples, n_features) array or CSR matrix, float32 or float64.
    weights  : (n_samples,) of the dtype of X, or None: all 1; norms : (n_samples,) squared norms in float64.
    draws    : WeightedDraws by these weights; its random state serves all draws. n_trials: candidates for each centre
    but the first.
    tell_apart : whether it matters which one of equal samples is chosen; running_type : of the sums along the samples
    of float32.
    products : makes a Products of a first centre, for float64.

    Where two candidates, or two samples to draw, differ by no more than rounding may (duplicates beyond the number of
    distinct samples, symmetric data, samples far from the origin), `products` settle that choice. Without them raises
    Undecided; the random state has then been used.
    """
    record(n_threads=n_threads)
    kernel = load("kmeans.plusplus")
    chosen = [int(draws.draw(1)[0])]
    if X.dtype == np.float32:
        arguments = X, weights, norms, draws.random_state, chosen, n_clusters, n_trials, n_threads, running_type
        return _choose_rounded(kernel, *arguments)
    distances = Distances(kernel, X, weights, norms, chosen[0], n_clusters, tell_apart, n_threads)
    exact, since, n_settled = None, [], 0
    while len(chosen) < n_clusters and n_settled < MOST_SETTLED:
        uniform = draws.random_state.uniform(size=n_trials)
        found = distances.choose(uniform)
        if found is None:
            if products is None:
                raise Undecided
            exact = exact or products(chosen[0])
            exact.follow(since)
            found, since, n_settled = exact.choose(uniform), [], n_settled + 1
        else:
            since.append(found)
        drawn, best = found
        chosen.append(int(drawn[best]))
        if len(chosen) < n_clusters:
            distances.commit(drawn, best, elsewhere=not since)
    if n_settled:
        note_rounding()
    return np.array(chosen + (exact.rest(n_clusters - len(chosen), draws.random_state, n_trials) if exact else []))


class Distances:
    """Choices by our distances: potentials from sums of blocks, with the room that rounding may take up."""

    def __init__(self, kernel, X, weights, norms, first, n_clusters, tell_apart, n_threads):
        n_samples, n_features = X.shape
        self.kernel, self.weights, self.norms, self.n_threads = kernel, weights, norms, n_threads
        self.rows, self.samples, self.seeding = _rows_of(X), _samples_of(X), new_seeding(n_samples)
        self.tell_apart = tell_apart
        self.total_weight = n_samples if weights is None else weights.sum()
        self.heaviest = 1.0 if weights is None else weights.max()
        # of one squared distance, by scikit-learn's formula or ours; sums err by a random walk
        largest = norms.max()
        self.noise = 32 * (n_features + 4) * EPS * largest
        self.walk = 4 * np.sqrt(n_samples)
        # else nothing can be decided
        self.measurable = LEAST_NORM < largest < 1 / LEAST_NORM and (weights is None or weights.min() >= 0)
        if self.measurable:
            self.estimates = Estimates(kernel, self.samples, weights, self.noise, n_clusters, n_threads)
            self._make_center(first, 0)

    def choose(self, uniform):
        """Return the candidates of these uniform numbers and the place of the best, or None if rounding decides."""
        if not (self.measurable and 64 * self.total_weight * self.noise < self.potential < np.inf):
            return None
        potential, noise, seeding = self.potential, self.noise, self.seeding
        rounded = self.walk * EPS * 4 * potential
        drawn = self.kernel.find(
            seeding.closest,
            self.weights,
            seeding.block_sums,
            uniform * potential,
            rounded + self.walk * self.heaviest * noise,
        )
        if drawn is None:
            return None
        candidates, estimates = self.rows(drawn), self.estimates
        doubt = self.total_weight * noise + rounded
        rivals = estimates.rivals(drawn, seeding.closest, None, seeding.nearer, doubt)
        best = rivals[0]
        if len(rivals) > 1 or not estimates.given:
            bits = sum(1 << number for number in rivals) if estimates.given else 0
            gains, n_opened = self.kernel.evaluate(
                self.samples, self.norms, self.weights, candidates, self.norms[drawn], bits, seeding, self.n_threads
            )
            estimates.learn(n_opened)
            enough = max(gains[number] for number in rivals) - doubt
            close = [number for number in rivals if gains[number] >= enough]
            best = close[0]  # of equal samples the first drawn
            alike = drawn if self.tell_apart else candidates
            if len(close) > 1 and (alike[close] != alike[best]).any():
                return None
        return drawn, best

    def commit(self, drawn, best, elsewhere):
        """Make a candidate a centre; `elsewhere`: it was chosen there, so that any sample may be nearer to it."""
        if not self.measurable:
            return
        if elsewhere:
            self.seeding.nearer.fill(1 << best)
        self._make_center(int(drawn[best]), 1 << best)

    def _make_center(self, index, bits):
        center = [index]
        self.kernel.commit(
            self.samples,
            self.norms,
            self.weights,
            self.rows(center),
            self.norms[center],
            bits,
            self.seeding,
            self.n_threads,
        )
        self.potential = np.add.reduce(self.seeding.block_sums)


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
    closest, whole = closest[0], False
    while len(chosen) < n_clusters:
        if potential[0] <= least and not whole:
            whole = _is_whole(X, largest)
            if not whole:
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


def _is_whole(X, largest):
    """Tell whether all samples, of squared norms up to `largest`, are so whole that nobody's distances are rounded."""
    values = X if isinstance(X, np.ndarray) else X.data
    return 4 * largest < 2**53 and np.array_equal(values, np.rint(values))


def repays(X, n_clusters):
    """Tell whether our distances pay, for dense samples of float64.

    They do not where two passes over little data are all there is, where NumPy's calls cost more than its arithmetic,
    and where samples are so few for a centre that pairs of them, each the only one near the other, tie and leave us
    undecided. Nor do they where samples are wide, which BLAS multiplies as fast, and estimates spare little: 2 centres
    of 2,000 x 784 took 1.2 times as long as scikit-learn's, and 8 of 300 x 784, too.
    """
    if X.shape[1] > WIDE and (n_clusters < ESTIMATED_CENTERS or len(X) < WORTH_WIDE):
        return False
    enough = WORTH_DISTANCES if n_clusters >= FEW_CENTERS else WORTH_FEW
    return len(X) >= SAMPLES_PER_CENTER * n_clusters and X.size >= enough


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
