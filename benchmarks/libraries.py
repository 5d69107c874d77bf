"""What the contenders of several families share: finding a library's own estimators, and holding it to its threads."""

import os
from importlib import import_module

from benchmarks.workload import NotOffered


def own(package, name):
    """A class or function by its name under ``package``, such as "cluster.KMeans"; one that is not its own is none."""
    module, _, short = name.rpartition(".")
    try:
        found = getattr(import_module(f"{package}.{module}"), short, None)
    except ModuleNotFoundError:
        found = None
    if found is None or found.__module__.split(".")[0] != package:
        raise NotOffered(f"{package} has no {short} of its own")
    return found


class Library:
    """A contender with scikit-learn's names, which begin with ``prefix``."""

    package, prefix = "sklearn", ""

    def own(self, name):
        return own(self.package, self.prefix + name)


def threads():
    """The number of threads that this process was started for."""
    return int(os.environ.get("OMP_NUM_THREADS", "1"))


def limit_onedal():
    """oneDAL's own pool does not read the variable."""
    import daal4py

    daal4py.daalinit(threads())
