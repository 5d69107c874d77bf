"""What an estimator of neighbours shows, and whether fastml shows what scikit-learn does.

Distances from trees are equal to the bit. Indices are those of the definition: the nearest, of equally near ones the
first. scikit-learn's are the same where no two of the first k + 1 distances are equal; predictions are compared there.
"""

from functools import cache

import numpy as np
import sklearn.neighbors

import fastml
import fastml.neighbors
from tests.agreement import Verdict, assert_few_unstable, watched
from tests.kernels.neighbors import naive

METRICS = {"euclidean": 0, "l2": 0, "manhattan": 1, "cityblock": 1, "l1": 1, "chebyshev": 2}


def observe(library, case, **options):
    """Run the case and return everything that its caller can see, by name."""
    seen = {}
    with watched(seen), fastml.config_context(**options):
        est = getattr(library, case.name)(**case.params)
        assert est.fit(case.X, case.y) is est
        seen["tree"] = type(est._tree).__name__
        for name, value in vars(est).items():
            if name not in ("_tree", "_fit_X", "_y", "weights"):
                seen[f"attribute {name}"] = repr(value)
        for name in ("_fit_X", "_y"):
            if hasattr(est, name):
                seen[f"attribute {name}"] = np.asarray(getattr(est, name))
        for i, queries in enumerate(case.queries):
            ask(est, case, queries, seen, i)
    return seen


def ask(est, case, queries, seen, i):
    seen[f"distances {i}"], seen[f"indices {i}"] = est.kneighbors(queries)
    seen[f"indices alone {i}"] = est.kneighbors(queries, return_distance=False)
    seen[f"graph {i}"] = est.kneighbors_graph(queries, mode="distance").data
    if case.name == "NearestNeighbors":
        seen[f"within {i}"] = est.radius_neighbors(queries, case.radius)
        seen[f"within, sorted {i}"] = est.radius_neighbors(queries, case.radius, sort_results=True)
        alone = est.radius_neighbors(queries, case.radius, return_distance=False)
        seen[f"members alone {i}"] = [np.sort(row) for row in alone]
    else:
        seen[f"predict {i}"] = est.predict(queries)
    if case.name == "KNeighborsClassifier":
        proba = est.predict_proba(queries)
        seen[f"proba {i}"] = np.hstack(proba) if isinstance(proba, list) else proba


class Truth:
    """What is right for one case, by definition, where a tree is searched."""

    def __init__(self, case, theirs):
        self.case, self.selves = case, [queries is None for queries in case.queries]
        self.metric = METRICS[theirs["attribute effective_metric_"].strip("'")]
        self.k = case.params["n_neighbors"]
        self.asked = [case.values if q is None else np.asarray(q).astype(float) for q in case.queries]
        self.nearest, self.members = cache(self.nearest), cache(self.members)  # several judges ask

    def nearest(self, i):
        """Return the right indices, and of which queries no two of the first k + 1 distances are equal."""
        k = min(self.k + 1, len(self.case.values) - self.selves[i])
        distances, indices = naive.nearest(self.case.values, self.asked[i], k, self.metric, self.selves[i])
        return indices[:, : self.k], (np.diff(distances, axis=1) > 0).all(axis=1)

    def members(self, i):
        """Return who is within the radius, and the reduced distances of all."""
        radii = np.full(len(self.asked[i]), self.case.radius)
        members = naive.within(self.case.values, self.asked[i], radii, self.metric, self.selves[i])
        return members, naive.reduced_distances(self.asked[i], self.case.values, self.metric)


def differences(case, ours, theirs):
    """Return, by name, what differs."""
    if sorted(ours) != sorted(theirs):
        return {"seen": f"{sorted(set(ours) ^ set(theirs))} {ours.get('exception')} {theirs.get('exception')}"}
    tree = theirs.get("attribute _fit_method") == "'kd_tree'" and theirs["tree"] == "KDTree"
    truth = Truth(case, theirs) if tree and theirs["attribute effective_metric_"].strip("'") in METRICS else None
    found = {}
    for name, right in theirs.items():
        word, number = name.rpartition(" ")[::2]
        judge_one = JUDGES.get(word) if truth else None
        said = judge_one(truth, int(number), ours[name], right) if judge_one else unequal(ours[name], right)
        if said:
            found[name] = said
    return found


def unequal(ours, right):
    if isinstance(right, tuple | list) and len(right) and isinstance(right[0], np.ndarray):
        return next(filter(None, (unequal(a, b) for a, b in zip(ours, right, strict=True))), None)
    if isinstance(right, np.ndarray):
        if right.dtype != ours.dtype or right.shape != ours.shape:
            return f"{ours.dtype} {ours.shape} instead of {right.dtype} {right.shape}"
        if right.dtype == object:
            return next(filter(None, (unequal(a, b) for a, b in zip(ours, right, strict=True))), None)
        return None if np.array_equal(ours, right, equal_nan=right.dtype.kind == "f") else "unequal"
    return None if ours == right else f"{ours} instead of {right}"


def judge_indices(truth, i, ours, theirs):
    right, clear = truth.nearest(i)
    assert np.array_equal(theirs[clear], right[clear]), "scikit-learn differs from the definition"
    return unequal(ours, right)


def judge_predictions(truth, i, ours, theirs):
    clear = truth.nearest(i)[1]
    return unequal(ours[clear], theirs[clear])


def judge_within(truth, i, ours, theirs):
    """Members as by definition; scikit-learn's too, but for rounding at the border; distances to the bit."""
    radius, metric = truth.case.radius, truth.metric
    members, reduced = truth.members(i)
    for q, right in enumerate(members):
        order = np.argsort(ours[1][q], kind="stable")
        if not np.array_equal(ours[1][q][order], right):
            return f"members of {q}"
        if not np.array_equal(ours[0][q], naive.restored(metric, reduced[q, ours[1][q]])):
            return f"distances of {q}"
        for other in set(right) ^ set(theirs[1][q]):
            if abs(naive.restored(metric, reduced[q, other]) - radius) > 4 * np.finfo(float).eps * radius:
                return f"{other} is not at the border of {q}"
    return None


def judge_within_sorted(truth, i, ours, theirs):
    for q, (distances, indices) in enumerate(zip(*ours, strict=True)):
        if not np.array_equal(np.lexsort((indices, distances)), np.arange(len(indices))):
            return f"row {q} is not sorted"
    return judge_within(truth, i, ours, theirs)


def judge_members(truth, i, ours, theirs):
    return None if all(map(np.array_equal, ours, truth.members(i)[0])) else "members"


JUDGES = {
    "indices": judge_indices,
    "indices alone": judge_indices,
    "predict": judge_predictions,
    "proba": judge_predictions,
    "within": judge_within,
    "within, sorted": judge_within_sorted,
    "members alone": judge_members,
}


def judge(build, seed, **options):
    """Return the Verdict on a case."""
    case = build(seed)
    theirs = observe(sklearn.neighbors, build(seed))
    return Verdict(case, differences(case, observe(fastml.neighbors, case, **options), theirs), False)


def assert_same_models(build, seeds, record, family, **options):
    assert_few_unstable([judge(build, seed, **options) for seed in seeds], record, family)
