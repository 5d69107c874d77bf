"""Drop-in faster scikit-learn: the same model, sooner."""

import os

from fastml import _modules
from fastml._paths import with_installed_kernels
from fastml._version import __version__ as __version__

__path__ = with_installed_kernels(__path__, __version__)

# Our own names and the modules that define them; everything else public is a module or function of scikit-learn's.
# All are looked up when first asked for: `import fastml` imports neither scikit-learn nor Numba.
_HOMES = {
    "FallbackError": "_dispatch",
    "accelerated": "_registry",
    "config_context": "_config",
    "explain": "_explain",
    "get_config": "_config",
    "patch_sklearn": "_patch",
    "set_config": "_config",
    "show_versions": "_versions",
    "to_sklearn": "_convert",
    "unpatch_sklearn": "_patch",
}

_modules.install()


def __getattr__(name):
    return _modules.top_level(name, _HOMES)


def __dir__():
    return sorted({*__getattr__("__all__"), "__version__"})


def load_ipython_extension(ipython):
    """Patch scikit-learn: ``%load_ext fastml``.

    Parameters
    ----------
    ipython : InteractiveShell
        Not used.

    See Also
    --------
    patch_sklearn : What it calls, with its errors and warnings.
    """
    __getattr__("patch_sklearn")()


def unload_ipython_extension(ipython):
    """Put scikit-learn's own objects back: ``%unload_ext fastml``.

    Parameters
    ----------
    ipython : InteractiveShell
        Not used.

    See Also
    --------
    unpatch_sklearn : What it calls.
    """
    __getattr__("unpatch_sklearn")()


if os.environ.get("FASTML_PATCH", "0").lower() not in ("", "0", "no", "off", "false"):
    load_ipython_extension(None)
