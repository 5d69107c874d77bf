"""Distances by a function of the user's, for the functions of metrics."""

import numpy as np
from joblib import effective_n_jobs
from scipy.sparse import issparse
from sklearn.metrics.pairwise import check_pairwise_arrays

from fastml._dispatch import NotCovered
from fastml._threads import effective_n_threads
from fastml._versions import ROUNDS_DISTANCES_BY_FUNCTION, get_chunk_n_rows
from fastml.neighbors import _metric

# To compile a function takes as long as to call it some ten thousand times.
WORTH_COMPILING = 10_000


def distances(X, Y, function, params, *, n_jobs, ensure_all_finite):
    """Return all distances by a function; raise NotCovered where it is not compiled, or is not worth that."""
    if issparse(X) or issparse(Y) or np.ndim(X) != 2 or (Y is not None and np.ndim(Y) != 2):
        raise NotCovered("a function is compiled for dense samples alone.")
    X, Y = check_pairwise_arrays(X, Y, dtype=None, ensure_all_finite=ensure_all_finite, ensure_2d=False)
    if len(X) * len(Y) < WORTH_COMPILING:
        raise NotCovered("with so few distances it does not pay to compile the function.")
    among = X is Y and effective_n_jobs(n_jobs) == 1
    metric, X, Y = compiled(X, Y, function, params, n_jobs)
    n_threads = effective_n_threads(n_jobs)
    if among:
        metric = _metric.of_itself(metric, X, n_threads=n_threads)
    return _metric.distances(metric, X, Y, n_threads=n_threads)


def among(X, function, params, n_samples):
    """Return samples and the metric for the distances of so many of them from each other."""
    params = dict(params)
    n_jobs = params.pop("n_jobs", None)
    if n_samples**2 < WORTH_COMPILING:
        raise NotCovered("with so few distances it does not pay to compile the function.")
    metric, X, _ = compiled(X, X, function, params, n_jobs)
    if effective_n_jobs(n_jobs) == 1 and get_chunk_n_rows(8 * n_samples, max_n_rows=n_samples) >= n_samples:
        metric = _metric.of_itself(metric, X, n_threads=effective_n_threads(n_jobs))
    return X, metric


def compiled(X, Y, function, params, n_jobs):
    """Return the metric, and samples as it takes them; several jobs write float32 tables for float32 samples."""
    if X.dtype != Y.dtype or X.dtype not in (np.float64, np.float32) or X.shape[1] != Y.shape[1]:
        raise NotCovered(f"a function is not compiled for samples of {X.dtype} and {Y.dtype}.")
    x = np.require(X, requirements=["C", "A"])
    y = x if Y is X else np.require(Y, requirements=["C", "A"])
    narrow = X.dtype == np.float32 and (ROUNDS_DISTANCES_BY_FUNCTION or effective_n_jobs(n_jobs) > 1)
    return _metric.compiled(function, params, x, y, narrow=narrow), x, y
