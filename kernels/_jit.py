"""Every Numba flag of the project, and the one operation that Numba lacks.

No fast-math: a twin gives the bits of the compiled kernel, and NaN means something. The machine code is kept on disk,
so only the first call on a machine waits for the compiler. What is kept of a function is renewed when its own file
changes, not when that of a function it calls does: remove ``__pycache__/*.nb?`` after such a change.
"""

from functools import partial

import numba
from llvmlite import ir
from numba.extending import intrinsic

kernel = partial(numba.njit, cache=True, nogil=True, error_model="numpy")
parallel_kernel = partial(kernel, parallel=True)
of_user = partial(numba.njit, error_model="numpy")  # a user's function may stand in no file: nothing is kept
by_pointer = partial(numba.cfunc, error_model="numpy")


@intrinsic
def fma(typing_context, a, b, c):
    """Return ``a * b + c``, rounded once: by an instruction, or by the C library on a CPU without it."""
    if not (a == b == c and isinstance(a, numba.types.Float)):
        return None

    def generate(context, builder, signature, args):
        return builder.fma(*args)

    return a(a, a, a), generate


@intrinsic
def call_numbers(typing_context, address, values):
    """Call the C function ``double f(const double *values, ptrdiff_t n)`` at an address; see _callback.py."""
    if not (isinstance(address, numba.types.Integer) and values == numba.types.Array(numba.types.float64, 1, "C")):
        return None

    def generate(context, builder, signature, args):
        array = context.make_array(signature.args[1])(context, builder, args[1])
        (n,) = numba.core.cgutils.unpack_tuple(builder, array.shape)
        function = ir.FunctionType(ir.DoubleType(), [array.data.type, n.type]).as_pointer()
        return builder.call(builder.inttoptr(args[0], function), [array.data, n])

    return numba.types.float64(address, values), generate
