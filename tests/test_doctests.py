"""The examples in the docstrings of the package's own modules."""

import doctest
import importlib
from pathlib import Path

import pytest

import fastml

FOLDER = Path(fastml.__file__).parent
NAMES = sorted(
    ".".join(path.relative_to(FOLDER.parent).with_suffix("").parts)
    for path in FOLDER.rglob("_*.py")
    if not path.stem.startswith("__")
)


@pytest.mark.filterwarnings("ignore:.* had been imported before patch_sklearn:UserWarning")
@pytest.mark.parametrize("name", NAMES)
def test_examples(name):
    # the classes' own texts are scikit-learn's, whose examples count on this option
    assert doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE).failed == 0
