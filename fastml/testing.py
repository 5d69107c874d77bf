"""A pytest plugin: runs tests written for scikit-learn against fastml.

``python -m pytest -p fastml.testing --pyargs sklearn.cluster.tests.test_k_means`` patches scikit-learn before the
tests are collected. Tests that are known to fail stand in a TOML file, ``--fastml-exceptions FILE``, with the reason::

    [[exceptions]]
    reason = "Checks the text of a warning of OpenMP, which fastml does not use."
    tests = ["cluster/tests/test_k_means.py::test_warning_n_init_precomputed_centers[KMeans]"]
    scikit-learn = ">=1.8"          # optional: the versions that it concerns

The list is strict. A listed test must fail: if it passes, that is an error. An id that its module does not have is an
error too, unless single tests were asked for on the command line.

Where a public module defines functions itself, ``sklearn.metrics.pairwise``, the tests get ours from there as well,
which ``patch_sklearn`` alone does not do.
"""

import sys
import tomllib
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import pytest


def pytest_addoption(parser):
    """Add ``--fastml-exceptions``."""
    group = parser.getgroup("fastml")
    group.addoption("--fastml-exceptions", metavar="FILE", help="TOML file of tests that are known to fail, and why")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests():
    """Patch before scikit-learn's ``conftest.py`` and tests are imported."""
    _patch()


def pytest_configure():
    """Patch, where the plugin was named in a ``conftest.py`` instead of on the command line."""
    _patch()


def pytest_unconfigure():
    """Put scikit-learn's own objects back."""
    from fastml import unpatch_sklearn

    for module in filter(lambda module: isinstance(module, _Front), list(sys.modules.values())):
        module.__class__ = ModuleType
    unpatch_sklearn()


def pytest_report_header():
    """Say what is being tested."""
    import sklearn

    import fastml

    names = ", ".join(fastml.accelerated()) or "nothing"
    return f"fastml {fastml.__version__} in the place of scikit-learn {sklearn.__version__}: {names}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Mark the listed tests as expected to fail; refuse ids that do not exist."""
    file = config.getoption("--fastml-exceptions")
    if file is None:
        return
    unknown = []
    ids = {item: _full_id(item) for item in items}
    collected = {_module(full_id) for full_id in ids.values()}
    for test, reason in read_exceptions(file).items():
        matching = [item for item, full_id in ids.items() if _ends_with(full_id, test)]
        for item in matching:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))
        if not matching and any(_ends_with(module, _module(test)) for module in collected):
            unknown.append(test)
    if unknown and not any("::" in argument for argument in config.args):
        raise pytest.UsageError(f"{file} lists tests that do not exist: {', '.join(unknown)}")


def read_exceptions(file):
    """Read a list of exceptions.

    Parameters
    ----------
    file : str or path
        TOML, as shown above.

    Returns
    -------
    dict of str to str
        The end of a test's id: the reason why it fails.
    """
    try:
        content = tomllib.loads(Path(file).read_text())
        groups = content.pop("exceptions")
        return {test: _sentence(group) for group in groups if _concerned(group) for test in _tests(group)}
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise pytest.UsageError(f"--fastml-exceptions {file}: {type(error).__name__}: {error}") from error


class _Front(ModuleType):
    """The type of a module that shows ours to the tests; its own functions find theirs in its ``__dict__``, as ever."""

    ours: ClassVar = {}  # of each module's own type: {name: (scikit-learn's function, ours)}

    def __getattribute__(self, name):
        value = super().__getattribute__(name)
        plain, ours = type(self).ours.get(name, (None, None))
        return ours if ours is not None and value is plain else value


def _patch():
    from fastml import _registry, patch_sklearn

    patch_sklearn()
    if not _registry.patched:  # an untested scikit-learn
        return
    for name in _registry.DEFINING:
        for reader in _registry.READERS[name]:
            import_module(reader)
        ours = {each: _registry.replacement(name, each) for each in _registry.offered().get(name, ())}
        shown = {each: (_registry.plain_of(own), own) for each, own in ours.items()}
        import_module(name).__class__ = type("Front", (_Front,), {"ours": shown})


def _sentence(group):
    if unknown := set(group) - {"reason", "tests", "scikit-learn"}:
        raise ValueError(f"unknown keys {sorted(unknown)}")
    if not group["reason"].strip():
        raise ValueError("a reason is empty")
    return group["reason"]


def _tests(group):
    if bad := [test for test in group["tests"] if "::" not in test]:
        raise ValueError(f"not the id of a test: {', '.join(bad)}")
    return group["tests"]


def _concerned(group):
    """Tell whether a group is about the installed scikit-learn."""
    import sklearn
    from packaging.specifiers import SpecifierSet

    return sklearn.__version__ in SpecifierSet(group.get("scikit-learn", ""))


def _full_id(item):
    """Return the id of a test with the whole path of its file; pytest's begins at what the command line names."""
    return item.path.as_posix() + "::" + item.nodeid.partition("::")[2]


def _module(full_id):
    return full_id.partition("::")[0]


def _ends_with(full_id, end):
    """Tell whether an id ends with another, beginning at a folder or file."""
    return f"/{full_id}".endswith(f"/{end}")
