import threading

import numpy as np
import pytest
import sklearn

import fastml
from fastml import _config

OURS = {"n_threads": "auto", "device": "cpu", "backend": "cython", "strict": False}


@pytest.fixture(autouse=True)
def defaults():
    yield
    assert _config.current() == _config.DEFAULT, "a test left options behind"


def ours():
    return {key: fastml.get_config()[key] for key in OURS}


def test_the_defaults_and_scikit_learns_options():
    assert fastml.get_config() == {**sklearn.get_config(), **OURS}


def test_set_config_keeps_what_it_is_not_told():
    fastml.set_config(n_threads=np.int64(3), strict=True)
    fastml.set_config(device="auto", n_threads=None)
    assert ours() == OURS | {"n_threads": 3, "strict": True, "device": "auto"}
    assert type(fastml.get_config()["n_threads"]) is int
    fastml.set_config(**OURS)
    assert ours() == OURS


def test_what_get_config_returns_can_be_set():
    before = fastml.get_config()
    fastml.set_config(**before)
    assert fastml.get_config() == before


def test_contexts_nest_and_restore():
    with fastml.config_context(n_threads=2):
        with fastml.config_context(strict=True, n_threads="auto"):
            assert ours() == OURS | {"strict": True}
            fastml.set_config(backend="numba")
        assert ours() == OURS | {"n_threads": 2}
    assert ours() == OURS


def test_a_context_restores_after_an_error():
    with pytest.raises(ZeroDivisionError), fastml.config_context(n_threads=2, assume_finite=True):
        raise ZeroDivisionError
    assert fastml.get_config() == {**sklearn.get_config(), **OURS}
    assert not sklearn.get_config()["assume_finite"]


def test_a_context_decorates():
    @fastml.config_context(n_threads=5)
    def n_threads():
        return fastml.get_config()["n_threads"]

    assert n_threads() == 5


def test_scikit_learns_options_are_handed_on():
    with fastml.config_context(transform_output="pandas", n_threads=2):
        assert sklearn.get_config()["transform_output"] == "pandas"
        fastml.set_config(working_memory=7)
        assert sklearn.get_config()["working_memory"] == 7
    assert sklearn.get_config()["transform_output"] == "default"
    assert sklearn.get_config()["working_memory"] == 1024


def test_another_thread_starts_with_the_defaults():
    seen = []
    with fastml.config_context(n_threads=2, strict=True):
        thread = threading.Thread(target=lambda: seen.append(ours()))
        thread.start()
        thread.join()
    assert seen == [OURS]


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("n_threads", 0, "at least 1; got 0"),
        ("n_threads", -1, "got -1"),
        ("n_threads", 2.0, "got 2.0"),
        ("n_threads", True, "got True"),
        ("n_threads", "all", "got 'all'"),
        ("device", "gpu", "'cpu', 'cuda', 'auto'; got 'gpu'"),
        ("backend", "c", "'cython', 'numba'; got 'c'"),
        ("strict", "yes", "got 'yes'"),
    ],
)
def test_bad_values_are_named(option, value, words):
    with pytest.raises(ValueError, match=words):
        fastml.set_config(**{option: value})
    with pytest.raises(ValueError, match=words), fastml.config_context(**{option: value}):
        pass
    assert ours() == OURS


def test_unknown_options_are_scikit_learns_to_refuse():
    with pytest.raises(TypeError, match="n_thread"):
        fastml.set_config(n_thread=2)
    with pytest.raises(TypeError, match="n_thread"), fastml.config_context(n_thread=2):
        pass
