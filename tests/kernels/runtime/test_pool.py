"""The pool, driven through the function pointer that kernels call, with Python bodies.

``pool_stress.c`` beside this file is the same with C bodies, for the sanitizers.
"""

import ctypes
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.kernels.twins import compiled

pytestmark = compiled

BODY = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_ssize_t)


def exported(name, restype, *argtypes):
    """The C function of a ``cdef`` function of the pool."""
    from fastml._kernels.runtime import pool

    capsule = pool.__pyx_capi__[name]
    ctypes.pythonapi.PyCapsule_GetName.restype = ctypes.c_char_p
    ctypes.pythonapi.PyCapsule_GetName.argtypes = [ctypes.py_object]
    ctypes.pythonapi.PyCapsule_GetPointer.restype = ctypes.c_void_p
    ctypes.pythonapi.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    address = ctypes.pythonapi.PyCapsule_GetPointer(capsule, ctypes.pythonapi.PyCapsule_GetName(capsule))
    return ctypes.CFUNCTYPE(restype, *argtypes)(address)


def parallel_for(function, n_chunks, n_threads):
    run = exported("parallel_for", None, BODY, ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int)
    run(BODY(lambda _, i: function(i)), None, n_chunks, n_threads)


def worker():
    return exported("worker", ctypes.c_int)()


def visits(n_chunks, n_threads):
    seen = [0] * n_chunks

    def count(i):
        seen[i] += 1

    parallel_for(count, n_chunks, n_threads)
    return seen


@pytest.mark.parametrize("n_threads", range(1, 9))
@pytest.mark.parametrize("n_chunks", [0, 1, 2, 3, 7, 100, 1000])
def test_each_index_once(n_chunks, n_threads):
    for _ in range(3):
        assert visits(n_chunks, n_threads) == [1] * n_chunks


@pytest.mark.parametrize("n_threads", [-1, 0])
def test_no_threads_means_the_caller_alone(n_threads):
    assert visits(10, n_threads) == [1] * 10


def test_worker_numbers_are_those_of_different_threads():
    number_of = {}
    for _ in range(20):
        names = {}

        def note(_, names=names):
            names.setdefault(threading.get_ident(), set()).add(worker())
            time.sleep(0.001)

        parallel_for(note, 8, 4)
        numbers = [number for found in names.values() for number in found]
        assert all(len(found) == 1 for found in names.values())
        assert len(set(numbers)) == len(numbers)
        assert set(numbers) <= set(range(4))
        assert names[threading.get_ident()] == {0}
        number_of.update(names)
    assert len(number_of) > 1, "no worker ever helped"
    assert worker() == 0


def test_the_caller_does_all_when_no_worker_comes():
    # More threads than cores: the region must not wait for workers that have not joined.
    assert visits(64, 64) == [1] * 64


def test_nested_regions_run_inline():
    inner, outside = [], []

    def outer(i):
        thread, number = threading.get_ident(), worker()

        def body(j):
            inner.append((i, j, threading.get_ident() == thread, worker()))

        parallel_for(body, 5, 4)
        outside.append(worker() == number)

    parallel_for(outer, 6, 3)
    assert sorted(entry[:2] for entry in inner) == [(i, j) for i in range(6) for j in range(5)]
    assert all(same and number == 0 for *_, same, number in inner)
    assert outside == [True] * 6


def test_eight_python_threads_at_once():
    wrong = []

    def work(seed):
        for round_ in range(25):
            n = (seed * 37 + round_ * 11) % 90
            if visits(n, 1 + (seed + round_) % 8) != [1] * n:
                wrong.append((seed, round_))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def in_child(function):
    """Exit status of a forked child that runs the function; it is killed after ten seconds."""
    child = os.fork()
    if not child:
        signal.alarm(10)
        status = 1
        try:
            status = 0 if function() else 1
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1]


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


@forks
def test_a_forked_child_starts_afresh():
    from fastml._kernels.runtime import pool

    assert visits(20, 4) == [1] * 20
    assert pool.size() >= 3
    for _ in range(10):
        assert in_child(lambda: pool.size() == 0 and visits(20, 4) == [1] * 20 and pool.size() == 3) == 0
    assert visits(20, 4) == [1] * 20


@forks
def test_fork_while_other_threads_are_in_regions():
    """Their bodies take no GIL: CPython's own locks do not survive a fork while other threads enter the interpreter."""
    stop, run = threading.Event(), exported("parallel_for", None, BODY, ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int)
    nothing = ctypes.cast(ctypes.CDLL(None).free, BODY)  # of NULL

    def work():
        while not stop.is_set():
            run(nothing, None, 3000, 3)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        statuses = [in_child(lambda: visits(20, 3) == [1] * 20) for _ in range(20)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert statuses == [0] * 20


def test_an_idle_pool_uses_no_cpu():
    visits(100, 4)
    time.sleep(0.05)
    before = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - before < 0.05


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_workers_are_named_and_leave_signals_to_python():
    ours, until = [], time.monotonic() + 10
    while len(ours) < 3 and time.monotonic() < until:  # on a busy machine the work is done before all have begun
        visits(20, 4)
        statuses = [path.read_text() for path in Path("/proc/self/task").glob("*/status")]
        ours = [
            dict(line.split(":\t", 1) for line in s.splitlines()) for s in statuses if s.startswith("Name:\tfastml-")
        ]
    assert len(ours) >= 3
    for status in ours:
        assert int(status["SigBlk"], 16) >> (signal.SIGINT - 1) & 1
