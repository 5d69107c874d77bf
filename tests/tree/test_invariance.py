"""What must not matter, bit for bit: the number of threads, the instruction set, the order of the data in memory."""

import copy

import numpy as np
import pytest

import fastml
import fastml.ensemble
import fastml.tree
from tests.levels import assert_same_at_every_level, digest, in_every_order, several_levels

from .agreement import observe
from .digest import LARGE, digests, large_case, observed, small_digests

pytestmark = pytest.mark.usefixtures("trees_are_ours")


@pytest.mark.parametrize("name", LARGE)
def test_number_of_threads_large(name):
    seen = {}
    for n_threads in (1, 2, 3, 8):
        with fastml.config_context(n_threads=n_threads):
            seen[n_threads] = digest(observed(large_case(name)))
    assert seen == dict.fromkeys(seen, seen[1])


def test_number_of_threads_small():
    by_threads = []
    for n_threads in (1, 2, 3, 8):
        with fastml.config_context(n_threads=n_threads):
            by_threads.append(small_digests())
    for other in by_threads[1:]:
        assert other == by_threads[0]


@pytest.mark.parametrize("n_jobs", [1, 2, 3, -1])
@pytest.mark.parametrize("name", [name for name in LARGE if name.startswith("ensemble") and "Boost" not in name])
def test_n_jobs(name, n_jobs):
    """scikit-learn adds the trees' answers up in the order in which its threads come; we in the order of the trees."""
    plain, case = large_case(name), large_case(name)
    case.params["n_jobs"] = n_jobs
    assert digest(observe(fastml, case)) == digest(observe(fastml, plain))


@pytest.mark.parametrize("name", [name for name in LARGE if name.split()[1][:4] in ("Deci", "Rand")])
def test_threads_are_used(name):
    """The comparisons above would be idle if small work were all that they do."""
    case = large_case(name)
    with fastml.config_context(n_threads=3):
        est = case.estimator(fastml).fit(case.X, case.y)
    assert fastml.explain(est)["fit"].n_threads == 3


@several_levels
def test_instruction_set():
    with fastml.config_context(n_threads=1):
        here = digests()
    assert_same_at_every_level(here, "tests.tree.digest")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", [LARGE[0], LARGE[4], LARGE[7], LARGE[9], LARGE[13]])
def test_order_in_memory(name, dtype):
    case = large_case(name)
    X = np.ascontiguousarray(case.X[:700], dtype)
    models = {}
    for order, data in in_every_order(X).items():
        one = copy.copy(case)
        one.X, one.X_new = data, data
        one.y = None if case.y is None else case.y[:700]
        models[order] = digest(observe(fastml, one))
    assert models == dict.fromkeys(models, models["C"])


@pytest.mark.parametrize("max_features", [1.0, 0.4])
@pytest.mark.parametrize(
    ("of_targets", "of_weights"),
    [(1, 0), (200, 0), (255, 0), (400, 0), (0, 150), (0, 300), (0, -150), (0, -170), (0, -400)],
)
def test_powers_of_two(of_targets, of_weights, max_features):
    """They scale sums without rounding; far from 1 no candidate is ruled out without its proxy."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(700, 6)).round(1)
    y, weights = X[:, 0] + rng.normal(size=700), rng.uniform(0.1, 2, 700)
    model = fastml.tree.DecisionTreeRegressor(random_state=0, max_features=max_features)
    plain = copy.copy(model).fit(X, y, weights).tree_
    scaled = copy.copy(model).fit(X, np.ldexp(y, of_targets), np.ldexp(weights, of_weights)).tree_
    assert plain.node_count > 1000
    for name in ("children_left", "children_right", "feature", "threshold", "n_node_samples"):
        np.testing.assert_array_equal(getattr(scaled, name), getattr(plain, name))
    np.testing.assert_array_equal(scaled.value, np.ldexp(plain.value, of_targets))
    np.testing.assert_array_equal(scaled.impurity, np.ldexp(plain.impurity, 2 * of_targets))
