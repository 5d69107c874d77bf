"""What a function of a user's is made of: its code, and the values that its compiled form would freeze.

Two functions with the same fingerprint compile to the same machine code, in any process.
"""

import builtins
import hashlib
import types

import numpy as np
from numba.core.dispatcher import Dispatcher

# What these do on behalf of a metric is no number.
EFFECTS = {"print", "input", "open", "exec", "eval", "setattr", "delattr", "globals", "objmode"}
KNOWN_MODULES = ("builtins", "cmath", "math", "numba", "numpy", "operator")
PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis), np.generic, np.dtype)


class Unknown(Exception):
    """A function refers to something whose value cannot be frozen."""


def fingerprint(function):
    """Return a digest of a Python function, or Numba's of one, and of all that it refers to.

    Raises
    ------
    Unknown
        With the reason, a part of a sentence: it refers to something that may change while it runs, or has effects.
    """
    hashed = hashlib.sha256()
    _add(hashed, function, "the function", set())
    return hashed.hexdigest()


def _add(hashed, value, name, seen):
    """Add one value, and what it refers to."""
    if id(value) in seen:
        return
    hashed.update(f"\0{type(value).__qualname__}\0".encode())
    if isinstance(value, Dispatcher):
        hashed.update(repr(sorted(value.targetoptions.items())).encode())
        value = value.py_func
    if isinstance(value, types.FunctionType):
        seen.add(id(value))
        _add_function(hashed, value, seen)
    elif isinstance(value, PLAIN):
        hashed.update(repr(value).encode())
    elif isinstance(value, tuple | frozenset):
        for inner in value if isinstance(value, tuple) else sorted(value, key=repr):
            _add(hashed, inner, name, seen)
    elif isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        hashed.update(f"{value.dtype.str} {value.shape} {value.flags.f_contiguous}".encode())
        hashed.update(np.ascontiguousarray(value).tobytes())
    else:
        hashed.update(_named(value, name).encode())


def _add_function(hashed, function, seen):
    _add_code(hashed, function.__code__)
    for value in function.__defaults__ or ():
        _add(hashed, value, "a default", seen)
    for name, value in sorted((function.__kwdefaults__ or {}).items()):
        _add(hashed, (name, value), "a default", seen)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            value = cell.cell_contents
        except ValueError:
            raise Unknown(f"it refers to {name}, which has no value yet") from None
        _add(hashed, value, name, seen)
    for name in _names(function.__code__):
        if name in EFFECTS:
            raise Unknown(f"it calls {name}")
        if name in ("random", "rand", "randn"):
            raise Unknown("it draws random numbers")
        if name in function.__globals__:
            _add(hashed, function.__globals__[name], name, seen)


def _add_code(hashed, code):
    """Add the instructions and constants, those of inner functions too."""
    hashed.update(code.co_code)
    hashed.update(repr((code.co_names, code.co_varnames, code.co_freevars, code.co_argcount, code.co_flags)).encode())
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            _add_code(hashed, constant)
        else:
            hashed.update(f"{type(constant).__name__} {constant!r}".encode())


def _names(code):
    """Return the global names and attributes in the code, those of inner functions too."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= set(_names(constant))
    return sorted(names)


def _named(value, name):
    """Return the full name of something that is the same everywhere: a module's function, or a module."""
    if isinstance(value, types.ModuleType):
        module, own = value.__name__, ""
    else:
        module, own = getattr(value, "__module__", None) or "", getattr(value, "__name__", "")
        if isinstance(value, np.ufunc):
            module = "numpy"
    if module.partition(".")[0] not in KNOWN_MODULES or (not own and not isinstance(value, types.ModuleType)):
        raise Unknown(f"it refers to {name}, {_kind(value)}")
    return f"{module}:{own}"


def _kind(value):
    what = type(value).__name__
    return f"an object of the type {what}" if what not in dir(builtins) else f"a {what}"
