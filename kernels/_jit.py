"""Every Numba flag of the project.

No fast-math: a twin gives the bits of the compiled kernel, and NaN means something. The machine code is kept on disk,
so only the first call on a machine waits for the compiler.
"""

from functools import partial

import numba

kernel = partial(numba.njit, cache=True, nogil=True, error_model="numpy")
parallel_kernel = partial(kernel, parallel=True)
