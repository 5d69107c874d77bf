"""The fast path of the input checks against scikit-learn's: same results, same attributes, same errors and warnings."""

import itertools
import timeit
import warnings
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import _check_sample_weight, validate_data

import fastml._validate
from fastml._validate import check_weights, check_X

pytestmark = pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")

CLEAN = np.random.default_rng(0).normal(size=(6, 3))


class Estimator(BaseEstimator):
    """What the checks write to."""


class Sub(np.ndarray):
    pass


def poisoned(value, position=(3, 1), dtype=np.float64):
    X = CLEAN.astype(dtype)
    X[position] = value
    return X


def unaligned(dtype=np.float64):
    buffer = np.zeros(CLEAN.size * np.dtype(dtype).itemsize + 1, np.uint8)
    X = buffer[1:].view(dtype).reshape(CLEAN.shape)
    X[:] = CLEAN
    return X


def read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


def wide_indices(X):
    X = sparse.csr_matrix(X)
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


class Array:
    """Not an ndarray, but makes one."""

    def __init__(self, X):
        self.X = X

    def __array__(self, dtype=None, copy=None):
        return np.array(self.X, dtype=dtype)


INPUTS = {
    "float64": lambda: CLEAN.copy(),
    "float32": lambda: CLEAN.astype(np.float32),
    "one row": lambda: CLEAN[:1].copy(),
    "one column": lambda: CLEAN[:, :1].copy(),
    "transposed": lambda: CLEAN.T,
    "Fortran": lambda: np.asfortranarray(CLEAN),
    "Fortran float32": lambda: np.asfortranarray(CLEAN, dtype=np.float32),
    "every second column": lambda: np.repeat(CLEAN, 2, axis=1)[:, ::2],
    "reversed": lambda: CLEAN[::-1],
    "rows of a larger one": lambda: np.vstack([CLEAN, CLEAN])[2:5],
    "broadcast": lambda: np.broadcast_to(CLEAN[:1], (6, 3)),
    "read-only": lambda: read_only(CLEAN),
    "read-only Fortran": lambda: read_only(np.asfortranarray(CLEAN)),
    "unaligned": unaligned,
    "unaligned float32": lambda: unaligned(np.float32),
    "big-endian": lambda: CLEAN.astype(">f8"),
    "float16": lambda: CLEAN.astype(np.float16),
    "longdouble": lambda: CLEAN.astype(np.longdouble),
    "int64": lambda: (CLEAN * 10).astype(np.int64),
    "int8": lambda: (CLEAN * 10).astype(np.int8),
    "uint64": lambda: np.full((4, 3), 2**63, np.uint64),
    "bool": lambda: CLEAN > 0,
    "object of floats": lambda: CLEAN.astype(object),
    "object of strings": lambda: np.array([["a", "b", "c"]] * 4, dtype=object),
    "object with None": lambda: np.array([[1.0, None, 2.0]] * 4, dtype=object),
    "strings": lambda: np.array([["1.5", "2", "3"]] * 4),
    "words": lambda: np.array([["a", "b", "c"]] * 4),
    "bytes": lambda: np.array([[b"a", b"b", b"c"]] * 4),
    "dates": lambda: np.array([["2020-01-01", "2021-01-01", "2022-01-01"]] * 4, dtype="M8[D]"),
    "records": lambda: np.zeros(4, dtype=[("a", float), ("b", float)]),
    "complex": lambda: CLEAN + 1j,
    "complex list": lambda: [[1j, 2, 3]],
    "NaN": lambda: poisoned(np.nan),
    "NaN float32": lambda: poisoned(np.nan, dtype=np.float32),
    "infinity": lambda: poisoned(np.inf),
    "minus infinity float32": lambda: poisoned(-np.inf, dtype=np.float32),
    "NaN at the end": lambda: poisoned(np.nan, (-1, -1)),
    "NaN in one row": lambda: poisoned(np.nan)[3:4],
    "NaN Fortran": lambda: np.asfortranarray(poisoned(np.nan)),
    "NaN object": lambda: poisoned(np.nan).astype(object),
    "too large for float32": lambda: poisoned(1e300),
    "huge": lambda: np.full((4, 3), 1.7e308),
    "huge float32": lambda: np.full((4, 3), 3.4e38, np.float32),
    "huge of both signs": lambda: np.full((4, 3), 1.7e308) * [1, -1, 1],
    "subnormal": lambda: np.full((4, 3), 5e-324),
    "no rows": lambda: np.empty((0, 3)),
    "no columns": lambda: np.empty((4, 0)),
    "nothing": lambda: np.empty((0, 0)),
    "scalar": lambda: 3.0,
    "0-d": lambda: np.array(3.0),
    "1-d": lambda: CLEAN[0].copy(),
    "1-d of another length": lambda: np.ones(6),
    "3-d": lambda: CLEAN[None].copy(),
    "None": lambda: None,
    "string": lambda: "samples",
    "dict": lambda: {"a": [1.0]},
    "list": CLEAN.tolist,
    "tuple": lambda: tuple(map(tuple, CLEAN)),
    "ragged": lambda: [[1.0, 2.0], [1.0]],
    "empty list": lambda: [],
    "list of empty": lambda: [[]],
    "list of arrays": lambda: list(CLEAN),
    "range": lambda: [range(3), range(3)],
    "masked": lambda: np.ma.masked_greater(CLEAN, 1),
    "matrix": lambda: np.asmatrix(CLEAN),
    "memmap": lambda: np.memmap("/dev/zero", np.float64, "r", shape=(4, 3)),
    "subclass": lambda: CLEAN.copy().view(Sub),
    "makes an array": lambda: Array(CLEAN),
    "makes a bad array": lambda: Array(poisoned(np.nan)),
    "frame": lambda: pd.DataFrame(CLEAN, columns=list("abc")),
    "frame, other order": lambda: pd.DataFrame(CLEAN, columns=list("cab")),
    "frame, other names": lambda: pd.DataFrame(CLEAN, columns=list("abx")),
    "frame, more": lambda: pd.DataFrame(np.ones((6, 4)), columns=list("abcd")),
    "frame, numbers for names": lambda: pd.DataFrame(CLEAN),
    "frame, mixed names": lambda: pd.DataFrame(CLEAN, columns=["a", 1, "c"]),
    "frame float32": lambda: pd.DataFrame(CLEAN.astype(np.float32), columns=list("abc")),
    "frame of ints": lambda: pd.DataFrame({"a": [1, 2], "b": [3, 4], "c": [5, 6]}),
    "frame with NA": lambda: pd.DataFrame({"a": pd.array([1, None]), "b": [1.0, 2.0], "c": [0, 1]}),
    "frame of words": lambda: pd.DataFrame({"a": ["u", "v"], "b": [1.0, 2.0], "c": [0, 1]}),
    "empty frame": lambda: pd.DataFrame({"a": [], "b": [], "c": []}),
    "series": lambda: pd.Series(CLEAN[:, 0]),
    "polars": lambda: pl.DataFrame({name: CLEAN[:, i] for i, name in enumerate("abc")}),
    "polars, other names": lambda: pl.DataFrame({name: CLEAN[:, i] for i, name in enumerate("xyz")}),
    "CSR": lambda: sparse.csr_matrix(CLEAN),
    "CSR float32": lambda: sparse.csr_array(CLEAN.astype(np.float32)),
    "CSC": lambda: sparse.csc_matrix(CLEAN),
    "COO": lambda: sparse.coo_array(CLEAN),
    "DIA": lambda: sparse.dia_matrix(CLEAN),
    "LIL of ints": lambda: sparse.lil_matrix((CLEAN * 10).astype(int)),
    "CSR, 64-bit indices": lambda: wide_indices(CLEAN),
    "CSR with NaN": lambda: sparse.csr_matrix(poisoned(np.nan)),
    "CSR complex": lambda: sparse.csr_matrix(CLEAN + 1j),
    "CSR, no rows": lambda: sparse.csr_matrix((0, 3)),
    "four columns": lambda: np.ones((6, 4)),
    "two columns": lambda: np.ones((6, 2)),
}

