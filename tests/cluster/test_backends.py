"""The Numba twins and the CUDA twins give the same models as scikit-learn, through the same estimators."""

import os
from functools import cache
from itertools import count, islice

import numpy as np
import pytest

import fastml
import fastml.cluster

from .agreement import assert_same_models
from .cases import kmeans_case, lattice_case, minibatch_case, plusplus_case


@pytest.fixture(scope="module")
def cuda():
    """Skip where CUDA kernels run neither in the simulator nor on a GPU."""
    from numba import cuda

    if os.environ.get("NUMBA_ENABLE_CUDASIM") != "1" and not cuda.is_available():
        pytest.skip("neither NUMBA_ENABLE_CUDASIM=1 nor a GPU")


def is_small(build, seed):
    """Tell whether a case suits the simulator, which runs every thread of the GPU in Python."""
    case = build(seed)
    n, d = case.values.shape
    k, init = case.params["n_clusters"], case.params["init"]
    given = not callable(init) and not isinstance(init, str)
    one_run = case.params["n_init"] == 1 or (case.params["n_init"] == "auto" and (given or init == "k-means++"))
    few_iterations = case.params["max_iter"] <= 20 or k <= 3
    return not case.sparse and n <= 40 and n * d * k <= 600 and few_iterations and one_run  # CSR has no CUDA twin


@cache
def small_seeds(build, how_many):
    return list(islice((seed for seed in count(50_000) if is_small(build, seed)), how_many))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("build", "first", "last"),
    [
        (kmeans_case, 10_000, 10_100),
        (kmeans_case, 10_100, 10_200),
        (lattice_case, 10_000, 10_100),
        (minibatch_case, 10_000, 10_060),
        (plusplus_case, 10_000, 10_060),
    ],
)
def test_numba_backend(build, first, last, record_parity):
    assert_same_models(build, range(first, last), record_parity, f"numba {build.__name__}", backend="numba")


def test_numba_backend_is_what_runs():
    case = kmeans_case(0)
    with fastml.config_context(backend="numba"):
        est = fastml.cluster.KMeans(2, random_state=0).fit(case.values)
    assert fastml.explain(est)["fit"].backend == "numba"


@pytest.mark.usefixtures("cuda")
@pytest.mark.parametrize("block", range(5))
def test_cuda(block, record_parity):
    seeds = small_seeds(kmeans_case, 50)[10 * block : 10 * (block + 1)]
    assert_same_models(kmeans_case, seeds, record_parity, "cuda kmeans_case", device="cuda")


@pytest.mark.usefixtures("cuda")
def test_cuda_on_lattices(record_parity):
    assert_same_models(lattice_case, small_seeds(lattice_case, 32), record_parity, "cuda lattice_case", device="cuda")


@pytest.mark.usefixtures("cuda")
def test_cuda_is_what_runs():
    with fastml.config_context(device="cuda"):
        est = fastml.cluster.KMeans(2, random_state=0).fit([[0.0], [1.0], [5.0], [6.0]])
    assert fastml.explain(est)["fit"].device == "cuda"


@pytest.mark.usefixtures("cuda")
def test_cuda_arrays_are_taken():
    from numba import cuda

    X = np.random.RandomState(0).randn(30, 2)
    weights = np.arange(30.0)
    with fastml.config_context(device="cuda", strict=True):
        est = fastml.cluster.KMeans(2, random_state=0).fit(cuda.to_device(X), sample_weight=cuda.to_device(weights))
        right = fastml.cluster.KMeans(2, random_state=0).fit(X, sample_weight=weights)
        np.testing.assert_array_equal(est.labels_, right.labels_)
        np.testing.assert_array_equal(est.predict(cuda.to_device(X)), right.labels_)
