"""Arrays that kernels take together."""

from typing import NamedTuple

import numpy as np


class Csr(NamedTuple):
    """A matrix in compressed sparse rows, in the place of the first argument of the kernels named ``*_csr``.

    data     (n_entries,)
    indices  (n_entries,)   int32, columns
    indptr   (n_rows + 1,)  int32
    """

    data: np.ndarray
    indices: np.ndarray
    indptr: np.ndarray
