"""Every CUDA flag of the project, and what hides the difference between a GPU and Numba's simulator.

A kernel gives the bits of its CPU twins: no fast-math, no floating-point atomics. CUDA's compiler joins a product and a
sum into one fused operation wherever it sees them, and Numba has no switch against it. So a product that is added to
something is written `mul`, and a fused operation that is wanted is written `fma`.

The simulator (NUMBA_ENABLE_CUDASIM=1) runs each thread of the GPU as a thread of Python: blocks are small there.
"""

from functools import partial

import numpy as np
from numba import config, cuda, types

from fastml._kernels._jit import renewed

SIMULATED = bool(config.ENABLE_CUDASIM)
THREADS = 8 if SIMULATED else 256  # of a block

_compiled = partial(cuda.jit, cache=not SIMULATED)


def kernel(function, **options):
    """Decorate a kernel."""
    return renewed(_compiled(function, **options))


device = partial(kernel, device=True)

if SIMULATED:
    from fastml._kernels._cudasim import fma, mul, sqrt
else:
    from math import sqrt  # noqa: F401

    from llvmlite import ir
    from numba.cuda import dispatcher
    from numba.cuda.extending import intrinsic

    dispatcher.config.CUDA_LOW_OCCUPANCY_WARNINGS = 0  # small data are nobody's mistake

    @intrinsic
    def fma(typing_context, a, b, c):
        """Return ``a * b + c``, rounded once."""
        if not (a == b == c and isinstance(a, types.Float)):
            return None

        def generate(context, builder, signature, args):
            return builder.fma(*args)

        return a(a, a, a), generate

    @intrinsic
    def mul(typing_context, a, b):
        """Return ``a * b``, which no later sum is fused with."""
        if not (a == b and isinstance(a, types.Float)):
            return None
        name = "llvm.nvvm.mul.rn.d" if a == types.float64 else "llvm.nvvm.mul.rn.f"

        def generate(context, builder, signature, args):
            kind = args[0].type
            function = builder.module.globals.get(name) or ir.Function(
                builder.module, ir.FunctionType(kind, [kind, kind]), name
            )
            return builder.call(function, args)

        return a(a, a), generate


def to_device(array):
    """Hand over an array; one that is on the GPU already stays where it is."""
    if array is None or hasattr(array, "__cuda_ndarray__"):  # Numba's own, the simulator's too
        return array
    if hasattr(array, "__cuda_array_interface__"):
        return cuda.as_cuda_array(array)
    return cuda.to_device(np.ascontiguousarray(array))


def to_host(array):
    """Take back an array."""
    return array.copy_to_host()


def blocks(n, size):
    """Return how many blocks of so many elements cover n."""
    return -(-n // size)
