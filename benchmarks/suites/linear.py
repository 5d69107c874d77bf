"""Stochastic gradient descent over library x estimator x dtype x threads."""

from importlib import import_module

import numpy as np
from threadpoolctl import threadpool_limits

ESTIMATORS = {"SGDClassifier": 2, "SGDClassifier, ten classes": 10, "SGDRegressor": 0, "Perceptron": 2}


class Fit:
    """Time, peak memory and agreement of five epochs."""

    params = (["fastml", "sklearn"], list(ESTIMATORS), ["float64", "float32"], [1, 2])
    param_names = ("library", "estimator", "dtype", "threads")
    timeout = 240

    def setup(self, library, estimator, dtype, threads):
        name, n_classes = estimator.partition(",")[0], ESTIMATORS[estimator]
        made = getattr(import_module(f"{library}.linear_model"), name)
        if not made.__module__.startswith(library):
            raise NotImplementedError(f"{library} has no {name} of its own")
        rng = np.random.default_rng(0)
        X = rng.normal(size=(50_000, 50))
        y = X @ rng.normal(size=50)
        if n_classes:
            y = np.digitize(y, np.quantile(y, np.arange(1, n_classes) / n_classes))
        self.X, self.y, self.limit = X.astype(dtype), y, threadpool_limits(threads)
        if library == "fastml":
            import_module("fastml").set_config(n_threads=threads)
        self.model = made(max_iter=5, tol=None, random_state=0)
        if n_classes:
            self.model.set_params(n_jobs=threads)
        self.model.fit(self.X[:200], y[:200])  # imports and pools are not the fit

    def teardown(self, *params):
        self.limit.restore_original_limits()

    def time_fit(self, *params):
        self.model.fit(self.X, self.y)

    def peakmem_fit(self, *params):
        self.model.fit(self.X, self.y)

    def track_distance_of_weights(self, library, estimator, *params):
        """The largest difference from scikit-learn's weights, as a share of the largest."""
        name = estimator.partition(",")[0]
        plain = getattr(import_module("sklearn.linear_model"), name)(**self.model.get_params()).fit(self.X, self.y)
        return float(np.abs(self.model.fit(self.X, self.y).coef_ - plain.coef_).max() / np.abs(plain.coef_).max())
