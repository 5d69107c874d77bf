"""The drop-in: our objects in the place of scikit-learn's.

Only names in scikit-learn's public modules are replaced (``sklearn.cluster.KMeans``), never those in the modules that
define them (``sklearn.cluster._kmeans.KMeans``): pickle looks objects up there, and scikit-learn's internals refer
to each other there. ``sklearn.metrics.pairwise`` is both: it becomes a :class:`Front`.
"""

import sys
import threading
import warnings
from importlib import import_module
from types import ModuleType
from typing import ClassVar

from fastml import _registry

_lock = threading.Lock()
_SHOWN = 10  # names in the warning


class Front(ModuleType):
    """The type of a public module that defines functions itself, while some are replaced.

    Whoever asks the module for a name gets ours. The module's own functions find scikit-learn's in its ``__dict__``, as
    ever, and so does who puts something else there.
    """

    ours: ClassVar = {}  # of each module's own type: {name: (scikit-learn's function, ours)}

    def __getattribute__(self, name):
        """Return ours for what is scikit-learn's."""
        value = super().__getattribute__(name)
        plain, ours = type(self).ours.get(name, (None, None))
        return ours if ours is not None and value is plain else value


def patch_sklearn(names=None):
    """Replace names in scikit-learn's public modules by fastml's objects.

    Works also after scikit-learn was imported. Names that other modules had already bound by ``from sklearn.cluster
    import KMeans`` keep scikit-learn's object; one warning lists them. Patching twice does no harm.

    Parameters
    ----------
    names : str or iterable of str, default=None
        What to replace, as in ``["KMeans"]``, or ``["sklearn.cluster.KMeans"]`` as :func:`fastml.accelerated` has
        it. None stands for all of them.

    Raises
    ------
    ValueError
        If fastml has no replacement for one of the names. Then nothing is replaced.
    FallbackError
        Under ``strict``, if the installed scikit-learn is of a version that fastml was not tested with.

    Warns
    -----
    UserWarning
        If another module had bound a name before it was replaced.
    RuntimeWarning
        If scikit-learn's version was not tested and ``strict`` is off; once per process. Nothing is replaced.

    See Also
    --------
    accelerated : The names that have a replacement.
    explain : What ran, call by call.
    unpatch_sklearn : Puts scikit-learn's objects back.

    Notes
    -----
    Imports the modules of scikit-learn that hold the names, and looks once through the names of all loaded modules.

    Examples
    --------
    >>> import fastml
    >>> fastml.patch_sklearn()
    >>> from sklearn.cluster import KMeans
    >>> KMeans.__module__
    'fastml.cluster._kmeans'
    >>> fastml.unpatch_sklearn()
    """
    from fastml._versions import refused

    wanted = _select(names)
    if refused("patch_sklearn"):
        return
    with _lock:
        done = set()
        for module, name in wanted:
            ours = _registry.replacement(module, name)
            plain = _registry.plain_of(ours)
            for reader in _registry.READERS.get(module, ()):
                import_module(reader)
            if getattr(import_module(module), name) is not ours:
                _put(sys.modules[module], name, plain, ours)
                done.add(plain)
            _registry.patched[ours] = plain
        early = _bound_early(done)
    if early:
        more = f" and {len(early) - _SHOWN} more" if len(early) > _SHOWN else ""
        warnings.warn(
            f"{', '.join(early[:_SHOWN])}{more} had been imported before patch_sklearn() was called: scikit-learn's "
            "own code runs there. Patch before those imports, or import from fastml instead of sklearn.",
            stacklevel=2,
        )


def unpatch_sklearn(names=None):
    """Put scikit-learn's own objects back.

    Parameters
    ----------
    names : str or iterable of str, default=None
        What to put back. None stands for everything. Names that are not replaced stay as they are.

    Raises
    ------
    ValueError
        If fastml has no replacement for one of the names.

    See Also
    --------
    patch_sklearn : Replaces them.

    Examples
    --------
    >>> import fastml, sklearn.cluster
    >>> fastml.patch_sklearn("KMeans")
    >>> fastml.unpatch_sklearn("KMeans")
    >>> sklearn.cluster.KMeans.__module__
    'sklearn.cluster._kmeans'
    """
    with _lock:
        for module, name in _select(names):
            target = sys.modules.get(module)
            ours = target and _held(target, name)
            if ours in _registry.patched:
                _put_back(target, name, _registry.patched[ours])
        kept = {id(_held(sys.modules[m], n)) for m, n in _select(None) if m in sys.modules}
        for ours in [ours for ours in _registry.patched if id(ours) not in kept]:
            del _registry.patched[ours]


def _put(module, name, plain, ours):
    if plain.__module__ != module.__name__:
        setattr(module, name, ours)
        return
    if not isinstance(module, Front):
        module.__class__ = type("Front", (Front,), {"ours": {}})
    type(module).ours[name] = plain, ours


def _put_back(module, name, plain):
    if not isinstance(module, Front):
        setattr(module, name, plain)
    elif type(module).ours.pop(name) and not type(module).ours:
        module.__class__ = ModuleType


def _held(module, name):
    """Return what others see under a name, or None; a module is not made to look for it."""
    if isinstance(module, Front) and name in type(module).ours:
        return type(module).ours[name][1]
    return vars(module).get(name)


def _select(names):
    """Return the (module, name) pairs to replace."""
    every = [(module, name) for module, listed in _registry.offered().items() for name in listed]
    if names is None:
        return every
    wanted = {names} if isinstance(names, str) else set(names)
    known = {name for _, name in every}
    if unknown := wanted - known - {f"{module}.{name}" for module, name in every}:
        raise ValueError(
            f"fastml has no replacement for {', '.join(sorted(map(str, unknown)))}; it has them for "
            f"{', '.join(sorted(known))}."
        )
    return [(module, name) for module, name in every if not wanted.isdisjoint((name, f"{module}.{name}"))]


def _bound_early(plain):
    """Return where modules outside scikit-learn and fastml have bound any of these objects."""
    ids = {id(obj) for obj in plain}
    # __mp_main__ is another name of __main__, in the children of multiprocessing
    skip = {"sklearn", "fastml", "numpy", "scipy", "__mp_main__", *sys.stdlib_module_names} - {"__main__"}
    return sorted(
        f"{module}.{name}"
        for module, loaded in list(sys.modules.items())
        if ids and module.partition(".")[0] not in skip
        for name, value in list(getattr(loaded, "__dict__", {}).items())
        if id(value) in ids
    )
