"""Metrics of the user's: a function of two vectors, compiled by Numba into a C function that the kernels call.

One call gives the distances of one vector from many: the function is inlined into the loop, so that a short one takes
no longer than its own operations. The compiled code is kept on disk, by what the function is made of.
"""

import ctypes
import hashlib
import os
import threading
import warnings
from functools import partial
from numbers import Real
from types import FunctionType
from typing import NamedTuple

import numba
import numpy as np
from numba import carray, types
from numba.core import caching, config
from numba.core.ccallback import CFunc
from numba.core.dispatcher import Dispatcher
from numba.core.errors import NumbaWarning
from numba.extending import intrinsic
from numba.misc.appdirs import AppDirs

from fastml._kernels._fingerprint import Unknown, fingerprint
from fastml._kernels._jit import _DIGEST, BY_POINTER, of_user_in_bounds

# void f(x, rows, n, d, slots, out): the fml_metric of callable.h
BLOCK = types.void(
    types.voidptr, types.voidptr, types.intp, types.intp, types.CPointer(types.int64), types.CPointer(types.float64)
)
ROWS = (np.float64, np.float32, np.int64)  # types of the vectors
# Compiled and original values are the same but for rounding if they agree to CLOSE; then two distances that differ by
# less than DOUBT are left to the original. Of the values, and of the largest.
CLOSE = 1e-12, 1e-14
DOUBT = 1e-11, 1e-13
# Pairs on which the two are compared, until there were ENOUGH; then FEW.
SAMPLED, ENOUGH, FEW = 16, 100, 1
# Vectors up to this length have it written into the code: 20 features took 10.6 ns instead of 12.7.
UNROLLED = 64
NOT, ROUNDED, EQUAL = range(3)

_compiled = {}  # key: CFunc or Refused
_seen = {}  # key: Seen
_lock = threading.Lock()


class Refused(Exception):
    """A metric is not compiled; the reason, a part of a sentence."""


class Seen(NamedTuple):
    """What comparisons of a compiled metric with the original have shown: on how many pairs; see Compiled."""

    pairs: int
    exact: bool
    symmetric: int


class Compiled(NamedTuple):
    """A metric as the kernels take it.

    address        of a C function, see callable.h
    slots          (n_slots,)  int64    a pointer to each parameter's numbers, and its shape
    doubt, least   distances that differ by less than doubt times their size plus least may be equal, or the other way
                   round, in the original; 0: they are the original's to the bit
    narrow         whether distances are rounded to float32
    symmetric      whether f(x, y) was f(y, x) wherever it was looked at: EQUAL, ROUNDED (but for rounding) or NOT
    owners         what must live as long
    original       function of two vectors
    """

    address: int
    slots: np.ndarray
    doubt: float
    least: float
    narrow: bool
    symmetric: int
    owners: tuple
    original: object


class Ball(NamedTuple):
    """scikit-learn's ball tree; node i has the children 2 i + 1 and 2 i + 2.

    X          (n_samples, n_features)  float64   the samples in the order of its places
    order      (n_samples,)  int64                which sample lies in that place
    centroids  (n_nodes, n_features)  float64
    radii      (n_nodes,)    float64
    starts, ends  (n_nodes,)  int64               places of a node's samples
    leaf       (n_nodes,)    uint8
    """

    X: np.ndarray
    order: np.ndarray
    centroids: np.ndarray
    radii: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    leaf: np.ndarray


