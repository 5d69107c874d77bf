"""Many features: OpenBLAS cuts the chains of its dot products, and close calls fall as they fall there."""

import numpy as np
import pytest
import sklearn.cluster
from threadpoolctl import threadpool_info

import fastml.cluster

# Of these the blocks are known to the bit, see kernels/kmeans/gemm.py.
KNOWN = {"SkylakeX", "Cooperlake", "SapphireRapids"}
N_CASES = 60


def midpoints(rng, n, d, k):
    """Samples halfway between two of k centres, half of them a little off: rounding decides where they belong."""
    centers = rng.standard_normal((k, d))
    X = np.array([centers[rng.integers(k, size=2)].mean(axis=0) for _ in range(n)])
    return X + 1e-3 * rng.standard_normal((n, d)) * (rng.random((n, 1)) < 0.5), centers


def lattice(rng, n, d, k):
    X = rng.integers(0, 3, (n, d)).astype(float)
    return X, X[rng.permutation(n)[:k]]


def noise(rng, n, d, k):
    X = rng.random((n, d))
    return X, X[:k]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # empty clusters of the lattice
@pytest.mark.parametrize("kind", [midpoints, lattice, noise])
def test_close_calls_fall_as_in_scikit_learn(kind):
    if KNOWN.isdisjoint(library.get("architecture") for library in threadpool_info()):
        pytest.skip("the blocks of this CPU's BLAS are not known to the bit")
    for seed in range(N_CASES):
        rng = np.random.default_rng(seed)
        n, d = rng.choice([300, 1000]), rng.choice([321, 385, 400, 449, 500, 784, 785, 1000, 1500])
        k, dtype = rng.choice([2, 3, 5, 8, 12, 40]), rng.choice([np.float32, np.float64])
        X, init = (A.astype(dtype) for A in kind(rng, n, d, k))
        for algorithm in ("lloyd", "elkan"):
            options = {"init": init, "n_init": 1, "max_iter": 2, "tol": 0, "algorithm": algorithm}
            ours, theirs = (m.cluster.KMeans(k, **options).fit(X) for m in (fastml, sklearn))
            np.testing.assert_array_equal(ours.labels_, theirs.labels_, err_msg=f"{seed} {algorithm}")
            theirs.cluster_centers_ = ours.cluster_centers_ = init.copy()
            np.testing.assert_array_equal(ours.predict(X), theirs.predict(X), err_msg=f"{seed} {algorithm}")
