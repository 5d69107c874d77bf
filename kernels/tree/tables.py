"""What the kernels of the trees take and give."""

from typing import NamedTuple

import numpy as np

_FIELDS = {
    "left_child": np.int64,
    "right_child": np.int64,
    "feature": np.int64,
    "threshold": np.float64,
    "impurity": np.float64,
    "n_node_samples": np.int64,
    "weighted_n_node_samples": np.float64,
    "missing_go_to_left": np.uint8,
}
# A node, laid out as scikit-learn's: 64 bytes, the last seven of them padding.
NODE = np.dtype({"names": list(_FIELDS), "formats": list(_FIELDS.values()), "offsets": range(0, 64, 8), "itemsize": 64})


class Features(NamedTuple):
    """The features of all samples in integers, made once per fit and read by all its trees.

    Every kernel fills what it reads; the rest is None. Features that few nodes will look at are left as they are:
    only the samples are there, as rows or columns, and n_distinct is 0.

    columns  (n_features, n_samples)  float32: the samples, a feature a row; NaN: missing
    ranks    (n_features, n_samples)  uint32: rank among the distinct values of the feature, n_distinct where missing
    entries  (n_features, n_samples)  uint64: rank << 36 | sample << 8, ascending: every feature's sorted list
    values   (n_features, n_samples)  float32: the distinct values of each feature, ascending; the rest is undefined
    n_distinct  (n_features,)  int64: how many these are
    missing  (n_features,)  int64: how many samples miss the feature; 1 where any may
    close    (n_features,)  uint8: 1 where two neighbouring values are too close for scikit-learn to split them
    tight    (n_features, n_samples // 64 + 1)  uint64: a bit a rank, set where the next one is too close
    rows     (n_samples, n_features)  float32: the samples as they were given, where they are contiguous
    presort  whether trees keep sorted lists of all features; without entries they make them from the ranks
    once     whether one tree alone grows of them: its sorted lists may take the place of the entries
    """

    columns: np.ndarray | None
    ranks: np.ndarray | None
    entries: np.ndarray | None
    values: np.ndarray | None
    n_distinct: np.ndarray | None
    missing: np.ndarray
    close: np.ndarray | None
    tight: np.ndarray | None = None
    rows: np.ndarray | None = None
    presort: bool = False
    once: bool = False


class Rules(NamedTuple):
    """How a tree grows: scikit-learn's parameters, resolved to numbers.

    criterion   "gini", "entropy", "squared_error", "absolute_error" or "poisson"
    random      whether thresholds are drawn (splitter="random")
    max_features, max_depth, min_samples_split, min_samples_leaf   counts; no limit of depth: 2**31 - 1
    max_leaf_nodes   -1: depth first, without a limit; else best first
    monotonic_cst    (n_features,) int8 or None; for classification of the probability of class 0
    doubt       None, or by how much each target may be wrong: then a tree of squared_error is None, given up, where
                rounding may decide between two splits or whether a node stays a leaf
    arranged    whether sums run over the samples as scikit-learn arranges them: squared_error of one target that no
                constraint binds, nothing missing, a doubt of 0, and Features with sorted lists and columns
    """

    criterion: str
    random: bool
    max_features: int
    max_depth: int
    min_samples_split: int
    min_samples_leaf: int
    max_leaf_nodes: int
    min_impurity_decrease: float
    monotonic_cst: np.ndarray | None
    doubt: float | None = None
    arranged: bool = False
