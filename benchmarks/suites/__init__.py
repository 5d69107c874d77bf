"""asv suites: `asv run --quick HEAD^!`, then `asv publish` and `asv preview`.

The library is a parameter of every suite, so that each figure is one side of a ratio measured in one run. Suites import
nothing from the rest of the repository: asv runs them against a wheel of any commit.
"""
