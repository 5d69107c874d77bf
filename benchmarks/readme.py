"""Put the figures of `--json` files of `benchmarks.compare` into the documents, so that none there is typed by hand.

    python -m benchmarks.readme ratios.json ...

Fills, in README.md and docs/ratios.md, every block from `<!-- ratios: begin FAMILY` to `<!-- ratios: end -->` with a
table, and every `<!--ratio WORKLOAD-->...<!--/-->` with fastml's ratio in float64 on the fewest threads. What the files
have not measured stays as it is.
"""

import json
import re
import sys
from pathlib import Path

from benchmarks.rounds import ROOT
from benchmarks.verdict import OURS, REFERENCE

DOCUMENTS = (ROOT / "README.md", ROOT / "docs" / "ratios.md")
BLOCK = re.compile(r"(<!-- ratios: begin ([\w.]+).*?-->\n).*?(<!-- ratios: end -->)", re.DOTALL)
FIGURE = re.compile(r"<!--ratio ([\w-]+)-->(.*?)<!--/-->")


def times(cell, name=OURS):
    """A contender's ratio as it is printed, or a dash."""
    measured = cell and cell["contenders"].get(name, {}).get("ratio")
    return f"{measured['ratio']:.1f}x" if measured else "–"


def table(cells, peers):
    """Markdown: a line per workload; a column per type and number of threads, then the peers on the fewest threads."""
    by_key = {(cell["workload"], cell["dtype"], cell["threads"]): cell for cell in cells}
    counts = sorted({cell["threads"] for cell in cells})
    columns = [(OURS, dtype, n) for dtype in ("float64", "float32") for n in counts]
    columns += [(name, "float32" if name == "faiss" else "float64", counts[0]) for name in peers]  # faiss has no other
    columns = [(name, *key) for name, *key in columns if any((w, *key) in by_key for w, _, _ in by_key)]
    head = ["Workload", *(f"{name}, {dtype}, {threads(n)}" for name, dtype, n in columns)]
    lines = [line(head), "|---" + "|---:" * len(columns) + "|"]
    for workload, about in {cell["workload"]: cell["about"] for cell in cells}.items():
        lines.append(line([about, *(times(by_key.get((workload, *key)), name) for name, *key in columns)]))
    return "\n".join(lines)


def line(entries):
    return "| " + " | ".join(entries) + " |"


def threads(n):
    return f"{n} thread" + "s" * (n > 1)


def source(found):
    """Where the figures come from, in a sentence."""
    versions = {key: value for entry in found["versions"].values() for key, value in entry.items()}
    level = f", instruction set level {versions['isa']}" if "isa" in versions else ""
    return (
        f"Times as fast as scikit-learn {versions.get('scikit-learn')}: medians of {found['settings']['rounds']} "
        f"interleaved rounds, {found['settings']['clock']} time, the same number of threads for both, on "
        f"{found['machine']['cpu']} ({found['machine']['cores']} cores{level})."
    )


def fill(text, found):
    """A document's text with the figures in place."""
    named, single = [cell for cell in found["cells"] if not cell["workload"].startswith("grid-")], {}
    for cell in sorted(named, key=lambda cell: -cell["threads"]):
        if cell["dtype"] == "float64":
            single[cell["workload"]] = cell  # the fewest threads come last
    peers = [
        name
        for name in found["versions"]
        if name not in (REFERENCE, OURS) and any(times(cell, name) != "–" for cell in named)
    ]

    def block(match):
        mine = [cell for cell in named if cell["family"] == match[2]]
        return f"{match[1]}{source(found)}\n\n{table(mine, peers)}\n{match[3]}" if mine else match[0]

    def figure(match):
        return f"<!--ratio {match[1]}-->{times(single[match[1]])}<!--/-->" if match[1] in single else match[0]

    return FIGURE.sub(figure, BLOCK.sub(block, text))


def main(*paths, documents=DOCUMENTS):
    for path in paths:
        found = json.loads(Path(path).read_text())
        for document in documents:
            document.write_text(fill(document.read_text(), found))


if __name__ == "__main__":
    main(*sys.argv[1:])
