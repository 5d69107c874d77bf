"""DBSCAN: what must not matter, bit for bit: the number of threads, the instruction set, the order in memory."""

import json

import numpy as np
import pytest

import fastml
import fastml.cluster
from tests.levels import assert_same_at_every_level, digest, in_every_order, several_levels

from .dbscan_cases import dbscan_case
from .test_dbscan_haversine import fitted as fitted_on_the_sphere
from .test_dbscan_parity import observe

LARGE = {
    "plane": (30_000, 2, 0.012),
    "space": (20_000, 3, 0.05),
    "many features": (4_000, 9, 0.6),
    "crowd": (20_000, 2, 0.3),
}


def large(name):
    n, d, eps = LARGE[name]
    return fastml.cluster.DBSCAN(eps=eps, min_samples=9).fit(np.random.RandomState(n + d).uniform(size=(n, d)))


def digests():
    """Return digests of models, those of generated cases among them."""
    seen = {f"case {seed}": observe(fastml.cluster, dbscan_case(seed)) for seed in range(500, 560)}
    seen |= {name: {k: v for k, v in vars(large(name)).items() if k.endswith("_")} for name in LARGE}
    seen |= {f"on the sphere {seed}": fitted_on_the_sphere(fastml.cluster, seed)[1] for seed in range(1000, 1040)}
    return {name: digest({k: v for k, v in values.items() if k != "report"}) for name, values in seen.items()}


def main():
    with fastml.config_context(n_threads=2):
        print(json.dumps(digests()))


def test_number_of_threads():
    by_threads = []
    for n_threads in (1, 2, 3, 8):
        with fastml.config_context(n_threads=n_threads):
            by_threads.append(digests())
    assert by_threads[1:] == by_threads[:1] * 3


@several_levels
def test_instruction_set():
    assert_same_at_every_level(digests(), "tests.cluster.test_dbscan_invariance")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_order_in_memory(dtype):
    X = np.random.RandomState(0).randn(700, 3).astype(dtype)
    models = {name: fastml.cluster.DBSCAN(min_samples=4).fit(data) for name, data in in_every_order(X).items()}
    for est in models.values():
        np.testing.assert_array_equal(est.labels_, models["C"].labels_)
        np.testing.assert_array_equal(est.components_, models["C"].components_)
