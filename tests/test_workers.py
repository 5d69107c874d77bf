"""fastml's options in the workers of scikit-learn's parallel loops."""

import inspect
import subprocess
import sys

import joblib
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.utils import parallel

import fastml
from fastml import _config, _workers
from tests import fake

X = np.arange(12.0).reshape(6, 2)


@pytest.mark.parametrize("backend", ["loky", "threading", "sequential"])
def test_options_reach_the_workers(backend):
    loop = parallel.Parallel(n_jobs=2, backend=backend)
    with fastml.config_context(n_threads=3, strict=True):
        here = _config.current()
        assert loop(parallel.delayed(_config.current)() for _ in range(5)) == [here] * 5
    assert loop(parallel.delayed(_config.current)() for _ in range(5)) == [_config.DEFAULT] * 5
    assert _config.current() == _config.DEFAULT


def test_the_options_are_those_of_the_call():
    """Tasks are sent in the course of the loop, from threads that do not have them."""

    def tasks():
        for _ in range(20):
            yield parallel.delayed(_config.current)()

    loop = parallel.Parallel(n_jobs=2, backend="threading", return_as="generator", pre_dispatch=2)
    with fastml.config_context(n_threads=3):
        results = loop(tasks())
        first = next(results)
    assert {options.n_threads for options in (first, *results)} == {3}


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_options_reach_estimators_in_a_search(backend):
    with fastml.config_context(n_threads=3), joblib.parallel_config(backend):
        search = GridSearchCV(
            fake.Binarizer(), {"threshold": [0.0, 1.0]}, cv=2, n_jobs=2, scoring=lambda est, X, y=None: tell(est)
        ).fit(X)
    assert set(search.cv_results_["mean_test_score"]) == {3}


def tell(est):
    return est.n_threads_


def test_scikit_learns_options_still_arrive():
    import sklearn

    loop = parallel.Parallel(n_jobs=2, backend="threading")
    with fastml.config_context(n_threads=3, working_memory=77):
        assert loop([parallel.delayed(sklearn.get_config)()])[0]["working_memory"] == 77


def test_joblibs_own_delayed_is_left_alone():
    with fastml.config_context(n_threads=3), pytest.warns(UserWarning, match="in conjunction with"):
        assert parallel.Parallel(n_jobs=1)([joblib.delayed(abs)(-1)]) == [1]


def test_scikit_learn_is_untouched_until_an_option_is_set():
    code = (
        "import fastml\nfrom sklearn.utils.parallel import Parallel\nplain = Parallel.__call__\n"
        "fastml.set_config(device='cpu')\nfastml.patch_sklearn([])\nassert Parallel.__call__ is plain\n"
        "fastml.set_config(n_threads=2)\nassert Parallel.__call__ is not plain"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_the_hook_is_installed_once():
    _workers.install()
    before = parallel.Parallel.__call__
    _workers.install()
    assert parallel.Parallel.__call__ is before


def test_what_we_rely_on_in_scikit_learn():
    function = parallel.delayed(abs)(-1)[0]
    assert function.function is abs
    assert hasattr(function, "with_config_and_warning_filters")
    plain = inspect.unwrap(parallel.Parallel.__call__)
    assert list(inspect.signature(plain).parameters) == ["self", "iterable"]
