"""Draws by weight, as NumPy makes them."""

import numpy as np

EPS = np.finfo(np.float64).eps


class WeightedDraws:
    """Indices drawn with replacement: those of ``random_state.choice(n, size, p=weights / weights.sum())``.

    NumPy adds up the weights anew for each draw, which is O(n_samples); here they are added up once.
    """

    def __init__(self, weights, random_state):
        self.probabilities = weights / weights.sum()
        self.random_state = random_state
        self.checked, self.cumulative = False, None

    def draw(self, size):
        """Return (size,) indices."""
        if not self.checked:  # the first draw by NumPy, with its checks of the weights
            self.checked = True
            return self.random_state.choice(len(self.probabilities), size, p=self.probabilities)
        if self.cumulative is None:
            self.cumulative = _cumulated(self.probabilities)
        return self.cumulative.searchsorted(self.random_state.random_sample(size), side="right")


class EvenDraws:
    """The same for weights that are all 1: where no number is too near a bound, without adding them up."""

    def __init__(self, n_samples, dtype, random_state):
        self.n_samples, self.dtype, self.random_state = n_samples, dtype, random_state
        self.cumulative = None

    def draw(self, size):
        """Return (size,) indices."""
        uniform = self.random_state.random_sample(size)
        places = uniform * self.n_samples
        # A running sum of n equal terms errs by up to n roundings of at most 1, one place by n times that.
        if np.all(np.abs(places - np.rint(places)) > 4 * EPS * self.n_samples * self.n_samples):
            return places.astype(np.intp)
        if self.cumulative is None:
            ones = np.ones(self.n_samples, self.dtype)
            self.cumulative = _cumulated(ones / ones.sum())
        return self.cumulative.searchsorted(uniform, side="right")


def _cumulated(probabilities):
    """Return the bounds between which NumPy's choice looks for a uniform number."""
    cumulative = probabilities.astype(np.float64).cumsum()
    cumulative /= cumulative[-1]
    return cumulative
