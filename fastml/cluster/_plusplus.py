"""Driver of greedy k-means++: the draws of scikit-learn, in its order, on our distances."""

import numpy as np

from fastml._dispatch import load, record
from fastml._kernels._arrays import Csr
from fastml._kernels.kmeans.seeding import new_seeding

MAX_TRIALS = 16  # candidates per centre that the kernel takes
SKETCH = 15  # coordinates of a sketch; with the norm of the rest 64 bytes a sample
PAUSE = 6  # centres chosen without the sketch after it spared little
WORTH_BOUNDS = 1 << 15  # elements from which distances between centres are worth their call
EPS = np.finfo(np.float64).eps


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
    noise = 32 * (n_features + 4) * EPS * norms.max()
    walk = 4 * np.sqrt(n_samples)
    heaviest = 1.0 if weights is None else weights.max()

    def commit(center, index, take):
        kernel.commit(samples, norms, weights, center, norms[index], len(chosen) - 1, take, seeding, n_threads)
        return np.add.reduce(seeding.block_sums)

    dense = not isinstance(samples, Csr)
    bound = dense and X.size >= WORTH_BOUNDS
    centers = np.empty((n_clusters, n_features)) if bound else None
    sketch = Sketch(kernel, samples, norms, n_clusters, n_threads) if dense else NoSketch()
    potential = commit(rows(chosen), chosen, 0)
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
        if bound:
            centers[len(chosen) - 1] = rows(chosen[-1:])
            reach = kernel.reach_of(candidates, centers[: len(chosen)], noise)
        bounds = (reach, *sketch.of(candidates, norms[drawn]))
        gains, n_opened = kernel.evaluate(samples, norms, weights, candidates, norms[drawn], bounds, seeding, n_threads)
        sketch.learn(n_opened)
        enough = max(gains) - total_weight * noise - walk * EPS * 4 * potential
        close = [number for number, gain in enumerate(gains) if gain >= enough]
        best = close[0]  # of equal samples the first drawn
        rivals = drawn if tell_apart else candidates
        if len(close) > 1 and (rivals[close] != rivals[best]).any():
            raise Undecided
        chosen.append(int(drawn[best]))
        potential = commit(candidates[best : best + 1], drawn[best : best + 1], best)
    return np.array(chosen)


def _choose_rounded(kernel, X, weights, norms, random_state, chosen, n_clusters, n_trials, n_threads, running_type):
    """Add centres to `chosen` for float32 samples.

    scikit-learn rounds their sums so coarsely that only NumPy's own order of summation gives its draws.
    """
    n_samples, n_features = X.shape
    rows, samples = _rows_of(X), _samples_of(X)
    weights = np.ones(n_samples, np.float32) if weights is None else weights
    noise = 64 * weights.sum(dtype=np.float64) * 32 * (n_features + 4) * EPS * norms.max()
    closest = np.empty((1, n_samples), np.float32)
    kernel.rounded_distances(samples, norms, rows(chosen), norms[chosen], (None, None, None), None, closest, n_threads)
    dense = not isinstance(samples, Csr)
    sketch = Sketch(kernel, samples, norms, n_clusters, n_threads) if dense else NoSketch()
    potential = closest @ weights
    nearer = np.empty((n_trials, n_samples), np.float32)
    closest = closest[0]
    while len(chosen) < n_clusters:
        if potential[0] <= noise:
            raise Undecided
        targets = random_state.uniform(size=n_trials) * potential
        running = np.cumsum(weights * closest, dtype=running_type)
        drawn = np.minimum(np.searchsorted(running, targets), n_samples - 1)
        candidates = rows(drawn)
        bounds = (None, *sketch.of(candidates, norms[drawn]))
        n_opened = kernel.rounded_distances(
            samples, norms, candidates, norms[drawn], bounds, closest, nearer, n_threads
        )
        sketch.learn(n_opened)
        potentials = nearer @ weights.reshape(-1, 1)
        best = int(np.argmin(potentials))
        potential, closest = potentials[best], nearer[best].copy()
        chosen.append(int(drawn[best]))
    return np.array(chosen)


class NoSketch:
    """Stands for a sketch that would not pay."""

    def of(self, candidates, norms):
        return None, None

    def learn(self, n_opened):
        pass


class Sketch(NoSketch):
    """Sketches of dense samples: coordinates along their principal axes, in float32, and the norm of the rest.

    It spares little until most clusters have a centre, so it is tried now and then until it does.
    """

    def __init__(self, kernel, samples, norms, n_clusters, n_threads):
        n_samples, n_features = samples.shape
        self.width = min(SKETCH, n_features // 2)
        self.useful = self.width >= 4 and n_clusters >= 16 and n_samples >= 4096
        self.make = lambda: kernel.draw_sketch(samples, norms, self.basis, n_threads)
        self.samples, self.sketch, self.pause = samples, None, n_clusters // 8

    def of(self, candidates, norms):
        """Return the sketches of the samples and of the candidates, or two None."""
        if not self.useful or self.pause:
            return None, None
        if self.sketch is None:
            self.basis = principal_axes(self.samples, self.width)
            self.sketch = self.make()
        coordinates = candidates @ self.basis.T
        rest = np.sqrt(np.maximum(norms - (coordinates**2).sum(axis=1), 0))
        return self.sketch, np.ascontiguousarray(np.column_stack([coordinates, rest]), dtype=np.float32)

    def learn(self, n_opened):
        """Pause for some centres after the sketch spared less than a third of the samples."""
        if self.pause:
            self.pause -= 1
        elif 3 * n_opened > 2 * len(self.samples):
            self.pause = PAUSE


def principal_axes(X, width):
    """Orthonormal (width, n_features) rows that roughly span the directions in which the samples vary most.

    Any orthonormal rows give bounds; these give tight ones. Three rounds of subspace iteration on at most 2,048
    samples.
    """
    sample = np.asarray(X[:: max(len(X) // 2048, 1)], dtype=np.float64)
    axes = np.random.default_rng(0).normal(size=(X.shape[1], width))
    for _ in range(3):
        axes = np.linalg.qr(sample.T @ (sample @ axes))[0]
    return np.ascontiguousarray(axes.T)


def _samples_of(X):
    return X if isinstance(X, np.ndarray) else Csr(X.data, X.indices, X.indptr)


def _rows_of(X):
    """Return a function that gives samples as dense float64."""
    if isinstance(X, np.ndarray):
        return lambda indices: np.ascontiguousarray(X[indices], dtype=np.float64)
    return lambda indices: np.ascontiguousarray(X[indices].toarray(), dtype=np.float64)
