"""The judges themselves: scikit-learn agrees with itself, ties are shown, and a model that was changed is found out."""

import copy

import numpy as np
import pytest
import sklearn

from .agreement import judge, judge_bits, judge_ties, observe, permuted, state_difference
from .boosting_cases import adaboost_case, boosting_case, isolation_case
from .cases import bagging_case, forest_case, tie_case, tree_case
from .growths import recorded
from .ties import compare

BUILDS = (tree_case, forest_case, bagging_case, tie_case, adaboost_case, boosting_case, isolation_case)


def grown_by(build, seed):
    case = build(seed)
    with recorded() as grown:
        seen = observe(sklearn, case)
    return case, seen, grown


@pytest.mark.parametrize("build", BUILDS)
def test_scikit_learn_agrees_with_itself(build):
    for seed in range(10):
        verdict = judge(sklearn, build, seed)
        assert not verdict.differences, str(verdict)
        assert not verdict.tie


@pytest.mark.parametrize("build", [tree_case, forest_case, bagging_case])
def test_exact_cases_do_not_depend_on_the_order_of_rows(build):
    for seed in range(25):
        for growth in grown_by(build, seed)[2]:
            assert not any(state_difference(again, growth.built) for again in permuted(growth))


def test_other_orders_of_rows_differ_by_ties_alone():
    said = [
        compare(growth, growth.built, again)
        for seed in range(80, 160)
        for growth in grown_by(tie_case, seed)[2]
        for again in permuted(growth)
    ]
    assert not [sentence for sentence in said if sentence]
    assert "" in said  # some are ties
    assert said.count(None) > len(said) / 2


def change(state, rng):
    """Change one thing in a tree; return what was changed."""
    nodes, values = state["nodes"], state["values"]
    inner = np.flatnonzero(nodes["left_child"] >= 0)
    node = rng.choice(inner)
    what = rng.choice(["threshold", "feature", "leaf", "value", "impurity", "missing_go_to_left"])
    if what == "threshold":
        nodes["threshold"][node] += 1000.0  # nobody goes right: no gain
    elif what == "feature":
        nodes["feature"][node] = (nodes["feature"][node] + 1) % 2
    elif what == "leaf":
        for name, none in (("left_child", -1), ("right_child", -1), ("feature", -2), ("threshold", -2)):
            nodes[name][node] = none
    elif what == "value":
        values[node] = values[node] * 1.001 + 0.001
    elif what == "impurity":
        nodes["impurity"][node] *= 1.001
    else:
        nodes["missing_go_to_left"][node] ^= 1
    return what


@pytest.mark.parametrize("build", [tree_case, forest_case, tie_case, boosting_case, adaboost_case])
def test_changed_trees_are_found_out(build):
    changed, missed = 0, []
    for seed in range(60):
        case, seen, grown = grown_by(build, seed)
        if "trees" not in seen or min(growth.X.shape[1] for growth in grown) < 2:
            continue
        rng = np.random.RandomState(seed)
        large = [i for i, tree in enumerate(seen["trees"]) if tree["node_count"] >= 3]
        if not large:
            continue
        mutant = copy.deepcopy(seen)
        what = change(mutant["trees"][rng.choice(large)], rng)
        verdict = (judge_bits if case.exact else judge_ties)(case, mutant, seen, grown)
        changed += 1
        if not verdict.wrong and not verdict.tie:
            missed.append((seed, what))
        if verdict.tie and what in ("value", "impurity"):
            missed.append((seed, what))
    assert changed > 20
    assert not missed


@pytest.mark.parametrize("name", ["predict", "feature_importances_", "attributes of trees", "X afterwards"])
@pytest.mark.parametrize("build", [forest_case, tie_case])
def test_changed_results_are_found_out(build, name):
    case, seen, grown = next(
        made for made in (grown_by(build, seed) for seed in range(30)) if "trees" in made[1] and name in made[1]
    )
    mutant = copy.deepcopy(seen)
    if name == "attributes of trees":
        mutant[name][0].append("another_")
    elif mutant[name].dtype.kind == "f":
        mutant[name] = mutant[name] * 1.0001 + 0.001
    else:
        mutant[name] = mutant[name][::-1].copy()
        mutant[name][0] = mutant[name][0] if (mutant[name] != seen[name]).any() else 77
    assert (judge_bits if case.exact else judge_ties)(case, mutant, seen, grown).wrong
