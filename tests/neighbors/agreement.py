"""What an estimator of neighbours shows, and whether fastml shows what scikit-learn does.

Distances from trees are equal to the bit. Indices are those of the definition: the nearest, of equally near ones the
first. scikit-learn's are the same where no two of the first k + 1 distances are equal; predictions are compared there.

By brute force ours are those of the definition too, and scikit-learn's are wrong by rounding of the squared norms:
"equal" then means no farther apart than that.
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
        # Where scikit-learn's distances are not those of the definition.
        self.brute = theirs["attribute _fit_method"] == "'brute'" and (self.metric == 0 or self.narrow(case))
        # What scikit-learn's squared distances are wrong by, of the squared norms.
        self.error = 0 if not self.brute else 1e-5 if self.narrow(case) else 1e-12
        self.asked = [case.values if q is None else np.asarray(q).astype(float) for q in case.queries]
        self.nearest, self.members = cache(self.nearest), cache(self.members)  # several judges ask

    @staticmethod
    def narrow(case):
        return any(getattr(X, "dtype", None) in (np.float32, np.float16) for X in (case.X, *case.queries))

    def doubt(self, i):
        """Return what a squared distance of scikit-learn's may be wrong by, a query."""
        norms = [np.sqrt((X**2).sum(axis=1)) for X in (self.asked[i], self.case.values)]
        return self.error * ((norms[0] + norms[1].max()) ** 2)[:, None]

    def nearest(self, i):
        """Return the right distances and indices, and of which queries no two of the first k + 1 are equally near."""
        question = self.case.values, self.asked[i]
        more = naive.nearest(*question, min(self.k + 1, len(question[0]) - self.selves[i]), self.metric, self.selves[i])
        apart = more[0] if not self.brute else more[0] ** 2
        clear = (np.diff(apart, axis=1) > (2 * self.doubt(i) if self.brute else 0)).all(axis=1)
        return *naive.nearest(*question, self.k, self.metric, self.selves[i]), clear

    def steady(self, i):
        """Tell of which queries weights by distance are scikit-learn's to six digits."""
        return (self.nearest(i)[0][:, 0] ** 2 > 1e7 * self.doubt(i)[:, 0]) if self.brute else True

    def at_the_border(self, i, q, reduced):
        """Tell whether a sample, by its reduced distance, is within the radius or not as scikit-learn rounds."""
        if self.brute:
            return abs(naive.restored(self.metric, reduced) ** 2 - self.case.radius**2) <= self.doubt(i)[q, 0]
        radius = self.case.radius
        return abs(naive.restored(self.metric, reduced) - radius) <= 4 * np.finfo(float).eps * radius

    def members(self, i):
        """Return who is within the radius, and the reduced distances of all."""
        radii = np.full(len(self.asked[i]), self.case.radius)
        members = naive.within(self.case.values, self.asked[i], radii, self.metric, self.selves[i])
        return members, naive.reduced_distances(self.asked[i], self.case.values, self.metric)


def differences(case, ours, theirs):
    """Return, by name, what differs."""
    if sorted(ours) != sorted(theirs):
        return {"seen": f"{sorted(set(ours) ^ set(theirs))} {ours.get('exception')} {theirs.get('exception')}"}
    truth, judges = judged_by(case, theirs)
    found = {}
    for name, right in theirs.items():
        word, number = name.rpartition(" ")[::2]
        judge_one = judges.get(word)
        said = judge_one(truth, int(number), ours[name], right) if judge_one else unequal(ours[name], right)
        if said:
            found[name] = said
    return found


def judged_by(case, theirs):
    """Return the truth and the judges, by the kernel that runs: none where scikit-learn's own code does."""
    metric = theirs.get("attribute effective_metric_", "").strip("'")
    if theirs.get("attribute _fit_method") not in ("'kd_tree'", "'ball_tree'", "'brute'") or metric not in METRICS:
        return None, {}
    truth = Truth(case, theirs)
    return truth, JUDGES_OF_BRUTE_FORCE if truth.brute else JUDGES


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
    _, right, clear = truth.nearest(i)
    assert np.array_equal(theirs[clear], right[clear]), "scikit-learn differs from the definition"
    return unequal(ours, right)


def judge_predictions(truth, i, ours, theirs):
    clear = truth.nearest(i)[2]
    return unequal(ours[clear], theirs[clear])


def judge_distances(truth, i, ours, theirs):
    right = truth.nearest(i)[0]
    off = np.abs(theirs**2 - right.reshape(theirs.shape) ** 2) / right.shape[1]
    assert np.all(off <= np.broadcast_to(truth.doubt(i), right.shape).reshape(off.shape)), "scikit-learn is far off"
    return unequal(ours, right.reshape(theirs.shape))


def judge_votes(truth, i, ours, theirs):
    rows = truth.nearest(i)[2]
    if truth.case.params["weights"] == "uniform":
        return unequal(ours[rows], theirs[rows])
    rows &= truth.steady(i)
    if ours.dtype.kind != "f":  # classes whose weights are equal but for rounding fall either way
        return None
    return None if np.allclose(ours[rows], theirs[rows], rtol=1e-5, atol=1e-5) else "unequal"


def judge_within(truth, i, ours, theirs):
    """Members as by definition; scikit-learn's too, but for rounding at the border; distances to the bit."""
    metric = truth.metric
    members, reduced = truth.members(i)
    for q, right in enumerate(members):
        order = np.argsort(ours[1][q], kind="stable")
        if not np.array_equal(ours[1][q][order], right):
            return f"members of {q}"
        if not np.array_equal(ours[0][q], naive.restored(metric, reduced[q, ours[1][q]])):
            return f"distances of {q}"
        for other in set(right) ^ set(theirs[1][q]):
            if not truth.at_the_border(i, q, reduced[q, other]):
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

JUDGES_OF_BRUTE_FORCE = {
    "distances": judge_distances,
    "graph": judge_distances,
    "indices": judge_indices,
    "indices alone": judge_indices,
    "predict": judge_votes,
    "proba": judge_votes,
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
