"""How often every tree of a forest sees every sample, as scikit-learn draws it."""

import numpy as np
from sklearn.utils import compute_sample_weight

from fastml.tree._draws import generator


def bootstrap(seed, n_samples, n_drawn, shares=None, balanced=None):
    """Return the weights of the samples in one tree.

    Parameters
    ----------
    seed : int
        The tree's ``random_state``.
    n_samples, n_drawn : int
        Samples, and how often one is drawn.
    shares : ndarray of shape (n_samples,), default=None
        Probabilities of the samples. None: all the same.
    balanced : ndarray of shape (n_samples, n_outputs), default=None
        Classes whose weights are to be the same in every tree.

    Returns
    -------
    ndarray of shape (n_samples,)
        Integers; float64 where classes are balanced.
    """
    draw = generator(seed)
    if shares is None:
        drawn = draw.randint(0, n_samples, n_drawn)
    else:
        drawn = draw.choice(n_samples, n_drawn, replace=True, p=shares)
    counts = np.bincount(drawn, minlength=n_samples)
    if n_drawn < 256 and balanced is None:
        return counts.astype(np.uint8)
    return counts if balanced is None else counts * compute_sample_weight("balanced", balanced, indices=drawn)
