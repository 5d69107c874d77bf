"""The Mersenne Twister's state as an array that kernels read and write.

``mt = read(random_state)``, kernels draw from ``mt``, ``write(random_state, mt)``: afterwards the generator stands
where the same number of its own draws would have left it.
"""

import numpy as np

WORDS = 624


def read(random_state):
    """State of a ``numpy.random.RandomState``.

    Returns
    -------
    mt : ndarray of shape (625,), uint32
        The 624 words, then the position in them.
    """
    state = random_state.get_state(legacy=False)
    if state["bit_generator"] != "MT19937":
        raise ValueError(f"the kernels draw from MT19937, not from {state['bit_generator']}")
    return np.append(state["state"]["key"], np.uint32(state["state"]["pos"]))


def write(random_state, mt):
    """Let a ``numpy.random.RandomState`` go on where the kernels stopped. Its spare normal draw is kept."""
    state = random_state.get_state(legacy=False)
    state["state"] = {"key": mt[:WORDS], "pos": int(mt[WORDS])}
    random_state.set_state(state)
