"""What the linear models by stochastic gradient descent share: what is covered, the samples, the scores."""

from contextlib import contextmanager

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import validate_data

from fastml._dispatch import NotCovered, note
from fastml._registry import Accelerated
from fastml._validate import all_finite, check_weights, check_X, is_clean_csr, is_clean_target
from fastml._versions import check_sample_weight, thread_config
from fastml.linear_model import _descent
from fastml.linear_model._predict import scores

SAMPLES = {
    "accept_sparse": "csr",
    "dtype": [np.float64, np.float32],
    "order": "C",
    "accept_large_sparse": False,
}
MAX_INT = np.iinfo(np.int32).max
_LARGE = 1 << 20  # bytes of samples
_OVERFLOW = (
    "Floating-point under-/overflow occurred at epoch #%d. Scaling input data with StandardScaler or MinMaxScaler "
    "might help."
)


class FastSGD(Accelerated):
    """One base of the estimators; each gives scikit-learn's own methods, which check and allocate, our loop."""

    def _refuse(self):
        """Raise NotCovered where scikit-learn's own loop has to run."""
        if self.verbose:
            raise NotCovered(f"verbose={self.verbose!r}: scikit-learn's own code prints a line after each epoch.")

    def _is_covered(self, X, coef):
        """Tell whether our loop takes checked samples."""
        taken = coef.dtype == X.dtype and coef.flags.carray and (not issparse(X) or X.nnz > 0)
        if not taken:
            if is_finite_later(self, X) and not all_finite(X):
                raise FloatingPointError("samples hold NaN or infinity")
            note("scikit-learn's own code fitted the model: no sample has an entry, or the weights have another type.")
        return taken

    @contextmanager
    def _looking_later(self, X, y, *, reset):
        """Let the kernel look for NaN and infinity in large samples, as it reads them; on an error scikit-learn does.

        What was done before is undone then: its own code looks first.
        """
        before = vars(self).copy()
        try:
            yield
        except (FloatingPointError, ValueError):
            if not is_finite_later(self, X):
                raise
            now = vars(self).copy()
            _become(self, before)
            validate_data(self, X, y, reset=reset, **SAMPLES)
            _become(self, now)
            raise

    def _checked(self, X, y, *, reset):
        """Check samples and targets as ``validate_data(self, X, y, ...)`` does, but see :meth:`_looking_later`."""
        looks_clean = (type(X) is np.ndarray and X.ndim) or is_clean_csr(X, SAMPLES["dtype"])
        if looks_clean and is_clean_target(y, X.shape[0]) and y.ndim == 1:
            return self._checked_samples(X, reset=reset), y
        return validate_data(self, X, y, reset=reset, **SAMPLES)

    def _checked_samples(self, X, *, reset):
        """Check samples, but see :meth:`_looking_later`."""
        return check_X(self, X, reset=reset, ensure_all_finite=not is_finite_later(self, X), **SAMPLES)

    def _checked_weights(self, sample_weight, X, **allowed):
        """Check weights of samples; None: all 1."""
        if sample_weight is None:
            return None
        if allowed.get("allow_all_zero_weights"):
            return check_sample_weight(sample_weight, X, dtype=X.dtype, **allowed)
        return check_weights(sample_weight, X)

    def _held_out(self, y, weights):
        """Split off the validation set; None without early stopping."""
        if not self.early_stopping:
            return None
        return self._make_validation_split(y, sample_mask=np.ones(len(y), bool) if weights is None else weights > 0)

    def _score_of(self, held_out, X, y, weights, classes=None):
        """Return scikit-learn's own score of the validation set, or None."""
        if held_out is None:
            return None
        weights = np.ones(len(y), X.dtype) if weights is None else weights
        return self._make_validation_score_cb(held_out, X, y, weights, classes=classes)

    def _how(self, X, *, alpha, loss, learning_rate, max_iter, one_class=False):
        return _descent.settings(
            issparse(X),
            loss=loss,
            epsilon=self.epsilon,
            penalty=self.penalty,
            alpha=alpha,
            l1_ratio=self._get_l1_ratio(),
            schedule=learning_rate,
            eta0=self.eta0,
            power_t=self.power_t,
            tol=self.tol,
            n_iter_no_change=int(self.n_iter_no_change),
            max_iter=max_iter,
            fit_intercept=bool(self.fit_intercept),
            shuffle=bool(self.shuffle),
            one_class=one_class,
            average=int(self.average),
            t=self.t_,
            fused=_descent.fused_by_axpy(X.shape[1], X.dtype) if self.average else 0,
        )

    def _begin(self, n_features, dtype):
        """Set what a model begins with that is no array of scikit-learn's allocation: an average, and ``t_``."""
        if self.average > 0 and getattr(self, "_average_coef", None) is None:
            self._average_coef, self._average_intercept = np.zeros(n_features, dtype), np.zeros(1, dtype)
        if not hasattr(self, "t_"):
            self.t_ = 1.0

    def _descend_one(
        self,
        X,
        targets,
        coef,
        intercept,
        mean_coef,
        mean_intercept,
        how,
        seed,
        *,
        weights,
        class_weights=(1, 1),
        held_out=None,
        score=None,
    ):
        """Fit one model in place. Returns its intercepts, the plain one and the averaged, and its epochs.

        score : as of :meth:`_score_of`.
        """
        one = slice(None) if coef.ndim == 2 else np.newaxis
        models = _descent.Models(
            coef[one],
            np.array([intercept], np.float64),
            None if mean_coef is None else mean_coef[one],
            np.array([mean_intercept], np.float64),
        )
        n_epochs, overflowed = _descent.descend(
            X,
            models,
            how,
            targets=targets,
            positives=np.ones(1, np.int32),
            class_weights=np.array([class_weights], np.float64),
            seeds=np.array([seed], np.uint32),
            weights=weights,
            held_out=held_out,
            score=score and (lambda model, *learnt: score(*learnt)),
            is_finite=not is_finite_later(self, X),
            n_threads=1,
        )
        raise_overflow(n_epochs, overflowed)
        return float(models.intercepts[0]), float(models.mean_intercepts[0]), int(n_epochs[0])

    def _scores(self, X):
        """Return samples times weights, and the intercepts not yet added, by the operations of scikit-learn."""
        return scores(self, X, "csr")


def is_finite_later(est, X):
    """Tell whether the kernel looks for NaN and infinity: a pass over samples beyond the cache is a sixth of a fit."""
    is_large = type(X) is np.ndarray and X.ndim == 2 and X.dtype.type in SAMPLES["dtype"] and X.nbytes >= _LARGE
    return is_large and not est.early_stopping and not thread_config()["assume_finite"]


def _become(est, attributes):
    """Give an estimator other attributes in the place of its own."""
    vars(est).clear()
    vars(est).update(attributes)


def raise_overflow(n_epochs, overflowed):
    """Raise scikit-learn's error for the first model that overflowed."""
    if overflowed.any():
        raise ValueError(_OVERFLOW % n_epochs[np.argmax(overflowed)])


def skip_seed(random_state):
    """Draw what scikit-learn draws for its object of the samples, which never uses it."""
    random_state.randint(1, MAX_INT)


def seed_of_order(random_state):
    """Draw the seed of the order of the samples."""
    return random_state.randint(MAX_INT)
