"""Every Numba flag of the project, and the one operation that Numba lacks.

No fast-math: a twin gives the bits of the compiled kernel, and NaN means something. The machine code is kept on disk,
so only the first call on a machine waits for the compiler.
"""

import hashlib
from functools import partial
from pathlib import Path

import numba
from llvmlite import ir
from numba.extending import intrinsic

_sources = sorted(Path(__file__).parent.rglob("*.py"))
_DIGEST = hashlib.sha256(b"".join(source.read_bytes() for source in _sources)).hexdigest()


def renewed(dispatcher):
    """Let any change of our sources renew what is kept of a kernel.

    Numba looks at the kernel's own file alone; the machine code holds what is called and constants of others, too.
    """
    kept = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
    if kept is not None:  # a kernel that Numba does not compile, or simulates, is not kept
        kept._source_stamp = kept._source_stamp, _DIGEST
    return dispatcher


def kernel(function):
    """Decorate a kernel."""
    return renewed(numba.njit(function, cache=True, nogil=True, error_model="numpy"))


of_user = partial(numba.njit, error_model="numpy")  # a user's function may stand in no file: nothing is kept
of_user_in_bounds = partial(of_user, boundscheck=True)  # reads outside of an array raise, as in Python
BY_POINTER = {"error_model": "numpy"}
by_pointer = partial(numba.cfunc, **BY_POINTER)


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


@intrinsic
def call_addresses(typing_context, address, numbers):
    """Call a C function without result, at an address, with so many pointers or numbers of the size of one."""
    if not (isinstance(address, numba.types.Integer) and isinstance(numbers, numba.types.UniTuple)):
        return None

    def generate(context, builder, signature, args):
        given = numba.core.cgutils.unpack_tuple(builder, args[1])
        function = ir.FunctionType(ir.VoidType(), [number.type for number in given]).as_pointer()
        builder.call(builder.inttoptr(args[0], function), given)
        return context.get_dummy_value()

    return numba.types.void(address, numbers), generate