FITTED = {
    "new": {},
    "fitted": {"n_features_in_": 3},
    "fitted with names": {"n_features_in_": 3, "feature_names_in_": np.array(list("abc"), dtype=object)},
}

OPTIONS = {
    "dtype": [
        *([np.float64, np.float32], [np.float64], [np.float32], (np.float32,)),
        *(np.float64, np.float32, np.int64, "float64", "numeric", None),
    ],
    "order": ["C", None, "F"],
    "copy": [False, True],
    "ensure_all_finite": [True, False, "allow-nan"],
    "accept_sparse": ["csr", False, True, ["csc", "coo"]],
    "accept_large_sparse": [True, False],
    "ensure_min_samples": [1, 2, 7],
    "ensure_min_features": [1, 4],
    "force_writeable": [False, True],
}


def outcome(check, given, fitted, options):
    """What a check returned or raised, what it warned of and what the estimator knows then."""
    est = Estimator()
    vars(est).update(FITTED[fitted])
    X = INPUTS[given]()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = check(est, X, **options)
        except Exception as error:
            result = error
    attributes = {name: repr(value) for name, value in vars(est).items()}
    return X, result, [(w.category, str(w.message)) for w in caught], attributes


def assert_same_result(X, ours, X_again, theirs):
    """Compare two results, each with the input that it was made from."""
    assert type(ours) is type(theirs)
    if isinstance(ours, Exception):
        assert str(ours) == str(theirs)
        return
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    if sparse.issparse(ours):
        assert ours.indices.dtype == theirs.indices.dtype if hasattr(ours, "indices") else True
        np.testing.assert_array_equal(ours.toarray(), theirs.toarray())
        assert (ours is X) == (theirs is X_again)
        return
    if ours.dtype == object:  # NaN among objects equals no other NaN
        assert repr(ours.tolist()) == repr(theirs.tolist())
    else:
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))
    was_unaligned = isinstance(theirs, np.ndarray) and not theirs.flags.aligned
    assert ours.flags.aligned
    for flag in ("c_contiguous", "f_contiguous") + (() if was_unaligned else ("writeable",)):
        assert getattr(ours.flags, flag) == getattr(theirs.flags, flag), flag
    if isinstance(X, np.ndarray) and not was_unaligned:
        assert np.shares_memory(ours, X) == np.shares_memory(theirs, X_again)
        assert (ours is X) == (theirs is X_again)


