"""Functions of users, called from the kernels by pointer.

A function that Numba compiles runs at the speed of a compiled kernel. One that it cannot compile, or that then gives
other results, is called through the interpreter instead, some hundred times slower; `reason` says why.
"""

import ctypes
import threading

import numpy as np
from numba import carray, types
from numba.core.dispatcher import Dispatcher

from fastml._kernels._jit import by_pointer, of_user

# double f(const double *values, ptrdiff_t n)
NUMBERS = types.float64(types.CPointer(types.float64), types.intp)
_c_numbers = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.POINTER(ctypes.c_double), ctypes.c_ssize_t)


class Callback:
    """A function of one array of numbers, or of so many numbers, that returns a number.

    Attributes
    ----------
    address : int
        Of a C function ``double f(const double *values, ptrdiff_t n)``.
    reason : str or None
        Why it is called through the interpreter; None where it is compiled.
    """

    def __init__(self, function, samples, *, spread):
        """Compile a function, and compare it with the original.

        Parameters
        ----------
        function : callable
            Python's or ``numba.njit``'s.
        samples : list of ndarray of shape (n,), float64
            Arguments on which the two must agree.
        spread : bool
            Whether the numbers are so many arguments instead of one array.
        """
        self.original = getattr(function, "py_func", function)
        self.spread, self.error = spread, None
        try:
            self._owner = _compiled(function, len(samples[0]), spread)
            self.address, self.reason = self._owner.address, None
            call = self._owner.ctypes
        except Exception as error:
            self._interpret(f"Numba cannot compile it: {str(error).strip().splitlines()[0]}")
            return
        for sample in samples:
            compiled = call(sample.ctypes.data_as(ctypes.POINTER(ctypes.c_double)), len(sample))
            expected = self._original(sample)
            if not np.isclose(compiled, expected, rtol=1e-9, atol=1e-12, equal_nan=True):
                self._interpret(f"compiled it gives {compiled}, not {expected}, for {sample.tolist()}")
                return

    def __reduce__(self):
        raise TypeError("A callback lives in one process.")

    def raise_error(self):
        """Raise what the function raised while a kernel ran: an exception cannot pass through the kernel."""
        if self.error is not None:
            raise self.error

    def _original(self, values):
        return float(self.original(*values) if self.spread else self.original(values.copy()))

    def _interpret(self, reason):
        lock = threading.Lock()

        def call(pointer, n):
            try:
                return self._original(np.ctypeslib.as_array(pointer, (n,)))
            except BaseException as error:
                with lock:
                    self.error = self.error or error
                return float("nan")

        self._owner = _c_numbers(call)
        self.address, self.reason = ctypes.cast(self._owner, ctypes.c_void_p).value, reason


def _compiled(function, n, spread):
    """Return Numba's cfunc of a function of an array, or of n numbers."""
    jitted = function if isinstance(function, Dispatcher) else of_user(function)
    if spread:
        # one argument a number: written out, since Numba unpacks tuples of a known length alone
        source = f"def call(values, n):\n    return float(f({', '.join(f'values[{j}]' for j in range(n))}))"
    else:
        source = "def call(values, n):\n    return float(f(carray(values, n)))"
    scope = {"f": jitted, "carray": carray}
    exec(source, scope)
    return by_pointer(NUMBERS)(scope["call"])
