"""Linear models are accelerated for scikit-learn 1.9 and later; before, they are its own, and there is no test."""

import sklearn
from packaging.version import Version

collect_ignore_glob = ["test_*.py"] if Version(sklearn.__version__) < Version("1.9") else []
