"""Leaves of trees as indicators: what scikit-learn's encoder makes of them, without sorting the samples' leaves."""

import numpy as np
from sklearn.preprocessing import OneHotEncoder

_FEW = 100  # samples that the encoder itself takes no longer with


def encoder_of(estimators, sparse_output):
    """Return the encoder that is fitted to the samples of the trees' fit: each leaf has some of them."""
    leaves = [np.flatnonzero(est.tree_.children_left < 0) for est in estimators]
    most = max(map(len, leaves))
    few = np.stack([np.resize(each, most) for each in leaves], axis=1)
    encoder = OneHotEncoder(sparse_output=sparse_output).fit(few)
    encoder.transform(few[:1])  # dataframes of sparse output are its error
    return encoder


def encode(encoder, leaves):
    """Return ``encoder.transform(leaves)``, (n_samples, n_leaves) of zeros and ones.

    Parameters
    ----------
    encoder : OneHotEncoder
    leaves : ndarray of shape (n_samples, n_trees), int64
    """
    if len(leaves) < _FEW or not encoder.sparse_output:
        return encoder.transform(leaves)
    first = encoder.transform(leaves[:1])
    # One table for all nodes of all trees. A node that is no leaf of the fit has no column, nor has one past the last.
    ends = np.cumsum([known[-1] + 2 for known in encoder.categories_])
    starts = np.append(0, ends[:-1])
    nodes = np.concatenate([known + start for known, start in zip(encoder.categories_, starts, strict=True)])
    columns = np.full(ends[-1], -1, dtype=np.int32)
    columns[nodes] = np.arange(len(nodes))
    indices = columns[np.minimum(leaves + starts, ends - 1)].ravel()
    if indices.min() < 0 or not np.array_equal(indices[: first.nnz], first.indices):  # an error, or another encoder
        return encoder.transform(leaves)
    rows = np.arange(0, len(indices) + 1, leaves.shape[1])
    return type(first)((np.ones(len(indices)), indices, rows), shape=(len(leaves), first.shape[1]))
