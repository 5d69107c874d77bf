"""Side by side: fastml, scikit-learn and peers on the same data in interleaved rounds.

    python -m benchmarks.compare kmeans --threads 1,all --peers --plot ratios.svg

Each contender lives in a process of its own, with thread counts set in its environment before it imports anything. A
ratio is scikit-learn's median time over the contender's; the bracket behind it has the extremes of single rounds.
Quality stands beside time: what came out is compared with what came out of scikit-learn.
"""

import argparse
import sys
from itertools import groupby

from benchmarks import families
from benchmarks.report import HEADER, Report, available_cores, entries, rows, summary
from benchmarks.rounds import Contender, ContenderFailed, measure_cell
from benchmarks.verdict import OURS, REFERENCE, TOLERATED, below

DTYPES = ("float64", "float32")


def parse(argv):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__.split("\n\n")[0])
    parser.add_argument("families", nargs="*", metavar="family", help="default: all of " + ", ".join(families.names()))
    parser.add_argument("--threads", default="1", help="comma-separated counts, 'all' for every core (default: 1)")
    parser.add_argument("--dtype", default=",".join(DTYPES), help="comma-separated (default: %(default)s)")
    parser.add_argument("--peers", action="store_true", help="also run the peers that are installed")
    parser.add_argument("--grid", action="store_true", help="run the grid instead of the named workloads")
    parser.add_argument("--filter", default="", metavar="TEXT", help="only workloads whose name contains TEXT")
    parser.add_argument("--rounds", type=int, help="interleaved rounds (default: 7; on the grid 3)")
    parser.add_argument(
        "--budget",
        type=float,
        metavar="S",
        help="seconds for the rounds of a cell, at the price of rounds (default: on the grid 10)",
    )
    parser.add_argument(
        "--clock",
        choices=("wall", "cpu"),
        default="wall",
        help="what ratios are made of; cpu, with one thread, where the machine is busy",
    )
    parser.add_argument(
        "--min-ratio", type=float, metavar="R", help=f"exit with 1 where fastml stays below {TOLERATED} R in two runs"
    )
    parser.add_argument("--plot", metavar="FILE", help="draw fastml's ratios (.svg, .png)")
    parser.add_argument("--json", metavar="FILE", help="write everything measured, after every cell")
    parser.add_argument("--resume", action="store_true", help="keep the cells that the --json file has already")
    parser.add_argument("--list", action="store_true", help="name the workloads and stop")
    args = parser.parse_args(argv)

    args.families = args.families or families.names()
    args.threads = [thread_count(parser, text) for text in dict.fromkeys(args.threads.split(","))]
    args.threads = list(dict.fromkeys(args.threads))
    args.dtype = args.dtype.split(",")
    args.rounds = args.rounds or (3 if args.grid else 7)
    args.budget = args.budget or (10.0 if args.grid else None)
    if unknown := set(args.dtype) - set(DTYPES):
        parser.error(f"--dtype takes {' and '.join(DTYPES)}, got {', '.join(sorted(unknown))}")
    if args.clock == "cpu" and args.threads != [1]:
        parser.error("--clock cpu compares work on one thread: with more it would count them all")
    if args.resume and not args.json:
        parser.error("--resume needs the --json file of the earlier run")
    return args


def thread_count(parser, text):
    if text == "all":
        return available_cores()
    if text.isdigit() and int(text) > 0:
        return int(text)
    parser.error(f"--threads takes counts from 1 and 'all', got {text!r}")
    return None


def refuse(reason):
    """End the run with status 2: 1 is for ratios that are too low."""
    print(reason, file=sys.stderr)
    raise SystemExit(2)


def select(args):
    """The cells to measure as (family name, workload, dtype), those with the same data one after the other."""
    cells = []
    for name in args.families:
        chosen = [w for w in families.family(name).WORKLOADS if w.grid == args.grid and args.filter in w.name]
        for _, group in groupby(chosen, key=lambda workload: workload.data):
            group = list(group)
            cells += [(name, workload, dtype) for dtype in args.dtype for workload in group]
    return cells


def print_list(args):
    for name in args.families:
        module = families.family(name)
        print(f"{name}: {', '.join(module.CONTENDERS)}")
        for workload in module.WORKLOADS:
            if workload.grid == args.grid and args.filter in workload.name:
                goals = ", ".join(f"{goal_title(where)} {goal:g}x" for where, goal in workload.goals.items())
                print(f"  {workload.name:<30} {workload.about}" + (f"  (goal {goals})" if goals else ""))


def goal_title(where):
    return where if isinstance(where, str) else f"{where[0]} on {where[1]} threads"


