"""What a call of the k-means family shows to its caller, and whether two libraries show the same.

A library is a module with scikit-learn's names: ``sklearn.cluster`` or ``fastml.cluster``.
"""

import re

import numpy as np
import scipy.sparse as sp
import sklearn.cluster
from threadpoolctl import threadpool_limits

import fastml
import fastml.cluster
from tests.agreement import Verdict, assert_few_unstable, presence, watched

# Relative tolerances by dtype. Centres: of the spread of the data (in float32, scikit-learn's own sums are no better).
# Inertia: of the total sum of squares. Distances: of the squared norms, as rounding leaves them in
# |x|^2 - 2xc + |c|^2, by which scikit-learn computes `transform`.
TOLERANCES = {
    np.dtype(np.float64): {"centers": 1e-10, "inertia": 1e-12, "distances": 1e-13},
    np.dtype(np.float32): {"centers": 1e-5, "inertia": 1e-5, "distances": 1e-6},
}
# What a fit gives; the rest follows from it.
MODEL = ("labels_", "fit_predict", "cluster_centers_", "inertia_", "n_iter_", "n_steps_", "_counts", "indices")
NUMBER = re.compile(r"-?\d+\.?\d*(?:e[+-]?\d+)?")


def observe(library, case):
    """Run the case and return everything that its caller can see, by name."""
    seen = {}
    with watched(seen):
        ENTRIES[case.entry](library, case, seen)
    if isinstance(case.random_state, np.random.RandomState):
        seen["next draw"] = case.random_state.uniform()  # the same number of draws was taken
    if isinstance(case.X, np.ndarray):
        seen["X afterwards"] = case.X.astype(float)
    if case.reverse:
        for name in seen:
            if name.startswith(("cluster_centers_", "seeds", "X ")):
                seen[name] = seen[name][:, ::-1]
    return seen


def _estimator(library, case):
    name = "MiniBatchKMeans" if "batch_size" in case.params else "KMeans"
    return getattr(library, name)(**case.params, random_state=case.random_state)


def _fit(library, case, seen):
    est = _estimator(library, case)
    assert est.fit(case.X, sample_weight=case.sample_weight) is est
    _see_attributes(est, seen)
    _ask(est, case, seen)


def _fit_predict(library, case, seen):
    est = _estimator(library, case)
    seen["fit_predict"] = est.fit_predict(case.X, sample_weight=case.sample_weight)
    _see_attributes(est, seen)


def _fit_transform(library, case, seen):
    est = _estimator(library, case)
    seen["fit_transform"] = est.fit_transform(case.X, sample_weight=case.sample_weight)
    _see_attributes(est, seen)


def _fit_then_partial_fit(library, case, seen):
    est = _estimator(library, case).fit(case.X, sample_weight=case.sample_weight)
    _see_attributes(est, seen)
    _feed(est, case, seen)


def _partial_fit(library, case, seen):
    _feed(_estimator(library, case), case, seen)


def _feed(est, case, seen):
    for i, (X, sample_weight) in enumerate(case.new):
        est.partial_fit(X, sample_weight=sample_weight)
        _see_attributes(est, seen, f" after batch {i}")
    seen["predict"] = est.predict(case.new[0][0])


def _ask(est, case, seen):
    for i, (X, sample_weight) in enumerate(case.new):
        seen[f"predict {i}"] = est.predict(X)
        seen[f"transform {i}"] = est.transform(X)
        seen[f"score {i}"] = est.score(X, sample_weight=sample_weight)


def _see_attributes(est, seen, when=""):
    seen["attributes" + when] = sorted(vars(est))
    for name in ("labels_", "inertia_", "n_iter_", "n_steps_", "n_features_in_", "_counts", "_n_features_out"):
        if hasattr(est, name):
            seen[name + when] = np.copy(getattr(est, name))
            seen[f"type of {name}{when}"] = type(getattr(est, name)).__name__
    seen["cluster_centers_" + when] = est.cluster_centers_.copy()


def _k_means(library, case, seen):
    names = "cluster_centers_", "labels_", "inertia_", "n_iter_"
    arguments = dict(case.params, sample_weight=case.sample_weight, random_state=case.random_state)
    arguments["verbose"] = bool(arguments["verbose"])
    seen.update(zip(names, library.k_means(case.X, **arguments, return_n_iter=True), strict=True))


def _kmeans_plusplus(library, case, seen):
    arguments = dict(case.params, sample_weight=case.sample_weight, random_state=case.random_state)
    seen["seeds"], seen["indices"] = library.kmeans_plusplus(case.X, **arguments)


ENTRIES = {
    "fit": _fit,
    "fit_predict": _fit_predict,
    "fit_transform": _fit_transform,
    "fit_then_partial_fit": _fit_then_partial_fit,
    "partial_fit": _partial_fit,
    "k_means": _k_means,
    "kmeans_plusplus": _kmeans_plusplus,
}


