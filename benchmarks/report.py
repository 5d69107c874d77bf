"""What a run tells: the table while it goes, the summary at the end, the JSON file that it can be resumed from."""

import json
import os
import platform
from datetime import UTC, datetime
from math import exp, log
from pathlib import Path
from statistics import median

from benchmarks.verdict import OURS, REFERENCE, agreement, in_words, ratio

SCHEMA = 1
HEADER = (
    f"{'workload':<30} {'dtype':<8} {'thr':>3} {'contender':<9} {'median':>9} {'sklearn':>9} {'ratio':>7} "
    f"{'[rounds]':>15} {'cpu':>7} {'fastml/it':>9} {'goal':>5}  agreement with scikit-learn"
)


def machine():
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1] for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].strip() if names else model
    return {"cpu": model, "cores": available_cores(), "platform": platform.platform()}


def available_cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def entries(samples, clock):
    """Samples of one cell as they stand in the JSON file: dict by contender."""
    reference, found = samples[REFERENCE], {}
    for name, mine in samples.items():
        entry = {"wall": mine.wall, "cpu": mine.cpu, "missing": mine.missing, "error": mine.error, "note": None}
        entry["ratio"], entry["cpu_ratio"] = ratio(reference, mine, clock), ratio(reference, mine, "cpu")
        if mine.outcome is not None:
            entry["note"] = mine.outcome.get("note")
            if name != REFERENCE and reference.outcome is not None:
                entry["agreement"] = agreement(reference.outcome, mine.outcome)
        found[name] = entry
    return found


class Report:
    """All cells of a run, by (family, workload, dtype, threads)."""

    def __init__(self, settings, path=None):
        self.path = Path(path) if path else None
        self.facts = {
            "schema": SCHEMA,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "settings": settings,
            "versions": {},
        }
        self.cells = {}

    def resume(self):
        """Take over the cells of an earlier run's file; those of another fastml, machine or clock are not the same."""
        if self.path is None or not self.path.exists():
            return
        earlier = json.loads(self.path.read_text())
        for key in ("schema", "machine"):
            if earlier[key] != self.facts[key]:
                raise SystemExit(f"{self.path} has {key} {earlier[key]}, this run has {self.facts[key]}: not resumed")
        for key in ("clock", "min_ratio"):
            if earlier["settings"][key] != self.facts["settings"][key]:
                raise SystemExit(f"{self.path} was run with another --{key.replace('_', '-')}: not resumed")
        self.facts["created"] = earlier["created"]
        self.facts["versions"] = earlier["versions"]
        self.cells = {key_of(cell): cell for cell in earlier["cells"]}

    def add_versions(self, name, versions):
        before = self.facts["versions"].setdefault(name, versions)
        if before != versions:
            raise SystemExit(f"{self.path} was measured with {name} {before}, this run has {versions}: not resumed")

    def add(self, cell):
        self.cells[key_of(cell)] = cell
        if self.path:
            partial = self.path.with_name(self.path.name + ".part")
            partial.write_text(json.dumps(self.facts | {"cells": list(self.cells.values())}, indent=1))
            partial.replace(self.path)


def key_of(cell):
    return cell["family"], cell["workload"], cell["dtype"], cell["threads"]


# --- text ------------------------------------------------------------------------------------------------------------


def seconds(value):
    for unit, scale in (("s", 1), ("ms", 1e3), ("us", 1e6)):
        if value * scale >= 1 or unit == "us":
            return f"{value * scale:.3g} {unit}"
    return None


def rows(cell, goal=None, which="contenders"):
    """The lines of one cell: one per contender beside scikit-learn."""
    found, threads = cell[which], cell["threads"]
    medians = {name: median(entry[cell["clock"]]) for name, entry in found.items() if entry["wall"]}
    for name, entry in found.items():
        if name == REFERENCE and not entry["error"]:
            continue
        start = f"{cell['workload']:<30} {cell['dtype']:<8} {threads:>3} {name:<9}"
        if entry["missing"]:
            yield f"{start} - {entry['missing']}"
        elif entry["error"]:
            yield f"{start} FAILED: {entry['error'].strip().splitlines()[-1]}"
        elif entry["ratio"] is None:
            yield f"{start} - scikit-learn has no time to compare with"
        else:
            measured, cpu = entry["ratio"], entry["cpu_ratio"]["ratio"]
            spread = f"[{measured['low']:.2f} {measured['high']:.2f}]"
            ours_over = f"{medians[name] / medians[OURS]:.2f}x" if name != OURS and OURS in medians else ""
            wanted = f"{goal:g}" if goal and name == OURS else ""
            yield (
                f"{start} {seconds(medians[name]):>9} {seconds(medians[REFERENCE]):>9} {measured['ratio']:>6.2f}x "
                f"{spread:>15} {cpu:>6.2f}x {ours_over:>9} {wanted:>5}  {remarks(entry, threads)}"
            )


def remarks(entry, threads):
    said = [in_words(entry.get("agreement", {}))]
    share = sum(entry["cpu"]) / sum(entry["wall"]) if sum(entry["wall"]) else 0
    if threads == 1 and share > 1.15:
        said.append(f"used {share:.1f} cores, not one")
    if threads == 1 and share < 0.8:
        said.append(f"busy machine, ran {share:.0%} of the time")
    if entry["note"]:
        said.append(entry["note"])
    return "; ".join(text for text in said if text)


def summary(cells):
    """Closing lines: how many cells, their mean, and by name each one in which fastml is slower."""
    ours = [(cell, cell["contenders"].get(OURS)) for cell in cells]
    measured = [(cell, entry["ratio"]["ratio"]) for cell, entry in ours if entry and entry["ratio"]]
    failed = [f"  {cell['workload']} {cell['dtype']}" for cell, entry in ours if not (entry and entry["ratio"])]
    if not measured:
        return ["no cell has both a time of fastml and one of scikit-learn"]
    mean = exp(sum(log(value) for _, value in measured) / len(measured))
    slower = sorted(((value, cell) for cell, value in measured if value < 1), key=lambda pair: pair[0])
    lines = [f"{len(measured)} cells, geometric mean {mean:.2f}x, least {min(v for _, v in measured):.2f}x"]
    lines.append(f"slower than scikit-learn: {len(slower)} cells" + (":" if slower else ""))
    for value, cell in slower:
        again = cell["again"] and cell["again"][OURS]["ratio"]
        second = f", measured again {again['ratio']:.2f}x" if again else ""
        lines.append(f"  {value:.2f}x{second}  {cell['workload']} {cell['dtype']} {cell['threads']} threads")
    if failed:
        lines += [f"no ratio, because one of the two failed: {len(failed)} cells:", *failed]
    return lines
