"""Boosting, isolation forests and embeddings are scikit-learn's, up to shown ties."""

import numpy as np
import pytest

from .agreement import assert_same_models
from .boosting_cases import adaboost_case, boosting_case, embedding_case, isolation_case

pytestmark = pytest.mark.usefixtures("trees_are_ours")

AGREE = 0.95  # of gradient boosting's cases have the same training scores, stage by stage
EVERY_TIE = 0.05  # at most, of those with whole targets and a loss of whole steps; all others have the same predictions

CASES = {adaboost_case: 150, boosting_case: 200, isolation_case: 80, embedding_case: 50}
MORE = {adaboost_case: 250, boosting_case: 800, isolation_case: 120, embedding_case: 100}


def judged(build, seeds, record_parity):
    verdicts = assert_same_models(build, seeds, record_parity, build.__name__)
    if build is boosting_case:
        assert sum(verdict.scores_agree for verdict in verdicts) >= AGREE * len(verdicts)
        whole = [verdict for verdict in verdicts if is_whole(verdict.case)]
        assert sum(verdict.tie for verdict in whole) <= EVERY_TIE * len(whole)
    elif build is not adaboost_case:  # one candidate a split: no ties
        assert not any(verdict.tie for verdict in verdicts)


def is_whole(case):
    """Tell whether targets and weights are whole numbers, and the loss one of those that add and subtract them."""
    numbers = [case.y] if case.sample_weight is None else [case.y, case.sample_weight]
    return case.params["loss"] in ("squared_error", "absolute_error") and all(
        np.array_equal(part, np.rint(np.asarray(part, dtype=float))) for part in numbers
    )


@pytest.mark.parametrize("build", CASES)
def test_generated_cases(build, record_parity):
    judged(build, range(CASES[build]), record_parity)


@pytest.mark.slow
@pytest.mark.parametrize("build", MORE)
def test_more_generated_cases(build, record_parity):
    judged(build, range(CASES[build], CASES[build] + MORE[build]), record_parity)
