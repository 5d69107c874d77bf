"""``fastml.explain``: what ran, call by call, in words."""

from collections.abc import Mapping

import numpy as np

from fastml import _dispatch, _registry

_SHOWN = 5  # members of one ensemble in the printed text


class Explanation(Mapping):
    """What an estimator's or a function's latest calls did; made by :func:`explain`.

    A mapping of method names to reports. Its text, ``print(fastml.explain(est))``, includes the nested estimators.

    Attributes
    ----------
    name : str
        The class or function.
    note : str or None
        Why there are no reports, in a sentence.
    nested : dict of str to Explanation
        The estimators inside this one, under the path that leads to them.
    """

    def __init__(self, name, reports, note, nested):
        self.name = name
        self.note = note
        self.nested = nested
        self._reports = reports

    def __getitem__(self, method):
        return self._reports[method]

    def __iter__(self):
        return iter(self._reports)

    def __len__(self):
        return len(self._reports)

    def __repr__(self):
        return "\n".join(self._lines())

    def _lines(self):
        yield f"{self.name}: {self.note}" if self.note else f"{self.name}:"
        for method, report in self.items():
            yield f"    {method}: {report}"
        for path, inner in list(self.nested.items())[:_SHOWN]:
            first, *rest = inner._lines()
            yield f"    {path}: {first}"
            yield from ("    " + line for line in rest)
        if len(self.nested) > _SHOWN:
            yield f"    and {len(self.nested) - _SHOWN} more"


def explain(obj):
    """Tell what the latest calls on an estimator ran: kernels, threads and device, or why scikit-learn's own code.

    Parameters
    ----------
    obj : estimator or function
        An estimator, also one that holds others (pipelines, searches, ensembles), or an accelerated function.

    Returns
    -------
    Explanation
        A mapping of method names to reports with the fields ``kernels``, ``backend``, ``isa``, ``device``,
        ``n_threads``, ``notes`` and ``reason``. Print it for the text. Reports stay in the process that made the
        call: pickles and copies have none. Where there is no report, the text says why.

    Raises
    ------
    TypeError
        If `obj` is a class.

    See Also
    --------
    accelerated : What has kernels at all.
    config_context : With ``strict=True`` a fallback to scikit-learn's own code is an error.

    Notes
    -----
    O(number of attributes and elements of containers). No data and no kernel is touched.

    Examples
    --------
    >>> import fastml
    >>> from fastml.cluster import KMeans
    >>> model = KMeans(2, random_state=0).fit([[0.0], [1.0], [5.0], [6.0]])
    >>> fastml.explain(model)["fit"].device
    'cpu'

    A call that no kernel covers:

    >>> import numpy as np
    >>> from fastml.cluster import kmeans_plusplus
    >>> centers, indices = kmeans_plusplus(np.eye(3), 2, n_local_trials=17)
    >>> fastml.explain(kmeans_plusplus)["kmeans_plusplus"].reason
    'n_local_trials=17 is more than the 16 that the kernel takes.'
    """
    if isinstance(obj, type):
        raise TypeError(f"explain takes an estimator, not its class: explain({obj.__name__}()).")
    return _explain(obj, {id(obj)})


def _explain(obj, seen):
    reports = _dispatch.reports(obj)
    nested = {path: _explain(inner, seen) for path, inner in _estimators_inside(obj, seen)}
    nested = {path: inner for path, inner in nested.items() if inner or inner.nested or not inner.note == _NOT_CALLED}
    name = getattr(obj, "__name__", type(obj).__name__)
    return Explanation(name, reports, None if reports else _note(obj), nested)


_NOT_CALLED = "no call in this process yet."


def _note(obj):
    """Say why an object has no reports."""
    if isinstance(obj, _registry.Accelerated) or _registry.plain_of(obj) is not None:
        return _NOT_CALLED
    named = obj if hasattr(obj, "__name__") else type(obj)
    for module, names in _registry.offered().items():
        if named.__name__ in names and f"{named.__module__}.".startswith(f"{module}."):
            return _why_plain(f"{module}.{named.__name__}")
    return "fastml has no kernel for it; scikit-learn's own code runs."


def _why_plain(public):
    from fastml import _versions

    if not _versions.TESTED:
        return f"scikit-learn's own: {_versions.UNTESTED}."
    return f"scikit-learn's own; {public.replace('sklearn', 'fastml', 1)} is accelerated."


def _estimators_inside(obj, seen):
    """Yield path and object of the estimators in an estimator's attributes: the fitted ones where it has any."""
    attributes = dict(vars(obj)) if hasattr(obj, "__dict__") and not hasattr(obj, "__name__") else {}
    fitted = {key: value for key, value in attributes.items() if key.endswith("_")}
    found = list(_walk(fitted, "", seen)) or list(_walk(attributes, "", seen))
    return found


def _walk(value, path, seen):
    """Yield the estimators in nested containers, each once."""
    if isinstance(value, Mapping):
        items = ((f"{path}[{key!r}]" if path else str(key), inner) for key, inner in value.items())
    elif isinstance(value, list | tuple):
        items = ((f"{path}[{i}]", inner) for i, inner in enumerate(value))
    elif isinstance(value, np.ndarray) and value.dtype == object:
        items = ((f"{path}[{', '.join(map(str, i))}]", inner) for i, inner in np.ndenumerate(value))
    else:
        if hasattr(value, "get_params") and not isinstance(value, type) and id(value) not in seen:
            seen.add(id(value))
            yield path, value
        return
    for inner_path, inner in items:
        yield from _walk(inner, inner_path, seen)
