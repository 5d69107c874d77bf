"""Samples as the kernels of pairs count them."""

import numpy as np

# Beyond these the squares of samples leave the range of float64, or their digits do.
LARGEST, SMALLEST = 1e100, 1e-100
# The same of float32, to which distances are rounded.
LARGEST32 = 1e17


def scale_of(X, metric):
    """Return what every sample is multiplied by, (n_samples,), empty for 1; None where float64 is too narrow for X.

    By "cosine" samples count by their directions; None also where one has none.
    """
    largest = largest_of(X)
    if not (largest == 0 or SMALLEST < largest < LARGEST):
        return None
    if metric != "cosine":
        return np.empty(0)
    norms = np.sqrt(np.einsum("ij,ij->i", X, X, dtype=np.float64))
    return 1 / norms if norms.min() > SMALLEST else None


def largest_of(X):
    """Return the largest absolute value; NaN if there is one."""
    return max(float(X.max()), -float(X.min()))
