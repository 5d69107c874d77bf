"""The check of parameters, remembered."""

from functools import cache

import numpy as np

_PLAIN = (str, int, float, bool, type(None))
_ENOUGH = 1000  # sets of values to remember

_valid = set()  # (class, values, types of the values) that scikit-learn's check has passed


class KnownParams:
    """First base of an estimator whose parameters are checked once for each set of values.

    scikit-learn's check takes 35 µs however plain the values are, as long as growing a small tree. What it passed once
    it passes again: it looks at nothing but the values, and those that are remembered cannot change.
    """

    def _validate_params(self):
        seed = getattr(self, "random_state", None)
        if not (seed is None or (type(seed) is int and 0 <= seed < 2**32) or isinstance(seed, np.random.RandomState)):
            return super()._validate_params()
        values = [getattr(self, name) for name in _names(type(self))]
        types = tuple(map(type, values))
        if not all(kind in _PLAIN for kind in types):
            return super()._validate_params()
        key = type(self), tuple(values), types
        if key not in _valid:
            super()._validate_params()
            if len(_valid) >= _ENOUGH:
                _valid.clear()
            _valid.add(key)


@cache
def _names(cls):
    """Names of the parameters but for the seed, of which there is a new one every time."""
    return [name for name in cls._get_param_names() if name != "random_state"]
