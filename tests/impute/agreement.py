"""What an imputer shows, and whether fastml shows what scikit-learn does: the same values, to rounding.

Which donors scikit-learn takes hangs on rounding where data are decimals, or far from the origin. On one thread of BLAS
that is done over; where its BLAS adds up the last donors of an odd number otherwise, it is not, and such cases are
those in which scikit-learn disagrees with itself when the columns are in another order.
"""

from dataclasses import replace

import numpy as np
import sklearn.impute
from threadpoolctl import threadpool_limits

import fastml
import fastml.impute
from tests.agreement import Verdict, assert_few_unstable, watched

# Of the largest value: what means may differ by.
CLOSE = {"float64": 1e-12, "float32": 1e-5, "float16": 2e-3}


def observe(library, case, columns=slice(None), **options):
    """Return what a caller sees, the columns in another order."""
    seen, X, others = {}, case.X[:, columns].copy("K"), case.others[:, columns].copy("K")
    with watched(seen), fastml.config_context(**options):
        est = library.KNNImputer(**case.params)
        seen["fitted"] = est.fit_transform(X)
        seen["others"] = est.transform(others)
        seen["row"] = est.transform(others[-1:])
        seen["names"] = est.get_feature_names_out().tolist()
    seen["left in X"], seen["left in others"] = X, others
    return seen


def differences(case, ours, theirs):
    if sorted(ours) != sorted(theirs):
        return {"seen": f"{sorted(set(ours) ^ set(theirs))} {ours.get('exception')} {theirs.get('exception')}"}
    said = ((name, unequal(case, ours[name], right)) for name, right in theirs.items())
    return {name: what for name, what in said if what}


def unequal(case, ours, right):
    if not isinstance(right, np.ndarray):
        return None if ours == right else f"{ours} instead of {right}"
    if ours.shape != right.shape or ours.dtype != right.dtype:
        return f"{ours.dtype} {ours.shape} instead of {right.dtype} {right.shape}"
    close = CLOSE[case.X.dtype.name] * np.nanmax(np.abs(right.astype(float)), initial=0)
    off = ~np.isclose(ours.astype(float), right.astype(float), rtol=0, atol=close, equal_nan=True)
    return f"{off.sum()} of {off.size}, by {np.abs(ours - right)[off].max()}" if off.any() else None


def judge(build, seed, **options):
    case, backwards = build(seed), slice(None, None, -1)
    theirs = observe(sklearn.impute, case)
    found = differences(case, observe(fastml.impute, case, **options), theirs)
    unstable = False
    if found:
        alone = replace(case, params=case.params | {"add_indicator": False})
        once, again = observe(sklearn.impute, alone), observe(sklearn.impute, alone, backwards)
        restored = {name: part[:, ::-1] if isinstance(part, np.ndarray) else once[name] for name, part in again.items()}
        unstable = set(found) <= set(differences(case, restored, once))
    return Verdict(case, found, unstable)


def assert_same_values(build, seeds, record, family, **options):
    with threadpool_limits(1):
        verdicts = [judge(build, seed, **options) for seed in seeds]
    assert_few_unstable(verdicts, record, family)
