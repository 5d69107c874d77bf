"""Boosting, isolation forests and embeddings are scikit-learn's, up to shown ties."""

import pytest

from .agreement import assert_same_models
from .boosting_cases import adaboost_case, boosting_case, embedding_case, isolation_case

pytestmark = pytest.mark.usefixtures("trees_are_ours")

BLOCK = 50
AGREE = 0.95  # of gradient boosting's cases have the same training scores, stage by stage

BLOCKS = {adaboost_case: 3, boosting_case: 4, isolation_case: 2, embedding_case: 1}
MORE = {adaboost_case: 5, boosting_case: 6, isolation_case: 2, embedding_case: 1}


def judged(build, block, record_parity):
    seeds = range(block * BLOCK, (block + 1) * BLOCK)
    verdicts = assert_same_models(build, seeds, record_parity, build.__name__)
    if build is boosting_case:
        assert sum(verdict.scores_agree for verdict in verdicts) >= AGREE * len(verdicts)
    elif build is not adaboost_case:  # one candidate a split: no ties
        assert not any(verdict.tie for verdict in verdicts)


@pytest.mark.parametrize(("build", "block"), [(build, i) for build, count in BLOCKS.items() for i in range(count)])
def test_generated_cases(build, block, record_parity):
    judged(build, block, record_parity)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("build", "block"), [(build, BLOCKS[build] + i) for build, count in MORE.items() for i in range(count)]
)
def test_more_generated_cases(build, block, record_parity):
    judged(build, block, record_parity)
