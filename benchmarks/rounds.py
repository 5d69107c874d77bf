"""Interleaved measurement: every contender in its own process, one round after the other over all of them.

Times on a shared machine drift by a factor of two within minutes; a ratio of neighbours in time does not.
"""

import os
import pickle
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

SHORTEST = 0.02  # seconds: shorter runs are repeated within a round until they take as long
ROOT = Path(__file__).resolve().parent.parent
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "FASTML_NUM_THREADS",
)


class ContenderFailed(Exception):
    """A contender's process raised or died; the text is its traceback or exit status."""


class Contender:
    """The parent's end of a `benchmarks.worker` process; started when first asked, restarted after it died."""

    def __init__(self, family_name, name, n_threads):
        self.family_name, self.name, self.n_threads = family_name, name, n_threads
        self.process = None

    def start(self):
        environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(self.n_threads))
        command = [sys.executable, "-m", "benchmarks.worker", self.family_name, self.name]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def ask(self, method, *arguments):
        if self.process is None:
            self.start()
        try:
            pickle.dump((method, arguments), self.process.stdin)
            self.process.stdin.flush()
            good, answer = pickle.load(self.process.stdout)
        except (EOFError, BrokenPipeError, pickle.UnpicklingError):
            status = self.process.wait()
            self.close()
            raise ContenderFailed(f"the process of {self.name} died with status {status}") from None
        if not good:
            raise ContenderFailed(answer)
        return answer

    def close(self):
        """End the process; closing its input is the request."""
        if self.process is None:
            return
        process, self.process = self.process, None
        process.stdout.close()
        try:
            process.stdin.close()
        except BrokenPipeError:  # it died with a request unread
            process.kill()
        process.wait()


@dataclass
class Samples:
    """One contender's side of a cell: seconds per run, one entry a round, or why there are none."""

    wall: list = field(default_factory=list)
    cpu: list = field(default_factory=list)
    outcome: dict | None = None
    missing: str | None = None  # the contender does not offer this
    error: str | None = None


def measure_cell(contenders, workload_name, dtype, n_rounds, budget=None):
    """Samples of every contender for one workload: dict by contender name.

    ``budget`` bounds the seconds spent on the cell, at the price of rounds: where already the first, warming run of
    all contenders exceeds it, that run is the only sample.
    """
    samples, repeats, digests, first = {}, {}, {}, {}
    for contender in contenders:
        mine = samples[contender.name] = Samples()
        try:
            answer = contender.ask("prepare", workload_name, dtype)
        except ContenderFailed as failure:
            mine.error = str(failure)
            continue
        mine.missing, mine.outcome = answer.get("missing"), answer.get("outcome")
        if mine.missing is None:
            digests[contender.name] = answer["digest"]
            first[contender.name] = (answer["wall"], answer["cpu"])
    if len(set(digests.values())) > 1:
        raise RuntimeError(f"{workload_name}: the contenders made different data, {digests}")

    running = [contender for contender in contenders if contender.name in first]
    if budget is not None:
        one_round = sum(max(wall, SHORTEST) for wall, _ in first.values())
        n_rounds = min(n_rounds, int(budget / one_round) if one_round else n_rounds)
    if n_rounds < 1:
        for contender in running:
            wall, cpu = first[contender.name]
            samples[contender.name].wall, samples[contender.name].cpu = [wall], [cpu]
        return samples
    try:
        for contender in running:  # the first run paid for page faults and lazy imports: calibrate on a second one
            wall = first[contender.name][0]
            wall = wall if wall > SHORTEST else contender.ask("measure", 1)[0]
            repeats[contender.name] = max(1, round(SHORTEST / max(wall, 1e-7)))
        for round_ in range(n_rounds):
            for contender in running if round_ % 2 == 0 else reversed(running):
                wall, cpu = contender.ask("measure", repeats[contender.name])
                samples[contender.name].wall.append(wall)
                samples[contender.name].cpu.append(cpu)
    except ContenderFailed as failure:
        samples[contender.name].error = str(failure)
    return samples
