"""Twin of finite.pyx."""

import numpy as np

from fastml._kernels._jit import kernel


@kernel
def all_finite(X):
    for x in X.flat:
        if not np.isfinite(x):
            return False
    return True
