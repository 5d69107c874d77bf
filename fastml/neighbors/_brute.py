"""Driver of searches by brute force.

    nearest(samples, X, k, *, measure, with_distances, n_threads)       distances (n, k) or None, indices (n, k)
    vote(samples, X, ballot, *, measure, n_threads)                     fills a Ballot
    within(samples, X, radii, *, measure, with_distances, sort, n_threads)      Rows

samples  (n_samples, n_features)
X        (n_queries, n_features); None: the samples themselves, none of which is then its own neighbour.
measure  Measure of _measures.py

By direct differences, so that an offset of the samples costs no digits; cosine distances by those of unit rows. Equally
near neighbours come in the order of their indices. Nothing is kept between calls: samples changed in place count as
they are, as in scikit-learn.
"""

import numpy as np

from fastml._dispatch import NotCovered, load, record
from fastml._kernels.neighbors.rows import BRAY_CURTIS, COSINE, DISTANCE, SQUARE, allocate, unprepared
from fastml._kernels.neighbors.trees import Rows
from fastml.neighbors import _directions, _measures

# The float32 copy costs as much as to compare two queries with all samples without it (20,000 x 128).
WORTH_PREPARING = 2
FLOATS = np.float32, np.float64
# Beyond, a square may overflow.
LARGEST = 1e150


def nearest(samples, X, k, *, measure, with_distances, n_threads):
    """Find the k nearest samples of each query, nearest first: distances by the measure, and indices, int64."""
    if k > len(samples) - (X is None):
        raise NotCovered("The samples were changed after the fit.")
    kernel, rows, queries = _prepare(samples, X, measure, n_threads)
    indices = np.empty((len(queries), k), np.int64)
    distances = np.empty(indices.shape) if with_distances else None
    kernel.nearest(rows, queries, X is None, distances, indices, n_threads)
    return _told(distances, samples, X, measure), indices


def vote(samples, X, ballot, *, measure, n_threads):
    """Let the nearest samples of each query vote."""
    kernel, rows, queries = _prepare(samples, X, measure, n_threads)
    kernel.vote(rows, queries, X is None, ballot, n_threads)


def within(samples, X, radii, *, measure, with_distances, sort, n_threads):
    """Find the samples within a radius of each query, the border included, as Rows; unsorted by their index.

    radii  number, or (n_queries,)  as the measure tells distances
    sort   nearest first; needs the distances
    """
    kernel, rows, queries = _prepare(samples, X, measure, n_threads)
    radii = np.broadcast_to(np.asarray(radii, np.float64), len(queries))
    limits = _measures.limits(measure, radii)
    if rows.measure == COSINE:
        limits = _directions.limits(radii, queries.shape[1])
        with_distances = True
    indptr = np.zeros(len(queries) + 1, np.int64)
    kernel.count_within(rows, queries, X is None, limits, indptr[1:], n_threads)
    np.cumsum(indptr, out=indptr)
    found = Rows(indptr, np.empty(indptr[-1], np.int64), np.empty(indptr[-1]) if with_distances else None)
    kernel.fill_within(rows, queries, X is None, limits, found, sort, n_threads)
    if rows.measure == COSINE:
        found = _directions.judged(found, rows.X, queries, radii, sort)
    return found._replace(distances=_told(found.distances, samples, X, measure))


def _told(distances, samples, X, measure):
    """Return distances of the type that scikit-learn gives them: by cosine that of the samples and queries."""
    if distances is None or measure.kind != COSINE:
        return distances
    return distances.astype(_directions.type_of(samples, X), copy=False)


def _prepare(samples, X, measure, n_threads):
    """Return the kernel, the samples and the queries as it takes them."""
    record(n_threads=n_threads)
    queries = np.asarray(samples if X is None else X)
    if queries.shape[1] != samples.shape[1]:
        raise NotCovered("The queries have other features than the samples.")
    if measure.kind == BRAY_CURTIS and (queries.dtype != samples.dtype or samples.dtype not in FLOATS):
        raise NotCovered("Of such types scikit-learn takes SciPy's braycurtis, which divides by other sums.")
    kernel = load("neighbors.brute", float(len(queries)) * samples.size)
    if measure.kind == COSINE:
        samples, queries = _directions.unit_rows(samples, X)
    queries = np.require(queries, np.float64, ["C", "A"])
    by_products = measure.kind in (DISTANCE, SQUARE, COSINE)
    dtype = np.float32 if by_products and samples.dtype == np.float32 else np.float64
    samples = np.require(samples, dtype, ["C", "A"])
    if not by_products or len(queries) <= WORTH_PREPARING:
        return kernel, unprepared(samples, *measure), queries
    rows = allocate(samples, kernel.BLOCK, measure.kind)
    kernel.narrow(rows, n_threads)
    if dtype is np.float64 and np.isinf(rows.reach).any() and np.abs(samples).max() > LARGEST:
        raise NotCovered(f"Squares of numbers beyond {LARGEST} may overflow.")
    return kernel, rows, queries
