"""The drop-in: our objects in the place of scikit-learn's.

Only names in scikit-learn's public modules are replaced (``sklearn.cluster.KMeans``), never those in the modules that
define them (``sklearn.cluster._kmeans.KMeans``): pickle looks objects up there, and scikit-learn's internals refer
to each other there. So ``sklearn.metrics.pairwise``, which is both, stays as it is.
"""

import sys
import threading
import warnings
from importlib import import_module

from fastml import _registry

_lock = threading.Lock()
_SHOWN = 10  # names in the warning


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
    RuntimeError
        If something else stands in the place of scikit-learn's, put there by another library. Then nothing is replaced.
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
        for module, name, plain, ours in [(*each, *_pair(*each)) for each in wanted]:
            for reader in _registry.READERS.get(module, ()):
                import_module(reader)
            if getattr(import_module(module), name) is not ours:
                setattr(sys.modules[module], name, ours)
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
            held = vars(sys.modules.get(module, _registry)).get(name)
            if any(held is ours for ours in _registry.patched):
                setattr(sys.modules[module], name, _registry.patched[held])
        kept = {id(vars(sys.modules[m]).get(n)) for m, n in _select(None) if m in sys.modules}
        for ours in [ours for ours in _registry.patched if id(ours) not in kept]:
            del _registry.patched[ours]


def _pair(module, name):
    """Return scikit-learn's object for a name, and ours."""
    ours = _registry.replacement(module, name)
    plain = _registry.plain_of(ours)
    if plain is None or not any(getattr(import_module(module), name) is one for one in (plain, ours)):
        raise RuntimeError(f"{module}.{name} has been replaced by something else: undo that first.")
    return plain, ours


def _select(names):
    """Return the (module, name) pairs to replace."""
    every = [
        (module, name)
        for module, listed in _registry.offered().items()
        for name in listed
        if module not in _registry.DEFINING
    ]
    if names is None:
        return every
    wanted = {names} if isinstance(names, str) else set(names)
    known = {name for _, name in every}
    if unknown := wanted - known - {f"{module}.{name}" for module, name in every}:
        raise ValueError(_refusal(unknown, known))
    return [(module, name) for module, name in every if not wanted.isdisjoint((name, f"{module}.{name}"))]


def _refusal(unknown, known):
    for module in _registry.DEFINING:
        if any(name in unknown or f"{module}.{name}" in unknown for name in _registry.offered().get(module, ())):
            return f"{module} defines its functions and stays as it is: import them from fastml{module[7:]}."
    have = ", ".join(sorted(known))
    return f"fastml has no replacement for {', '.join(sorted(map(str, unknown)))}; it has them for {have}."


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