def assert_as_scikit_learn(given, fitted, options):
    X, ours, our_warnings, our_attributes = outcome(check_X, given, fitted, options)
    X_again, theirs, their_warnings, their_attributes = outcome(validate_data, given, fitted, options)
    assert_same_result(X, ours, X_again, theirs)
    assert our_warnings == their_warnings
    assert our_attributes == their_attributes


@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize("fitted", FITTED)
@pytest.mark.parametrize("given", INPUTS)
def test_the_options_of_kmeans(given, fitted, reset):
    options = {"dtype": [np.float64, np.float32], "order": "C", "accept_sparse": "csr", "accept_large_sparse": False}
    assert_as_scikit_learn(given, fitted, options | {"reset": reset})


@settings(max_examples=2000, deadline=None)
@given(
    st.sampled_from(list(INPUTS)),
    st.sampled_from(list(FITTED)),
    st.booleans(),
    st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in OPTIONS.items()}),
)
def test_any_options(given, fitted, reset, options):
    assert_as_scikit_learn(given, fitted, options | {"reset": reset})


@pytest.mark.parametrize("given", ["NaN", "infinity", "float64", "words", "NaN float32", "CSR with NaN"])
def test_assume_finite(given):
    with sklearn.config_context(assume_finite=True):
        assert_as_scikit_learn(given, "fitted", {"reset": False})


@pytest.mark.parametrize("given", ["float64", "1-d", "3-d", "no rows", "words"])
@pytest.mark.parametrize("option", [{"ensure_2d": False}, {"allow_nd": True}, {"y": np.ones(6)}, {"order": "X"}])
def test_options_that_the_fast_path_does_not_know(given, option):
    if "y" in option:  # scikit-learn returns a pair
        _, ours, *_ = outcome(check_X, given, "new", option | {"reset": True})
        _, theirs, *_ = outcome(validate_data, given, "new", option | {"reset": True})
        assert type(ours) is type(theirs)
        assert repr(ours) == repr(theirs)
    else:
        assert_as_scikit_learn(given, "new", option | {"reset": True})