def compiled(function, params, Q, X, *, narrow=False):
    """Compile a metric, and compare it with the original on some pairs of a query and a sample.

    Parameters
    ----------
    function : callable
        Python's or ``numba.njit``'s, of two vectors and named parameters, or ``functools.partial`` of one.
    params : dict
        Named parameters: numbers and arrays of numbers, which may differ from call to call, or strings and None.
    Q, X : ndarray of shape (n_queries, n_features), (n_samples, n_features)
        In C order, of the types that the function is given.
    narrow : bool
        Whether distances are rounded to float32.

    Returns
    -------
    Compiled

    Raises
    ------
    Refused
        If Numba cannot compile it, if it gives other values then, or if what it refers to may change.
    """
    while isinstance(function, partial) and not function.args:
        function, params = function.func, {**function.keywords, **params}
    if not isinstance(function, Dispatcher) and not hasattr(function, "__code__"):
        raise Refused(f"it is an object of the type {type(function).__name__}, not a function")
    if isinstance(function, Dispatcher) and function.targetoptions.get("parallel"):
        raise Refused("compiled with parallel=True it starts threads of its own")
    for rows in (Q, X):
        if rows.dtype not in ROWS:
            raise Refused(f"vectors of {rows.dtype} are not compiled for")
    given, sources, literals = _arguments(params)
    try:
        length = X.shape[1] if X.shape[1] <= UNROLLED else None
        key = fingerprint(function), length, Q.dtype.str, X.dtype.str, tuple(sources), repr(literals)
    except Unknown as reason:
        raise Refused(str(reason)) from None
    seen = _seen.get(key, Seen(0, True, EQUAL))
    values = _sample(partial(function, **params), params, Q, X, FEW if seen.pairs >= ENOUGH else SAMPLED)
    with _lock:  # what Numba compiles it compiles once
        block = _compiled.get(key)
        if block is None:
            block = _compiled[key] = _compile(function, Q.dtype, X.dtype, sources, literals, key)
    if isinstance(block, Refused):
        raise block
    slots = np.array([0, *(s for each in given for s in (each.ctypes.data, *each.shape))], np.int64)
    right = np.array([value for *_, value in values])
    exact = _agree(block, values, right, slots) and seen.exact
    alike = (
        EQUAL if np.array_equal(right[::2], right[1::2]) else ROUNDED if _close(right[::2], right[1::2]).all() else NOT
    )
    seen = _seen[key] = Seen(seen.pairs + len(values), exact, min(alike, seen.symmetric))
    original = partial(function, **params)
    made = Compiled(block.address, slots, 0.0, 0.0, narrow, seen.symmetric, (block, *given), original)
    return made if exact else doubted(made, right)


def doubted(metric, distances):
    """Return the metric with doubts about distances of the size of these."""
    return metric._replace(doubt=DOUBT[0], least=DOUBT[1] * np.abs(distances).max() + np.finfo(float).tiny)


def _arguments(params):
    """Return the arrays of the parameters, the source of each parameter as an argument, and the literals by name."""
    given, sources, literals, place = [], [], {}, 1
    for name, value in sorted(params.items()):
        if value is None or isinstance(value, str):
            literals[name] = value
            sources.append(f"{name}={name}")
            continue
        if type(value) is list or not (isinstance(value, Real | np.ndarray | np.generic)):
            raise Refused(f"its parameter {name} is a {type(value).__name__}")
        array = np.require(value, requirements=["C", "A"])
        if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8 or not array.dtype.isnative:
            raise Refused(f"its parameter {name} is of {array.dtype}")
        if type(value) is int and not -(2**63) <= value < 2**63:
            raise Refused(f"its parameter {name} has more than 64 bits")
        shape = ", ".join(f"slots[{place + 1 + axis}]" for axis in range(array.ndim))
        kind = "bool_" if array.dtype.kind == "b" else array.dtype.name
        source = f"frozen(carray(pointer(slots[{place}]), ({shape or '1'},), {kind}))"
        sources.append(f"{name}={source}{'' if np.ndim(value) else '[0]'}")
        given.append(array)
        place += 1 + array.ndim
    return given, sources, literals


