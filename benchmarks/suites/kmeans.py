"""The k-means family over library x size x dtype x threads."""

from importlib import import_module

import numpy as np
from sklearn.datasets import make_blobs
from threadpoolctl import threadpool_limits

SIZES = {"2k x 8, k=8": (2_000, 8, 8), "100k x 32, k=64": (100_000, 32, 64)}


class _Fit:
    """Time, peak memory and quality of one ``fit``; a subclass says what is fitted."""

    params = (["fastml", "sklearn"], list(SIZES), ["float64", "float32"], [1, 2])
    param_names = ("library", "size", "dtype", "threads")
    timeout = 120

    def setup(self, library, size, dtype, threads):
        n, d, self.k = SIZES[size]
        self.X = make_blobs(n, d, centers=self.k, cluster_std=3, random_state=0)[0].astype(dtype, copy=False)
        self.limit = threadpool_limits(threads)
        if library == "fastml":
            import_module("fastml").set_config(n_threads=threads)
        self.fit = self.prepare(import_module(f"{library}.cluster"))
        self.prepare(import_module(f"{library}.cluster"), self.X[: 4 * self.k])()  # imports and pools are not the fit

    def teardown(self, *params):
        self.limit.restore_original_limits()

    def prepare(self, cluster, X=None):
        """A call without arguments that fits ``X``, by default the whole data, and returns the centres."""
        raise NotImplementedError

    def time_fit(self, *params):
        self.fit()

    def peakmem_fit(self, *params):
        self.fit()

    def track_inertia(self, library, *params):
        """Sum of squared distances to the nearest centre, over scikit-learn's."""
        ours, theirs = (inertia(self.X, fit()) for fit in (self.fit, self.prepare(import_module("sklearn.cluster"))))
        return ours / theirs

    track_inertia.unit = "of scikit-learn's"


def inertia(X, centers):
    """In float64 and by plain differences, a few rows at a time."""
    total = 0.0
    for rows in np.array_split(X.astype(np.float64), max(1, len(X) * centers.size // 10_000_000)):
        total += ((rows[:, None, :] - centers[None]) ** 2).sum(axis=2).min(axis=1).sum()
    return total


class Lloyd(_Fit):
    """Ten iterations from given centres: the assignment and nothing else."""

    def prepare(self, cluster, X=None):
        X = self.X if X is None else X
        model = cluster.KMeans(self.k, init=X[: self.k].copy(), n_init=1, tol=0, max_iter=10)
        return lambda: model.fit(X).cluster_centers_


class KMeans(_Fit):
    """As a user calls it."""

    def prepare(self, cluster, X=None):
        model = cluster.KMeans(self.k, random_state=0)
        return lambda: model.fit(self.X if X is None else X).cluster_centers_


class MiniBatchKMeans(_Fit):
    """As a user calls it."""

    def prepare(self, cluster, X=None):
        model = cluster.MiniBatchKMeans(self.k, random_state=0)
        return lambda: model.fit(self.X if X is None else X).cluster_centers_


class PlusPlus(_Fit):
    """The seeding alone."""

    def prepare(self, cluster, X=None):
        return lambda: cluster.kmeans_plusplus(self.X if X is None else X, self.k, random_state=0)[0]
