"""Every Numba flag of the project, and the one operation that Numba lacks.

No fast-math: a twin gives the bits of the compiled kernel, and NaN means something. The machine code is kept on disk,
so only the first call on a machine waits for the compiler. What is kept of a function is renewed when its own file
changes, not when that of a function it calls does: remove ``__pycache__/*.nb?`` after such a change.
"""

from functools import partial

import numba
from numba.extending import intrinsic

kernel = partial(numba.njit, cache=True, nogil=True, error_model="numpy")
parallel_kernel = partial(kernel, parallel=True)


@intrinsic
def fma(typing_context, a, b, c):
    """Return ``a * b + c``, rounded once: by an instruction, or by the C library on a CPU without it."""
    if not (a == b == c and isinstance(a, numba.types.Float)):
        return None

    def generate(context, builder, signature, args):
        return builder.fma(*args)

    return a(a, a, a), generate
