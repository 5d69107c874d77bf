"""What must not matter, bit for bit: the number of threads, the instruction set, the order of the data in memory."""

import numpy as np
import pytest

import fastml
import fastml.neighbors
from tests.levels import assert_same_at_every_level, digest, in_every_order, several_levels

from .digest import LARGE, digests, large_case, seen, small_digests


def digest_with(n_threads, name):
    with fastml.config_context(n_threads=n_threads, strict=True):
        return digest(seen(large_case(name)))


@pytest.mark.parametrize("name", LARGE)
def test_number_of_threads_large(name):
    one = digest_with(1, name)
    assert {n: digest_with(n, name) for n in (2, 3, 8)} == {n: one for n in (2, 3, 8)}


def test_number_of_threads_small():
    by_threads = []
    for n_threads in (1, 3):
        with fastml.config_context(n_threads=n_threads):
            by_threads.append(small_digests())
    assert by_threads[0] == by_threads[1]


def test_threads_are_used():
    """The comparisons above would be idle if small work were all that they do."""
    case = large_case(LARGE[0])
    with fastml.config_context(n_threads=3):
        est = fastml.neighbors.NearestNeighbors(**case.params).fit(case.X)
    assert fastml.explain(est)["fit"].n_threads == 3


@several_levels
def test_instruction_set():
    with fastml.config_context(n_threads=1):
        here = digests()
    assert_same_at_every_level(here, "tests.neighbors.digest")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_order_in_memory(dtype):
    layouts = in_every_order(np.random.RandomState(0).randn(700, 3).astype(dtype))
    answers = {}
    for name, data in layouts.items():
        est = fastml.neighbors.NearestNeighbors(n_neighbors=7).fit(data)
        answers[name] = digest({"itself": est.kneighbors(), "samples": est.kneighbors(data)})
    assert answers == dict.fromkeys(layouts, answers["C"])


def test_order_of_the_queries():
    X = np.random.RandomState(0).randn(3000, 3)
    est = fastml.neighbors.NearestNeighbors(n_neighbors=4, radius=0.2).fit(X)
    distances, indices = est.kneighbors(X)
    mixed = np.random.RandomState(1).permutation(3000)
    np.testing.assert_array_equal(est.kneighbors(X[mixed])[0], distances[mixed])
    np.testing.assert_array_equal(est.kneighbors(X[mixed])[1], indices[mixed])
    for row in mixed[:50]:
        np.testing.assert_array_equal(est.kneighbors(X[row : row + 1])[1][0], indices[row])
