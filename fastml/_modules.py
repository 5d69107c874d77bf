"""Every public module of scikit-learn under our name.

``fastml.preprocessing`` stands for ``sklearn.preprocessing``: changing the one word in an import is always safe. Names
that we accelerate are ours, all others are scikit-learn's own objects, looked up anew each time, since scikit-learn
adds names late (``sklearn.experimental``) and warns of deprecated ones when they are asked for. Modules without a
folder of ours are made by a finder; a package of ours takes the rest of its names from :func:`forward`.
"""

import sys
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

from fastml import _registry


def plain_name(name):
    """Return the name in scikit-learn of one of our public modules."""
    return "sklearn" + name.removeprefix("fastml")


def forward(name):
    """Return ``__getattr__`` and ``__dir__`` for the module that stands for one of scikit-learn's.

    Parameters
    ----------
    name : str
        Full name of our module.

    Returns
    -------
    tuple of two functions

    Examples
    --------
    A package of ours needs no more than this in its ``__init__.py``:

    >>> __getattr__, __dir__ = forward(__name__)  # doctest: +SKIP
    """
    plain = import_module(plain_name(name))

    def module_getattr(attribute):
        if attribute == "__all__":  # `from fastml.cluster import *` asks for it here
            return _public(plain)
        ours = _ours(plain.__name__, attribute)
        if ours is not None:
            setattr(sys.modules[name], attribute, ours)
            return ours
        if not _offered(attribute) and attribute not in _public(plain):
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}")
        try:
            value = getattr(plain, attribute)
        except AttributeError:
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}", name=attribute) from None
        if isinstance(value, ModuleType) and value.__name__ == f"{plain.__name__}.{attribute}":
            return import_module(f"{name}.{attribute}")
        return value

    def module_dir():
        return sorted({*_public(plain), *filter(_offered, dir(plain))})

    return module_getattr, module_dir


def _ours(module, name):
    """Return what we have for a name of scikit-learn; None where its own object is to be used."""
    if name not in _registry.ACCELERATED.get(module, ()) or name not in _registry.offered()[module]:
        return None
    from fastml._versions import refused

    return None if refused(f"{module}.{name}") else _registry.replacement(module, name)


def _public(plain):
    """Return the names that `plain` exports."""
    return list(getattr(plain, "__all__", None) or filter(_offered, vars(plain)))


def _offered(name):
    """Tell whether a part of a name is public: scikit-learn's tests are not."""
    return not name.startswith("_") and name not in ("tests", "conftest")


def top_level(name, homes):
    """Return an attribute of the package ``fastml`` itself.

    Parameters
    ----------
    name : str
        The attribute.
    homes : dict of str to str
        Our own names and the modules that define them.

    Returns
    -------
    object
    """
    if name in homes:
        value = getattr(import_module(f"fastml.{homes[name]}"), name)
        setattr(sys.modules["fastml"], name, value)
        return value
    if not _offered(name) and name != "__all__":  # without importing scikit-learn: tools ask for all kinds of names
        raise AttributeError(f"module 'fastml' has no attribute {name!r}")
    import sklearn

    if name == "__all__":
        return sorted({*sklearn.__all__, *homes})
    if find_spec(f"fastml.{name}"):
        return import_module(f"fastml.{name}")
    if name in sklearn.__all__:
        return getattr(sklearn, name)
    raise AttributeError(f"module 'fastml' has no attribute {name!r}", name=name)


class Finder(MetaPathFinder, Loader):
    """Makes ``fastml.x.y`` for every public module ``sklearn.x.y`` that has no file of ours."""

    def find_spec(self, name, path=None, target=None):
        """Find a module that scikit-learn has."""
        parts = name.split(".")
        if parts[0] != "fastml" or not all(map(_offered, parts)):
            return None
        try:
            plain = find_spec(plain_name(name))
        except ModuleNotFoundError:
            return None
        if plain is None:
            return None
        is_package = plain.submodule_search_locations is not None
        return ModuleSpec(name, self, origin=f"stands for {plain.name}", is_package=is_package)

    def exec_module(self, module):
        """Fill the module."""
        module.__getattr__, module.__dir__ = forward(module.__name__)
        module.__doc__ = import_module(plain_name(module.__name__)).__doc__


def install():
    """Make ``import`` find the modules; ours on disk come first."""
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.append(Finder())
