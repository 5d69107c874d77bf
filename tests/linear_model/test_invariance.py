"""What must not matter, bit for bit: threads, layouts, the instruction set. And Ctrl-C, and memory."""

import os
import sys

import numpy as np
import pytest

import fastml
import fastml._kernels
import fastml.linear_model
from tests.levels import assert_same_at_every_level, in_every_order
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
        assert_same_at_every_level(digests(), "tests.linear_model.digest")


def test_order_in_memory():
    X = np.random.RandomState(0).randn(60, 11)
    coefs = {
        order: fastml.linear_model.SGDClassifier(random_state=0).fit(laid_out, X[:, 0] > 0).coef_
        for order, laid_out in in_every_order(X).items()
    }
    for coef in coefs.values():
        np.testing.assert_array_equal(coef, coefs["C"])


@compiled
@pytest.mark.timing
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no signals of this kind here")
def test_ctrl_c_stops_within_a_second():
    setting = """
    import numpy as np
    from fastml.linear_model import SGDClassifier
    X = np.random.RandomState(0).randn(200_000, 20)
    y = np.arange(200_000) % 5
    """
    answer = "SGDClassifier(max_iter=2, tol=None).fit(X[:300], y[:300]).n_iter_"
    assert_stops_within_a_second(setting, "SGDClassifier(max_iter=1000, tol=None).fit(X, y)", answer)


@compiled
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory():
    """An order of the samples for each of the classes that are fitted side by side, and no copy of the samples."""
    program = (
        MEASURE
        + """
    from fastml.linear_model import SGDClassifier
    fastml.set_config(n_threads=2)
    X = np.random.RandomState(0).randn(200_000, 20)
    y = np.arange(200_000) % 60
    SGDClassifier(max_iter=1, tol=None).fit(X[:500], y[:500])
    print(peak_of(lambda: SGDClassifier(max_iter=1, tol=None).fit(X, y)))
    """
    )
    assert float(run(program, **EXACT)) < 45  # X has 30
