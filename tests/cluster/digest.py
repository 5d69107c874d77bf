"""Digests of models: ``python -m tests.cluster.digest`` prints one line of JSON, to be compared between processes."""

import json

import numpy as np
import scipy.sparse as sp

import fastml
import fastml.cluster
from tests.levels import digest

from .agreement import observe
from .cases import Case, kmeans_case, minibatch_case, plusplus_case

N_CASES = {kmeans_case: 45, minibatch_case: 20, plusplus_case: 15}


def large_case(name):
    """Return a case large enough that several threads share the work, in the words of its name."""
    shape, k, kind, form, entry = name.split()
    n, d = map(int, shape.split("x"))
    rng = np.random.RandomState(n + d)
    values = rng.uniform(size=(n, d)) if kind == "noise" else rng.randn(n, d) + 4 * rng.randint(0, 3, (n, d))
    values = values.astype("float32" if form.endswith("32") else "float64")
    if form.startswith("csr"):
        values *= rng.uniform(size=(n, d)) < 0.2
    make = sp.csr_matrix if form.startswith("csr") else np.array
    params = {"n_clusters": int(k), "max_iter": 12}
    if entry == "minibatch":
        params |= {"batch_size": 4000, "n_init": 2}
    elif entry == "kmeans_plusplus":
        del params["max_iter"]
    else:
        params |= {"algorithm": entry}
    weights = None if kind == "noise" else rng.uniform(size=n)
    entry = entry if entry == "kmeans_plusplus" else "fit"
    new = [(make(values[::-1]), None), (make(values[:7]), None)] if entry == "fit" else []
    return Case(0, False, values.astype(float), make(values), params, (name,), entry, weights, new, random_state=1)


LARGE = (
    "20000x8 16 blobs float64 lloyd",
    "20000x8 16 blobs float32 lloyd",
    "20000x8 16 blobs float64 elkan",
    "50000x4 8 noise float64 lloyd",
    "50000x4 5 blobs float32 elkan",
    "6000x32 130 blobs float64 lloyd",
    "6000x33 130 noise float32 lloyd",
    "20000x50 20 blobs csr64 lloyd",
    "20000x50 20 noise csr32 lloyd",
    "20000x50 20 noise csr64 elkan",
    "20000x8 16 blobs float64 minibatch",
    "20000x8 16 noise float32 minibatch",
    "20000x50 16 blobs csr64 minibatch",
    "20000x8 64 blobs float64 kmeans_plusplus",
    "50000x4 32 noise float32 kmeans_plusplus",
    "20000x50 20 blobs csr64 kmeans_plusplus",
)


def small_digests():
    return {f"{build.__name__}({seed})": digest(observe(fastml.cluster, build(seed))) for build, seed in SMALL}


def digests_for_levels():
    """Return the digests of what is the same at every instruction set level: all but the distances of `transform`.

    Those are of class "rounding": v2 has no fused multiply-add. Labels, centres, inertia and seeds are bit-exact.
    """
    seen = {f"{build.__name__}({seed})": observe(fastml.cluster, build(seed)) for build, seed in SMALL}
    seen |= {name: observe(fastml.cluster, large_case(name)) for name in LARGE}
    return {
        case: digest({name: value for name, value in values.items() if "transform" not in name})
        for case, values in seen.items()
    }


SMALL = [(build, seed) for build, count in N_CASES.items() for seed in range(count)]


def main():
    with fastml.config_context(n_threads=2):
        print(json.dumps(digests_for_levels()))


if __name__ == "__main__":
    main()
