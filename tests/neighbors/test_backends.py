"""The Numba twin gives the same neighbours as scikit-learn, through the same estimators."""

import numpy as np
import pytest

import fastml
import fastml.neighbors

from .agreement import assert_same_models
from .cases import neighbors_case


@pytest.mark.slow
def test_numba_backend(record_parity):
    seeds = range(10_000, 10_100)
    assert_same_models(neighbors_case, seeds, record_parity, "numba neighbors_case", backend="numba")


def test_numba_backend_is_what_runs():
    X = np.random.RandomState(0).randn(40, 3)
    with fastml.config_context(backend="numba"):
        est = fastml.neighbors.NearestNeighbors().fit(X)
        est.kneighbors(X)
    assert {report.backend for report in fastml.explain(est).values()} == {"numba"}
