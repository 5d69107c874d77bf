"""Imputation: scikit-learn's names, with the nearest donors found by our kernels."""

from fastml._modules import forward

__getattr__, __dir__ = forward(__name__)
