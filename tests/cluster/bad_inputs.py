"""Bad initialisations and parameters of the k-means family, as functions that build a fresh one each time."""

import numpy as np
import pandas as pd
import scipy.sparse as sp

from tests.bad_inputs import NOT_A_COUNT, D, N, good

K = 3


def centers():
    return good()[:K]


def returns(result):
    """Return a function for ``init`` that gives ``result()``, whatever it is asked for."""

    def init(X, n_clusters, random_state):
        return result()

    return init


def raises(X, n_clusters, random_state):
    raise RuntimeError("no centres today")


def writes(X, n_clusters, random_state):
    X[:] = 0
    return X[:n_clusters]


INITS = {
    "unknown word": lambda: "kmeans",
    "empty word": lambda: "",
    "None": lambda: None,
    "number": lambda: 3,
    "NumPy number": lambda: np.float64(3),
    "dict": lambda: {},
    "1-d": lambda: centers()[0],
    "0-d": lambda: np.array(1.0),
    "3-d": lambda: centers()[None],
    "nothing": lambda: [],
    "one centre less": lambda: good()[: K - 1],
    "one centre more": lambda: good()[: K + 1],
    "one column less": lambda: centers()[:, 1:],
    "one column more": lambda: np.ones((K, D + 1)),
    "NaN": lambda: centers() * np.nan,
    "inf": lambda: centers() * np.inf,
    "words": lambda: centers().astype(str),
    "unreadable words": lambda: [["a", "b", "c"]] * K,
    "complex": lambda: centers() + 1j,
    "objects": lambda: centers().astype(object),
    "ragged": lambda: [[1.0, 2.0], [3.0]],
    "csr": lambda: sp.csr_matrix(centers()),
    "list": lambda: centers().tolist(),
    "int": lambda: np.arange(K * D).reshape(K, D),
    "float16": lambda: centers().astype(np.float16),
    "read-only": lambda: np.broadcast_to(centers()[0], (K, D)),
    "frame": lambda: pd.DataFrame(centers()),
    "class": lambda: dict,
    "too few parameters": lambda: lambda X: X[:K],
    "raises": lambda: raises,
    "writes into X": lambda: writes,
    "returns None": lambda: returns(lambda: None),
    "returns a word": lambda: returns(lambda: "centres"),
    "returns one centre less": lambda: returns(lambda: good()[: K - 1]),
    "returns one column less": lambda: returns(lambda: centers()[:, 1:]),
    "returns 1-d": lambda: returns(lambda: centers()[0]),
    "returns NaN": lambda: returns(lambda: centers() * np.nan),
    "returns words": lambda: returns(lambda: [["a", "b", "c"]] * K),
    "returns complex": lambda: returns(lambda: centers() + 1j),
    "returns a list": lambda: returns(lambda: centers().tolist()),
    "returns int": lambda: returns(lambda: np.arange(K * D).reshape(K, D)),
    "returns float32": lambda: returns(lambda: centers().astype(np.float32)),
    "returns F order": lambda: returns(lambda: np.asfortranarray(centers())),
    "returns csr": lambda: returns(lambda: sp.csr_matrix(centers())),
}

SHARED_PARAMETERS = {
    "n_clusters": (*NOT_A_COUNT, N, N + 1, 10**12),
    "n_init": (*NOT_A_COUNT, "auto", "best"),
    "max_iter": NOT_A_COUNT,
    "tol": (-1, -1e-300, "a", None, np.nan, np.inf, True, 1j, [0.1], np.float32(0.1)),
    "verbose": ("a", -1, None, 1.5, []),
    "random_state": ("a", -1, 1.5, [1], 2**33, np.random.default_rng(0), np.int64(4)),
}
PARAMETERS = {
    "KMeans": SHARED_PARAMETERS
    | {"copy_x": (None, "yes", 1, np.bool_(True)), "algorithm": ("full", "auto", None, 1, "LLOYD")},
    "MiniBatchKMeans": SHARED_PARAMETERS
    | {
        "batch_size": (*NOT_A_COUNT, 10**9),
        "compute_labels": (None, "yes", 1),
        "max_no_improvement": (-1, 1.5, "a", None, 0, True),
        "init_size": (*NOT_A_COUNT, 1, 10**9),
        "reassignment_ratio": (-1, -1e-300, "a", None, np.nan, np.inf, 2, True),
    },
    "k_means": SHARED_PARAMETERS
    | {"copy_x": (None, "yes"), "algorithm": ("full", None), "return_n_iter": (None, 1, "yes")},
    "kmeans_plusplus": {
        "n_clusters": SHARED_PARAMETERS["n_clusters"],
        "random_state": SHARED_PARAMETERS["random_state"],
        "n_local_trials": (*NOT_A_COUNT, 1000),
        "x_squared_norms": (
            np.ones(N - 1), np.ones(N + 1), np.ones((N, 1)), [1.0] * N, np.full(N, np.nan), ["a"] * N, np.ones(N) + 1j,
            np.float64(1), "norms", np.ones(N, np.float32), np.zeros(N),
        ),
    },
}  # fmt: skip
