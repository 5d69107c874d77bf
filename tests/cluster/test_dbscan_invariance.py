"""DBSCAN: what must not matter, bit for bit; what a fit takes and leaves; Ctrl-C, threads, copies."""

import copy
import json
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastml
import fastml._kernels
import fastml.cluster
from tests.levels import assert_same_at_every_level, digest, in_every_order
from tests.memory import EXACT, MEASURE
from tests.processes import assert_stops_within_a_second, run

from .dbscan_cases import dbscan_case
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


@pytest.mark.skipif(fastml._kernels.ISA is None, reason="no compiled kernels: a pure installation")
def test_instruction_set():
    assert_same_at_every_level(digests(), "tests.cluster.test_dbscan_invariance")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_order_in_memory(dtype):
    X = np.random.RandomState(0).randn(700, 3).astype(dtype)
    models = {name: fastml.cluster.DBSCAN(min_samples=4).fit(data) for name, data in in_every_order(X).items()}
    for est in models.values():
        np.testing.assert_array_equal(est.labels_, models["C"].labels_)
        np.testing.assert_array_equal(est.components_, models["C"].components_)


def test_eight_python_threads_at_once():
    alone = [large(name).labels_ for name in LARGE] * 2
    with ThreadPoolExecutor(8) as pool, fastml.config_context(n_threads=2):
        for found, right in zip(pool.map(lambda name: large(name).labels_, list(LARGE) * 2), alone, strict=True):
            np.testing.assert_array_equal(found, right)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda est: pickle.loads(pickle.dumps(est))])
def test_copies(again):
    est = large("plane")
    twin = again(est)
    assert type(twin) is type(est)
    np.testing.assert_array_equal(twin.labels_, est.labels_)


def test_arguments_are_not_changed():
    X, weights = np.random.RandomState(0).randn(300, 2), np.arange(300.0)
    kept = X.copy(), weights.copy()
    est = fastml.cluster.DBSCAN().fit(X, sample_weight=weights)
    est.components_[:] = np.nan
    np.testing.assert_array_equal(X, kept[0])
    np.testing.assert_array_equal(weights, kept[1])


@pytest.mark.timing
@pytest.mark.parametrize("n_threads", [1, 2])
def test_ctrl_c_stops_within_a_second(n_threads):
    assert_stops_within_a_second(f"""
        import signal, sys
        import numpy as np
        import fastml
        from fastml.cluster import DBSCAN

        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.alarm(100)
        fastml.set_config(n_threads={n_threads}, strict=True)
        X = np.random.RandomState(0).uniform(size=(300_000, 12))
        DBSCAN().fit(X[:1000])
        print("ready")
        sys.stdin.readline()
        print("go")
        try:
            DBSCAN(eps=0.5, min_samples=10).fit(X)
        except KeyboardInterrupt:
            print("stopped")
        DBSCAN().fit(X[:1000])
        print("works")
    """)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory():
    """60,000 points with thousands of neighbours each: scikit-learn takes 6.7 GB. Lists of neighbours would show."""
    program = (
        MEASURE
        + """
    from fastml.cluster import DBSCAN
    fastml.set_config(n_threads=2, strict=True)
    X = np.random.RandomState(0).uniform(size=(60_000, 2))
    DBSCAN().fit(X[:1000])
    print(json.dumps([peak_of(lambda: DBSCAN(eps=eps, min_samples=10).fit(X)) for eps in (0.01, 0.1, 0.3, 3.0)]))
    """
    )
    assert max(json.loads(run(program, **EXACT))) < 25


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_thousand_fits_leave_nothing():
    program = (
        MEASURE
        + """
    from fastml.cluster import DBSCAN
    X = np.random.RandomState(0).randn(500, 2).round(1)
    fits = [lambda: DBSCAN(eps=0.1).fit(X), lambda: DBSCAN(algorithm="ball_tree").fit(X, sample_weight=np.ones(500))]
    for fit in fits * 100:
        fit()
    before = megabytes("VmRSS")
    for fit in fits * 500:
        fit()
    print(megabytes("VmRSS") - before)
    """
    )
    assert abs(float(run(program))) < 5
