"""The families of estimators that can be compared, one module each.

A family module says two things:

- ``WORKLOADS``: tuple of `benchmarks.workload.Workload`; those with ``grid=True`` run only with ``--grid``.
- ``CONTENDERS``: dict from a contender's name to a class that the contender's own process calls without arguments. A
  workload names the method of that class that prepares it, ``method(data, **settings) -> Task``; a contender without
  the method takes no part. ``"sklearn"`` is what all ratios refer to, ``"fastml"`` is ours, the others are peers.

Any importable module of this form can be compared under its dotted name; the short names are those of this package.
"""

import importlib
import pkgutil


def names():
    """Short names of the families in this package."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def family(name):
    """The module of a family given by its short or its dotted name."""
    return importlib.import_module(f"{__name__}.{name}" if name in names() else name)
