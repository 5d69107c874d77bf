"""One picture of measured ratios: horizontal bars, readable on a light page and on a dark one."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter

from benchmarks.verdict import OURS

INK = "#768390"  # contrast about 4 against white and against GitHub's dark page
BARS = {"float64": "#2f81f7", "float32": "#56b4a6"}
PEERS = {"sklearnex": ("D", "#d29922"), "faiss": ("s", "#db6d28")}


def draw(cells, facts, path):
    """Draw fastml's ratios at the smallest number of threads of ``cells``, peers as marks on the same lines."""
    n_threads = min(cell["threads"] for cell in cells)
    cells = [cell for cell in cells if cell["threads"] == n_threads and cell["contenders"][OURS]["ratio"]]
    labels = list(dict.fromkeys(cell["about"] or cell["workload"] for cell in cells))
    dtypes = [dtype for dtype in BARS if any(cell["dtype"] == dtype for cell in cells)]
    height = 0.8 / len(dtypes)

    figure, axes = plt.subplots(figsize=(9, 1.2 + 0.42 * len(labels)), layout="constrained")
    drawn = set()
    for cell in cells:
        line = labels.index(cell["about"] or cell["workload"])
        line += (dtypes.index(cell["dtype"]) - (len(dtypes) - 1) / 2) * height
        value = cell["contenders"][OURS]["ratio"]["ratio"]
        axes.barh(
            line,
            value,
            height * 0.9,
            color=BARS[cell["dtype"]],
            label=f"fastml, {cell['dtype']}" if cell["dtype"] not in drawn else None,
        )
        axes.text(value, line, f" {value:.1f}x", va="center", ha="left", color=INK, fontsize=8)
        drawn.add(cell["dtype"])
        for name, (mark, color) in PEERS.items():
            entry = cell["contenders"].get(name)
            if entry and entry["ratio"]:
                axes.plot(
                    entry["ratio"]["ratio"],
                    line,
                    mark,
                    color=color,
                    markersize=4,
                    linestyle="none",
                    label=name if name not in drawn else None,
                )
                drawn.add(name)

    axes.axvline(1, color=INK, linewidth=1)
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    if max(cell["contenders"][OURS]["ratio"]["ratio"] for cell in cells) > 15:
        axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}x"))
    axes.margins(x=0.08)
    sklearn = facts["versions"].get("sklearn", {}).get("scikit-learn", "")
    threads = "one thread" if n_threads == 1 else f"{n_threads} threads"
    axes.set_xlabel(f"times faster than scikit-learn {sklearn}, {threads}, {facts['machine']['cpu']}", color=INK)
    figure.legend(frameon=False, labelcolor=INK, fontsize=8, loc="outside upper center", ncols=4)
    axes.tick_params(colors=INK, labelsize=8)
    for name, spine in axes.spines.items():
        spine.set_visible(name == "bottom")
        spine.set_color(INK)
    figure.savefig(path, transparent=True, dpi=160)
    plt.close(figure)
