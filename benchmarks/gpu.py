"""Every CUDA path beside the CPU: the same workloads on both devices, results compared, times in one table.

    python -m benchmarks.gpu                            # or some families: kmeans neighbors
    NUMBA_ENABLE_CUDASIM=1 python -m benchmarks.gpu     # without a GPU: the simulator, tiny data, times without meaning

Exits with 1 where a result differs from the CPU's. Without a GPU it says so and exits with 0.
"""

import argparse
import os
import sys
from statistics import median

import fastml
from benchmarks import families
from benchmarks.report import seconds
from benchmarks.verdict import agreement, in_words
from benchmarks.worker import timed
from benchmarks.workload import prepare, small

ROUNDS = 5
# The simulator runs each CUDA thread as a Python thread.
TINY = {"n": 40, "d": 3, "k": 3, "density": 0.5, "n_estimators": 2}
HEADER = f"{'workload':<18} {'dtype':<8} {'CPU':>9} {'GPU':>9} {'ratio':>7}  agreement with the CPU"


def device_name():
    """The GPU's name, None where there is none."""
    try:
        from numba import cuda
    except ImportError:
        return None
    if os.environ.get("NUMBA_ENABLE_CUDASIM") == "1":
        return "the CUDA simulator"
    if not cuda.is_available():
        return None
    name = cuda.get_current_device().name
    return name.decode() if isinstance(name, bytes) else name


def watched(contender):
    """A contender class that keeps the estimators and functions it used, to be asked where they ran."""

    class Watched(contender):
        def __init__(self):
            super().__init__()
            self.used = []

        def own(self, name):
            found = super().own(name)
            if not isinstance(found, type):
                self.used.append(found)
                return found

            def construct(**parameters):
                self.used.append(found(**parameters))
                return self.used[-1]

            return construct

        def device(self):
            """Where the latest call ran: a fit that only prepared a prediction does not count."""
            return list(fastml.explain(self.used[-1]).values())[-1].device

    return Watched


def outcome_on(device, contender_class, workload, dtype, data):
    """What the workload gives on a device: outcome, a function that takes its time, and the device that it ran on."""
    with fastml.config_context(device=device):
        contender = watched(contender_class)()
        task = prepare(workload, contender, dtype, data)
        outcome = task.outcome(task.run())

    def measure():
        with fastml.config_context(device=device):
            return timed(task.run, 1)[0]

    return outcome, measure, contender.device()


def differs(compared, dtype):
    """Whether an `agreement` is worse than rounding explains; labels are promised equal in float64."""
    wrong = []
    for value in compared.values():
        if isinstance(value, str):
            wrong.append(True)
        elif "different" in value:
            wrong.append(value["different"] > (0 if dtype == "float64" else 1e-4 * value["of"]))
        elif "reference" in value:
            wrong.append(dtype == "float64" and value["value"] != value["reference"])
        else:
            wrong.append(value["difference"] > (1e-10 if dtype == "float64" else 1e-4))
    return any(wrong)


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__.split("\n\n")[0])
    parser.add_argument("families", nargs="*", metavar="family", help=f"{', '.join(families.names())}; default: all")
    parser.add_argument("--filter", default="", metavar="TEXT", help="only workloads whose name contains TEXT")
    options = parser.parse_args()
    name = device_name()
    if name is None:
        print("no GPU here: numba.cuda finds no device, so nothing was checked (NUMBA_ENABLE_CUDASIM=1 simulates one)")
        return 0
    simulated = "simulator" in name
    print(f"# {name}\n{HEADER}")
    wrong, without = 0, []
    for family in map(families.family, options.families or families.names()):
        for workload in family.WORKLOADS:
            if workload.grid or options.filter not in workload.name:
                continue
            if simulated and not hasattr(workload.data, "n"):  # a data set cannot be made tiny
                continue
            workload = small(workload, **TINY) if simulated else workload
            for dtype in ("float64", "float32"):
                data = workload.data(dtype)
                on_cpu, cpu, _ = outcome_on("cpu", family.CONTENDERS["fastml"], workload, dtype, data)
                on_gpu, gpu, device = outcome_on("cuda", family.CONTENDERS["fastml"], workload, dtype, data)
                if device != "cuda":
                    without.append(workload.name)
                    continue
                times = [(cpu(), gpu()) for _ in range(1 if simulated else ROUNDS)]
                cpu_time, gpu_time = (median(side) for side in zip(*times, strict=True))
                compared = agreement(on_cpu, on_gpu)
                bad = differs(compared, dtype)
                wrong += bad
                print(
                    f"{workload.name:<18} {dtype:<8} {seconds(cpu_time):>9} {seconds(gpu_time):>9} "
                    f"{cpu_time / gpu_time:>6.2f}x  {'WRONG: ' if bad else ''}{in_words(compared)}",
                    flush=True,
                )
    if without:
        print(f"without a CUDA path: {', '.join(dict.fromkeys(without))}")
    print(f"{wrong} results differ from the CPU's by more than rounding")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
