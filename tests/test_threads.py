import os

import joblib
import pytest

import fastml
from fastml import _threads
from fastml._threads import effective_n_threads


@pytest.fixture
def process(monkeypatch):
    """Set what the process is told about its cores."""

    def settings(affinity=8, quota=None, **environment):
        for name in ("FASTML_NUM_THREADS", "OMP_NUM_THREADS"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(_threads, "_affinity", lambda: affinity)
        monkeypatch.setattr(_threads, "_cgroup_quota", lambda: quota)
        _threads._forget()

    yield settings
    _threads._forget()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, 8),
        ({"quota": 3}, 3),
        ({"quota": 30}, 8),
        ({"OMP_NUM_THREADS": "2"}, 2),
        ({"OMP_NUM_THREADS": "4,2"}, 4),
        ({"OMP_NUM_THREADS": "64"}, 8),
        ({"OMP_NUM_THREADS": "none"}, 8),
        ({"OMP_NUM_THREADS": "0"}, 8),
        ({"OMP_NUM_THREADS": "2", "FASTML_NUM_THREADS": "5"}, 5),
        ({"OMP_NUM_THREADS": "2", "FASTML_NUM_THREADS": ""}, 2),
        ({"OMP_NUM_THREADS": "2", "FASTML_NUM_THREADS": "0"}, 2),
    ],
)
def test_the_process_decides_by_default(process, settings, expected):
    process(**settings)
    assert effective_n_threads() == expected


def test_options_mean_exactly_that_many(process):
    process()
    with joblib.parallel_config(n_jobs=3), fastml.config_context(n_threads=64):
        assert effective_n_threads() == 64


@pytest.mark.parametrize(("n_jobs", "expected"), [(3, 3), (64, 64), (1, 1), (None, 8)])
def test_an_active_parallel_config_wins_over_the_default(process, n_jobs, expected):
    process()
    with joblib.parallel_config(n_jobs=n_jobs):
        assert effective_n_threads() == expected
    with joblib.parallel_config(backend="threading"):
        assert effective_n_threads() == 8
    assert effective_n_threads() == 8


def test_negative_n_jobs_count_from_all_cores():
    with joblib.parallel_config(n_jobs=-1):
        assert effective_n_threads() == joblib.cpu_count()
    with joblib.parallel_config(n_jobs=-1000):
        assert effective_n_threads() == 1


@pytest.mark.parametrize("n_jobs", [1, 2, 5])
def test_the_private_variable_says_what_joblib_says(n_jobs):
    with joblib.parallel_config(n_jobs=n_jobs):
        assert joblib.parallel.get_active_backend()[1] == n_jobs == _threads._of_joblib()
    assert _threads._of_joblib() is None


def test_the_processes_of_joblib_share_the_cores():
    expected = max(1, joblib.cpu_count() // 2)
    assert joblib.Parallel(n_jobs=2)(joblib.delayed(effective_n_threads)() for _ in range(2)) == [expected] * 2


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu.max": "max 100000"}, None),
        ({"cpu.max": "150000 100000"}, 2),
        ({"cpu.max": "10000 100000"}, 1),
        ({"cpu/cpu.cfs_quota_us": "400000", "cpu/cpu.cfs_period_us": "100000"}, 4),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ({}, None),
        ({"cpu.max": "garbage"}, None),
    ],
)
def test_the_quota_of_a_container(tmp_path, files, expected):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    assert _threads._cgroup_quota(tmp_path) == expected


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_looks_again(process, monkeypatch):
    process()
    assert effective_n_threads() == 8
    monkeypatch.setattr(_threads, "_affinity", lambda: 5)
    child = os.fork()
    if not child:
        os._exit(effective_n_threads())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5
    assert effective_n_threads() == 8
