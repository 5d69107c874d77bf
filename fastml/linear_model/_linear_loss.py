"""scikit-learn's loss of linear models, computed by our kernels, and scikit-learn's functions that build it."""

from types import FunctionType

import numpy as np
from scipy.sparse import issparse

from fastml._dispatch import note
from fastml._threads import effective_n_threads
from fastml._validate import is_clean_csr
from fastml._versions import HalfBinomialLoss, HalfMultinomialLoss, LinearModelLoss, logistic_regression_path
from fastml.linear_model import _fused

_FLOATS = [np.float64, np.float32]
# Sums of weights from which products with samples may overflow: scikit-learn divides by it first.
_LARGEST = 1e100
# Features up to which our Hessian is the sooner one: scikit-learn's is a product of matrices by BLAS.
_WIDEST = 1000
# Weights of several classes up to which our gradient is: of more it leaves the cache (100 classes, 1,000 samples
# of 2,000 features: 0.8x).
_MOST_WEIGHTS = 100_000


def rebound(function, **names):
    """Return a function that runs the same code, but finds other objects under some global names.

    So scikit-learn's own code builds our loss for the length of one call, and for nobody else: its module stays as it
    is, whatever other threads do.
    """
    copy = FunctionType(
        function.__code__,
        {**function.__globals__, **names},
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


class FusedLoss(LinearModelLoss):
    """Losses and gradients by one pass over the samples; what no kernel covers is scikit-learn's."""

    def __init__(self, base_loss, fit_intercept):
        super().__init__(base_loss=base_loss, fit_intercept=fit_intercept)
        self.n_threads = effective_n_threads()
        self._weighed = None, 0.0

    def loss_gradient(self, coef, X, y, sample_weight=None, l2_reg_strength=0.0, n_threads=1, raw_prediction=None):
        """Compute the mean loss plus penalty, and its gradient, as scikit-learn's method does."""
        total = self._total(X, sample_weight)
        if not self._is_covered(coef, X, y) or not 0 < total < _LARGEST:
            return super().loss_gradient(coef, X, y, sample_weight, l2_reg_strength, n_threads, raw_prediction)
        loss, gradient = _fused.loss_gradient(
            X, y, sample_weight, raw_prediction, self._by_output(coef, X), **self._how()
        )
        weights = self.weight_intercept(coef)[0]
        gradient = gradient.reshape(-1) / total
        gradient[: weights.size] += l2_reg_strength * coef[: weights.size]
        return float(loss / total) + self.l2_penalty(weights, l2_reg_strength), gradient.astype(coef.dtype, copy=False)

    def gradient_hessian(
        self,
        coef,
        X,
        y,
        sample_weight=None,
        l2_reg_strength=0.0,
        n_threads=1,
        gradient_out=None,
        hessian_out=None,
        raw_prediction=None,
    ):
        """Compute gradient, Hessian, and whether a quarter of the losses is flat, as scikit-learn's method does."""
        total = self._total(X, sample_weight)
        if self.base_loss.is_multiclass or issparse(X) or X.shape[1] > _WIDEST or not 0 < total < _LARGEST:
            is_ours = False
        else:
            is_ours = self._is_covered(coef, X, y)
        if not is_ours:
            return super().gradient_hessian(
                coef, X, y, sample_weight, l2_reg_strength, n_threads, gradient_out, hessian_out, raw_prediction
            )
        of_coef, of_hessian, flat = _fused.gradient_hessian(
            X, y, sample_weight, raw_prediction, self._by_output(coef, X), **self._how()
        )
        n_features = X.shape[1]
        of_coef /= total
        of_coef[:n_features] += l2_reg_strength * coef[:n_features]
        of_hessian /= total
        of_hessian[np.arange(n_features), np.arange(n_features)] += l2_reg_strength
        gradient = np.empty_like(coef) if gradient_out is None else gradient_out
        hessian = np.empty_like(coef, shape=of_hessian.shape) if hessian_out is None else hessian_out
        gradient[:], hessian[:] = of_coef, of_hessian
        return gradient, hessian, flat / total > 0.25

    def _how(self):
        return {"fit_intercept": bool(self.fit_intercept), "n_threads": self.n_threads}

    def _is_covered(self, coef, X, y):
        """Tell whether the kernels take this loss of these samples."""
        taken = (
            type(self.base_loss) in (HalfBinomialLoss, HalfMultinomialLoss)
            and coef.ndim == 1
            and X.dtype == y.dtype
            and not (self.base_loss.is_multiclass and coef.size > (X.nnz if issparse(X) else _MOST_WEIGHTS))
            and (is_clean_csr(X, _FLOATS) if issparse(X) else X.flags.c_contiguous and X.flags.aligned)
        )
        if not taken:
            note(
                "scikit-learn's own code computed losses: there are many weights, or samples are not aligned, or are "
                "sparse and read-only, empty or of large indices."
            )
        return taken

    def _total(self, X, sample_weight):
        """Return the sum of the weights, added up once."""
        if sample_weight is None:
            return X.shape[0]
        if self._weighed[0] is not sample_weight:
            self._weighed = sample_weight, float(np.sum(sample_weight))
        return self._weighed[1]

    def _by_output(self, coef, X):
        """Return the coefficients, (n_features + intercept, n_outputs) float64, with the values of X's type."""
        n_outputs = self.base_loss.n_classes if self.base_loss.is_multiclass else 1
        return coef.astype(X.dtype, copy=False).astype(np.float64, copy=False).reshape(-1, n_outputs)


logistic_path = rebound(logistic_regression_path, LinearModelLoss=FusedLoss)
