"""What a call of the tree family shows to its caller, and whether two libraries show the same.

A library is a package with scikit-learn's modules: ``sklearn`` or ``fastml``.
"""

import copy
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import sklearn
import sklearn.ensemble
import sklearn.tree

import fastml
import fastml.ensemble
import fastml.tree
from tests.agreement import Verdict, assert_few_unstable, presence, watched

from .growths import recorded
from .ties import compare

ROUNDING = 1e-10
SCORES = 1e-12  # of isolation forests
TRAINING = 1e-9  # of gradient boosting's scores
PERMUTATIONS = 4

ATTRIBUTES = (
    "n_features_in_", "n_outputs_", "classes_", "n_classes_", "max_features_", "feature_importances_", "n_estimators_",
    "oob_score_", "oob_decision_function_", "oob_prediction_", "estimator_weights_", "estimator_errors_", "offset_",
    "max_samples_", "_max_samples", "_n_samples_bootstrap", "train_score_", "oob_improvement_", "oob_scores_",
    "n_trees_per_iteration_",     "estimators_features_", "estimators_samples_", "_n_samples", "_seeds",
)  # fmt: skip
METHODS = (
    "predict", "predict_proba", "predict_log_proba", "decision_function", "score_samples", "apply", "decision_path",
    "transform",
)  # fmt: skip
STAGED = ("staged_predict", "staged_predict_proba", "staged_decision_function")


def observe(library, case):
    """Run the case and return everything that its caller can see, by name; the trees' states under "trees"."""
    seen = {}
    with watched(seen):
        est = case.estimator(library)
        assert est.fit(case.X, case.y, sample_weight=case.sample_weight) is est
        if case.warm_to:
            est.set_params(n_estimators=case.warm_to).fit(case.X, case.y, sample_weight=case.sample_weight)
        _see(est, seen)
        _ask(est, case, seen)
    # NumPy's sum, by which scikit-learn looks for NaN, overflows with huge values; ours does not sum up.
    seen["warnings"] = [warning for warning in seen["warnings"] if not warning[1].endswith("encountered in reduce")]
    generator = case.params["random_state"]
    if isinstance(generator, np.random.RandomState):
        seen["next draw"] = generator.uniform()  # the same number of draws was taken
    if isinstance(case.X, np.ndarray):
        seen["X afterwards"] = case.X.astype(float)
    return seen


def trees_of(est):
    """Return the fitted single trees of a model, in the order in which they were grown."""
    if hasattr(est, "tree_"):
        return [est]
    return list(np.ravel(np.asarray(est.estimators_, dtype=object)))


def _see(est, seen):
    seen["attributes"] = sorted(vars(est))
    for name in ATTRIBUTES:
        if hasattr(est, name):
            seen[name] = copy.deepcopy(getattr(est, name))
            seen[f"type of {name}"] = type(getattr(est, name)).__name__
    trees = trees_of(est)
    seen["trees"] = [copy.deepcopy(tree.tree_.__getstate__()) for tree in trees]
    seen["kinds of trees"] = [type(tree).__name__ for tree in trees]
    seen["attributes of trees"] = [sorted(vars(tree)) for tree in trees]
    seen["parameters of trees"] = [
        str({k: v for k, v in tree.get_params().items() if not isinstance(v, np.random.RandomState)}) for tree in trees
    ]
    if hasattr(est, "tree_"):
        seen["depth"], seen["leaves"] = est.get_depth(), est.get_n_leaves()


def _ask(est, case, seen):
    for name in METHODS:
        if hasattr(est, name):
            result = getattr(est, name)(case.X_new)
            _enter(seen, name, result)
    for name in STAGED:
        if hasattr(est, name):
            seen[name] = [stage.copy() for stage in getattr(est, name)(case.X_new)]
    if hasattr(est, "predict"):
        seen["predict again"] = est.predict(case.X)


def _enter(seen, name, result):
    if isinstance(result, tuple):
        for i, part in enumerate(result):
            _enter(seen, f"{name} {i}", part)
    elif sp.issparse(result):
        seen[f"format of {name}"] = f"{type(result).__name__} {result.dtype} {result.indices.dtype} {result.shape}"
        seen[name] = result.toarray()
    else:
        seen[name] = result


def _arrays(value):
    """Return the arrays that a value consists of."""
    return [np.asarray(part) for part in value] if isinstance(value, list) else [np.asarray(value)]


def differences(ours, theirs, tolerance=None):
    """Return what differs between two observations beside the trees, as sentences by name.

    Without a tolerance all bits count; with one, numbers may differ by that much of the largest.
    """
    found = {f"presence of {name}": presence(name, ours, theirs) for name in ours.keys() ^ theirs.keys()}
    for name in (name for name in theirs if name in ours and name != "trees"):
        a, b = ours[name], theirs[name]
        if isinstance(b, (str, tuple)) or (isinstance(b, list) and not any(isinstance(x, np.ndarray) for x in b)):
            found[name] = "" if a == b else f"{a} instead of {b}"
            continue
        a, b = _arrays(a), _arrays(b)
        forms = [[f"{x.dtype} {x.shape}" for x in arrays] for arrays in (a, b)]
        if forms[0] != forms[1]:
            found[f"form of {name}"] = f"{forms[0]} instead of {forms[1]}"
        else:
            found[name] = "; ".join(
                filter(None, (array_difference(x, y, tolerance) for x, y in zip(a, b, strict=True)))
            )
    return {name: sentence for name, sentence in found.items() if sentence}


