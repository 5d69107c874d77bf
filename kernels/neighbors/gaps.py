"""Samples with missing entries, and what is asked of them: the arguments of donors."""

from typing import NamedTuple

import numpy as np

# How donors are weighed: alike, by the inverse of their distance, or by the caller, who gets them.
ALIKE, BY_DISTANCE, BY_CALLER = range(3)
# What becomes of an entry: it has its value; rounding decides between donors; no donor has an entry in common.
DECIDED, OPEN, ALONE = range(3)


class Incomplete(NamedTuple):
    """Samples with missing entries.

    X        (n_samples, n_features)           float64 or float32   0 where missing
    missing  (n_samples, n_features)  bool
    norms    (n_samples,)                      float64   squares of the rows of X, as scikit-learn adds them up
    """

    X: np.ndarray
    missing: np.ndarray
    norms: np.ndarray


class Entries(NamedTuple):
    """Missing entries to be filled, row by row.

    starts   (n_rows + 1,)  int64   where the entries of a row begin
    columns  (n_entries,)   int32
    supply   (n_features,)  int64   how many donors have an entry in the column
    """

    starts: np.ndarray
    columns: np.ndarray
    supply: np.ndarray


class Rule(NamedTuple):
    """How donors are chosen, and how scikit-learn's distances are rounded.

    k          donors of an entry
    weights    ALIKE, BY_DISTANCE or BY_CALLER
    ends       (n_chains,)       int64   where the chains of its products end (kmeans/gemm.py): for float64
    gap_ends   (n_gap_chains,)   int64   the same for the type of the samples
    certain    rows before this one have its distances to the bit; of the others rounding may decide
    """

    k: int
    weights: int
    ends: np.ndarray
    gap_ends: np.ndarray
    certain: int


class Gifts(NamedTuple):
    """What the donors give.

    values     (n_entries,)     float64   mean of the donors, where DECIDED
    states     (n_entries,)     uint8     DECIDED, OPEN or ALONE
    donors     (n_entries, k)   int64     the nearest first, -1 where there is none; or None
    distances  (n_entries, k)   float64   NaN where there is none; or None
    """

    values: np.ndarray
    states: np.ndarray
    donors: np.ndarray | None
    distances: np.ndarray | None


def table(n_donors, n_features, block):
    """Return the unfilled table of `prepare`, (n_blocks, 3 n_features + 1, block)."""
    return np.empty((-(-n_donors // block), 3 * n_features + 1, block))