def estimate(cells, args):
    """Expected seconds, from what scikit-learn takes for a run: fastml and float32 need less, the start a run more."""
    total = 0.0
    for _, workload, dtype in cells:
        one_round = max(0.04, workload.cost * (1.6 if dtype == "float64" else 1.0) * (2.5 if args.peers else 1))
        rounds = args.rounds * one_round
        total += 0.1 + one_round + (rounds if args.budget is None else min(rounds, args.budget))
    return total * len(args.threads)


class Contest:
    """The contenders of one family at one number of threads; a fresh Contest has fresh processes."""

    def __init__(self, family_name, n_threads, peers, report):
        self.contenders = []
        for name in families.family(family_name).CONTENDERS:
            if name not in (REFERENCE, OURS) and not peers:
                continue
            contender = Contender(family_name, name, n_threads)
            try:
                report.add_versions(name, contender.ask("hello"))
            except ContenderFailed as failure:
                contender.close()
                reason = str(failure).strip().splitlines()[-1]
                if name in (REFERENCE, OURS):
                    self.close()
                    refuse(f"{name} does not start: {reason}")
                print(f"# {name} takes no part: {reason}")
                continue
            self.contenders.append(contender)

    def close(self):
        for contender in self.contenders:
            contender.close()


def measure(cells, n_threads, args, report):
    """Measure the cells that the report lacks at one number of threads, then once more those that came out low."""
    for name in args.families:
        mine = [cell for cell in cells if cell[0] == name]
        missing = [cell for cell in mine if (name, cell[1].name, cell[2], n_threads) not in report.cells]
        if missing:
            run(missing, n_threads, args, report)
        if args.min_ratio is None:
            continue
        low = [cell for cell in mine if suspicious(report.cells[name, cell[1].name, cell[2], n_threads], args)]
        if low:
            print(f"# below {TOLERATED} x {args.min_ratio:g}: {len(low)} cells, measured once more in fresh processes")
            run(low, n_threads, args, report, again=True)


def suspicious(cell, args):
    return cell["again"] is None and below(cell["contenders"][OURS]["ratio"], args.min_ratio)


def too_slow(cell, args):
    return below(cell["contenders"][OURS]["ratio"], args.min_ratio) and (
        cell["again"] is None or below(cell["again"][OURS]["ratio"], args.min_ratio)
    )


def run(cells, n_threads, args, report, again=False):
    contest = Contest(cells[0][0], n_threads, args.peers, report)
    try:
        for name, workload, dtype in cells:
            samples = measure_cell(contest.contenders, workload.name, dtype, args.rounds, args.budget)
            cell = {
                "family": name,
                "workload": workload.name,
                "dtype": dtype,
                "threads": n_threads,
                "about": workload.about,
                "clock": args.clock,
                "contenders": entries(samples, args.clock),
                "again": None,
            }
            if again:
                cell["again"] = cell["contenders"]
                cell["contenders"] = report.cells[name, workload.name, dtype, n_threads]["contenders"]
            report.add(cell)
            for row in rows(cell, workload.goal(dtype, n_threads), "again" if again else "contenders"):
                print(row, flush=True)
    finally:
        contest.close()


def main(argv=None):
    args = parse(argv)
    if args.list:
        print_list(args)
        return 0
    if args.plot:
        from benchmarks.chart import draw  # without matplotlib this fails before an hour of measuring, not after
    cells = select(args)
    if not cells:
        refuse(f"no workload's name contains {args.filter!r}; --list names them")
    report = Report({key: value for key, value in vars(args).items() if key not in ("json", "plot")}, args.json)
    if args.resume:
        report.resume()
    print(f"# {len(cells) * len(args.threads)} cells, about {estimate(cells, args) / 60:.0f} min on an idle machine")
    print(HEADER)
    for n_threads in args.threads:
        measure(cells, n_threads, args, report)

    wanted = {(name, workload.name, dtype, n) for name, workload, dtype in cells for n in args.threads}
    measured = [cell for key, cell in report.cells.items() if key in wanted]
    for name, found in report.facts["versions"].items():
        print(f"# {name}: " + ", ".join(f"{key} {value}" for key, value in found.items()))
    print(f"# {report.facts['machine']['cpu']}, {report.facts['machine']['cores']} cores; ratios of {args.clock} time")
    print("\n".join(summary(measured)))
    if args.plot:
        draw(measured, report.facts, args.plot)
    if args.min_ratio is None:
        return 0
    failed = [cell for cell in measured if too_slow(cell, args)]
    print(f"below {args.min_ratio:g}x in two runs: {len(failed)} of {len(measured)} cells")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
