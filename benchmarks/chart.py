"""One picture of measured ratios: horizontal bars, readable on a light page and on a dark one.

python -m benchmarks.chart docs/ratios.svg kmeans.json trees.json     of what several runs of benchmarks.compare wrote
"""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from benchmarks.verdict import OURS

INK = "#768390"  # contrast about 4 against white and against GitHub's dark page
BARS = {"float64": "#2f81f7", "float32": "#56b4a6"}
PEERS = {
    "sklearnex": ("D", "#d29922"),
    "faiss": ("s", "#db6d28"),
    "scipy": ("o", "#57ab5a"),
    "lightgbm": ("^", "#a371f7"),
    "xgboost": ("v", "#e5534b"),
}
BETWEEN = 0.7  # space between families, in bars
LONG = 15  # ratios from which a linear axis would crush the short bars


def draw(cells, facts, path):
    """Draw fastml's ratios at the smallest number of threads of ``cells``, peers as marks on the same lines."""
    n_threads = min(cell["threads"] for cell in cells)
    cells = [cell for cell in cells if cell["threads"] == n_threads and cell["contenders"][OURS]["ratio"]]
    places = placed(cells)
    dtypes = [dtype for dtype in BARS if any(cell["dtype"] == dtype for cell in cells)]
    thickness = 0.8 / len(dtypes)

    figure, axes = plt.subplots(figsize=(9, 1.2 + 0.42 * (1 + max(places.values()))), layout="constrained")
    peers = set()
    for cell in cells:
        offset = (dtypes.index(cell["dtype"]) - (len(dtypes) - 1) / 2) * thickness
        peers |= draw_cell(axes, cell, places[key(cell)] + offset, thickness)
    if max(ratio_of(cell, OURS) for cell in cells) > LONG:
        axes.set_xscale("log")
    axes.set_yticks(list(places.values()), [text for _, text in places])
    axes.invert_yaxis()
    axes.axvline(1, color=INK, linewidth=1)
    axes.set_xlabel(caption(facts, n_threads), color=INK)
    handles = [Patch(color=BARS[dtype], label=f"fastml, {dtype}") for dtype in dtypes]
    handles += [Line2D([], [], marker=PEERS[name][0], color=PEERS[name][1], linestyle="none", label=name)
                for name in PEERS if name in peers]  # fmt: skip
    figure.legend(
        handles=handles, frameon=False, labelcolor=INK, fontsize=8, loc="outside upper center", ncols=len(handles)
    )
    plain(axes)
    figure.savefig(path, transparent=True, dpi=160)
    plt.close(figure)


def draw_cell(axes, cell, y, thickness):
    """One bar, its number, and the marks of peers; returns the peers' names."""
    value = ratio_of(cell, OURS)
    axes.barh(y, value, thickness * 0.9, color=BARS[cell["dtype"]])
    axes.text(value, y, f" {value:.1f}x", va="center", color=INK, fontsize=8)
    found = {name: ratio_of(cell, name) for name in PEERS if ratio_of(cell, name)}
    for name, peer in found.items():
        mark, color = PEERS[name]
        axes.plot(peer, y, mark, color=color, markersize=4)
    return set(found)


def placed(cells):
    """Where the bars stand: by family and title, families apart."""
    keys = dict.fromkeys(key(cell) for cell in cells)
    families = list(dict.fromkeys(family for family, _ in keys))
    return {each: i + BETWEEN * families.index(each[0]) for i, each in enumerate(keys)}


def key(cell):
    return cell["family"], cell["about"] or cell["workload"]


def ratio_of(cell, name):
    measured = cell["contenders"].get(name, {}).get("ratio")
    return measured and measured["ratio"]


def caption(facts, n_threads):
    version = facts["versions"].get("sklearn", {}).get("scikit-learn", "")
    threads = "one thread" if n_threads == 1 else f"{n_threads} threads"
    return f"times as fast as scikit-learn {version}, {threads}, {facts['machine']['cpu']}"


def plain(axes):
    """Only what is read: numbers below, names at the left."""
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}x"))
    axes.margins(x=0.08)
    axes.tick_params(colors=INK, labelsize=8)
    for name, spine in axes.spines.items():
        spine.set_visible(name == "bottom")
        spine.set_color(INK)


def main(picture, *paths):
    runs = [json.loads(Path(path).read_text()) for path in paths]
    draw([cell for run in runs for cell in run["cells"]], runs[0], picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
