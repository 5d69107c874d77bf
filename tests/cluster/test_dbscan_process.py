"""DBSCAN: Python threads, copies, Ctrl-C; what a fit takes and leaves."""

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
from tests.memory import EXACT, MEASURE, growth
from tests.processes import assert_stops_within_a_second, run

from .test_dbscan_invariance import LARGE, large


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
    setting = f"""
        import numpy as np
        import fastml
        from fastml.cluster import DBSCAN
        fastml.set_config(n_threads={n_threads}, strict=True)
        X = np.random.RandomState(0).uniform(size=(300_000, 12))
    """
    answer = "DBSCAN().fit(X[:1000]).labels_.tobytes()"
    assert_stops_within_a_second(setting, "DBSCAN(eps=0.5, min_samples=10).fit(X)", answer)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory():
    """60,000 points with thousands of neighbours each: scikit-learn takes 6.7 GB. Lists of neighbours would show.

    The Numba twin compares all pairs; the lists of 6,000 points would show, too.
    """
    program = (
        MEASURE
        + """
    from fastml.cluster import DBSCAN
    fastml.set_config(n_threads=2, strict=True)
    X = np.random.RandomState(0).uniform(size=(int(sys.argv[1]), 2))
    DBSCAN().fit(X[:1000])
    print(json.dumps([peak_of(lambda: DBSCAN(eps=eps, min_samples=10).fit(X)) for eps in (0.01, 0.1, 0.3, 3.0)]))
    """
    )
    n_samples = 6_000 if fastml._kernels.ISA is None else 60_000
    assert max(json.loads(run(program, n_samples, **EXACT))) < 25


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_thousand_fits_leave_nothing():
    setting = """
    from fastml.cluster import DBSCAN
    X = np.random.RandomState(0).randn(500, 2).round(1)
    """
    call = "DBSCAN(eps=0.1).fit(X), DBSCAN(algorithm='ball_tree').fit(X, sample_weight=np.ones(500))"
    assert abs(growth(setting, call, calls=500)) < 5
