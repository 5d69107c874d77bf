"""The samples and features of every estimator of a bagging ensemble, as scikit-learn draws them."""

import numpy as np
from sklearn.utils.random import sample_without_replacement

from fastml.tree._draws import generator


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
        return features, _indices(state, population[1], drawn[1], replace[1])
    return features, state.choice(population[1], drawn[1], replace=replace[1], p=shares)


def _indices(state, n_population, n_drawn, replace):
    if replace:
        return state.randint(0, n_population, n_drawn)
    if n_drawn * 100 < n_population:
        return _few(state, n_population, n_drawn)
    return sample_without_replacement(n_population, n_drawn, random_state=state)


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
