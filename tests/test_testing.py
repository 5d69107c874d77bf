"""The pytest plugin, in runs of pytest of its own; scikit-learn, two seconds to import, is there where it matters."""

import os
import re
import subprocess
import sys

import pytest

WITHOUT_SCIKIT_LEARN = """
import sys, types
sys.modules["fastml._patch"] = types.SimpleNamespace(patch_sklearn=lambda: None, unpatch_sklearn=lambda: None)
sys.modules["sklearn"] = types.SimpleNamespace(__version__="1.8.2")
sys.modules["fastml._versions"] = types.SimpleNamespace(INSTALLED=(1, 8))
"""

PATCHED = """
from sklearn.cluster import KMeans

assert KMeans.__module__.startswith("fastml")
"""

TESTS = """
import pytest

def test_something():
    pass

@pytest.mark.parametrize("number", [1, 2])
def test_number(number):
    assert number == 1
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "test_it.py").write_text(TESTS)
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_SCIKIT_LEARN)
    (tmp_path / "pytest.ini").write_text("[pytest]")
    return tmp_path


def run(project, exceptions=None, *arguments, real=False):
    """Run the tests, and return pytest's exit status, its counts and all it printed."""
    if exceptions is not None:
        (project / "exceptions.toml").write_text(exceptions)
        arguments += ("--fastml-exceptions", "exceptions.toml")
    command = [sys.executable, "-m", "pytest", "-p", "fastml.testing", "-rx", "-p", "no:cacheprovider", *arguments]
    path = os.pathsep.join([os.getcwd()] + [str(project)] * (not real))
    environment = {**os.environ, "PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    result = subprocess.run(command, cwd=project, capture_output=True, text=True, env=environment, check=False)
    text = result.stdout + result.stderr
    return result.returncode, dict(map(reversed, re.findall(r"(\d+) (passed|failed|xfailed|error)", text))), text


def group(*tests, reason="Two is not one.", **more):
    lines = [f"reason = {reason!r}", f"tests = {list(tests)!r}", *(f"{key} = {value!r}" for key, value in more.items())]
    return "[[exceptions]]\n" + "\n".join(lines)


def test_tests_are_patched_before_they_are_collected(project):
    (project / "conftest.py").write_text(PATCHED)
    (project / "suite" / "test_it.py").write_text(PATCHED + TESTS)
    code, counts, text = run(project, real=True)
    assert (code, counts) == (1, {"passed": "2", "failed": "1"})
    assert "in the place of scikit-learn" in text
    assert "sklearn.cluster.KMeans" in text


@pytest.mark.parametrize("test", ["suite/test_it.py::test_number[2]", "test_it.py::test_number[2]"])
def test_a_listed_test_is_expected_to_fail(project, test):
    code, counts, text = run(project, group(test))
    assert (code, counts) == (0, {"passed": "2", "xfailed": "1"})
    assert "Two is not one." in text


def test_a_listed_test_that_passes_is_an_error(project):
    code, counts, text = run(project, group("test_it.py::test_number[2]", "test_it.py::test_number[1]"))
    assert (code, counts) == (1, {"passed": "1", "failed": "1", "xfailed": "1"})
    assert "[XPASS(strict)] Two is not one." in text


@pytest.mark.parametrize("test", ["test_it.py::test_number", "test_it.py::test_gone", "it.py::test_number[2]"])
def test_an_unknown_id_is_an_error(project, test):
    code, _, text = run(project, group(test) + "\n" + group("test_it.py::test_number[2]"))
    if test.startswith("it.py"):  # no such module: it was not asked for
        assert code == 0
    else:
        assert code == pytest.ExitCode.USAGE_ERROR
        assert f"lists tests that do not exist: {test}" in text


def test_modules_that_were_not_collected_do_not_matter(project):
    assert run(project, group("test_other.py::test_x") + "\n" + group("test_it.py::test_number[2]"))[0] == 0


def test_single_tests_can_be_asked_for(project):
    exceptions = group("test_it.py::test_number[2]", "test_it.py::test_gone")
    assert run(project, exceptions, "suite/test_it.py::test_something")[0] == 0
    assert run(project, group("test_it.py::test_number[2]"), "-k", "something")[0] == 0


def test_versions(project):
    old, new = ({"scikit-learn": condition} for condition in ("<1.8", ">=1.8,<1.9"))
    test = "test_it.py::test_number[2]"
    assert run(project, _quoted(group(test, **old)))[1].get("failed") == "1"
    assert run(project, _quoted(group(test, **new)))[1].get("xfailed") == "1"


def _quoted(text):
    return text.replace("scikit-learn =", '"scikit-learn" =')


@pytest.mark.parametrize(
    ("exceptions", "words"),
    [
        ("not toml", "TOMLDecodeError"),
        ("", "KeyError: 'exceptions'"),
        (group("test_it.py::test_number[2]", reason=" "), "a reason is empty"),
        (group("test_it.py"), "not the id of a test: test_it.py"),
        (group("test_it.py::test_number[2]", strict=1), "unknown keys ['strict']"),
        (group("test_it.py::test_number[2]", **{"scikit-learn": "new"}), "InvalidSpecifier"),
    ],
)
def test_a_bad_list_is_refused(project, exceptions, words):
    code, _, text = run(project, exceptions)
    assert code == pytest.ExitCode.USAGE_ERROR
    assert words in text


def test_scikit_learns_own_modules_are_found(tmp_path):
    """Their ids, as pytest has them, lack the path."""
    (tmp_path / "pytest.ini").write_text("[pytest]")
    module = ["--pyargs", "sklearn.cluster.tests.test_k_means", "-k", "test_kmeans_copyx"]
    code, counts, text = run(tmp_path, None, *module, real=True)
    assert (code, set(counts)) == (0, {"passed"}), text
    passes = group("sklearn/cluster/tests/test_k_means.py::test_kmeans_copyx")
    code, counts, text = run(tmp_path, passes, *module, real=True)
    assert counts.get("failed") == "1", text
    assert "[XPASS(strict)] Two is not one." in text
    code, counts, text = run(tmp_path, group("sklearn/cluster/tests/test_k_means.py::test_gone"), *module, real=True)
    assert code == pytest.ExitCode.USAGE_ERROR
