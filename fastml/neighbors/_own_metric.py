"""Searches of an estimator whose metric is a function: what scikit-learn does with it, asked of our kernels."""

from numbers import Real
from typing import NamedTuple

import numpy as np
from joblib import effective_n_jobs
from sklearn.metrics import DistanceMetric
from sklearn.neighbors import BallTree

from fastml._dispatch import NotCovered
from fastml._threads import effective_n_threads
from fastml._versions import INSTALLED, ROUNDS_DISTANCES_BY_FUNCTION, NeighborsHeap, get_chunk_n_rows
from fastml.neighbors import _metric
from fastml.neighbors._beside import Beside
from fastml.neighbors._search import row_arrays

# Rows up to this length scikit-learn's trees sort so that equal distances stay as they were.
SORTED_BY_INSERTION = 15 if INSTALLED >= (1, 9) else 1

balls = Beside()


def is_of_function(tree):
    """Tell whether scikit-learn's tree compares samples by a function."""
    return type(tree) is BallTree and type(tree.__getstate__()[11]).__name__ == "PyFuncDistance64"


def grow(X, leaf_size, function, params, *, n_threads):
    """Return scikit-learn's ball tree, its radii computed by our kernel.

    Raises NotCovered if the function is not compiled.
    """
    tree = BallTree(X, leaf_size, metric="euclidean")
    state = list(tree.__getstate__())
    centroids, data = np.ascontiguousarray(state[3][0]), np.asarray(state[0])
    metric = _metric.compiled(function, params, centroids, data)
    ball = _metric.ball((data, *state[1:4]), n_threads=n_threads, metric=metric)
    state[2]["radius"] = ball.radii
    state[11] = DistanceMetric.get_metric(function, dtype=np.float64, **params)
    tree.__setstate__(tuple(state))
    return tree, ball


class ByFunction(NamedTuple):
    """A fitted estimator and the function that it compares samples by."""

    est: object
    function: object
    params: dict

    def _compiled(self, Q, X, *, n_threads):
        """Return the metric for queries of a brute-force search."""
        narrow = ROUNDS_DISTANCES_BY_FUNCTION and Q.dtype == X.dtype == np.float32
        metric = _metric.compiled(self.function, self.params, Q, X, narrow=narrow)
        one_half = Q is X and get_chunk_n_rows(8 * len(X), max_n_rows=len(X)) == len(X)
        if one_half and effective_n_jobs(self.est.n_jobs) == 1:
            return _metric.of_itself(metric, X, n_threads=n_threads)
        return metric

    def _ball(self, Q):
        """Return scikit-learn's tree, ours of it, and the metric for queries in float64."""
        tree = self.est._tree
        state = tree.__getstate__()
        kept = balls.get(self.est)
        if kept is None or kept[0] is not tree:
            kept = tree, _metric.ball((np.asarray(state[0]), *state[1:4]), n_threads=1)
            balls.put(self.est, kept)
        function, params = state[11].__getstate__()[3:]
        metric = _metric.compiled(function, params, Q, kept[1].X)
        among_centroids = _metric.compiled(function, params, Q, kept[1].centroids)
        return *kept, metric if metric.least > among_centroids.least else among_centroids

    def nearest(self, X, k, *, with_distances):
        """Find the k nearest samples of each query; X None: the samples of the fit, without themselves."""
        n_threads = effective_n_threads(self.est.n_jobs)
        samples, selves = self.est._fit_X, X is None
        queries = samples if selves else X
        k += selves
        if self.est._fit_method == "brute":
            metric = self._compiled(queries, samples, n_threads=n_threads)
            found = _metric.nearest(metric, queries, samples, k, with_distances=with_distances, n_threads=n_threads)
        else:
            found = self._nearest_in_ball(np.require(queries, np.float64, ["C", "A"]), k, n_threads)
        return _metric.without_self(*found) if selves else found

    def _nearest_in_ball(self, Q, k, n_threads):
        tree, ball, metric = self._ball(Q)
        heap = NeighborsHeap(len(Q), k)  # which sorts as scikit-learn's own
        far, indices = heap.get_arrays(sort=False)
        answers = {}

        def ask(rows):
            answers["rows"], answers["found"] = rows, tree.query(Q[rows], k)
            return answers["found"]

        _metric.ball_nearest(metric, ball, Q, far, indices, ask=ask, n_threads=n_threads)
        far, indices = heap.get_arrays(sort=True)
        if answers:
            far[answers["rows"]], indices[answers["rows"]] = answers["found"]
        return far, indices

    def within(self, X, radius, *, with_distances, sort):
        """Find the samples within a radius of each query, as scikit-learn's arrays of arrays."""
        n_threads = effective_n_threads(self.est.n_jobs)
        samples, selves = self.est._fit_X, X is None
        queries = samples if selves else X
        if self.est._fit_method == "brute":
            if not isinstance(radius, Real):
                raise NotCovered("several radii have no kernel for brute force.")
            metric = self._compiled(queries, samples, n_threads=n_threads)
            rows = _metric.within(metric, queries, samples, radius, n_threads=n_threads)
            rows = _metric.sorted_rows(rows) if sort else rows
        else:
            rows = self._within_in_ball(np.require(queries, np.float64, ["C", "A"]), radius, with_distances, n_threads)
            rows = sorted_as_in_trees(rows) if sort else rows
        rows = _metric.without_selves(rows) if selves else rows
        indices = row_arrays(rows, rows.indices)
        if not with_distances:
            return indices
        if rows.distances.dtype == np.float64:
            return row_arrays(rows, rows.distances), indices
        narrow = np.empty(len(indices), object)
        narrow[:] = np.split(rows.distances, rows.indptr[1:-1])
        return narrow, indices

    def _within_in_ball(self, Q, radius, with_distances, n_threads):
        tree, ball, metric = self._ball(Q)
        radii = np.ascontiguousarray(np.broadcast_to(radius, len(Q)), np.float64)

        def ask(rows):
            found = tree.query_radius(Q[rows], radii[rows], return_distance=with_distances)
            return found[::-1] if with_distances else (None, found)

        options = {"with_distances": with_distances, "ask": ask, "n_threads": n_threads}
        return _metric.ball_within(metric, ball, Q, radii, **options)


def sorted_as_in_trees(rows):
    """Return Rows of which each is sorted by distance, equal ones in scikit-learn's order."""
    distances, indices = rows.distances, rows.indices
    made = _metric.sorted_rows(rows)
    ties = np.flatnonzero(np.diff(made.distances) == 0)
    number = np.searchsorted(rows.indptr, ties, side="right") - 1
    number = np.unique(number[ties + 1 < rows.indptr[number + 1]])
    for i in number[np.diff(rows.indptr)[number] > SORTED_BY_INSERTION]:
        row = slice(rows.indptr[i], rows.indptr[i + 1])
        heap = NeighborsHeap(1, row.stop - row.start)
        far, index = heap.get_arrays(sort=False)
        far[0], index[0] = distances[row], indices[row]
        far, index = heap.get_arrays(sort=True)
        made.distances[row], made.indices[row] = far[0], index[0]
    return made
