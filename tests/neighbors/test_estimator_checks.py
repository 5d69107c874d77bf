"""scikit-learn's own checks of estimators: they fail nowhere, as they fail nowhere for its own classes.

It expects that the transformers fail a check of the samples' order, which it calls not applicable: both pass.
"""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

import fastml.neighbors

from .cases import NAMES

OTHERS = (
    "RadiusNeighborsClassifier",
    "RadiusNeighborsRegressor",
    "KNeighborsTransformer",
    "RadiusNeighborsTransformer",
)
ESTIMATORS = [
    getattr(fastml.neighbors, name)(**params)
    for name in (*NAMES, *OTHERS)
    for params in ({}, {"algorithm": "kd_tree"}, {"algorithm": "brute"})
]


# RadiusNeighborsRegressor of scikit-learn's casts NaN to the type of whole targets.
@pytest.mark.filterwarnings("ignore:cannot use tree with sparse input", "ignore:invalid value encountered in cast")
@parametrize_with_checks(ESTIMATORS)
def test_estimator(estimator, check):
    check(estimator)
