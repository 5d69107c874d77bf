"""MiniBatchKMeans gives scikit-learn's model: by fit, by sequences of partial_fit, and by one after the other."""

import numpy as np
import pytest
import scipy.sparse
import sklearn.cluster

import fastml.cluster
from fastml.cluster import MiniBatchKMeans
from tests.agreement import blocks

from .agreement import assert_same_models
from .cases import minibatch_case

BLOCK = 200


@blocks(5, quick=1)
def test_generated_cases(block, record_parity):
    seeds = range(block * BLOCK, (block + 1) * BLOCK)
    assert_same_models(minibatch_case, seeds, record_parity, "MiniBatchKMeans")


def test_the_classes_compared_are_two():
    assert fastml.cluster.MiniBatchKMeans is not sklearn.cluster.MiniBatchKMeans
    assert issubclass(fastml.cluster.MiniBatchKMeans, sklearn.cluster.MiniBatchKMeans)


@pytest.mark.parametrize("layout", [np.asarray, scipy.sparse.csr_matrix])
@pytest.mark.parametrize("edit", ["_counts", "cluster_centers_"])
def test_a_step_refuses_arrays_edited_to_other_shapes(layout, edit):
    X = layout(np.random.RandomState(0).standard_normal((300, 4)))
    model = MiniBatchKMeans(20, n_init=1, random_state=0).partial_fit(X)
    setattr(model, edit, getattr(model, edit)[..., :2].copy())
    with pytest.raises(ValueError, match="has the shape"):
        model.partial_fit(X)
