"""Ensembles: scikit-learn's names, those of trees on our kernels."""

from fastml._modules import forward

__getattr__, __dir__ = forward(__name__)
