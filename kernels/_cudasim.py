"""What kernels do not find in Numba's CUDA simulator (NUMBA_ENABLE_CUDASIM=1). Only ``_cuda`` imports this."""

import operator
import sys
import threading

import numpy as np
from numba.cuda.simulator import kernel, kernelapi

from fastml._kernels import _jit

mul = operator.mul
sqrt = np.sqrt  # of the type of its argument, other than math.sqrt


@_jit.kernel
def _fma(a, b, c):
    return _jit.fma(a, b, c)


def fma(a, b, c):
    """Return ``a * b + c``, rounded once; the simulator's own rounds twice."""
    return type(c)(_fma(a, b, c))


class Shared(kernelapi.FakeCUDAShared):
    """Shared memory that all threads of a block get, also where two ask at once: the simulator's own has no lock."""

    lock = threading.Lock()

    def array(self, shape, dtype):
        """Return the array of the line of the caller."""
        caller = sys._getframe(1)
        line = caller.f_code, caller.f_lineno
        with self.lock:
            if line not in self._allocations:
                self._allocations[line] = np.empty(shape, dtype)
            return self._allocations[line]


_run = kernel.BlockThread.run


def run(thread):
    """Run a thread, which like a GPU's warns of no overflow."""
    with np.errstate(all="ignore"):
        _run(thread)


kernel.BlockThread.run = run
kernelapi.FakeCUDAShared = Shared
sys.setswitchinterval(5e-5)  # a simulated barrier is a loop that keeps the interpreter's lock: 4 times as fast
