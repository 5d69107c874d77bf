"""Linear models: scikit-learn's names, fitted by our kernels."""

from fastml._modules import forward

__getattr__, __dir__ = forward(__name__)