def array_difference(a, b, tolerance=None):
    if a.dtype.kind != "f":
        unequal = np.flatnonzero(np.ravel(a != b))
    elif tolerance is None:
        unequal = np.flatnonzero(np.ravel(((a != b) | (np.signbit(a) != np.signbit(b))) & ~(np.isnan(a) & np.isnan(b))))
    else:
        finite = np.abs(b[np.isfinite(b)])
        with np.errstate(invalid="ignore"):
            error = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0, np.abs(a - b))
        unequal = np.flatnonzero(np.ravel(~(error <= tolerance * max(finite.max(initial=0), 1))))
    if not unequal.size:
        return ""
    i = unequal[0]
    return f"{unequal.size} of {a.size} differ, first {i}: {np.ravel(a)[i]!r} instead of {np.ravel(b)[i]!r}"


def state_difference(ours, theirs):
    """Return what differs in the bits of two trees, or ""."""
    for name in ("node_count", "max_depth"):
        if ours[name] != theirs[name]:
            return f"{name} {ours[name]} instead of {theirs[name]}"
    if ours["nodes"].dtype != theirs["nodes"].dtype:
        return f"nodes of {ours['nodes'].dtype}"
    for name in theirs["nodes"].dtype.names:
        if sentence := array_difference(ours["nodes"][name], theirs["nodes"][name]):
            return f"{name}: {sentence}"
    return array_difference(ours["values"], theirs["values"])


@dataclass
class TreeVerdict(Verdict):
    """A verdict that knows whether the models differ by a tie, and whether their training scores agree all the same."""

    tie: bool = False
    scores_agree: bool = True


def judge(library, build, seed):
    """Compare ``library`` with scikit-learn in the case ``build(seed)``."""
    case = build(seed)
    with fastml.config_context(strict=True):  # a fallback would compare scikit-learn with itself
        ours = observe(library, case)
    case = build(seed)
    with recorded() as grown:
        theirs = observe(sklearn, case)
    if "trees" not in theirs or "trees" not in ours:
        return TreeVerdict(case, differences(ours, theirs), unstable=False)
    return (judge_bits if case.exact else judge_ties)(case, ours, theirs, grown)


def judge_bits(case, ours, theirs, grown):
    found = differences(ours, theirs)
    for i, (mine, yours) in enumerate(zip(ours["trees"], theirs["trees"], strict=False)):
        if sentence := state_difference(mine, yours):
            found[f"tree {i}"] = sentence
    unstable = bool(found) and any(state_difference(again, g.built) for g in grown for again in permuted(g))
    return TreeVerdict(case, found, unstable)


def judge_ties(case, ours, theirs, grown):
    sequential = "Boost" in case.name
    found, tie = {}, False
    unstable = False
    for i, (mine, yours) in enumerate(zip(ours["trees"], theirs["trees"], strict=False)):
        sentence = compare(grown[i], yours, mine)
        if sentence:
            found[f"tree {i}"] = sentence
            unstable |= any(compare(grown[i], grown[i].built, again) for again in permuted(grown[i]))
        # Of two classes of equal weight in a leaf, rounding makes one the label.
        undecided = sentence is None and np.any(mine["values"].argmax(axis=2) != yours["values"].argmax(axis=2))
        tie |= sentence == "" or bool(undecided)
        if sequential and (sentence is not None or undecided):
            break
    if not found:
        found = differences(ours, theirs, SCORES if case.name == "IsolationForest" else ROUNDING)
        if tie:  # what is computed from the trees follows them; what kind of thing it is does not
            found = {name: said for name, said in found.items() if name.startswith(("presence of exc", "type of"))}
    scores = [seen.get("train_score_", np.zeros(0)) for seen in (ours, theirs)]
    agree = not array_difference(*scores, TRAINING) if scores[0].shape == scores[1].shape else False
    return TreeVerdict(case, found, unstable, tie, agree)


def permuted(growth):
    """Yield the trees that scikit-learn grows from a growth's samples in other orders."""
    for seed in range(PERMUTATIONS):
        yield growth.again(np.random.RandomState(seed).permutation(len(growth.X)))


def assert_same_models(build, seeds, record, family, library=fastml, **options):
    """Assert that fastml's own code gives scikit-learn's model in every case, unstable ones apart; return verdicts."""
    with fastml.config_context(**options):
        verdicts = [judge(library, build, seed) for seed in seeds]
    assert_few_unstable(verdicts, record, family)
    return verdicts
