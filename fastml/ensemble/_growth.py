"""Trees of an ensemble that hands its rounds to the driver itself."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import compute_sample_weight

from fastml._dispatch import NotCovered
from fastml._versions import thread_config
from fastml.tree import _grow
from fastml.tree._base import genuine
from fastml.tree._classes import OURS
from fastml.tree._draws import tree_seed


def refuse_others(estimator, ensemble):
    """Leave estimators that are not trees of the kernels, or of the other kind, to scikit-learn's own code."""
    if not are_trees([estimator], ensemble):
        kind = "classification" if isinstance(ensemble, ClassifierMixin) else "regression"
        raise NotCovered(f"estimator={estimator!r} is none of scikit-learn's trees for {kind}.")
    if not (isinstance(estimator.criterion, str) and isinstance(estimator.splitter, str)):
        raise NotCovered("The trees' criterion or splitter is scikit-learn's own object.")


def ours(tree):
    """Return a tree of ours with the parameters of a plain one."""
    return OURS[type(tree)](**tree.get_params(deep=False))


def are_trees(estimators, ensemble=None):
    """Tell whether estimators are such trees, all of one class, which classify where the ensemble does.

    A tree given by the user stays of its class; a plain one is grown by our kernels all the same.
    """
    if type(estimators) is not list or not estimators:
        return False
    kind = type(estimators[0])
    fits = ensemble is None or issubclass(kind, ClassifierMixin) == isinstance(ensemble, ClassifierMixin)
    return kind in OURS and fits and len(set(map(type, estimators))) == 1


def _is_valid(tree):
    if not thread_config()["skip_parameter_validation"]:
        try:
            tree._validate_params()
        except ValueError:
            return False
    return True


def is_refused(tree, n_features, y):
    """Tell, and warn of nothing, whether scikit-learn's own code has to say what is wrong with a tree's parameters.

    Parameters
    ----------
    tree : tree estimator
        One of those that an ensemble fits.
    n_features : int
        As many as the trees will see.
    y : ndarray of shape (n_samples, n_outputs)
        The ensemble's targets.
    """
    tree = ours(tree)
    tree.n_features_in_, tree.n_outputs_ = n_features, y.shape[1]
    return not _is_valid(tree) or tree.refuses(y)


class Growth:
    """What the trees of an ensemble have in common, and how they grow.

    Parameters
    ----------
    like : tree estimator
        Its class and parameters are those of the trees; the seed apart.
    n_samples, n_features, n_outputs : int
        Of what the trees are fitted to.
    classes : list of ndarray, default=None
        The classes of every output. None: regression.
    n_threads : int

    Attributes
    ----------
    covered : bool
        False where scikit-learn's own code has to say what is wrong with a parameter.
    """

    def __init__(self, like, n_samples, n_features, n_outputs, classes=None, *, n_threads):
        tree = ours(like)
        self.covered = _is_valid(tree)
        if not self.covered:
            return
        self.n_classes = describe(tree, n_features, n_outputs, classes)
        self.rules = tree._rules(n_samples, self.n_classes)
        self.covered = self.rules is not None
        self.cls, self.attributes, self.n_threads = type(like), vars(tree), n_threads
        self.share = tree.min_weight_fraction_leaf

    def class_weights(self, y):
        """Return what the trees' ``class_weight`` makes of the targets, one weight a sample, or None."""
        preset = self.attributes.get("class_weight")
        return None if preset is None else compute_sample_weight(preset, y)

    def grow(self, X, y, weights, random_states, *, seeds=None, doubt=None, arranged=False):
        """Grow a tree for every one of some weights.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features), float32
        y : ndarray of shape (n_samples, n_outputs), float64, C order
            Targets, or codes of the classes.
        weights : list of {None, ndarray of shape (n_samples,)}
        random_states : list of {int, RandomState}
            The trees' ``random_state``.
        seeds : list of int, default=None
            What was drawn from these. None: it is drawn here.
        doubt, arranged
            See ``Rules``.

        Returns
        -------
        list of fitted trees; None: it was given up
        """
        rules = self.rules._replace(doubt=0.0 if arranged else doubt, arranged=arranged)
        seeds = [tree_seed(state) for state in random_states] if seeds is None else seeds
        least = [self.share and self.share * (len(X) if each is None else np.sum(each)) for each in weights]
        narrow = [each if each is None or each.dtype == np.uint8 else _grow.narrowed(each) for each in weights]
        features = _grow.prepare(X, rules, self.n_threads, self.n_classes, _grow.are_counts(narrow), len(narrow))
        grown = _grow.grow(features, y, self.n_classes, narrow, least, seeds, rules, self.n_threads)
        return [
            None if each is None else self._fitted(genuine(each, X.shape[1], self.n_classes, y.shape[1]), state)
            for each, state in zip(grown, random_states, strict=True)
        ]

    def _fitted(self, tree, random_state):
        return fitted_tree(self.cls, self.attributes, random_state, tree)


def describe(tree, n_features, n_outputs, classes):
    """Put on a tree what its fit finds out before it grows, and return the numbers of classes.

    Parameters
    ----------
    tree : tree estimator
    n_features, n_outputs : int
    classes : list of ndarray
        The classes of every output. None: regression.

    Returns
    -------
    n_classes : ndarray of shape (n_outputs,), intp, or None
    """
    tree.n_features_in_, tree.n_outputs_ = n_features, n_outputs
    if not isinstance(tree, ClassifierMixin):
        return None
    n_classes = np.array([len(found) for found in classes], dtype=np.intp)
    tree.classes_, tree.n_classes_ = (classes, n_classes) if n_outputs > 1 else (classes[0], n_classes[0])
    return n_classes


def fitted_tree(cls, attributes, random_state, tree):
    """Return a fitted tree estimator; scikit-learn's ``clone`` would take as long as growing a small tree.

    Parameters
    ----------
    cls : type
    attributes : dict
        Those of a tree that was described. Arrays are copied.
    random_state : {int, RandomState}
    tree : Tree
    """
    est = object.__new__(cls)
    own = vars(est)
    own.update(attributes, random_state=random_state, tree_=tree)
    classes = own.get("classes_")
    if isinstance(classes, np.ndarray):
        own["classes_"] = classes.copy()
    elif classes is not None:
        own["classes_"], own["n_classes_"] = [found.copy() for found in classes], own["n_classes_"].copy()
    if est.ccp_alpha:
        est._prune_tree()
    return est
