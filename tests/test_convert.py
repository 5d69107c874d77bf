"""Plain models out of ours, for places without fastml."""

import pickle
import re
import subprocess
import sys

import numpy as np
import pytest
import sklearn
import sklearn.base
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import Binarizer, FunctionTransformer, StandardScaler, binarize
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import Bunch

import fastml
from tests import fake

rng = np.random.default_rng(0)
X, y = rng.normal(size=(40, 3)), np.arange(40) % 2


def pipeline(**params):
    return make_pipeline(StandardScaler(), fake.Binarizer(**params), DecisionTreeClassifier(random_state=0))


def accuracy(y, predicted):
    return float(np.mean(y == predicted))


class Holder(sklearn.base.BaseEstimator):
    """A user's estimator that holds others in every way there is."""

    def __init__(self, part=None):
        self.part = part

    def fit(self, X, y=None):
        inner = fake.Binarizer().fit(X)
        self.inner_, self.same_ = inner, inner
        self.list_, self.tuple_ = [inner, 1], (inner, "a")
        self.dict_ = {"a": {"b": [inner]}}
        self.bunch_ = Bunch(inner=inner)
        self.array_ = np.array([[inner, None]], dtype=object)
        self.class_, self.function_, self.method_ = fake.Binarizer, fake.binarize, inner.transform
        self.itself_ = self
        self.numbers_ = X
        return self


FITTED = {
    "estimator": lambda: fake.Binarizer(threshold=0.3).fit(X),
    "unfitted": lambda: fake.Binarizer(threshold=0.3),
    "pipeline": lambda: pipeline().fit(X, y),
    "search": lambda: GridSearchCV(pipeline(), {"binarizer__threshold": [0.0, 0.5]}, cv=2).fit(X, y),
    "search over estimators": lambda: GridSearchCV(
        pipeline(), {"binarizer": [fake.Binarizer(), StandardScaler()]}, cv=2, scoring=make_scorer(accuracy)
    ).fit(X, y),
    "columns": lambda: ColumnTransformer([("b", fake.Binarizer(), [0, 1])], remainder=fake.Binarizer()).fit(X),
    "union": lambda: FeatureUnion([("a", fake.Binarizer()), ("b", StandardScaler())]).fit(X),
    "bagging": lambda: BaggingClassifier(pipeline(), 3, random_state=0).fit(X, y),
    "voting": lambda: VotingClassifier([("a", pipeline()), ("b", pipeline(threshold=1.0))]).fit(X, y),
    "function": lambda: FunctionTransformer(fake.binarize).fit(X),
    "holder": lambda: Holder(fake.Binarizer()).fit(X),
}


def mentions_of_ours(est):
    return re.findall(rb"tests\.fake|fastml[\w.]*", pickle.dumps(est))


def result(est):
    for method in ("predict", "transform"):
        if hasattr(est, method):
            return getattr(est, method)(X)
    return None


@pytest.mark.parametrize("name", FITTED)
def test_nothing_of_ours_is_left(name):
    est = FITTED[name]()
    plain = fastml.to_sklearn(est)
    assert not mentions_of_ours(plain)
    assert mentions_of_ours(est), "the original is as it was"
    assert result(plain) is result(est) or np.array_equal(result(plain), result(est))
    assert sorted(vars(plain)) == sorted(vars(est))


def test_the_class_and_the_attributes():
    est = fake.Binarizer(threshold=0.3).fit(X)
    plain = fastml.to_sklearn(est)
    assert type(plain) is Binarizer
    assert plain.get_params() == est.get_params()
    assert plain.n_features_in_ == 3


def test_every_way_of_holding():
    est = Holder(fake.Binarizer()).fit(X)
    plain = fastml.to_sklearn(est)
    assert type(plain) is Holder
    inner = plain.inner_
    assert type(inner) is type(plain.part) is Binarizer
    assert plain.same_ is plain.list_[0] is plain.tuple_[0] is plain.dict_["a"]["b"][0] is inner
    assert plain.bunch_.inner is plain.bunch_["inner"] is plain.array_[0, 0] is inner
    assert type(plain.bunch_) is Bunch
    assert plain.class_ is Binarizer
    assert plain.function_ is binarize
    assert plain.method_.__self__ is inner
    assert plain.method_.__func__ is Binarizer.transform
    assert plain.itself_ is plain
    assert plain.numbers_ is est.numbers_
    assert type(est.inner_) is fake.Binarizer


def test_containers_without_ours_are_shared():
    est = Holder().fit(X)
    est.list_, est.array_ = [1, (2, {"a": 3})], np.array([None, "a"], dtype=object)
    plain = fastml.to_sklearn(est)
    assert plain.list_ is est.list_
    assert plain.array_ is est.array_


def test_a_search_keeps_its_table():
    est = FITTED["search over estimators"]()
    plain = fastml.to_sklearn(est)
    column = plain.cv_results_["param_binarizer"]
    assert isinstance(column, np.ma.MaskedArray)
    assert [type(value) for value in column] == [Binarizer, StandardScaler]
    assert type(plain.cv_results_["params"][0]["binarizer"]) is Binarizer
    assert plain.score(X, y) == est.score(X, y)


def test_metadata_requests_go_along():
    with sklearn.config_context(enable_metadata_routing=True):
        tree = make_pipeline(fake.Binarizer(), DecisionTreeClassifier().set_fit_request(sample_weight=True))
        plain = fastml.to_sklearn(tree)
        assert plain[-1].get_metadata_routing().fit.requests == {"sample_weight": True}
        plain.fit(X, y, sample_weight=np.ones(40))


def test_plain_models_stay_plain():
    est = StandardScaler().fit(X)
    assert vars(fastml.to_sklearn(est)) == vars(est)


def test_a_users_subclass_cannot_become_plain():
    class Mine(fake.Binarizer):
        pass

    with pytest.raises(TypeError, match=r"Mine is a subclass of an accelerated estimator"):
        fastml.to_sklearn(Mine())


def test_it_loads_where_fastml_is_not_installed(tmp_path):
    est = FITTED["search"]()
    (tmp_path / "model").write_bytes(pickle.dumps(fastml.to_sklearn(est)))
    np.save(tmp_path / "X.npy", X)
    code = (
        "import sys, pathlib, pickle, numpy as np; sys.modules['fastml'] = sys.modules['tests'] = None\n"
        "model = pickle.loads(pathlib.Path('model').read_bytes()); print(*model.predict(np.load('X.npy')))"
    )
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert run.stderr == ""
    assert run.stdout.split() == [str(label) for label in est.predict(X)]
