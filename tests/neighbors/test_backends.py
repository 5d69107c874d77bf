"""The Numba twin and the CUDA twin give the same neighbours as scikit-learn, through the same estimators."""

import os
from itertools import count, islice

import numpy as np
import pytest

import fastml
import fastml.neighbors

from .agreement import assert_same_models
from .cases import neighbors_case


@pytest.fixture(scope="module")
def cuda():
    """Skip where CUDA kernels run neither in the simulator nor on a GPU."""
    from numba import cuda

    if os.environ.get("NUMBA_ENABLE_CUDASIM") != "1" and not cuda.is_available():
        pytest.skip("neither NUMBA_ENABLE_CUDASIM=1 nor a GPU")


def is_small(seed):
    """Tell whether a case is searched by brute force, and suits the simulator."""
    case = neighbors_case(seed)
    asked = [len(case.values if queries is None else queries) for queries in case.queries]
    metric, p = case.params["metric"], case.params["p"]
    by_brute_force = case.params["algorithm"] == "brute" and metric == "minkowski" and p == 2
    return by_brute_force and len(case.values) <= 40 and sum(asked) <= 60


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


@pytest.mark.usefixtures("cuda")
def test_cuda(record_parity):
    seeds = list(islice(filter(is_small, count(50_000)), 4))
    assert_same_models(neighbors_case, seeds, record_parity, "cuda neighbors_case", device="cuda")


@pytest.mark.usefixtures("cuda")
def test_cuda_is_what_runs_and_takes_arrays():
    from numba import cuda

    X = np.random.RandomState(0).randn(20, 3)
    est = fastml.neighbors.NearestNeighbors(n_neighbors=3, algorithm="brute").fit(X)
    with fastml.config_context(device="cuda", strict=True):
        found = est.kneighbors(cuda.to_device(X[:5]))
    report = fastml.explain(est)["kneighbors"]
    assert (report.kernels, report.backend, report.device) == (("neighbors.brute_cuda",), "numba", "cuda")
    for ours, right in zip(found, est.kneighbors(X[:5]), strict=True):
        np.testing.assert_array_equal(ours, right)
