"""The choices that make up a generated case: a function of an integer, so that every failure is reproducible.

The draws come from the legacy ``RandomState``, whose streams NumPy keeps fixed for good.
"""

import numpy as np


class Choices:
    """The choices of one case of a family."""

    def __init__(self, family, seed):
        self.rng = np.random.RandomState([family, seed])

    def pick(self, **odds):
        """Return one of the keyword names, with the given odds."""
        weights = np.array(list(odds.values()), dtype=float)
        return list(odds)[self.rng.choice(len(odds), p=weights / weights.sum())]

    def one_of(self, *options):
        return options[self.rng.randint(len(options))]

    def generator(self):
        """Return ``random_state``: an integer, or a generator that was used before."""
        seed = int(self.rng.randint(0, 2**31 - 1))
        if self.rng.uniform() < 0.85:
            return seed
        generator = np.random.RandomState(seed)
        generator.uniform(size=seed % 7)
        return generator


def laid_out(X, layout):
    """Return a contiguous array as the dense container ``layout``."""
    if layout == "list":
        return X.tolist()
    if layout == "F":
        return np.asfortranarray(X)
    if layout == "every_second_row":
        return np.repeat(X, 2, axis=0)[::2]
    if layout == "every_second_column":
        return np.repeat(X, 2, axis=1)[:, ::2]
    if layout == "flipped":
        return X[::-1].copy()[::-1]
    if layout == "read_only":
        X.flags.writeable = False
    return X


def brief(value):
    """Return a word for an argument that may be long."""
    if callable(value):
        return value.__name__
    return value if value is None or np.isscalar(value) else f"{type(value).__name__} {np.shape(value)}"
