"""Driver of searches by brute force among sparse samples (CSR).

    nearest(samples, X, k, *, measure, with_distances, n_threads)       distances (n, k) or None, indices (n, k)
    vote(samples, X, ballot, *, measure, n_threads)                     fills a Ballot
    within(samples, X, radius, *, measure, with_distances, sort, n_threads)     Rows

samples  (n_samples, n_features)  CSR
X        (n_queries, n_features)  CSR or an array; None: the samples themselves, none of which is then its own neighbour
measure  Measure of _measures.py

Nothing is kept between calls: samples changed in place count as they are, as in scikit-learn.
"""

import numpy as np
from scipy.sparse import csr_array, issparse

from fastml._dispatch import NotCovered, load, record
from fastml._kernels.neighbors import entries
from fastml._kernels.neighbors.rows import COSINE, MANHATTAN
from fastml._kernels.neighbors.trees import Rows
from fastml._validate import has_int32_indices
from fastml.neighbors import _measures

# Nanoseconds an entry of the samples: to write it down by columns, at least; to meet a query, or eight side by side,
# where the features are few enough for the second-level cache, and where they are not. And what columns take at least.
TURN, MEET, MEET_EIGHT, MEET_EIGHT_WIDE, WIDE, COLUMNS = 8, 1.2, 5, 15, 1 << 16, 50_000
# Between these, sums of squares neither overflow nor lose digits.
LEAST, LARGEST = 1e-280, 1e300
WORDS = {1: "Some row of the samples has a feature twice.", 2: "The samples are no valid CSR matrix."}


def nearest(samples, X, k, *, measure, with_distances, n_threads):
    """Find the k nearest samples of each query, nearest first: distances by the measure, and indices, int64."""
    if k > samples.shape[0] - (X is None):
        raise NotCovered("The samples were changed after the fit.")
    kernel, *asked = _prepare(samples, X, measure, n_threads)
    indices = np.empty((len(asked[-1].sizes), k), np.int64)
    distances = np.empty(indices.shape) if with_distances else None
    kernel.nearest(*asked, X is None, distances, indices, n_threads)
    return _told(distances, samples, X, measure), indices


def vote(samples, X, ballot, *, measure, n_threads):
    """Let the nearest samples of each query vote."""
    kernel, *asked = _prepare(samples, X, measure, n_threads)
    kernel.vote(*asked, X is None, ballot, n_threads)


def within(samples, X, radius, *, measure, with_distances, sort, n_threads):
    """Find the samples within a radius of each query, the border included, as Rows; unsorted by their index.

    sort  nearest first; needs the distances
    """
    kernel, *asked = _prepare(samples, X, measure, n_threads)
    n_queries = len(asked[-1].sizes)
    # Beyond the largest cosine distance, 2, is only rounding.
    limit = np.inf if measure.kind == COSINE and radius >= 2 else _measures.limits(measure, np.array(float(radius)))
    limits = np.full(n_queries, limit)
    indptr = np.zeros(n_queries + 1, np.int64)
    kernel.count_within(*asked, X is None, limits, indptr[1:], n_threads)
    np.cumsum(indptr, out=indptr)
    indices, distances = np.empty(indptr[-1], np.int64), np.empty(indptr[-1]) if with_distances else None
    kernel.fill_within(*asked, X is None, limits, Rows(indptr, indices, distances), n_threads)
    if sort:
        order = np.lexsort((indices, distances, np.repeat(np.arange(n_queries), np.diff(indptr))))
        indices, distances = indices[order], distances[order]
    return Rows(indptr, indices, _told(distances, samples, X, measure))


def _told(distances, samples, X, measure):
    """Return distances of scikit-learn's type: float32 where it computes them chunk by chunk, of float32."""
    X = samples if X is None else X
    if distances is None or measure.kind == MANHATTAN or not samples.dtype == X.dtype == np.float32:
        return distances
    by_chunks = issparse(X) or measure.kind == COSINE or not (samples.nnz and samples.indices.dtype == np.int32)
    return distances.astype(np.float32) if by_chunks else distances


def _prepare(samples, X, measure, n_threads):
    """Return the kernel, and the samples, their columns (or None) and the queries as it takes them."""
    record(n_threads=n_threads)
    kernel = load("neighbors.sparse")
    if X is not None and X.shape[1] != samples.shape[1]:
        raise NotCovered("The queries have other features than the samples.")
    if measure.kind == MANHATTAN and any(_is_wide(rows) for rows in (samples, X)):
        raise NotCovered("scikit-learn computes manhattan distances of 32-bit indices alone.")
    held = _entries(kernel, samples, measure.kind)
    asked = held if X is None or X is samples else _entries(kernel, X if issparse(X) else csr_array(X), measure.kind)
    if X is samples and measure.kind == COSINE and not held.sizes.all():
        raise NotCovered("Rows of zeros, asked among themselves, may be at distance 0 from themselves in scikit-learn.")
    if _meets_rows(asked, len(held.data)):
        return kernel, held, None, asked
    columns = entries.allocate_columns(held, asked)
    kernel.turn(held, columns)
    return kernel, held, columns, asked


def _meets_rows(asked, n_entries):
    """Tell whether queries are sooner done with row by row; those of many entries pass over the rows several times."""
    n_queries = len(asked.sizes)
    passes = -(-np.diff(asked.indptr).max() // entries.SLAB) * -(-n_queries // 8)
    side_by_side = MEET_EIGHT if asked.n_features <= WIDE else MEET_EIGHT_WIDE
    return passes * n_entries * (MEET if n_queries == 1 else side_by_side) <= TURN * n_entries + COLUMNS


def _is_wide(X):
    return issparse(X) and not has_int32_indices(X)


def _entries(kernel, X, kind):
    """Return rows as Entries with their sizes."""
    if X.shape[1] > np.iinfo(np.int32).max:
        raise NotCovered("There are more features than 32 bits count.")
    made = entries.allocate(X.data, X.indices, X.indptr, X.shape[1], kind)
    flaw = kernel.measure(made)
    if flaw == 1:
        if kind == MANHATTAN:
            raise NotCovered("Of rows that are not sorted scikit-learn computes other manhattan distances.")
        X = X.copy()
        X.has_sorted_indices = False
        X.sort_indices()
        made = entries.allocate(X.data, X.indices, X.indptr, X.shape[1], kind)
        flaw = kernel.measure(made)
    if flaw:
        raise NotCovered(WORDS[flaw])
    if made.sizes.max(initial=0) > LARGEST:
        raise NotCovered("Some samples are so long that squares may overflow.")
    if kind == COSINE:
        if ((made.sizes < LEAST) & (made.sizes > 0)).any():
            raise NotCovered("Some samples are so short that their length loses digits.")
        np.sqrt(made.sizes, out=made.sizes)
        np.divide(1, made.sizes, out=made.sizes, where=made.sizes > 0)
    return made
