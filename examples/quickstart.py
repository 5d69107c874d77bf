"""Run an unchanged scikit-learn script plain and through fastml: both times, whether the results are equal, a picture.

python examples/quickstart.py
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

SCRIPT = Path(__file__).with_name("kmeans_digits.py")
PICTURE = Path("kmeans_digits.png")
WAYS = {"scikit-learn": [sys.executable, str(SCRIPT)], "fastml": [sys.executable, "-m", "fastml", str(SCRIPT)]}
ROUNDS = 3


def run(command):
    """What the script printed and saved, and the seconds that the whole process took."""
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder, "found.npz")
        start = time.perf_counter()
        done = subprocess.run([*command, str(saved)], capture_output=True, text=True)
        whole = time.perf_counter() - start
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
        with np.load(saved) as arrays:
            return {"printed": done.stdout, "whole": whole} | {name: arrays[name] for name in arrays}


def tell_of_load():
    """Other programs' work slows scikit-learn's OpenMP threads, which wait for each other, far more than fastml's."""
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > os.cpu_count():
        print(
            f"  (the machine is busy: load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores. scikit-learn suffers "
            "from that more than fastml does; on an idle machine the ratio is smaller)"
        )


def compare(plain, ours):
    """Print what is equal and how nearly; True where everything is as promised."""
    print("\nthe results, fastml's against scikit-learn's:")
    good = plain["printed"] == ours["printed"]
    print(f"  {'printed text':<29} {'equal' if good else 'DIFFERENT'}")
    if not str(ours["made_by"]).startswith("fastml."):
        print(f"  but KMeans came from {ours['made_by']}: fastml did not take part")
        good = False
    for name in ("labels", "mini_labels", "nearest"):
        equal = np.array_equal(plain[name], ours[name])
        good &= equal
        print(f"  {name:<29} {'all ' + str(plain[name].size) + ' equal' if equal else 'DIFFERENT'}")
    for name in ("centres", "mini_centres", "inertia", "mini_inertia", "elbow"):
        difference = np.max(np.abs(plain[name] - ours[name]) / np.max(np.abs(plain[name])))
        good &= difference < 1e-10
        print(f"  {name:<29} relative difference {difference:.1e}")
    return good


def draw(found, seconds):
    """Save the centres that both ways found, and the times."""
    try:
        import matplotlib
    except ImportError:
        print("\nno picture: it needs matplotlib (pip install matplotlib)")
        return
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(10, 3), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(3, 1))
    for part, (name, result) in zip(left.subfigures(2, 1), found.items(), strict=True):
        part.suptitle(f"centres found with {name}", fontsize=9)
        for ax, centre in zip(part.subplots(1, 10), result["centres"], strict=True):
            ax.imshow(centre.reshape(8, 8), cmap="gray_r")
            ax.set_axis_off()
    ax = right.subplots()
    bars = ax.bar(list(seconds), list(seconds.values()), color=("#9aa5b1", "#2f81f7"))
    ax.bar_label(bars, fmt="%.2f s")
    ax.set_title("seconds for the script's work", fontsize=9)
    ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(PICTURE, dpi=150)
    print(f"\nthe picture is in {PICTURE.resolve()}")


def main():
    times, wholes, found = {name: [] for name in WAYS}, {name: [] for name in WAYS}, {}
    for round_ in range(ROUNDS):  # in turns: a machine's speed changes within seconds
        for name, command in WAYS.items():
            print(f"round {round_ + 1} of {ROUNDS}: {SCRIPT.name} with {name}", file=sys.stderr, flush=True)
            found[name] = run(command)
            times[name].append(float(found[name]["seconds"]))
            wholes[name].append(found[name]["whole"])
    plain, ours = found.values()
    print(f"\n{plain['printed']}\nthe times, median of {ROUNDS} runs each:")
    seconds = {name: median(values) for name, values in times.items()}
    for name, value in seconds.items():
        print(
            f"  {name:<14} {value:7.3f} s of work, {median(wholes[name]):7.3f} s with the start of Python and imports, "
            f"KMeans from {found[name]['made_by']}"
        )
    print(f"  fastml is {seconds['scikit-learn'] / seconds['fastml']:.1f} times as fast")
    tell_of_load()
    good = compare(plain, ours)
    draw(found, seconds)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
