"""Running scikit-learn's own tests against our classes, through the plugin ``fastml.testing``."""

import re
import subprocess
import sys

import sklearn

from fastml.testing import read_exceptions
from tests.processes import ROOT

EXCEPTIONS = ROOT / "tests" / "sklearn_exceptions.toml"


def run_suite(module, *options):
    """Run a module of scikit-learn's tests in a process of its own; return its output and the counts by outcome."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *options]
    # No configuration of ours: scikit-learn's tests run under scikit-learn's rules.
    command += ["-c", "/dev/null", "--rootdir", str(ROOT), "--pyargs", module]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=800)
    counts = {outcome: int(count) for count, outcome in re.findall(r"(\d+) (\w+)", done.stdout.splitlines()[-1])}
    return done.stdout + done.stderr, counts


def exceptions(module):
    """Return the tests of a module that may fail."""
    path = module.removeprefix("sklearn.").replace(".", "/") + ".py::"
    return [test for test in read_exceptions(EXCEPTIONS) if path in test]


def assert_passes(module, by_plain, at_least, listed_elsewhere=0):
    """Assert that all of a module's tests pass but its exceptions.

    ``by_plain`` says how many pass with scikit-learn's own classes, by version; ``at_least`` how many in any other,
    and ``listed_elsewhere`` how many scikit-learn itself expects to fail.
    """
    output, counts = run_suite(module, "-p", "fastml.testing", "--fastml-exceptions", str(EXCEPTIONS))
    assert "failed" not in counts, output
    assert "error" not in counts, output
    assert counts.get("xfailed", 0) == len(exceptions(module)) + listed_elsewhere, output
    if sklearn.__version__ in by_plain:
        assert counts["passed"] == by_plain[sklearn.__version__] - len(exceptions(module)), output
    else:
        assert counts["passed"] > at_least, output
