"""What all tests share: markers, and the account of the generated comparisons with scikit-learn."""

import pytest


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes more than 20 seconds")
    config.addinivalue_line("markers", "timing: compares run times, and wants a machine with nothing else to do")


@pytest.fixture
def record_parity(record_property):
    """Return a function that enters judged cases in the account printed at the end of the run."""

    def record(family, verdicts):
        unstable = [verdict.case.seed for verdict in verdicts if verdict.unstable]
        record_property("parity", (family, len(verdicts), unstable))

    return record


def pytest_terminal_summary(terminalreporter):
    account = {}
    for report in (*terminalreporter.stats.get("passed", ()), *terminalreporter.stats.get("failed", ())):
        for name, value in report.user_properties if report.when == "call" else ():
            if name == "parity":
                family, count, unstable = value
                cases, seeds = account.get(family, (0, []))
                account[family] = cases + count, seeds + unstable
    if account:
        terminalreporter.section(
            "unstable cases: scikit-learn disagrees with itself when columns or rows are in another order"
        )
    for family, (count, seeds) in account.items():
        share = f"{len(seeds)} of {count} ({len(seeds) / count:.1%})"
        terminalreporter.write_line(f"{family}: {share}: {' '.join(map(str, sorted(seeds)))}")
