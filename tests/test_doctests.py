"""The examples in the docstrings of the package's own modules."""

import doctest
import importlib
import sys
from pathlib import Path

import pytest

import fastml
from fastml._registry import ACCELERATED, offered, plain_of

FOLDER = Path(fastml.__file__).parent


def packages(names):
    """Return the packages that define names of the registry."""
    return {home.rpartition(".")[0] for homes in names.values() for home in homes.values()}


TOO_NEW = packages(ACCELERATED) - packages(offered())  # their modules cannot be imported
NAMES = sorted(
    ".".join(path.relative_to(FOLDER.parent).with_suffix("").parts)
    for path in FOLDER.rglob("_*.py")
    if not path.stem.startswith("__")
)
NAMES = [name for name in NAMES if name.rpartition(".")[0] not in TOO_NEW]


def is_ours(example):
    """Tell whether an example is not in the text of an estimator, which is scikit-learn's to the letter."""
    module, _, name = example.name.rpartition(".")
    documented = getattr(sys.modules.get(module), name, None)
    return getattr(plain_of(documented), "__doc__", None) != example.docstring


@pytest.mark.filterwarnings("ignore:.* had been imported before patch_sklearn:UserWarning")
@pytest.mark.parametrize("name", NAMES)
def test_examples(name):
    runner = doctest.DocTestRunner()
    for example in filter(is_ours, doctest.DocTestFinder().find(importlib.import_module(name))):
        runner.run(example)
    assert runner.summarize().failed == 0
