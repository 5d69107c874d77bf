"""Named inputs that scikit-learn refuses, converts or just bears, as functions that build a fresh one each time."""

import numpy as np
import pandas as pd
import scipy.sparse as sp

N, D = 20, 3


def good():
    return np.random.RandomState(0).randn(N, D)


def with_entry(value, dtype=float):
    X = good().astype(dtype)
    X[-1, -1] = value
    return X


def sparse_with(value=None, indices=np.int32, dtype=float):
    X = sp.csr_matrix(good().astype(dtype))
    if value is not None:
        X.data[-1] = value
    X.indices, X.indptr = X.indices.astype(indices), X.indptr.astype(indices)
    return X


def frame(columns=("a", "b", "c"), values=None):
    return pd.DataFrame(good() if values is None else values, columns=list(columns))


class Subclass(np.ndarray):
    pass


class HasArray:
    def __array__(self, dtype=None, copy=None):
        return good()


class RaisesInArray:
    shape = (N, D)

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("no array today")


def read_only():
    X = good()
    X.flags.writeable = False
    return X


def objects(value):
    X = good().astype(object)
    X[3, 1] = value
    return X


DATA = {
    "1-d": lambda: good()[:, 0],
    "0-d": lambda: np.array(1.0),
    "3-d": lambda: good()[None],
    "no rows": lambda: np.empty((0, D)),
    "no columns": lambda: np.empty((N, 0)),
    "nothing": lambda: [],
    "no rows in a list": lambda: [[]],
    "one row": lambda: good()[:1],
    "two rows": lambda: good()[:2],
    "one column less": lambda: good()[:, :2],
    "one column more": lambda: np.random.RandomState(0).randn(N, D + 1),
    "NaN": lambda: with_entry(np.nan),
    "NaN float32": lambda: with_entry(np.nan, np.float32),
    "inf": lambda: with_entry(np.inf),
    "-inf": lambda: with_entry(-np.inf),
    "inf float32": lambda: with_entry(np.inf, np.float32),
    "denormal": lambda: good() * 1e-310,
    "words": lambda: np.array([["a", "b", "c"]] * N),
    "numbers as words": lambda: good().astype(str),
    "bytes": lambda: good().astype("S10"),
    "objects": lambda: objects(1.5),
    "objects with None": lambda: objects(None),
    "objects with a word": lambda: objects("word"),
    "objects with a dict": lambda: objects({}),
    "objects with NaN": lambda: objects(float("nan")),
    "complex": lambda: good() + 1j,
    "complex without imaginary parts": lambda: good().astype(complex),
    "complex list": lambda: (good() + 1j).tolist(),
    "dates": lambda: np.arange(N * D).reshape(N, D).astype("datetime64[D]"),
    "time spans": lambda: np.arange(N * D).reshape(N, D).astype("timedelta64[s]"),
    "records": lambda: np.zeros(N, dtype=[("a", float), ("b", float)]),
    "bool": lambda: good() > 0,
    "int8": lambda: (good() * 10).astype(np.int8),
    "uint64": lambda: np.abs(good() * 1e6).astype(np.uint64),
    "large int": lambda: [[2**70, 0, 1]] * N,
    "float16": lambda: good().astype(np.float16),
    "longdouble": lambda: good().astype(np.longdouble),
    "big-endian": lambda: good().astype(">f8"),
    "list": lambda: good().tolist(),
    "ragged list": lambda: [[1.0, 2.0], [3.0]],
    "list of arrays": lambda: list(good()),
    "tuple": lambda: tuple(map(tuple, good())),
    "generator": lambda: (row for row in good()),
    "dict": lambda: {"a": 1},
    "set": lambda: {1, 2, 3},
    "None": lambda: None,
    "word": lambda: "data",
    "number": lambda: 3.0,
    "matrix": lambda: np.asmatrix(good()),
    "masked": lambda: np.ma.masked_array(good(), mask=good() > 1),
    "subclass": lambda: good().view(Subclass),
    "has __array__": HasArray,
    "raises in __array__": RaisesInArray,
    "read-only": read_only,
    "reversed": lambda: good()[::-1, ::-1],
    "strided": lambda: np.repeat(good(), 2, axis=1)[:, ::2],
    "broadcast": lambda: np.broadcast_to(np.round(good()[0] * 64) / 64, (N, D)),  # exact squares: zeros are, too
    "frame": frame,
    "frame with other names": lambda: frame("xyz"),
    "frame in another order": lambda: frame("cba"),
    "frame with one name more": lambda: frame("abcd", np.ones((N, 4))),
    "frame with numbers as names": lambda: frame((0, 1, 2)),
    "frame with mixed names": lambda: frame((0, "b", "c")),
    "frame with words": lambda: frame("abc", np.array([["u", "v", "w"]] * N)),
    "frame with NaN": lambda: frame("abc", with_entry(np.nan)),
    "frame with NA": lambda: frame("abc").convert_dtypes().mask(good() > 1),
    "series": lambda: frame()["a"],
    "csr": sparse_with,
    "csr float32": lambda: sparse_with(dtype=np.float32),
    "csr NaN": lambda: sparse_with(np.nan),
    "csr inf": lambda: sparse_with(np.inf),
    "csr int64 indices": lambda: sparse_with(indices=np.int64),
    "csr complex": lambda: sparse_with(dtype=complex),
    "csr bool": lambda: sp.csr_matrix(good() > 0),
    "csr int": lambda: sp.csr_matrix((good() * 5).astype(int)),
    "csr longdouble": lambda: sparse_with(dtype=np.longdouble),
    "csr without rows": lambda: sp.csr_matrix((0, D)),
    "csr without columns": lambda: sp.csr_matrix((N, 0)),
    "csr without entries": lambda: sp.csr_matrix((N, D)),
    "csr one column more": lambda: sp.csr_matrix(np.ones((N, D + 1))),
    "csc": lambda: sp.csc_matrix(good()),
    "coo": lambda: sp.coo_matrix(good()),
    "coo array": lambda: sp.coo_array(good()),
    "lil": lambda: sp.lil_matrix(good()),
    "dok": lambda: sp.dok_matrix(good()),
    "dia": lambda: sp.dia_matrix(good()),
    "bsr": lambda: sp.bsr_matrix(good()),
    "sparse 1-d": lambda: sp.coo_array(good()[:, 0]),
}

