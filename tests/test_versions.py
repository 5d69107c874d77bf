import subprocess
import sys

import pytest
import sklearn

import fastml
from fastml import _versions


def run(code, version="1.99.0"):
    pretend = f"import sklearn; sklearn.__version__ = {version!r}\n"
    return subprocess.run(
        [sys.executable, "-W", "always::RuntimeWarning", "-c", pretend + code],
        capture_output=True,
        text=True,
        check=False,
    )


def test_this_version_is_tested():
    assert _versions.TESTED
    assert not _versions.refused("anything")


@pytest.mark.parametrize("version", ["1.6.1", "1.10.0", "1.10.dev0", "2.0.0rc1"])
def test_an_untested_version_runs_its_own_code(version):
    result = run(
        "import fastml, sklearn.cluster, fastml.cluster\n"
        "fastml.patch_sklearn(); fastml.patch_sklearn()\n"
        "assert fastml.cluster.KMeans is sklearn.cluster.KMeans\n"
        "assert sklearn.cluster.KMeans.__module__ == 'sklearn.cluster._kmeans'\n"
        "print(fastml.explain(fastml.cluster.KMeans()))",
        version,
    )
    assert result.returncode == 0, result.stderr
    sentence = f"scikit-learn {version} is outside the range that fastml was tested with (>=1.7,<1.10)"
    assert result.stderr.count("RuntimeWarning") == 1
    assert sentence in result.stderr
    assert sentence in result.stdout


def test_strict_refuses_an_untested_version():
    for use in ("fastml.patch_sklearn()", "import fastml.cluster; fastml.cluster.KMeans"):
        result = run(f"import fastml; fastml.set_config(strict=True)\n{use}")
        assert result.stderr.splitlines()[-1].startswith("fastml._dispatch.FallbackError: ")


def test_missing_internals_of_an_untested_version_do_no_harm():
    result = run("import sklearn.base; del sklearn.base._fit_context\nimport fastml; fastml.patch_sklearn()")
    assert result.returncode == 0, result.stderr


def test_show_versions(capsys):
    fastml.show_versions()
    text = capsys.readouterr().out
    assert f"sklearn: {sklearn.__version__}" in text
    assert f"fastml: {fastml.__version__}" in text
    for row in ("kernels: ", "threads: ", "numba: ", "option n_threads: auto", "option strict: False"):
        assert row in text
    assert "numba" in sys.modules or "numba.core" not in sys.modules
