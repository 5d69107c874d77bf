"""Metrics: scikit-learn's names, with silhouettes on our kernels."""

from fastml._modules import forward

__getattr__, __dir__ = forward(__name__)
