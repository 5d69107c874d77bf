"""Trees: scikit-learn's names, grown by our kernels."""

from fastml._modules import forward

__getattr__, __dir__ = forward(__name__)
