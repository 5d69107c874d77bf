"""What must not matter, bit for bit: threads, the instruction set, memory order. And Ctrl-C, and memory."""

import os
import sys

import numpy as np
import pytest

import fastml
import fastml._kernels
from fastml.metrics import pairwise_distances, silhouette_samples
from tests.levels import assert_same_at_every_level, in_every_order
from tests.memory import EXACT, MEASURE
from tests.processes import assert_stops_within_a_second, run

from .digest import digests

compiled = pytest.mark.skipif(fastml._kernels.ISA is None, reason="no compiled kernels: a pure installation")


@compiled
def test_instruction_set_and_threads():
    with fastml.config_context(n_threads=1, strict=True):
        here = digests()
    for n_threads in (3, 8):
        with fastml.config_context(n_threads=n_threads, strict=True):
            assert digests() == here
    assert_same_at_every_level(here, "tests.metrics.digest")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_order_in_memory(dtype):
    layouts = in_every_order(np.random.RandomState(0).randn(200, 9).astype(dtype))
    labels = np.arange(200) % 3
    for data in layouts.values():
        np.testing.assert_array_equal(silhouette_samples(data, labels), silhouette_samples(layouts["C"], labels))
        np.testing.assert_array_equal(pairwise_distances(data), pairwise_distances(layouts["C"]))


@compiled
@pytest.mark.timing
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no signals of this kind here")
def test_ctrl_c_stops_within_a_second():
    setting = """
    import numpy as np
    from fastml.metrics import silhouette_samples
    X = np.random.RandomState(0).randn(120_000, 30)
    labels = np.arange(len(X)) % 3
    """
    answer = "silhouette_samples(X[:100], labels[:100]).tobytes()"
    assert_stops_within_a_second(setting, "silhouette_samples(X, labels)", answer)


@compiled
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory():
    """A few numbers a sample, and the tiles: no table of distances, of samples and clusters, no copy of the samples."""
    program = (
        MEASURE
        + """
    from fastml.metrics import silhouette_samples
    fastml.set_config(n_threads=2)
    X = np.random.RandomState(0).randn(12_000, 3)
    labels = np.arange(12_000) % 3000
    silhouette_samples(X[:1000], labels[:1000] % 100)
    print(peak_of(lambda: silhouette_samples(X, labels)))
    """
    )
    assert float(run(program, **EXACT)) < 4  # a table of samples and clusters has 275
