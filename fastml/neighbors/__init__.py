"""Neighbours: scikit-learn's names, with searches through k-d trees on our kernels."""

from fastml._modules import forward

__getattr__, __dir__ = forward(__name__)
