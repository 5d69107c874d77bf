"""Our objects in the place of scikit-learn's, tried on a fake without kernels."""

import ast
import copy
import importlib
import pickle
import subprocess
import sys
import types
import warnings
from pathlib import Path

import cloudpickle
import joblib
import numpy as np
import pytest
import sklearn.base
import sklearn.metrics
import sklearn.preprocessing
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import _data as defining  # the names themselves, bound here, would be reported

import fastml
from fastml import _registry
from tests import fake

# Other test modules may have bound the names.
pytestmark = pytest.mark.filterwarnings("ignore:.* had been imported before patch_sklearn:UserWarning")

X = np.array([[1.0, -1.0], [0.5, 2.0], [3.0, 0.0], [-2.0, 1.0]])


@pytest.fixture(autouse=True)
def registry(monkeypatch):
    monkeypatch.setattr(_registry, "ACCELERATED", fake.TABLE)
    yield
    fastml.unpatch_sklearn()
    assert sklearn.preprocessing.Binarizer is defining.Binarizer
    assert _registry.patched == {}


@pytest.fixture
def patched():
    fastml.patch_sklearn()


def test_public_names_are_replaced_and_put_back():
    for _ in range(2):  # patching twice does no harm
        fastml.patch_sklearn()
        from sklearn.preprocessing import Binarizer, binarize

        assert Binarizer is fake.Binarizer
        assert binarize is fake.binarize
    for _ in range(2):
        fastml.unpatch_sklearn()
        assert sklearn.preprocessing.Binarizer is defining.Binarizer
        assert sklearn.preprocessing.binarize is defining.binarize


def test_some_names_alone():
    fastml.patch_sklearn(["binarize"])
    assert sklearn.preprocessing.Binarizer is defining.Binarizer
    assert sklearn.preprocessing.binarize is fake.binarize
    assert not isinstance(defining.Binarizer(), fake.Binarizer)
    fastml.patch_sklearn("Binarizer")
    assert isinstance(defining.Binarizer(), fake.Binarizer)
    fastml.unpatch_sklearn("Binarizer")
    assert sklearn.preprocessing.Binarizer is defining.Binarizer
    assert sklearn.preprocessing.binarize is fake.binarize
    assert not isinstance(defining.Binarizer(), fake.Binarizer)


def test_names_may_be_those_of_the_list():
    fastml.patch_sklearn(fastml.accelerated()[1:])
    assert sklearn.preprocessing.Binarizer is defining.Binarizer
    assert sklearn.preprocessing.binarize is fake.binarize
    fastml.unpatch_sklearn("sklearn.preprocessing.binarize")
    assert sklearn.preprocessing.binarize is defining.binarize


def test_unknown_names_are_refused_with_the_known():
    with pytest.raises(ValueError, match="replacement for KMean, Ridg; it has them for Binarizer, binarize"):
        fastml.patch_sklearn(["KMean", "Ridg", "Binarizer"])
    assert sklearn.preprocessing.Binarizer is defining.Binarizer


def test_the_list_of_names():
    assert fastml.accelerated() == ["sklearn.preprocessing.Binarizer", "sklearn.preprocessing.binarize"]


def test_defining_modules_and_internal_bindings_stay_scikit_learns(patched):
    assert defining.Binarizer.__module__ == defining.binarize.__module__ == "sklearn.preprocessing._data"
    bound = {
        f"{module}.{name}"
        for module, loaded in list(sys.modules.items())
        if module.startswith("sklearn")
        for name, value in list(vars(loaded).items())
        if value is fake.Binarizer or value is fake.binarize
    }
    assert bound == set(fastml.accelerated())


def test_methods_looked_up_by_the_name_take_instances_of_other_classes(patched):
    class Halved(defining.Binarizer):
        def transform(self, X, copy=None):
            return sklearn.preprocessing.Binarizer.transform(self, np.divide(X, 2), copy)

    assert sklearn.preprocessing.Binarizer is fake.Binarizer
    X = np.array([[1.0, 3.0]])
    plain = defining.Binarizer(threshold=1.0).fit(X)
    assert sklearn.preprocessing.Binarizer.transform(plain, X).tolist() == [[0.0, 1.0]]
    assert sklearn.preprocessing.Binarizer.fit(plain, X) is plain
    assert Halved(threshold=1.0).fit(X).transform(X).tolist() == [[0.0, 1.0]]
    assert Halved(threshold=2.0).fit(X).transform(X).tolist() == [[0.0, 0.0]]


def test_names_bound_earlier_are_reported(monkeypatch):
    app = types.ModuleType("app.models")
    app.Bin, app.binarize, app.other = defining.Binarizer, defining.binarize, 3
    monkeypatch.setitem(sys.modules, "app.models", app)
    monkeypatch.setitem(sys.modules, "app.odd", object())
    with pytest.warns(UserWarning, match=r"app\.models\.Bin, app\.models\.binarize.*imported before") as caught:
        fastml.patch_sklearn()
    assert caught[0].filename == __file__
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fastml.patch_sklearn()  # nothing new to report


