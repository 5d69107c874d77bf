"""Trees that do not go together, or not with the samples: other data at a warm start, edits, unchecked samples."""

import numpy as np
import pytest
import sklearn
import sklearn.ensemble
import sklearn.tree

import fastml
import fastml.ensemble
import fastml.tree

from ..outcomes import assert_same_outcome

pytestmark = pytest.mark.usefixtures("trees_are_ours")

rng = np.random.RandomState(0)
X, Y = rng.randn(60, 4), rng.randint(0, 3, 60)
TARGETS = {
    "three": Y,
    "two": (Y > 0).astype(int),
    "one": np.zeros(60, int),
    "words": np.array(list("abc"))[Y],
    "two outputs": np.stack([Y, (Y + 1) % 3], axis=1),
    "two outputs of three and two": np.stack([Y, Y > 1], axis=1).astype(int),
}
ASKED = ("predict", "predict_proba", "apply", "oob_score_", "oob_decision_function_", "n_outputs_")


def told(est, data):
    """Return all that a model tells, its exceptions too."""
    result = []
    for name in ASKED:
        try:
            answer = getattr(est, name)
            result.append(answer(data) if callable(answer) else answer)
        except (AttributeError, ValueError, IndexError) as error:
            result.append(np.array(f"{type(error).__name__} {error}".replace("fastml.", "")))
    return tuple(tuple(each) if isinstance(each, list) else each for each in result)


@pytest.mark.parametrize("oob", [False, True])
@pytest.mark.parametrize("second", TARGETS)
@pytest.mark.parametrize("first", TARGETS)
@pytest.mark.parametrize("name", ["RandomForestClassifier", "RandomForestRegressor", "BaggingClassifier"])
def test_a_warm_start_on_other_targets(name, first, second, oob):
    if "words" in (first, second) and "Regressor" in name:
        return

    def action(library, left):
        more = {"oob_score": oob} if "Forest" in name else {}
        est = getattr(library.ensemble, name)(n_estimators=3, random_state=0, warm_start=True, **more)
        est.fit(X, TARGETS[first]).set_params(n_estimators=5)
        return told(est.fit(X, TARGETS[second]), X)

    assert_same_outcome(action, fastml, sklearn)


@pytest.mark.parametrize("n_features", [3, 8])
@pytest.mark.parametrize(
    "name",
    ["RandomForestClassifier", "ExtraTreesRegressor", "BaggingClassifier", "IsolationForest", "RandomTreesEmbedding",
     "GradientBoostingClassifier"],
)  # fmt: skip
def test_a_warm_start_on_other_features(name, n_features):
    def action(library, left):
        est = getattr(library.ensemble, name)(n_estimators=3, random_state=0, warm_start=True).fit(X, Y)
        other = np.concatenate([X, X], axis=1)[:, :n_features]
        est.set_params(n_estimators=5).fit(other, Y)
        if hasattr(est, "score_samples"):
            est.score_samples(other)
        return told(est, other)

    assert_same_outcome(action, fastml, sklearn)


@pytest.mark.parametrize("estimators", [[], (), None])
@pytest.mark.parametrize("method", ["predict", "predict_proba", "apply", "score_samples", "decision_path", "transform"])
@pytest.mark.parametrize(
    "name",
    ["RandomForestClassifier", "ExtraTreesRegressor", "BaggingClassifier", "BaggingRegressor", "IsolationForest",
     "GradientBoostingClassifier", "AdaBoostClassifier", "AdaBoostRegressor", "RandomTreesEmbedding"],
)  # fmt: skip
def test_no_estimators(name, method, estimators):
    def action(library, left):
        est = getattr(library.ensemble, name)(n_estimators=3, random_state=0).fit(X, Y)
        est.estimators_ = estimators
        return getattr(est, method)(X)

    if hasattr(getattr(sklearn.ensemble, name), method):
        assert_same_outcome(action, fastml, sklearn)


def test_later_stages_on_other_features_are_refused():
    """Where scikit-learn would read past the end of the samples."""
    wide, narrow = (
        fastml.ensemble.GradientBoostingRegressor(n_estimators=2, random_state=0).fit(data, Y)
        for data in (np.concatenate([X, X], axis=1), X)
    )
    narrow.estimators_[1] = wide.estimators_[1]
    with pytest.raises(ValueError, match="grown on 8 features and is given 4"):
        narrow.predict(X)


X32 = X.astype(np.float32)
UNCHECKED = {
    "float64": X,
    "list": X.tolist(),
    "Fortran": np.asfortranarray(X32),
    "one row": X32[0],
    "few columns": X32[:, :2],
    "integers": X.astype(int),
    "objects": X.astype(object),
    "big-endian": X.astype(">f4"),
    "3-d": X32[None],
    "nothing": X32[:0],
    "infinity": np.full((2, 4), np.inf, np.float32),
    "None": None,
}


