"""Neighbours over library x size x dtype x threads."""

from importlib import import_module

import numpy as np
from threadpoolctl import threadpool_limits

SIZES = {"2k x 2": (2_000, 2), "50k x 3": (50_000, 3), "20k x 8": (20_000, 8)}


class _Search:
    """Time and peak memory of a search among uniform points; a subclass says which."""

    params = (["fastml", "sklearn"], list(SIZES), ["float64", "float32"], [1, 2])
    param_names = ("library", "size", "dtype", "threads")
    timeout = 120

    def setup(self, library, size, dtype, threads):
        self.make = self.estimator(library)
        if not self.make.__module__.startswith(library):  # an older fastml hands scikit-learn's own object on
            raise NotImplementedError(f"{library} has none of its own")
        self.X = np.random.default_rng(0).random(SIZES[size]).astype(dtype)
        self.limit = threadpool_limits(threads)
        if library == "fastml":
            import_module("fastml").set_config(n_threads=threads)
        self.model = self.make(n_neighbors=10, n_jobs=threads).fit(self.X, self.X[:, 0])
        self.ask(self.X[:100])  # imports and pools are not the search

    def teardown(self, *params):
        self.limit.restore_original_limits()

    def estimator(self, library):
        return import_module(f"{library}.neighbors").NearestNeighbors

    def time_ask(self, *params):
        self.ask(self.X)

    def peakmem_ask(self, *params):
        self.ask(self.X)


class KNeighbors(_Search):
    def ask(self, X):
        return self.model.kneighbors(X)

    def time_fit(self, *params):
        self.model.fit(self.X)

    def time_row(self, *params):
        self.model.kneighbors(self.X[:1])

    def track_distances(self, *params):
        """Sum of all distances, over scikit-learn's."""
        theirs = import_module("sklearn.neighbors").NearestNeighbors(n_neighbors=10).fit(self.X)
        return self.ask(self.X)[0].sum() / theirs.kneighbors(self.X)[0].sum()

    track_distances.unit = "of scikit-learn's"


class RadiusNeighbors(_Search):
    def ask(self, X):
        return self.model.radius_neighbors(X, 0.5 * len(self.X) ** (-1 / X.shape[1]) * X.shape[1])


class Regression(_Search):
    def estimator(self, library):
        return import_module(f"{library}.neighbors").KNeighborsRegressor

    def ask(self, X):
        return self.model.predict(X)
