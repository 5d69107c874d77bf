"""Random numbers of the trees, as scikit-learn draws them."""

import threading

import numpy as np
from sklearn.utils import check_random_state

MAX_INT = 2**31 - 1


class _Local(threading.local):
    """One generator a thread: seeding it again takes a tenth of making a new one."""

    def __init__(self):
        self.generator = np.random.RandomState(0)


_local = _Local()


def generator(random_state):
    """Return the generator of a ``random_state``; for an integer one that is valid until the next call."""
    if type(random_state) is not int:
        return check_random_state(random_state)
    _local.generator.seed(random_state)
    return _local.generator


def tree_seed(random_state):
    """Draw the start of the stream by which a tree draws its features and thresholds."""
    return generator(random_state).randint(0, MAX_INT)