@pytest.mark.parametrize("data", UNCHECKED)
@pytest.mark.parametrize("method", ["predict", "predict_proba", "apply"])
def test_unchecked_samples(method, data):
    def action(library, left):
        est = library.tree.DecisionTreeClassifier(random_state=0).fit(X, Y)
        return getattr(est, method)(UNCHECKED[data], check_input=False)

    assert_same_outcome(action, fastml, sklearn)


MANY = {
    "all": np.arange(60),
    "31 of 60": np.minimum(np.arange(60), 30),
    "30 of 60": np.minimum(np.arange(60), 29),
    "20 of 20": np.arange(20),
    "21 of 21": np.arange(21),
    "words": np.arange(60).astype(str),
    "two outputs": np.stack([np.arange(60)] * 2, axis=1),
}


@pytest.mark.parametrize("classes", MANY)
@pytest.mark.parametrize(
    "name", ["RandomForestClassifier", "ExtraTreesClassifier", "BaggingClassifier", "AdaBoostClassifier"]
)
def test_every_tree_warns_of_many_classes(name, classes):
    def action(library, left):
        y = MANY[classes]
        est = getattr(library.ensemble, name)(n_estimators=3, random_state=0).fit(X[: len(y)], y)
        return len(est.estimators_)

    assert_same_outcome(action, fastml, sklearn)


@pytest.mark.parametrize("kept", [0, 1, 3])
@pytest.mark.parametrize("name", ["BaggingClassifier", "BaggingRegressor", "IsolationForest"])
def test_fewer_lists_of_features_than_trees(name, kept):
    def action(library, left):
        est = getattr(library.ensemble, name)(n_estimators=4, max_features=2, random_state=0).fit(X, Y)
        est.estimators_features_ = est.estimators_features_[:kept]
        return est.predict(X)

    assert_same_outcome(action, fastml, sklearn)


def test_fewer_lengths_of_paths_than_trees():
    def action(library, left):
        est = library.ensemble.IsolationForest(n_estimators=4, random_state=0).fit(X)
        est._decision_path_lengths = est._decision_path_lengths[:2]
        est._average_path_length_per_tree = est._average_path_length_per_tree[:2]
        return est.predict(X)

    assert_same_outcome(action, fastml, sklearn)


@pytest.mark.parametrize("name", ["RandomForestClassifier", "ExtraTreesClassifier"])
def test_what_a_tree_refuses_is_warned_of_once(name):
    def action(library, left):
        constraint = {"class_weight": "balanced", "monotonic_cst": [1, 0, 0, 0]}
        left["forest"] = est = getattr(library.ensemble, name)(3, random_state=0, warm_start=True, **constraint)
        est.fit(X, Y)

    assert_same_outcome(action, fastml, sklearn)


def test_shortened_bagging_of_missing_values():
    def action(library, left):
        est = library.ensemble.BaggingClassifier(n_estimators=4, random_state=0).fit(X, Y)
        est.estimators_ = est.estimators_[1:]
        return est.predict_proba(np.where(X > 1, np.nan, X))

    assert_same_outcome(action, fastml, sklearn)


@pytest.mark.parametrize("asked", [-3, 0, 2, 4, 6])
@pytest.mark.parametrize("params", [{}, {"max_features": 2}, {"bootstrap_features": True}], ids=str)
@pytest.mark.parametrize("name", ["BaggingClassifier", "BaggingRegressor"])
def test_other_numbers_of_trees_than_were_fitted(name, params, asked):
    def action(library, left):
        est = getattr(library.ensemble, name)(n_estimators=4, random_state=0, **params).fit(X, Y)
        est.n_estimators = asked
        return est.predict(X), getattr(est, "predict_proba", est.predict)(X)

    assert_same_outcome(action, fastml, sklearn)


def test_a_round_that_fails_leaves_what_it_had():
    def action(library, left):
        tree = library.tree.DecisionTreeClassifier(class_weight={7: 1})
        left["est"] = est = library.ensemble.AdaBoostClassifier(tree, random_state=(state := np.random.RandomState(0)))
        with pytest.raises(ValueError, match="class_weight"):
            est.fit(X, Y)
        with pytest.raises(AttributeError) as raised:
            _ = est.feature_importances_
        return len(est.estimators_), state.randint(1000), np.array(str(raised.value))

    assert_same_outcome(action, fastml, sklearn)


def test_a_first_tree_that_was_refused():
    def action(library, left):
        est = library.ensemble.AdaBoostRegressor(library.tree.DecisionTreeRegressor(min_samples_leaf=-1))
        with pytest.raises(ValueError, match="min_samples_leaf"):
            est.fit(X, Y)
        est.predict(X)

    assert_same_outcome(action, fastml, sklearn)


def test_one_sample_by_true():
    def action(library, left):
        est = library.ensemble.IsolationForest(n_estimators=3, max_samples=True, random_state=0).fit(X)
        return est.score_samples(X)

    assert_same_outcome(action, fastml, sklearn)


def test_scores_in_columns():
    def action(library, left):
        scores = library.ensemble.AdaBoostClassifier(random_state=0).fit(X, np.arange(len(X)) % 3).decision_function(X)
        return scores, scores.flags.c_contiguous

    assert_same_outcome(action, fastml, sklearn)