class TestWhilePatched:
    @pytest.fixture(autouse=True)
    def _patched(self, patched):
        pass

    def test_plain_models_are_instances_of_the_name(self):
        class Mine(fake.Binarizer):
            pass

        class Other(defining.Binarizer):
            pass

        assert isinstance(defining.Binarizer(), fake.Binarizer)
        assert isinstance(fake.Binarizer(), defining.Binarizer)
        assert isinstance(Other(), fake.Binarizer)
        assert issubclass(defining.Binarizer, fake.Binarizer)
        assert not isinstance(defining.Binarizer(), Mine)
        assert isinstance(Mine(), fake.Binarizer)
        assert not isinstance(sklearn.preprocessing.StandardScaler(), fake.Binarizer)
        assert not issubclass(sklearn.base.BaseEstimator, fake.Binarizer)
        fastml.unpatch_sklearn()
        assert not isinstance(defining.Binarizer(), fake.Binarizer)
        assert not issubclass(defining.Binarizer, fake.Binarizer)
        assert isinstance(Mine(), fake.Binarizer)
        assert issubclass(fake.Binarizer, defining.Binarizer)

    @pytest.mark.parametrize("pickler", [pickle, cloudpickle])
    @pytest.mark.parametrize("cls", [defining.Binarizer, fake.Binarizer])
    def test_models_pickle(self, cls, pickler):
        est = cls(threshold=0.7).fit(X)
        again = pickle.loads(pickler.dumps(est))
        assert type(again) is cls
        np.testing.assert_array_equal(again.transform(X), est.transform(X))
        assert pickle.loads(pickler.dumps(cls)) is cls

    @pytest.mark.parametrize("cls", [defining.Binarizer, fake.Binarizer])
    def test_pickles_of_another_version_warn(self, cls, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setattr(sklearn.base, "__version__", "0.1")
            patch.setattr(sklearn, "__version__", "0.1")
            pickled = pickle.dumps(cls(threshold=0.7))
        with pytest.warns(InconsistentVersionWarning, match=r"Binarizer from version 0\.1 when") as caught:
            again = pickle.loads(pickled)
        assert caught[0].filename == sklearn.base.__file__
        assert vars(again) == vars(cls(threshold=0.7))

    def test_results_of_to_sklearn_pickle(self):
        plain = fastml.to_sklearn(fake.Binarizer(threshold=0.7).fit(X))
        assert type(plain) is defining.Binarizer
        assert type(pickle.loads(pickle.dumps(plain))) is defining.Binarizer

    @pytest.mark.parametrize("cls", [defining.Binarizer, fake.Binarizer])
    @pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, sklearn.base.clone])
    def test_models_copy(self, cls, how):
        est = how(cls(threshold=0.7))
        assert type(est) is cls
        assert est.threshold == 0.7

    @pytest.mark.parametrize("backend", ["loky", "threading"])
    def test_searches_run_in_workers(self, backend):
        from sklearn.preprocessing import Binarizer

        search = GridSearchCV(make_pipeline(Binarizer()), {"binarizer__threshold": [0.0, 1.0, 0.5]}, cv=2, n_jobs=2)
        with joblib.parallel_config(backend):
            search.fit(X)
        assert search.best_params_ == {"binarizer__threshold": 1.0}
        assert type(search.best_estimator_[-1]) is fake.Binarizer

    def test_a_users_class_defined_in_main_pickles_by_value(self):
        source = "from tests.fake import Binarizer\nclass Mine(Binarizer):\n    def score(self, X, y=None): return 2.0"
        main = types.ModuleType("__main__")
        exec(source, main.__dict__)
        again = pickle.loads(cloudpickle.dumps(main.Mine(threshold=3)))
        assert (again.threshold, again.score(None)) == (3, 2.0)


def readers_of(source, module, names):
    """Names that a source takes from a public module of scikit-learn when it is imported."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    nodes = list(ast.iter_child_nodes(ast.parse(source)))
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.ImportFrom) and node.module == module:
            yield from (alias.name for alias in node.names if alias.name in names)
        if not isinstance(node, functions):
            nodes += ast.iter_child_nodes(node)


def test_the_modules_that_read_public_names_are_known(monkeypatch):
    """What is imported after the patch would otherwise hold our class, and before it scikit-learn's."""
    monkeypatch.undo()
    root = Path(sklearn.__file__).parent
    for module, names in _registry.ACCELERATED.items():
        for path in root.rglob("*.py"):
            parts = ("sklearn", *path.relative_to(root).with_suffix("").parts)
            if {"tests", "_test_common"} & set(parts) or ".".join(parts[:-1]) == module:
                continue
            if any(readers_of(path.read_text(), module, names)):
                package = ".".join(parts[:2])
                assert package in _registry.READERS[module], ".".join(parts)


