"""Forks, Ctrl-C, Python threads and memory."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastml
from fastml.neighbors import NearestNeighbors
from tests.memory import EXACT, MEASURE, growth
from tests.processes import assert_stops_within_a_second, run

unix = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

MAKE = """
    import os, signal
    import numpy as np
    import fastml, sklearn.neighbors
    from fastml.neighbors import KNeighborsClassifier, NearestNeighbors
"""


@unix
def test_a_forked_child_answers():
    program = (
        MAKE
        + """
    fastml.set_config(n_threads=2)
    X = np.random.RandomState(0).randn(20_000, 3)
    est = NearestNeighbors().fit(X)
    before = est.kneighbors(X)[0].tobytes()            # the pool has its threads now
    statuses = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            signal.alarm(50)
            again = NearestNeighbors().fit(X).kneighbors(X)[0].tobytes()
            os._exit(0 if est.kneighbors(X)[0].tobytes() == again == before else 1)
        statuses.append(os.waitpid(child, 0)[1])
    print(statuses)
    """
    )
    assert run(program).split("\n")[0] == "[0, 0, 0]"


@unix
@pytest.mark.timing
@pytest.mark.parametrize(
    "call",
    [
        "est.kneighbors(far)",
        "est.radius_neighbors(far, 2.0)",
        "NearestNeighbors().fit(much)",
        "by_function.kneighbors(far)",
    ],
)
def test_ctrl_c_stops_within_a_second(call):
    setting = (
        MAKE
        + """
    fastml.set_config(n_threads=2)
    random = np.random.RandomState(0)
    X, far = random.rand(100_000, 12), random.rand(100_000, 12)
    much = np.tile(random.rand(1_000_000, 4), (4, 1))
    est = NearestNeighbors().fit(X)
    by_function = NearestNeighbors(metric=lambda x, y: abs(x[0] - y[0]), algorithm="brute").fit(X)
    by_function.kneighbors(far[:2])  # compiled now
    """
    )
    assert_stops_within_a_second(setting, call, "est.kneighbors(far[:5])[0].tobytes()")


def test_python_threads():
    X = np.random.RandomState(0).randn(4000, 3)
    right = NearestNeighbors().fit(X).kneighbors()

    def answers(_):
        with fastml.config_context(n_threads=2):
            return NearestNeighbors().fit(X).kneighbors()

    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(answers, range(32)):
            np.testing.assert_array_equal(found[1], right[1])


@linux
@pytest.mark.parametrize(
    "call",
    [
        "NearestNeighbors().fit(X).kneighbors(X)",
        "NearestNeighbors(radius=0.3).fit(X).radius_neighbors()",
        "KNeighborsClassifier().fit(X, X[:, 0] > 0).predict(X[:9])",
    ],
)
def test_hundreds_of_calls_leave_nothing(call):
    setting = MAKE + "    X = np.random.RandomState(0).randn(1000, 3)"
    assert abs(growth(setting, call)) < 4


@linux
@pytest.mark.slow
def test_peak_of_a_fit():
    """A copy of the samples, their order and boxes; while it grows, 16 bytes a sample more."""
    program = (
        MEASURE
        + MAKE
        + """
    X = np.random.RandomState(0).randn(400_000, 4)
    NearestNeighbors().fit(X[:2000]).kneighbors(X[:2000])
    print(peak_of(lambda: NearestNeighbors().fit(X)))
    """
    )
    samples = 400_000 / 2**20
    assert float(run(program, **EXACT)) <= samples * (8 * 4 + 8 + 16 + 8) + 4


@linux
@pytest.mark.slow
def test_peak_of_wide_neighbourhoods():
    """The answer alone, where scikit-learn takes it twice."""
    program = (
        MEASURE
        + MAKE
        + """
    X = np.random.RandomState(0).rand(4000, 2)
    est = NearestNeighbors().fit(X)
    est.radius_neighbors(X[:10], 0.2)
    print(peak_of(lambda: est.radius_neighbors(X, 0.9)))
    """
    )
    found = 4000 * 4000 * 16 / 2**20
    assert float(run(program, **EXACT)) <= found + 8
