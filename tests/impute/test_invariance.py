"""What must not matter, bit for bit: threads, and the instruction set. And Ctrl-C, and memory."""

import os
import sys

import pytest

import fastml
import fastml._kernels
from tests.levels import assert_same_at_every_level
from tests.memory import EXACT, MEASURE
from tests.processes import assert_stops_within_a_second, run

from .digest import digests

compiled = pytest.mark.skipif(fastml._kernels.ISA is None, reason="no compiled kernels: a pure installation")


@compiled
def test_number_of_threads():
    with fastml.config_context(n_threads=1, strict=True):
        here = digests()
    for n_threads in (3, 8):
        with fastml.config_context(n_threads=n_threads, strict=True):
            assert digests() == here


@compiled
def test_instruction_set():
    with fastml.config_context(n_threads=2, strict=True):
        assert_same_at_every_level(digests(), "tests.impute.digest")


@compiled
@pytest.mark.timing
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no signals of this kind here")
def test_ctrl_c_stops_within_a_second():
    setting = """
    import numpy as np
    from fastml.impute import KNNImputer
    random = np.random.RandomState(0)
    X = random.randn(60_000, 30)
    X[random.uniform(size=X.shape) < 0.1] = np.nan
    """
    answer = "KNNImputer().fit_transform(X[:300]).tobytes()"
    assert_stops_within_a_second(setting, "KNNImputer().fit_transform(X)", answer)


@compiled
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory():
    """Some copies of the samples: no table of distances."""
    program = (
        MEASURE
        + """
    from fastml.impute import KNNImputer
    fastml.set_config(n_threads=2)
    X = np.random.RandomState(0).randn(8_000, 10)
    X[np.random.RandomState(1).uniform(size=X.shape) < 0.1] = np.nan
    KNNImputer().fit_transform(X[:500])
    print(peak_of(lambda: KNNImputer().fit_transform(X)))
    """
    )
    assert float(run(program, **EXACT)) < 16  # a table of distances has 488
