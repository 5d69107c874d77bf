"""MiniBatchKMeans gives scikit-learn's model: by fit, by sequences of partial_fit, and by one after the other."""

import sklearn.cluster

import fastml.cluster
from tests.agreement import blocks

from .agreement import assert_same_models
from .cases import minibatch_case

BLOCK = 200


@blocks(5, quick=2)
def test_generated_cases(block, record_parity):
    seeds = range(block * BLOCK, (block + 1) * BLOCK)
    assert_same_models(minibatch_case, seeds, record_parity, "MiniBatchKMeans")


def test_the_classes_compared_are_two():
    assert fastml.cluster.MiniBatchKMeans is not sklearn.cluster.MiniBatchKMeans
    assert issubclass(fastml.cluster.MiniBatchKMeans, sklearn.cluster.MiniBatchKMeans)
