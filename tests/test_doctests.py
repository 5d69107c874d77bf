"""The examples in the docstrings of the package's own modules."""

import doctest
import importlib
import sys
from pathlib import Path

import pytest

import fastml
from fastml._registry import plain_of

FOLDER = Path(fastml.__file__).parent
NAMES = sorted(
    ".".join(path.relative_to(FOLDER.parent).with_suffix("").parts)
    for path in FOLDER.rglob("_*.py")
    if not path.stem.startswith("__")
)


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
