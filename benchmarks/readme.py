"""Put the figures of a `--json` file of `benchmarks.compare` into the README, so that no figure there is typed by hand.

    python -m benchmarks.readme ratios.json

Fills the block between `<!-- ratios: begin` and `<!-- ratios: end -->` with a table, and every
`<!--ratio WORKLOAD-->...<!--/-->` with fastml's ratio in float64 on one thread.
"""

import json
import re
import sys
from pathlib import Path

from benchmarks.rounds import ROOT
from benchmarks.verdict import OURS, REFERENCE

BLOCK = re.compile(r"(<!-- ratios: begin.*?-->\n).*?(<!-- ratios: end -->)", re.DOTALL)
FIGURE = re.compile(r"<!--ratio ([\w-]+)-->.*?<!--/-->")


def times(cell, name):
    """A contender's ratio as it is printed, or a dash."""
    measured = cell and cell["contenders"].get(name, {}).get("ratio")
    return f"{measured['ratio']:.1f}x" if measured else "–"


def table(found):
    """Markdown: a line per workload, fastml in both dtypes and the peers on one thread."""
    cells = {(cell["workload"], cell["dtype"]): cell for cell in found["cells"] if cell["threads"] == 1}
    peers = [name for name in found["versions"] if name not in (REFERENCE, OURS)]
    best = {name: "float32" if name == "faiss" else "float64" for name in peers}  # faiss has no float64
    head = ["Workload", "fastml, float64", "fastml, float32", *(f"{name}, {best[name]}" for name in peers)]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for workload in dict.fromkeys(name for name, _ in cells):
        by_dtype = {dtype: cells.get((workload, dtype)) for dtype in ("float64", "float32")}
        about = next(cell["about"] for cell in by_dtype.values() if cell)
        figures = [times(by_dtype[dtype], OURS) for dtype in by_dtype]
        figures += [times(by_dtype[best[name]], name) for name in peers]
        lines.append("| " + " | ".join([about, *figures]) + " |")
    return "\n".join(lines)


def source(found):
    """Where the figures come from, in a sentence."""
    versions = {key: value for entry in found["versions"].values() for key, value in entry.items()}
    level = f", instruction set level {versions['isa']}" if "isa" in versions else ""
    return (
        f"One thread of {found['machine']['cpu']}{level}; scikit-learn {versions.get('scikit-learn')}; medians of "
        f"{found['settings']['rounds']} interleaved rounds, {found['settings']['clock']} time."
    )


def fill(text, found):
    """The README's text with the figures in place."""
    cells = {cell["workload"]: cell for cell in found["cells"] if (cell["threads"], cell["dtype"]) == (1, "float64")}
    block = f"{table(found)}\n\n{source(found)}\n"
    text = BLOCK.sub(lambda match: match[1] + block + match[2], text)
    return FIGURE.sub(lambda match: f"<!--ratio {match[1]}-->{times(cells.get(match[1]), OURS)}<!--/-->", text)


def main(path, readme=ROOT / "README.md"):
    readme = Path(readme)
    readme.write_text(fill(readme.read_text(), json.loads(Path(path).read_text())))


if __name__ == "__main__":
    main(*sys.argv[1:])