WEIGHTS = {
    "too short": lambda: np.ones(N - 1),
    "too long": lambda: np.ones(N + 1),
    "nothing": lambda: [],
    "column": lambda: np.ones((N, 1)),
    "3-d": lambda: np.ones((N, 1, 1)),
    "number": lambda: 2.0,
    "zero": lambda: 0,
    "negative number": lambda: -1.0,
    "all zero": lambda: np.zeros(N),
    "all negative": lambda: -np.ones(N),
    "some negative": lambda: np.arange(N) - 2.0,
    "sum is zero": lambda: np.resize([1.0, -1.0], N),
    "one NaN": lambda: np.append(np.ones(N - 1), np.nan),
    "one inf": lambda: np.append(np.ones(N - 1), np.inf),
    "one large": lambda: np.append(np.ones(N - 1), 1e300),
    "only one is not zero": lambda: np.eye(N)[0],
    "words": lambda: ["a"] * N,
    "numbers as words": lambda: ["1"] * N,
    "objects": lambda: np.ones(N, dtype=object),
    "None": lambda: [None] * N,
    "complex": lambda: np.ones(N) + 1j,
    "bool": lambda: np.arange(N) > 4,
    "int": lambda: np.arange(N),
    "float16": lambda: np.ones(N, np.float16),
    "float32": lambda: np.ones(N, np.float32),
    "longdouble": lambda: np.ones(N, np.longdouble),
    "strided": lambda: np.ones(2 * N)[::2],
    "read-only": lambda: np.broadcast_to(1.0, N),
    "series": lambda: pd.Series(np.ones(N)),
    "frame": lambda: pd.DataFrame(np.ones((N, 1))),
    "sparse": lambda: sp.csr_matrix(np.ones((1, N))),
    "word": lambda: "balanced",
    "dict": lambda: {0: 1.0},
}

NOT_A_COUNT = (0, -1, 2.5, 3.0, "3", None, np.nan, [3], True, np.int64(3))
