"""Drop-in faster scikit-learn: the same model, sooner."""

from fastml._paths import with_installed_kernels
from fastml._version import __version__ as __version__

__path__ = with_installed_kernels(__path__, __version__)
