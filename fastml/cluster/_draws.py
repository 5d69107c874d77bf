"""Draws by weight, as NumPy makes them."""

import numpy as np


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
            self.cumulative = self.probabilities.astype(np.float64).cumsum()
            self.cumulative /= self.cumulative[-1]
        return self.cumulative.searchsorted(self.random_state.random_sample(size), side="right")