def test_clean_arrays_take_the_fast_path(monkeypatch):
    monkeypatch.setattr(fastml._validate, "validate_data", None)
    est = Estimator()
    est.feature_names_in_ = np.array(list("abc"))
    for kind, copy in itertools.product(("float64", "float32", "one row", "read-only", "huge", "subnormal"), (0, 1)):
        X = INPUTS[kind]()
        checked = check_X(est, X, reset=True, copy=bool(copy), dtype=[np.float64, np.float32], order="C")
        assert (checked is X) != copy
        assert vars(est) == {"n_features_in_": 3}
        assert check_X(est, X, reset=False, dtype=X.dtype.type) is X


WEIGHTS = {
    "None": lambda: None,
    "one": lambda: 1,
    "a half": lambda: 0.5,
    "zero": lambda: 0,
    "NaN number": lambda: np.nan,
    "float64": lambda: np.arange(1.0, 7),
    "float32": lambda: np.arange(1.0, 7, dtype=np.float32),
    "with zeros": lambda: np.array([0.0, 1, 0, 1, 0, 1]),
    "zeros": lambda: np.zeros(6),
    "minus zeros": lambda: -np.zeros(6),
    "negative": lambda: np.array([-1.0, 1, 1, 1, 1, 1]),
    "ints": lambda: np.arange(6),
    "bools": lambda: np.array([True] * 6),
    "list": lambda: [1.0] * 6,
    "series": lambda: pd.Series(np.arange(1.0, 7)),
    "polars": lambda: pl.Series(np.arange(1.0, 7)),
    "strided": lambda: np.arange(1.0, 13)[::2],
    "read-only": lambda: read_only(np.arange(1.0, 7)),
    "unaligned": lambda: unaligned().reshape(-1)[:6],
    "NaN": lambda: np.array([np.nan, 1, 1, 1, 1, 1]),
    "infinity": lambda: np.array([np.inf, 1, 1, 1, 1, 1]),
    "short": lambda: np.ones(5),
    "long": lambda: np.ones(7),
    "empty": lambda: np.ones(0),
    "2-d": lambda: np.ones((6, 1)),
    "0-d": lambda: np.array(1.0),
    "words": lambda: np.array(["a"] * 6),
    "objects": lambda: np.array([1.0] * 6, dtype=object),
    "complex": lambda: np.ones(6) * 1j,
    "CSR": lambda: sparse.csr_matrix(np.ones((6, 1))),
    "dict": lambda: {},
}


def weights_outcome(check, given, X):
    weights = WEIGHTS[given]()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = check(weights, X)
        except Exception as error:
            result = error
    return weights, result, [(w.category, str(w.message)) for w in caught]


@pytest.mark.parametrize("X", [CLEAN, CLEAN.astype(np.float32), sparse.csr_matrix(CLEAN), CLEAN[:0]], ids=repr)
@pytest.mark.parametrize("given", WEIGHTS)
def test_weights(given, X):
    weights, ours, our_warnings = weights_outcome(check_weights, given, X)
    again, theirs, their_warnings = weights_outcome(
        lambda weights, X: _check_sample_weight(weights, X, dtype=X.dtype), given, X
    )
    assert_same_result(weights, ours, again, theirs)
    assert our_warnings == their_warnings


def test_weights_under_assume_finite():
    with sklearn.config_context(assume_finite=True):
        test_weights("NaN", CLEAN)


@pytest.mark.timing
@pytest.mark.parametrize("reset", [True, False])
def test_one_row_costs_little(reset):
    est, X = Estimator(), np.ones((1, 32))
    est.n_features_in_ = 32
    options = {"dtype": [np.float64, np.float32], "order": "C", "accept_sparse": "csr", "accept_large_sparse": False}
    check_X(est, X, reset=True, **options)
    ours, theirs = (
        min(timeit.repeat(partial(check, est, X, reset=reset, **options), number=100, repeat=100))
        for check in (check_X, validate_data)
    )
    assert ours < theirs / 15  # 1.5 us of 38 (scikit-learn 1.7) to 110 (1.9), as kernels for one row cost 3
