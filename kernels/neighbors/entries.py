"""Sparse samples as the kernel of searches among them takes them."""

from typing import NamedTuple

import numpy as np

from fastml._kernels.neighbors.rows import COSINE, DISTANCE, MANHATTAN

__all__ = ["COSINE", "DISTANCE", "MANHATTAN", "Columns", "Entries", "allocate", "allocate_columns"]

# Entries of a row, or of what two rows share, that are one chain of additions.
SLAB = 256
# A column of which one sample in so many has an entry is written down in full, to be added up a vector at a time. Among
# 20,000 samples of 100 words each 500 queries take 78 ms so, with 2 or 4 some 8 % more, and without 29 %.
ONE_IN = 3

# Side by side: to write 2,000,000 down by columns apart took half as long again.
ENTRY = np.dtype([("value", np.float64), ("row", np.int64)])


class Entries(NamedTuple):
    """Rows of a matrix in compressed form (CSR), features ascending in each, none twice.

    data     (n_entries,)   float64
    indices  (n_entries,)   int32     their features
    indptr   (n + 1,)       int64     where each row begins
    sizes    (n,)           float64   `measure` of sparse fills it in: of each row, the sum of squares, or by MANHATTAN
                                      of magnitudes; a driver puts the inverse of the root there for COSINE (or 0)
    n_features
    measure  DISTANCE, COSINE or MANHATTAN
    """

    data: np.ndarray
    indices: np.ndarray
    indptr: np.ndarray
    sizes: np.ndarray
    n_features: int
    measure: int


class Columns(NamedTuple):
    """The same by features, which `turn` of sparse fills in.

    starts   (n_features + 1,)      int64     where each column begins
    members  (n_entries,)           ENTRY     samples that have an entry, ascending in a column
    place    (n_features,)          int32     which of `full` holds the column; -1: none; -2: the column is left out
    full     (n_full, n)            float64   columns of which many samples have an entry
    """

    starts: np.ndarray
    members: np.ndarray
    place: np.ndarray
    full: np.ndarray


def allocate(data, indices, indptr, n_features, measure):
    """Return Entries without sizes."""
    return Entries(
        np.require(data, np.float64, ["C", "A"]),
        np.require(indices, np.int32, ["C", "A"]),
        np.require(indptr, np.int64, ["C", "A"]),
        np.empty(len(indptr) - 1),
        n_features,
        measure,
    )


def allocate_columns(entries, Q):
    """Return unfilled Columns of the features that the queries have, but for which are full."""
    n = len(entries.sizes)
    asked = np.zeros(entries.n_features, bool)
    asked[Q.indices] = True
    counts = np.bincount(entries.indices, minlength=entries.n_features)
    many = asked & (counts * ONE_IN > n)
    place = np.where(asked, np.int32(-1), np.int32(-2))
    n_full = np.count_nonzero(many)
    place[many] = np.arange(n_full, dtype=np.int32)
    counts[many | ~asked] = 0
    starts = np.zeros(entries.n_features + 1, np.int64)
    np.cumsum(counts, out=starts[1:])
    return Columns(starts, np.empty(starts[-1], ENTRY), place, np.zeros((n_full, n)))