class Scale:
    """The tolerances of one case, in the units of its data."""

    def __init__(self, case):
        self.case, self.values, self.relative = case, case.values, TOLERANCES[case.dtype]
        # KMeans subtracts the mean of dense data. What rounding then leaves is of the size of the distance from zero.
        centred = not case.sparse and "batch_size" not in case.params
        self.origin = self.values.mean(axis=0) if centred else np.zeros(self.values.shape[1])
        self.floor = 8 * np.finfo(case.dtype).eps * np.abs(self.values).max()
        self.centers = self.relative["centers"] * np.abs(self.values - self.origin).max() + self.floor

    def sum_of_squares(self, values, sample_weight):
        """Return the tolerance of a weighted sum of squares over ``values``."""
        weights = np.ones(len(values)) if sample_weight is None else np.broadcast_to(sample_weight, len(values))
        total = weights @ ((values - self.origin) ** 2).sum(axis=1)
        return self.relative["inertia"] * total + weights.sum() * values.shape[1] * self.floor**2

    def inertia(self, name):
        """Return the tolerance of the inertia or score called ``name``; a number in it is the batch that it is of."""
        number = NUMBER.search(name)
        if number is None:
            return self.sum_of_squares(self.values, self.case.sample_weight)
        X, sample_weight = self.case.new[int(number.group())]
        return self.sum_of_squares(_dense(X), sample_weight)

    def squared_distances(self, name, centers):
        """Return the tolerances, one a sample and centre, of the squares of what ``transform`` gives."""
        number = NUMBER.search(name)
        values = self.values if number is None else _dense(self.case.new[int(number.group())][0])
        return self.relative["distances"] * ((values**2).sum(axis=1)[:, None] + (centers**2).sum(axis=1))


def _dense(X):
    return X.toarray().astype(float) if sp.issparse(X) else np.asarray(X, dtype=float)


def differences(case, ours, theirs):
    """Return what differs between two observations of a case, as sentences by name; nothing where they agree."""
    scale = Scale(case)
    found = {f"presence of {name}": presence(name, ours, theirs) for name in ours.keys() ^ theirs.keys()}
    for name in (name for name in theirs if name in ours):
        a, b = ours[name], theirs[name]
        if name == "output":
            found[name] = _text_difference(a, b, scale)
        elif not isinstance(b, (np.ndarray, float)):
            found[name] = "" if a == b else f"{a} instead of {b}"
        elif _form(a) != _form(b):
            found[f"form of {name}"] = f"{_form(a)} instead of {_form(b)}"
        else:
            found[name] = _array_difference(name, np.asarray(a), np.asarray(b), theirs, scale)
    return {name: sentence for name, sentence in found.items() if sentence}


def _form(value):
    value = np.asarray(value)
    return f"{value.dtype} {value.shape}"


def _array_difference(name, a, b, theirs, scale):
    if name.startswith("cluster_centers_"):
        tolerance = scale.centers
    elif name.startswith("X "):
        tolerance = scale.floor
    elif name.startswith(("inertia_", "score")):
        tolerance = scale.inertia(name)
    elif name.startswith("_counts"):
        tolerance = scale.relative["inertia"] * b.sum()
    elif name.startswith(("transform", "fit_transform")):
        tolerance = scale.squared_distances(name, theirs["cluster_centers_"].astype(float))
        a, b = a.astype(float) ** 2, b.astype(float) ** 2
    else:
        unequal = np.flatnonzero(a != b)
        return f"{unequal.size} of {a.size} differ, at {unequal[:5]}" if unequal.size else ""
    with np.errstate(invalid="ignore"):
        error = np.where(a == b, 0, np.abs(a.astype(float) - b))  # infinities may be equal
    # A NaN is beyond every tolerance.
    return "" if (error <= tolerance).all() else f"off by {error.max():.3g}, allowed {np.max(tolerance):.3g}"


def _text_difference(a, b, scale):
    if NUMBER.sub("#", a) != NUMBER.sub("#", b):
        return f"{a!r} instead of {b!r}"
    slack = scale.inertia("") + scale.centers**2
    for x, y in zip(NUMBER.findall(a), NUMBER.findall(b), strict=True):
        if abs(float(x) - float(y)) > scale.relative["centers"] * abs(float(y)) + slack:
            return f"prints {x} instead of {y}"
    return ""


def judge(library, build, seed):
    """Compare ``library`` with scikit-learn in the case ``build(seed)``."""
    case = build(seed)
    # A fallback would compare scikit-learn with itself. Seeds among integers are exotic: there it may.
    strict = case.entry != "kmeans_plusplus" or case.X.dtype.kind == "f"
    with fastml.config_context(strict=strict):
        ours = observe(library, case)
    with threadpool_limits(1):
        theirs = observe(sklearn.cluster, build(seed))
        found = differences(case, ours, theirs)
        unstable = bool(found) and found.keys() <= unstable_names(build, seed, theirs)
    return Verdict(case, found, unstable)


def unstable_names(build, seed, theirs):
    """Return the names under which scikit-learn disagrees with itself when the columns are reversed.

    Where two models differ, so does all that they compute; but never the kind of a result or the presence of one.
    """
    names = set(differences(build(seed), observe(sklearn.cluster, build(seed, reverse=True)), theirs))
    if any(name.startswith(MODEL) for name in names):
        names.update(name for name in theirs if not name.startswith(("attributes", "type of", "X ")))
    return names


def assert_same_models(build, seeds, record, family, **options):
    """Assert that fastml's own code gives scikit-learn's model in every case, unstable ones apart."""
    with fastml.config_context(**options):
        verdicts = [judge(fastml.cluster, build, seed) for seed in seeds]
    assert_few_unstable(verdicts, record, family)
