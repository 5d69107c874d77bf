"""Driver of stochastic gradient descent: one or several linear models, each by itself, over the same samples."""

from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.linalg.blas import get_blas_funcs

from fastml._dispatch import load, record
from fastml._kernels._arrays import Csr
from fastml._kernels.linear.settings import LOSSES, PENALTIES, SCHEDULES, Settings

__all__ = ["Models", "descend", "settings"]

_PROBE = 127  # features: a vector of every length, and all that may be left over
_SPARSE_DECAY = 0.01  # of the steps of the intercept, which sparse samples update most often


class Models(NamedTuple):
    """What is learnt, in place.

    coef             (n_models, n_features)  of the samples' type
    intercepts       (n_models,)  float64
    mean_coef        (n_models, n_features), or None: no average
    mean_intercepts  (n_models,)  float64
    """

    coef: np.ndarray
    intercepts: np.ndarray
    mean_coef: np.ndarray | None
    mean_intercepts: np.ndarray


@cache
def _unit_of_axpy(dtype):
    """Return how many numbers at a time the axpy of BLAS adds with one rounding; those left over it rounds twice.

    OpenBLAS: 1 on CPUs with AVX-512; with AVX2 alone 16 of float64, 32 of float32. More than there are: none.
    """
    (axpy,) = get_blas_funcs(["axpy"], dtype=dtype)
    factor = dtype.type(1 + np.sqrt(np.finfo(dtype).eps) / 4)  # its square has digits beyond the type's
    square = np.full(_PROBE, -factor * factor, dtype)
    n_fused = np.count_nonzero(axpy(np.full(_PROBE, factor, dtype), square, a=factor))
    return _PROBE + 1 - n_fused if n_fused < _PROBE else 1


def fused_by_axpy(n_features, dtype):
    """Return how many of so many numbers, from the first on, scikit-learn's BLAS adds with one rounding."""
    return n_features - n_features % _unit_of_axpy(np.dtype(dtype))


def settings(is_sparse, *, loss, epsilon, penalty, schedule, tol, **numbers):
    """Return the kernel's settings.

    loss, penalty, schedule : names in scikit-learn's parameters; penalty None: none.
    epsilon                 : of the losses that have it.
    tol                     : None: no test of convergence.
    numbers                 : the other fields of Settings, but for those that follow from these.
    """
    bound = {"hinge": 1.0, "squared_hinge": 1.0, "perceptron": 0.0}.get(loss, epsilon)
    numbers |= {
        "loss": LOSSES.index("hinge" if loss == "perceptron" else loss),
        "bound": bound,
        "penalty": PENALTIES.index(str(penalty).lower()),
        "schedule": SCHEDULES.index(schedule),
        "tol": -np.inf if tol is None else tol,
        "negative": 0.0 if loss == "log_loss" else -1.0,
        "intercept_decay": _SPARSE_DECAY if is_sparse else 1.0,
    }
    # of one type each, whatever the user gave: Numba compiles for types
    return Settings(**{name: kind(numbers[name]) for name, kind in Settings.__annotations__.items()})


def descend(
    X, models, how, *, targets, positives, class_weights, seeds, weights, held_out, score, is_finite, n_threads
):
    """Fit the models; return their numbers of epochs, and which of them overflowed in the last one.

    X             : (n_samples, n_features) array or CSR matrix, float64 or float32.
    models        : Models, of the type of X.
    how           : of :func:`settings`.
    targets       : (n_samples,) numbers of the type of X, or int32: classes.
    positives     : (n_models,) int32, the class that is 1 for each model.
    class_weights : (n_models, 2) float64, of samples with a target above 0, and of the others.
    seeds         : (n_models,) uint32, of the order of the samples.
    weights       : (n_samples,) of the type of X, or None: all 1.
    held_out      : (n_samples,) bool, samples that are not learnt from; None: none.
    score         : score(model, coef, intercept), asked after each epoch instead of the objective; or None.

    is_finite     : whether X is known to be, as it has to be for CSR matrices and with samples held out; else
                    FloatingPointError, before anything has changed, if it is not.

    The same sums whatever the number of threads.
    """
    record(n_threads=n_threads)
    kernel = load("linear.sgd", 0.0)
    is_dense = isinstance(X, np.ndarray)
    are_classes = targets.dtype == np.int32
    return kernel.descend(
        X if is_dense else Csr(X.data, X.indices, X.indptr),
        models.coef,
        None if are_classes else targets,
        targets if are_classes else None,
        weights,
        None if held_out is None else held_out.view(np.uint8),
        how,
        positives,
        class_weights,
        seeds,
        models.intercepts,
        models.mean_coef,
        models.mean_intercepts,
        score,
        is_finite,
        n_threads,
    )
