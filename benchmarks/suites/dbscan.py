"""DBSCAN over library x size x dtype x threads."""

from importlib import import_module

import numpy as np
from threadpoolctl import threadpool_limits

SIZES = {"20k x 2": (20_000, 2, 0.015), "20k x 3": (20_000, 3, 0.056), "5k x 10": (5_000, 10, 0.6)}


class Fit:
    """Time, peak memory and agreement of one ``fit``."""

    params = (["fastml", "sklearn"], list(SIZES), ["float64", "float32"], [1, 2])
    param_names = ("library", "size", "dtype", "threads")
    timeout = 240

    def setup(self, library, size, dtype, threads):
        DBSCAN = import_module(f"{library}.cluster").DBSCAN
        if not DBSCAN.__module__.startswith(library):
            raise NotImplementedError(f"{library} has no DBSCAN of its own")
        n, d, eps = SIZES[size]
        self.X = np.random.default_rng(0).random((n, d)).astype(dtype)
        self.limit = threadpool_limits(threads)
        if library == "fastml":
            import_module("fastml").set_config(n_threads=threads)
        self.model = DBSCAN(eps=eps, min_samples=10, n_jobs=threads)
        self.model.fit(self.X[:200])  # imports and pools are not the fit

    def teardown(self, *params):
        self.limit.restore_original_limits()

    def time_fit(self, *params):
        self.model.fit(self.X)

    def peakmem_fit(self, *params):
        self.model.fit(self.X)

    def track_equal_labels(self, *params):
        """The fraction of samples whose labels are scikit-learn's."""
        plain = import_module("sklearn.cluster").DBSCAN(**self.model.get_params())
        return float(np.mean(self.model.fit(self.X).labels_ == plain.fit(self.X).labels_))