def _sample(call, params, Q, X, n):
    """Return pairs of vectors, and each the other way round, and the original's distances.

    n spread over all, and if these are several, some of the largest numbers and of a vector and itself.
    """
    places = {(i * len(Q) // n, (i * 7 + 3) % n * len(X) // n) for i in range(n)}
    pairs = [(Q[i], X[j]) for i, j in places]
    if n > 1:
        far_query, far_sample = (int(np.abs(rows[:, :64]).max(axis=1).argmax()) for rows in (Q, X))
        pairs += [(Q[far_query], X[far_sample]), (Q[far_query], X[0]), (Q[0], Q[0].astype(X.dtype))]
    before = [value.copy() if isinstance(value, np.ndarray) else value for value in params.values()]
    values = []
    for x, y in pairs:
        for a, b in ((x, y), (y.astype(x.dtype), x.astype(y.dtype))):
            mine = a.copy(), b.copy()
            try:
                value = call(*mine)
            except Exception as error:
                raise Refused(f"it raises {type(error).__name__}") from None
            if not isinstance(value, Real | np.number | np.bool_):
                raise Refused(f"it returns a {type(value).__name__}, not a number")
            if not all(map(np.array_equal, mine, (a, b))):
                raise Refused("it changes its arguments")
            values.append((a, b, float(value)))
    if not all(np.array_equal(now, was) for now, was in zip(params.values(), before, strict=True)):
        raise Refused("it changes its parameters")
    if not all(np.isfinite(value) for *_, value in values):
        raise Refused("it gives values that are not finite")
    return values


def _agree(block, values, right, slots):
    """Return whether compiled values are the original's to the bit; Refused if they differ by more than rounding."""
    out = np.empty(len(values))
    for i, (a, b, _) in enumerate(values):
        a, b = np.require(a, requirements="CA"), np.require(b, requirements="CA")
        block.ctypes(a.ctypes.data, b.ctypes.data, 1, len(a), _pointer(slots), _pointer(out[i:]))
    off = ~_close(out, right)
    if off.any():
        raise Refused(f"compiled it gives {out[off.argmax()]}, not {right[off.argmax()]}")
    return np.array_equal(out, right)


def _close(a, b):
    return np.abs(a - b) <= CLOSE[0] * np.abs(b) + CLOSE[1] * np.abs(b).max()


def _pointer(array):
    kind = ctypes.c_int64 if array.dtype == np.int64 else ctypes.c_double
    return array.ctypes.data_as(ctypes.POINTER(kind))


def _compile(function, q_dtype, x_dtype, sources, literals, key):
    """Return Numba's cfunc, or Refused."""
    # Vectors are read-only to the compiler: a function that writes to them it does not compile.
    jitted = function if isinstance(function, Dispatcher) else of_user_in_bounds(with_abs_of_arrays(function))
    fixed = isinstance(function, Dispatcher) and not function._can_compile
    arguments = ", ".join(["x", "rows[s]", *sources])
    freeze, length = "" if fixed else "frozen", key[1] or "d"
    text = f"""
def block(x_address, rows_address, n, d, slots, out):
    x = {freeze}(carray(x_address, ({length},), {q_dtype.name}))
    rows = {freeze}(carray(rows_address, (n, {length}), {x_dtype.name}))
    for s in range(n):
        try:
            out[s] = float(f({arguments}))
        except Exception:
            out[s] = nan
"""
    scope = {
        "__name__": __name__,
        "f": jitted,
        "carray": carray,
        "frozen": frozen,
        "pointer": pointer,
        "nan": np.nan,
        **literals,
    }
    scope |= {name: getattr(types, name) for name in ("bool_", "float32", "float64")}
    scope |= {f"{sign}int{bits}": getattr(types, f"{sign}int{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)}
    exec(text, scope)
    block = scope["block"]
    block.__qualname__ = "metric_" + hashlib.sha256(repr(key).encode()).hexdigest()[:32]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NumbaWarning)
            return _by_pointer_from_disk(block)
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines()]
        told = next((line for line in lines if line and not line.startswith("Failed in nopython")), "no reason given")
        return Refused(f"Numba cannot compile it: {told[:200]}")


def with_abs_of_arrays(function):
    """Return the function with NumPy's ``abs`` in the place of Python's, which Numba has for numbers only."""
    if "abs" not in function.__code__.co_names or "abs" in function.__globals__:
        return function
    scope = function.__globals__ | {"abs": np.abs}
    made = FunctionType(function.__code__, scope, function.__name__, function.__defaults__, function.__closure__)
    made.__kwdefaults__ = function.__kwdefaults__
    return made


def _by_pointer_from_disk(block):
    cfunc = CFunc(block, (BLOCK.args, BLOCK.return_type), {}, BY_POINTER)
    try:
        cfunc._cache = _Kept(block)
    except OSError:  # nowhere to write
        pass
    cfunc.compile()
    return cfunc


@intrinsic
def frozen(typing_context, array):
    """Return the same array, read-only to the compiler."""
    read_only = array.copy(readonly=True)

    def generate(context, builder, signature, args):
        return args[0]

    return read_only(array), generate


@intrinsic
def pointer(typing_context, address):
    """Return an address as a pointer."""

    def generate(context, builder, signature, args):
        return builder.inttoptr(args[0], context.get_value_type(types.voidptr))

    return types.voidptr(address), generate


class _Place(caching._CacheLocator):
    """Where compiled metrics lie: a metric's own text may stand in no file."""

    _py_file = __file__

    def get_cache_path(self):
        return os.path.join(config.CACHE_DIR or AppDirs("numba", False).user_cache_dir, "fastml_metrics")

    def get_source_stamp(self):
        return numba.__version__, np.__version__, _DIGEST

    def get_disambiguator(self):
        return "0"

    @classmethod
    def from_function(cls, py_func, py_file):
        place = cls()
        place.ensure_cache_path()
        return place


class _Impl(caching.CompileResultCacheImpl):
    _locator_classes = (_Place,)


class _Kept(caching.Cache):
    """Numba's cache, in which a function is known by its name, which holds its fingerprint."""

    _impl_class = _Impl

    def _index_key(self, sig, codegen):
        return sig, codegen.magic_tuple(), self._py_func.__qualname__
