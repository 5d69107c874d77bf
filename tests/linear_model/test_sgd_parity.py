"""Weights by stochastic gradient descent are scikit-learn's, to rounding."""

from tests.agreement import blocks

from .agreement import assert_same_models
from .cases import sgd_case

BLOCK = 500


@blocks(8, quick=2)
def test_generated_cases(block, record_parity):
    assert_same_models(sgd_case, range(block * BLOCK, (block + 1) * BLOCK), record_parity, "sgd")
