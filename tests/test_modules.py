"""Every public module of scikit-learn under our name."""

import importlib
import os
import pkgutil
import subprocess
import sys

import pytest
import sklearn
from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer  # noqa: F401 (they can be asked for)

import fastml
from fastml import _modules, _registry


def public_modules():
    """Every importable public module, in folders too; third-party code that scikit-learn carries along is not."""
    private = ("tests", "conftest", "externals")
    for module in pkgutil.walk_packages(sklearn.__path__, "sklearn.", onerror=lambda name: None):
        if not any(part.startswith("_") or part in private for part in module.name.split(".")):
            yield module.name


def assert_same(module, entry):
    """Ours is scikit-learn's own object, our module of that name, or what we put in its place."""
    plain, ours = getattr(importlib.import_module(module), entry), getattr(our_module(module), entry)
    if isinstance(plain, type(sys)) and plain.__name__ == f"{module}.{entry}":
        assert ours is our_module(plain.__name__)
    elif f"{module}.{entry}" in fastml.accelerated():
        assert _registry.plain_of(ours) is plain
    else:
        assert ours is plain


def our_module(name):
    return importlib.import_module(name.replace("sklearn", "fastml", 1))


# A module that scikit-learn keeps only to say so.
@pytest.mark.filterwarnings("ignore:Since version 1.0, it is not needed:UserWarning")
@pytest.mark.parametrize("name", list(public_modules()))
def test_every_public_module_has_our_name(name):
    plain, ours = importlib.import_module(name), our_module(name)
    assert ours is not plain
    assert ours.__doc__ == plain.__doc__ or ours.__file__  # a package of ours has words of its own
    exported = getattr(plain, "__all__", [entry for entry in vars(plain) if entry[0] != "_" and entry != "tests"])
    assert sorted(ours.__all__) == sorted(exported)
    assert set(exported) <= set(dir(ours))
    for entry in exported:
        assert_same(name, entry)


def test_the_package_itself():
    assert fastml.clone is sklearn.clone
    assert fastml.pipeline.Pipeline is sklearn.pipeline.Pipeline
    assert fastml.utils.validation.check_array is sklearn.utils.validation.check_array
    assert set(sklearn.__all__) <= set(dir(fastml))
    for name in ("nothing", "_private", "tests", "conftest"):
        with pytest.raises(AttributeError, match=f"module 'fastml' has no attribute '{name}'"):
            getattr(fastml, name)


def test_star_imports():
    namespace = {}
    exec("from fastml.preprocessing import *\nfrom fastml import *", namespace)
    assert namespace["StandardScaler"] is sklearn.preprocessing.StandardScaler
    assert namespace["preprocessing"] is sys.modules["fastml.preprocessing"]
    assert namespace["patch_sklearn"] is fastml.patch_sklearn


@pytest.mark.parametrize(
    "name",
    [
        "preprocessing._data",
        "nothing",
        "preprocessing.nothing",
        "_config._nothing",
        "tests.test_base",
        "cluster.tests",
        "conftest",
        "utils._testing",
    ],
)
def test_private_names_tests_and_unknown_modules_do_not_import(name):
    with pytest.raises(ModuleNotFoundError, match=f"fastml.{name.split('.')[0]}"):
        importlib.import_module(f"fastml.{name}")


def test_names_that_are_not_there():
    with pytest.raises(AttributeError, match=r"module 'fastml\.preprocessing' has no attribute 'nothing'"):
        fastml.preprocessing.nothing  # noqa: B018
    with pytest.raises(AttributeError, match="_data"):
        fastml.preprocessing._data  # noqa: B018
    with pytest.raises(ImportError, match="nothing"):
        from fastml.preprocessing import nothing  # noqa: F401


def test_modules_say_what_they_are():
    assert "stands for sklearn.preprocessing" in repr(fastml.preprocessing)
    assert importlib.util.find_spec("fastml.metrics.pairwise").loader is importlib.util.find_spec("fastml.svm").loader


def test_the_finder_is_installed_once():
    _modules.install()
    assert sum(isinstance(finder, _modules.Finder) for finder in sys.meta_path) == 1


def run(code, **environment):
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)


def test_experimental_modules_have_their_effect():
    result = run(
        "import fastml.model_selection as ours\n"
        "try:\n    ours.HalvingGridSearchCV\n"
        "except ImportError as error:\n    assert 'enable_halving_search_cv' in str(error)\n"
        "else:\n    raise SystemExit('too early')\n"
        "from fastml.experimental import enable_halving_search_cv\n"
        "from fastml.model_selection import HalvingGridSearchCV\n"
        "assert 'HalvingGridSearchCV' in dir(ours)"
    )
    assert result.returncode == 0, result.stderr


def test_importing_fastml_imports_neither_scikit_learn_nor_numba():
    result = run("import sys, fastml; print(*sys.modules)")
    roots = {name.partition(".")[0] for name in result.stdout.split()}
    assert "fastml" in roots
    assert not roots & {"sklearn", "numba", "numpy", "scipy", "joblib"}


def test_everything_but_a_call_works_without_numba():
    names = [name.replace("sklearn", "fastml", 1) for name in fastml.accelerated()]
    uses = "\n".join(f"import {name.rpartition('.')[0]}\n{name}" for name in names)
    result = run(f"import sys\nsys.modules['numba'] = None\nimport fastml\nfastml.patch_sklearn()\n{uses}")
    assert result.returncode == 0, result.stderr


@pytest.mark.timing
def test_importing_fastml_is_cheap(tmp_path):
    compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path)}  # once, by the first run
    code = (  # what scikit-learn's modules cost that hold the names is not ours
        "from time import process_time as now; start = now()\n"
        "import sklearn.cluster, sklearn.ensemble, sklearn.mixture, sklearn.tree; scikit_learn = now() - start\n"
        "import fastml; ours = now() - start - scikit_learn\n"
        "fastml.patch_sklearn(); print(ours, (now() - start - scikit_learn) / scikit_learn)"
    )
    costs = [[float(cost) for cost in run(code, **compiled).stdout.split()] for _ in range(5)]
    seconds, share_when_patched = (min(column) for column in zip(*costs, strict=True))
    assert seconds < 0.06
    assert share_when_patched < 0.08
