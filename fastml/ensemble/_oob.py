"""Out-of-bag scores of forests: every sample is predicted by the trees that were not given it."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils.multiclass import type_of_target

from fastml._threads import effective_n_threads
from fastml._warnings import warn_from
from fastml.ensemble._bootstrap import Weights
from fastml.tree import _predict


def check(forest, y):
    """Raise scikit-learn's error where such targets have no score: several outputs of more than two classes.

    Parameters
    ----------
    forest : estimator
        It has its trees by then, as scikit-learn's has.
    y : ndarray of shape (n_samples, n_outputs), float64
        Targets; codes of the classes.

    Raises
    ------
    ValueError
    """
    kind = type_of_target(y)
    if kind == "unknown" or (isinstance(forest, ClassifierMixin) and kind == "multiclass-multioutput"):
        raise ValueError(
            f"The type of target cannot be used to compute OOB estimates. Got {kind} while only the following are "
            "supported: continuous, continuous-multioutput, binary, multiclass, multilabel-indicator."
        )


def score(forest, X, y, function=None):
    """Set the attributes of a forest that has all its trees.

    Parameters
    ----------
    forest : estimator
    X : ndarray of shape (n_samples, n_features), float32
        The samples of the fit.
    y : ndarray of shape (n_samples, n_outputs), float64
        Their targets; codes of the classes, as many for every output.
    function : callable, default=None
        Score of targets and predictions. None: accuracy, or R2.
    """
    weights = Weights(y, forest._sample_weight, forest._n_samples_bootstrap, balanced=False, share=0.0)
    means = _means(forest.estimators_, X, weights, effective_n_threads(forest.n_jobs))
    single = y.shape[1] == 1
    if isinstance(forest, ClassifierMixin):
        means = means[:, 0] if single else np.ascontiguousarray(means.transpose(0, 2, 1))
        forest.oob_decision_function_, predicted, default = means, np.argmax(means, axis=1), accuracy_score
    else:
        forest.oob_prediction_ = predicted = means[:, 0, 0] if single else means[..., 0]
        default = r2_score
    forest.oob_score_ = (function or default)(y, predicted)


def _means(estimators, X, weights, n_threads):
    """Return mean values over the trees that have not seen a sample, (n_samples, n_outputs, max_n_classes)."""
    tree = estimators[0].tree_
    sums, n_trees = np.zeros((len(X), tree.n_outputs, tree.max_n_classes)), np.zeros(len(X), dtype=np.int64)
    for est in estimators:
        (drawn,), _ = weights.of([est.random_state])
        unseen = np.flatnonzero(drawn == 0)
        sums[unseen] += _predict.values(est.tree_, X.take(unseen, axis=0), n_threads=n_threads)
        n_trees[unseen] += 1
    if not n_trees.all():
        warn_from(
            "sklearn.ensemble._forest",
            "Some inputs do not have OOB scores. This probably means too few trees were used to compute any reliable "
            "OOB estimates.",
        )
        n_trees[n_trees == 0] = 1
    sums /= n_trees[:, np.newaxis, np.newaxis]
    return sums
