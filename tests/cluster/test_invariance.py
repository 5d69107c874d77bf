"""What must not matter, bit for bit: the number of threads, the instruction set, the order of the data in memory."""

import numpy as np
import pytest

import fastml
import fastml.cluster
from tests.levels import assert_same_at_every_level, digest, in_every_order, several_levels

from .agreement import observe
from .digest import LARGE, SMALL, digests_for_levels, large_case, small_digests


def digest_with(n_threads, name):
    case = large_case(name)
    with fastml.config_context(n_threads=n_threads, strict=True):
        return digest(observe(fastml.cluster, case))


@pytest.mark.parametrize("name", LARGE)
def test_number_of_threads_large(name):
    one = digest_with(1, name)
    assert {n: digest_with(n, name) for n in (2, 3, 8)} == {n: one for n in (2, 3, 8)}


def test_number_of_threads_small():
    by_threads = []
    for n_threads in (1, 2, 3, 8):
        with fastml.config_context(n_threads=n_threads, strict=True):
            by_threads.append(small_digests())
    for other in by_threads[1:]:
        assert other == by_threads[0]


@pytest.mark.parametrize("entry", ["lloyd", "minibatch"])
def test_threads_are_used(entry):
    """The comparisons above would be idle if small work were all that they do."""
    case = large_case(f"50000x4 8 blobs float64 {entry}")
    with fastml.config_context(n_threads=3):
        name = "MiniBatchKMeans" if entry == "minibatch" else "KMeans"
        est = getattr(fastml.cluster, name)(**case.params, random_state=0).fit(case.X)
    assert fastml.explain(est)["fit"].n_threads == 3


@several_levels
def test_instruction_set():
    with fastml.config_context(n_threads=1):
        here = digests_for_levels()
    assert len(here) == len(SMALL) + len(LARGE)
    assert_same_at_every_level(here, "tests.cluster.digest")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("Estimator", [fastml.cluster.KMeans, fastml.cluster.MiniBatchKMeans])
def test_order_in_memory(Estimator, dtype):
    X = np.random.RandomState(0).randn(700, 9).astype(dtype)
    layouts = in_every_order(X)
    models = {}
    for name, data in layouts.items():
        est = Estimator(7, random_state=3, n_init=2).fit(data)
        seen = {"labels": est.labels_, "centers": est.cluster_centers_, "inertia": est.inertia_}
        seen |= {method: getattr(est, method)(data) for method in ("predict", "transform", "score")}
        models[name] = digest(seen)
    assert models == dict.fromkeys(layouts, models["C"])