def test_the_reading_modules_are_read_rightly():
    source = "if x:\n    from sklearn.a import b, c\ndef f():\n    from sklearn.a import d\nfrom sklearn.z import b"
    assert list(readers_of(source, "sklearn.a", {"b", "d"})) == ["b"]


def test_no_registered_class_is_defined_where_it_is_public(monkeypatch):
    """Replacing it there would leave scikit-learn's own class without a place where pickle finds it."""
    monkeypatch.undo()
    for module, names in _registry.offered().items():
        for name in names:
            plain = _registry.plain_of(_registry.replacement(module, name))
            assert getattr(importlib.import_module(module), name) is plain
            assert (plain.__module__ == module) == (module in _registry.DEFINING)


@pytest.mark.parametrize("name", ["cosine_distances", "sklearn.metrics.pairwise.euclidean_distances"])
def test_a_module_that_defines_functions_stays_as_it_is(monkeypatch, name):
    """Its functions pickle by name, and find each other there, while everything else is patched."""
    monkeypatch.undo()
    fastml.patch_sklearn()
    module = importlib.import_module("sklearn.metrics.pairwise")
    assert type(module) is types.ModuleType
    assert sklearn.metrics.euclidean_distances.__module__ == "fastml.metrics._pairwise"
    for plain in (module.euclidean_distances, *module.PAIRWISE_DISTANCE_FUNCTIONS.values()):
        assert plain is None or plain.__module__ == module.__name__
        assert pickle.loads(pickle.dumps(plain)) is plain
    with pytest.raises(ValueError, match="import them from fastml"):
        fastml.patch_sklearn(name)


def test_converted_functions_pickle_while_patched(monkeypatch):
    monkeypatch.undo()
    fastml.patch_sklearn()
    from sklearn.preprocessing import FunctionTransformer

    model = fastml.to_sklearn(FunctionTransformer(sklearn.metrics.euclidean_distances))
    assert model.func.__module__ == "sklearn.metrics.pairwise"
    assert pickle.loads(pickle.dumps(model)).func is model.func


OTHERS = """
import sklearn.cluster, sklearn.cluster._kmeans
class KMeans(sklearn.cluster.KMeans): pass
sklearn.cluster.KMeans = KMeans
import fastml
try:
    fastml.patch_sklearn()
except RuntimeError as error:
    print(error)
print(sklearn.cluster.KMeans is KMeans, sklearn.cluster.DBSCAN.__module__)
"""


def test_names_that_another_library_has_replaced():
    result = run(OTHERS)
    assert result.stdout.splitlines() == [
        "sklearn.cluster.KMeans has been replaced by something else: undo that first.",
        "True sklearn.cluster._dbscan",
    ], result.stderr


def test_a_function_that_something_else_has_replaced(monkeypatch):
    monkeypatch.setattr(sklearn.preprocessing, "binarize", max)
    with pytest.raises(RuntimeError, match="replaced by something else"):
        fastml.patch_sklearn()
    assert sklearn.preprocessing.binarize is max
    assert sklearn.preprocessing.Binarizer is defining.Binarizer


EARLY = """
import fastml
fastml.patch_sklearn(["euclidean_distances"])
from fastml.cluster import _elkan
print(_elkan.euclidean_distances.__module__)
"""


def test_kernels_of_k_means_ask_scikit_learn_s_own_distances():
    assert run(EARLY).stdout == "sklearn.metrics.pairwise\n"


def test_what_stands_in_the_place_of_ours_stays(patched, monkeypatch):
    with monkeypatch.context() as other:
        other.setattr(sklearn.preprocessing, "Binarizer", ["not hashable"])
        fastml.unpatch_sklearn()
        assert sklearn.preprocessing.Binarizer == ["not hashable"]
        assert sklearn.preprocessing.binarize is defining.binarize
    sklearn.preprocessing.Binarizer = defining.Binarizer


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env={**_environment(), **environment}
    )


def _environment():
    import os

    return {key: value for key, value in os.environ.items() if key != "FASTML_PATCH"}


STATE = "import sklearn.cluster; print(sklearn.cluster.KMeans.__module__)"


@pytest.mark.parametrize(("value", "module"), [("1", "fastml"), ("0", "sklearn"), ("", "sklearn")])
def test_the_environment_can_ask_for_the_patch(value, module):
    result = run(f"import fastml; {STATE}", FASTML_PATCH=value)
    assert result.stdout.startswith(module), result.stderr


def test_ipython_loads_and_unloads():
    ipython = pytest.importorskip("IPython.testing.globalipapp").start_ipython()
    ipython.run_line_magic("load_ext", "fastml")
    assert sklearn.preprocessing.Binarizer is fake.Binarizer
    ipython.run_line_magic("unload_ext", "fastml")
    assert sklearn.preprocessing.Binarizer is defining.Binarizer
