"""What the comparisons with scikit-learn share: watching a call, the verdict on a case, the account of many."""

import contextlib
import io
import warnings
from dataclasses import dataclass

import pytest

from tests.outcomes import ADDRESS

MAX_UNSTABLE = 0.1


def blocks(n_blocks, quick):
    """Parametrise a test by its block of generated cases; from block number `quick` on it is slow.

    What runs many times over, at each instruction set level, beside the oldest scikit-learn and without compiled
    kernels, leaves the slow ones out, to keep .ci/run below 40 minutes.
    """
    slow = (pytest.param(block, marks=pytest.mark.slow) for block in range(quick, n_blocks))
    return pytest.mark.parametrize("block", [*range(quick), *slow])


@contextlib.contextmanager
def watched(seen):
    """Enter into ``seen`` how the block ends: its exception, which goes no further, its warnings and its output."""
    output = io.StringIO()
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(output):
        warnings.simplefilter("always")
        try:
            yield
        except Exception as error:
            seen["exception"] = (type(error).__name__, ADDRESS.sub("0x", str(error)))
    seen["warnings"] = [(w.category.__name__, str(w.message)) for w in caught]
    seen["output"] = output.getvalue()


@dataclass
class Verdict:
    """How a library compares with scikit-learn in one case."""

    case: object
    differences: dict
    unstable: bool  # scikit-learn disagrees with itself in the same when the order of summation is another

    @property
    def wrong(self):
        return bool(self.differences) and not self.unstable

    def __str__(self):
        return "\n    ".join([str(self.case), *(f"{name}: {what}" for name, what in self.differences.items())])


def assert_few_unstable(verdicts, record, family):
    """Enter the verdicts in the account of the run; assert that none is wrong and that few cases are unstable."""
    record(family, verdicts)
    wrong = [str(verdict) for verdict in verdicts if verdict.wrong]
    assert not wrong, f"{len(wrong)} of {len(verdicts)} differ:\n" + "\n".join(wrong)
    unstable = sum(verdict.unstable for verdict in verdicts)
    assert unstable <= MAX_UNSTABLE * len(verdicts), f"{unstable} of {len(verdicts)} are unstable"


def presence(name, ours, theirs):
    """Return what to say of something that only one of two observations has."""
    if name == "exception":
        return f"{ours.get(name)} instead of {theirs.get(name)}"
    return "unexpected" if name in ours else "missing"
