"""Samples as the kernels of pairs count them."""

import numpy as np

# Beyond these the squares of samples leave the range of float64, or their digits do.
LARGEST, SMALLEST = 1e100, 1e-100
# The same of float32, to which distances are rounded.
LARGEST32 = 1e17


# Sums of squares within these leave no doubt that the largest value is within all of the above.
PLAIN = 1e-100, 1e30


def scale_of(X, metric, largest=LARGEST):
    """Return what every sample is multiplied by, (n_samples,), empty for 1; None where float64 is too narrow for X.

    By "cosine" samples count by their directions; None also where one has none.
    """
    values = X.ravel(order="K")
    with np.errstate(over="ignore", invalid="ignore"):
        squares = float(np.dot(values, values))
    if not PLAIN[0] < squares < PLAIN[1]:
        found = max(float(X.max()), -float(X.min()))
        if not (found == 0 or SMALLEST < found < largest):
            return None
    if metric != "cosine":
        return np.empty(0)
    norms = np.sqrt(np.einsum("ij,ij->i", X, X, dtype=np.float64))
    return 1 / norms if norms.min() > SMALLEST else None
