"""The examples in the docstrings of the package's own modules."""

import doctest
import importlib
from pathlib import Path

import pytest

import fastml

NAMES = sorted(path.stem for path in Path(fastml.__file__).parent.glob("_*.py") if not path.stem.startswith("__"))


@pytest.mark.filterwarnings("ignore:.* had been imported before patch_sklearn:UserWarning")
@pytest.mark.parametrize("name", NAMES)
def test_examples(name):
    assert doctest.testmod(importlib.import_module(f"fastml.{name}")).failed == 0
