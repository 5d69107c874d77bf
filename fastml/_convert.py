"""``fastml.to_sklearn``: the plain model, for places where fastml is not installed."""

import copy
import types

import numpy as np

from fastml import _registry


def to_sklearn(est):
    """Return the scikit-learn estimator that an estimator stands for, fitted as it is.

    Pipelines, searches and other estimators that hold accelerated ones, at any depth, get plain ones in their place.
    A pickle of the result loads where fastml is not installed.

    Parameters
    ----------
    est : estimator
        An accelerated estimator, or any estimator that may hold some.

    Returns
    -------
    estimator
        A new object: of scikit-learn's class where that of `est` is fastml's, else of the class of `est`. Its
        numeric arrays are those of `est`, not copies.

    Raises
    ------
    TypeError
        If `est`, or an estimator in it, is of a subclass of an accelerated class: it would need fastml.

    See Also
    --------
    accelerated : What fastml has replacements for.

    Notes
    -----
    Class of agreement: identical; no number changes. O(number of attributes and elements of containers); memory
    the same.

    Examples
    --------
    >>> import fastml
    >>> from fastml.cluster import KMeans
    >>> model = KMeans(2, random_state=0).fit([[0.0], [1.0], [5.0], [6.0]])
    >>> type(fastml.to_sklearn(model)).__module__
    'sklearn.cluster._kmeans'
    """
    return _plain(est, {})


def _plain(obj, memo):
    """Return an object with everything of ours in it replaced; the object itself where there is nothing."""
    if id(obj) in memo:
        return memo[id(obj)][0]
    if isinstance(obj, type | types.FunctionType):
        stands_for = _registry.plain_of(obj)
        return obj if stands_for is None else stands_for
    if isinstance(obj, types.MethodType):
        owner = _plain(obj.__self__, memo)
        return obj if owner is obj.__self__ else getattr(owner, obj.__name__)
    if hasattr(obj, "get_params") and hasattr(obj, "__dict__"):
        return _plain_estimator(obj, memo)
    if isinstance(obj, dict | list | tuple | np.ndarray):
        return _plain_container(obj, memo)
    if type(obj).__module__.startswith("sklearn.") and hasattr(obj, "__dict__"):
        return _plain_part(obj, memo)
    return obj


def _plain_estimator(est, memo):
    """Estimators are made anew, so that the result shares none with the argument."""
    cls = _registry.plain_of(type(est)) or type(est)
    if _registry.Accelerated in cls.__mro__:
        raise TypeError(
            f"{cls.__module__}.{cls.__qualname__} is a subclass of an accelerated estimator: it needs fastml wherever "
            "it is loaded. Derive it from scikit-learn's class, or hold an accelerated estimator in an attribute."
        )
    if _registry.Accelerated in type(est).__mro__:
        est._complete()
    plain = cls.__new__(cls)
    memo[id(est)] = plain, est  # before its attributes, which may lead back to it
    plain.__dict__.update({name: _plain(value, memo) for name, value in vars(est).items()})
    return plain


def _plain_container(obj, memo):
    """Containers are made anew where an element changes."""
    if isinstance(obj, np.ndarray):
        if obj.dtype != object:
            return obj
        values = list(np.ma.getdata(obj).flat)
        elements = [_plain(value, memo) for value in values]
        if all(new is old for new, old in zip(elements, values, strict=True)):
            return obj
        changed = obj.copy()  # keeps a mask: cv_results_
        for position, element in enumerate(elements):
            np.ma.getdata(changed).flat[position] = element
        return changed
    if isinstance(obj, dict):
        values = {key: _plain(value, memo) for key, value in obj.items()}
        if all(values[key] is obj[key] for key in obj):
            return obj
        changed = copy.copy(obj)  # keeps the class: sklearn.utils.Bunch
        changed.update(values)
        return changed
    elements = [_plain(element, memo) for element in obj]
    if all(new is old for new, old in zip(elements, obj, strict=True)):
        return obj
    return type(obj)(*elements) if hasattr(obj, "_fields") else type(obj)(elements)


def _plain_part(obj, memo):
    """Return one of scikit-learn's helper objects (scorers, metadata requests), copied where an attribute changes."""
    memo[id(obj)] = obj, obj
    values = {name: _plain(value, memo) for name, value in vars(obj).items()}
    if all(value is vars(obj)[name] for name, value in values.items()):
        return obj
    changed = copy.copy(obj)
    changed.__dict__.update(values)
    memo[id(obj)] = changed, obj
    return changed
