"""Forks, Ctrl-C and memory."""

import os
import sys

import pytest

from tests.memory import EXACT, MEASURE, growth
from tests.processes import assert_stops_within_a_second, run

pytestmark = pytest.mark.usefixtures("trees_are_ours")
unix = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

MAKE = """
    import os, signal, sys
    import numpy as np
    import fastml
    from fastml.ensemble import (
        AdaBoostClassifier, BaggingClassifier, ExtraTreesRegressor, GradientBoostingRegressor, IsolationForest,
        RandomForestClassifier,
    )
    from fastml.tree import DecisionTreeClassifier, DecisionTreeRegressor

    def data(n, d, seed=0):
        X = np.random.RandomState(seed).randn(n, d)
        return X, (X[:, 0] * X[:, min(1, d - 1)] > 0.1).astype(int)

    def model(est, X, y):
        return est.fit(X, y).predict(X).tobytes()
"""


@unix
@pytest.mark.parametrize(
    "call", ["DecisionTreeClassifier(random_state=0)", "RandomForestClassifier(8, random_state=0)"]
)
def test_a_forked_child_fits(call):
    program = (
        MAKE
        + f"""
    signal.alarm(100)
    fastml.set_config(n_threads=2)
    X, y = data(8000, 8)
    fit = lambda: model({call}, X, y)
    before = fit()                                    # the pool has its threads now
    statuses = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            signal.alarm(50)
            os._exit(0 if fit() == before else 1)
        statuses.append(os.waitpid(child, 0)[1])
    assert fit() == before
    print(statuses)
    """
    )
    assert run(program).split("\n")[0] == "[0, 0, 0]"


LONG = {
    "tree": "DecisionTreeClassifier(random_state=0).fit(np.concatenate([X + i for i in range(7)]), np.tile(noise, 7))",
    "absolute error": "DecisionTreeRegressor(criterion='absolute_error', random_state=0).fit(X[:10**5], real[:10**5])",
    "forest": "RandomForestClassifier(10**4, random_state=0, n_jobs=2).fit(X, noise)",
    "small forest": "RandomForestClassifier(10**6, random_state=0, n_jobs=2).fit(small, small_y)",
    "extra trees": "ExtraTreesRegressor(10**4, random_state=0).fit(X, real)",
    "boosting": "GradientBoostingRegressor(n_estimators=10**4).fit(X, real)",
    "AdaBoost": "AdaBoostClassifier(n_estimators=10**4).fit(X, noise)",
    "bagging": "BaggingClassifier(n_estimators=10**4).fit(X, noise)",
}


@unix
@pytest.mark.timing
@pytest.mark.parametrize("call", LONG)
def test_ctrl_c_stops_within_a_second(call):
    setting = (
        MAKE
        + """
    fastml.set_config(n_threads=2)
    X, y = data(300_000, 10)
    noise = np.random.RandomState(1).randint(0, 2, len(X))
    real = np.random.RandomState(2).randn(len(X))
    small, small_y = X[:100], y[:100]
    """
    )
    assert_stops_within_a_second(
        setting, LONG[call], "model(RandomForestClassifier(5, random_state=0), small, small_y)"
    )


LEAKS = {
    "tree": "DecisionTreeClassifier(random_state=i).fit(X, y)",
    "forest": "RandomForestClassifier(3, random_state=i, oob_score=False).fit(X, y)",
    "boosting": "GradientBoostingRegressor(n_estimators=2, random_state=i).fit(X, y)",
    "answers": "tree.predict(X), forest.predict_proba(X), forest.predict(X[:1]), forest.apply(X)",
    "failures": "fails(i)",
}


@linux
@pytest.mark.parametrize("name", LEAKS)
def test_hundreds_of_calls_leave_nothing(name):
    setting = (
        MAKE
        + """
    fastml.set_config(n_threads=2)
    X, y = data(400, 6)
    tree, forest = DecisionTreeClassifier(random_state=0).fit(X, y), RandomForestClassifier(9).fit(X, y)

    def fails(i):
        try:
            DecisionTreeClassifier(max_depth=-1 if i % 2 else None).fit(X * (1 if i % 2 else np.inf), y)
        except ValueError:
            pass
    """
    )
    assert abs(growth(setting, LEAKS[name])) < 4


PEAKS = {
    "tree": (10, "make.tree.DecisionTreeClassifier(random_state=0, max_depth=12)"),
    "regression": (10, "make.tree.DecisionTreeRegressor(random_state=0, max_depth=12)"),
    "forest": (10, "make.ensemble.RandomForestClassifier(6, random_state=0, n_jobs=2, max_depth=12)"),
    "extra trees": (10, "make.ensemble.ExtraTreesClassifier(6, random_state=0, n_jobs=2, max_depth=12)"),
    "many shallow trees": (1, "make.ensemble.RandomForestRegressor(60, random_state=0, n_jobs=2, max_depth=3)"),
}


@linux
@pytest.mark.slow
@pytest.mark.parametrize("name", PEAKS)
def test_peak(name):
    """At most scikit-learn's peak for the same n_jobs, 16 bytes an entry of X, and 8 an entry and thread."""
    program = (
        MEASURE
        + MAKE
        + """
    import sklearn, sklearn.ensemble, sklearn.tree, fastml.ensemble, fastml.tree
    fastml.set_config(n_threads=2)
    X, y = data(200_000, int(sys.argv[3]))
    make = {"sklearn": sklearn, "fastml": fastml}[sys.argv[2]]
    eval(sys.argv[1]).fit(X[:2000], y[:2000])
    print(peak_of(lambda: eval(sys.argv[1]).fit(X, y)))
    """
    )
    n_features, call = PEAKS[name]
    theirs, ours = (float(run(program, call, library, str(n_features), **EXACT)) for library in ("sklearn", "fastml"))
    entries = 200_000 * n_features / 2**20
    assert ours <= theirs + 16 * entries + 2 * 8 * entries
