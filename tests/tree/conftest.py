"""Trees are accelerated for scikit-learn 1.9 and later; before, they are scikit-learn's own, and there is no test."""

import pytest
import sklearn
from packaging.version import Version

OLDEST = Version("1.9")

collect_ignore_glob = ["test_*.py"] if Version(sklearn.__version__) < OLDEST else []


@pytest.fixture
def trees_are_ours():
    """Refuse to compare scikit-learn with itself."""
    import fastml

    assert {"sklearn.tree.DecisionTreeClassifier", "sklearn.ensemble.RandomForestRegressor"} <= set(
        fastml.accelerated()
    )
