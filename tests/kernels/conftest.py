"""Hypothesis without deadlines: the first example of a twin waits for Numba."""

from hypothesis import settings

settings.register_profile("kernels", deadline=None)
settings.load_profile("kernels")
