"""One contender's process: it lives for a whole run, so that imports, pools and compiled code are paid once.

The parent has set the thread counts in the environment before this process imported anything. Requests and answers are
pickles on a private pair of pipes; what a library prints goes to stderr.
"""

import gc
import logging
import os
import pickle
import platform
import sys
import time
import traceback
from contextlib import contextmanager
from importlib import metadata

DISTRIBUTIONS = {
    "fastml": "fastml-kernels",
    "sklearn": "scikit-learn",
    "sklearnex": "scikit-learn-intelex",
    "faiss": "faiss-cpu",
}


def versions(name):
    """Versions behind a contender's figures."""
    found = {"python": platform.python_version()}
    for distribution in ("numpy", "scipy", "scikit-learn", DISTRIBUTIONS.get(name, name)):
        try:
            found[distribution] = metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
    if name == "fastml":
        import fastml
        import fastml._kernels

        found["fastml"] = fastml.__version__
        found["isa"] = fastml._kernels.ISA or "none: a pure build"
    return found


@contextmanager
def said_by_fastml():
    """Collect what fastml's logger tells: that it fell back, and why. Figures of a fallback must not pass for ours."""
    lines, logger = [], logging.getLogger("fastml")
    handler, level = logging.Handler(), logger.level
    handler.emit = lambda record: lines.append(record.getMessage())
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


class Worker:
    """Answers the parent's requests, each a method of this class by name."""

    def __init__(self, family_name, contender_name):
        from benchmarks.families import family

        self.family = family(family_name)
        self.contender_name = contender_name
        self.contender = self.family.CONTENDERS[contender_name]()
        self.workloads = {workload.name: workload for workload in self.family.WORKLOADS}
        self.task = None
        self._data_key, self._data = None, None

    def hello(self):
        return versions(self.contender_name)

    def prepare(self, workload_name, dtype):
        """Make data and task, run once untimed-for-the-record, and tell what came out and how long it took."""
        from benchmarks.workload import NotOffered, digest, prepare

        workload = self.workloads[workload_name]
        self.task = None  # the last task's arrays go before the next ones come
        if self._data_key != (workload.data, dtype):
            self._data_key, self._data = None, None
            self._data_key, self._data = (workload.data, dtype), workload.data(dtype)
        try:
            self.task = prepare(workload, self.contender, dtype, self._data)
        except NotOffered as missing:
            return {"missing": str(missing)}
        with said_by_fastml() as lines:
            start, start_cpu = time.perf_counter(), time.process_time()
            result = self.task.run()
            wall, cpu = time.perf_counter() - start, time.process_time() - start_cpu
        outcome = {"note": "; ".join(dict.fromkeys(lines))} | self.task.outcome(result)
        return {"outcome": outcome, "digest": digest(self._data), "wall": wall, "cpu": cpu}

    def measure(self, repeat):
        """Wall and CPU seconds of one run, averaged over ``repeat`` runs in a row."""
        gc.collect()
        if repeat > 1:
            self.task.run()  # the other contenders have had the caches since
        return timed(self.task.run, repeat)


def timed(run, repeat):
    """Wall and CPU seconds of one call of ``run``, averaged over ``repeat`` calls without garbage collection."""
    gc.disable()
    try:
        start, start_cpu = time.perf_counter(), time.process_time()
        for _ in range(repeat):
            run()
        wall, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    finally:
        gc.enable()
    return wall / repeat, cpu / repeat


def main(family_name, contender_name):
    requests = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not write into the answers
    worker = None
    while True:
        try:
            method, arguments = pickle.load(requests)
        except EOFError:
            return
        try:
            worker = worker or Worker(family_name, contender_name)
            answer = (True, getattr(worker, method)(*arguments))
        except Exception:
            answer = (False, traceback.format_exc())
        pickle.dump(answer, answers, protocol=pickle.HIGHEST_PROTOCOL)
        answers.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
