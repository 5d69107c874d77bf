"""The samples and features of every estimator of a bagging ensemble, as scikit-learn draws them."""

import numpy as np
from sklearn.utils.random import sample_without_replacement

from fastml._dispatch import load
from fastml.tree._draws import generator

_MANY = 256  # from so many on the compiled permutation is worth a generator's state of its own


def draw(seed, population, drawn, replace, shares=None):
    """Draw the features and the samples of one estimator.

    Parameters
    ----------
    seed : int
        The estimator's.
    population, drawn, replace : tuple of two
        How many features and samples there are, how many are drawn, and whether one may be drawn twice.
    shares : ndarray of shape (n_samples,), default=None
        Probabilities of the samples. None: all the same.

    Returns
    -------
    features, samples : ndarray of int64
    """
    state = generator(seed)
    features = _indices(state, population[0], drawn[0], replace[0])
    if shares is None:
        # A generator of which nothing was drawn: scikit-learn's choice of all features takes nothing from it.
        fresh = drawn[0] == population[0] and not replace[0] and type(seed) is int
        if fresh and not replace[1] and population[1] >= _MANY and 0.01 < drawn[1] / population[1] < 0.99:
            return features, _first_of_permutation(seed, population[1], drawn[1])
        return features, _indices(state, population[1], drawn[1], replace[1])
    return features, state.choice(population[1], drawn[1], replace=replace[1], p=shares)


def _indices(state, n_population, n_drawn, replace):
    if replace:
        return state.randint(0, n_population, n_drawn)
    n_drawn = int(n_drawn)  # True: one
    if n_drawn * 100 < n_population:
        return _few(state, n_population, n_drawn)
    return sample_without_replacement(n_population, n_drawn, random_state=state)


def _first_of_permutation(seed, n_population, n_drawn):
    """Draw where scikit-learn does so by ``RandomState(seed).permutation(n_population)[:n_drawn]``."""
    random = load("runtime.random")
    state, order = np.empty(625, np.uint32), np.empty(n_population, np.uint32)
    random.seed(state, seed)
    random.permutation(state, order)
    return order[:n_drawn].astype(np.int64)


def _few(state, n_population, n_drawn):
    """Draw until there are enough different ones: scikit-learn's way, which asks for one number at a time.

    As many are drawn at once as are missing, so that no more numbers are taken from the stream.
    """
    drawn = state.randint(n_population, size=n_drawn)
    while True:
        first = np.unique(drawn, return_index=True)[1]
        if len(first) == n_drawn:
            return drawn if len(drawn) == n_drawn else drawn[np.sort(first)]
        drawn = np.append(drawn, state.randint(n_population, size=n_drawn - len(first)))
