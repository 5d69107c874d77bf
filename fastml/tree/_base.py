"""What the trees share: the fit, as users and as ensembles call it."""

from math import ceil
from numbers import Integral

import numpy as np
from scipy.sparse import issparse
from sklearn.base import ClassifierMixin
from sklearn.utils import compute_sample_weight
from sklearn.utils.validation import validate_data

from fastml._dispatch import NotCovered, accelerated, note
from fastml._threads import effective_n_threads
from fastml._validate import all_finite, check_weights, clean_float32, is_clean_target, name_features
from fastml._versions import Tree, fit_context
from fastml.tree import _grow
from fastml.tree._draws import tree_seed
from fastml.tree._fitted import FittedTree, refuse_sparse
from fastml.tree._params import KnownParams
from fastml.tree._targets import are_more_than_two, are_refused, as_float64, columns, encode

_CRITERIA = {"log_loss": "entropy"} | {
    name: name for name in ("gini", "entropy", "squared_error", "absolute_error", "poisson")
}
_TOO_MANY = 2**56  # leaves: more than memory can hold


class FastTree(KnownParams, FittedTree):
    """Growing."""

    @accelerated
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, check_input=True):
        """Grow the tree.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, rounded to float32. NaN: missing, where the estimator takes it. Sparse ones run scikit-learn's
            own code.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Classes, as integers or strings; numbers for regression.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples; None: all 1. Samples of weight 0 are left out.
        check_input : bool, default=True
            Whether to check X and y. Without, X is a dense array.

        Returns
        -------
        self : estimator
            With ``tree_``, a ``sklearn.tree._tree.Tree``, ``max_features_``, ``n_outputs_`` and, for classification,
            ``classes_`` and ``n_classes_``.

        Raises
        ------
        ValueError
            If a parameter has a value that is not allowed; if X holds infinity or is not 2-d, y holds NaN, or the
            number of targets or weights is not that of the samples; if y holds numbers with a fraction where classes
            are wanted; if `monotonic_cst` does not fit.

        Warns
        -----
        UserWarning
            If more than half of the samples have a class of their own.

        See Also
        --------
        apply : Leaves of samples.
        predict : Classes or values of samples.

        Notes
        -----
        Class of agreement: identical for classification with integer weights, or none, and for regression on
        integers; tie otherwise.

        O(n_samples * n_features * depth), after sorting each feature once. Memory: O(n_samples * n_features).

        Examples
        --------
        >>> from fastml.tree import DecisionTreeClassifier
        >>> model = DecisionTreeClassifier(random_state=0).fit([[0.0], [1.0], [5.0], [6.0]], [0, 0, 1, 1])
        >>> model.tree_.threshold.tolist()
        [3.0, -2.0, -2.0]
        """
        refuse_sparse(X)
        if not _is_covered(criterion := self.criterion):
            raise NotCovered(f"criterion={criterion!r} is scikit-learn's own object.")
        return self._fit(X, y, sample_weight, check_input)

    def _fit(self, X, y, sample_weight=None, check_input=True, missing_values_in_feature_mask=None):
        """Grow the tree; ensembles of scikit-learn enter here, with checked samples."""
        covered = not issparse(X) and _is_covered(self.criterion) and self.splitter in ("best", "random")
        if not (covered and self._grow(X, y, sample_weight, check_input, missing_values_in_feature_mask)):
            super()._fit(X, y, sample_weight, check_input, missing_values_in_feature_mask)
            note("scikit-learn's own code grew the tree.")
        return self

    def _grow(self, X, y, sample_weight, check_input, mask):
        """Grow the tree, and return True; return False where scikit-learn's own code has to say what is wrong."""
        X, y = self._checked(X, y) if check_input else _taken(X, y, mask)
        if X is None:
            return False
        n_samples, self.n_features_in_ = X.shape
        if check_input and are_refused(self.criterion, y):
            return False
        self.n_outputs_ = y.shape[1]
        if len(y) != n_samples:
            return False

        if self.refuses(y):  # before anything is warned of: scikit-learn's own code does so, too
            return False
        n_classes = weights_of_classes = None
        if isinstance(self, ClassifierMixin):
            given, (y, self.classes_) = y, encode(y, "sklearn.tree._classes")
            self.n_classes_ = n_classes = np.array([len(of_output) for of_output in self.classes_], dtype=np.intp)
            if self.class_weight is not None:
                weights_of_classes = compute_sample_weight(self.class_weight, given)
        y = as_float64(y)
        rules = self._rules(n_samples, n_classes)
        weights = None if sample_weight is None else check_weights(sample_weight, X, np.float64)
        if weights_of_classes is not None:
            weights = weights_of_classes if weights is None else weights * weights_of_classes
        min_weight_leaf = self.min_weight_fraction_leaf * (n_samples if weights is None else np.sum(weights))

        seed, n_threads = tree_seed(self.random_state), effective_n_threads()
        weights = [None if weights is None else _grow.narrowed(weights)]
        features = _grow.prepare(X, rules, n_threads, n_classes, _grow.are_counts(weights), 1, once=True)
        grown = _grow.grow(features, y, n_classes, weights, [min_weight_leaf], [seed], rules, n_threads)[0]
        self.tree_ = genuine(grown, self.n_features_in_, n_classes, self.n_outputs_)
        if self.n_outputs_ == 1 and n_classes is not None:
            self.n_classes_, self.classes_ = self.n_classes_[0], self.classes_[0]
        if self.ccp_alpha:
            self._prune_tree()
        return True

    def _checked(self, X, y):
        """Check samples and targets as scikit-learn's tree does."""
        X32 = _grow.converted(X)
        if is_clean_target(y, len(X) if type(X) is np.ndarray and X.ndim else 0):
            if X32 is None:
                X32 = clean_float32(self, X, reset=True)
            else:
                name_features(self, X)
            if X32 is not None:
                return X32, columns(y)
        samples = {"dtype": np.float32, "accept_sparse": "csc", "ensure_all_finite": False}
        X, y = validate_data(self, X, y, validate_separately=(samples, {"ensure_2d": False, "dtype": None}))
        self._compute_missing_values_in_feature_mask(X)  # infinity is its error
        return X, columns(y)

    def refuses(self, y):
        """Tell, and warn of nothing, whether scikit-learn's own code refuses parameters beside such targets."""
        classify = self.monotonic_cst is not None and isinstance(self, ClassifierMixin)
        return self._is_refused(classify and are_more_than_two(y[:, 0]))

    def _is_refused(self, has_many_classes):
        if too_many(self.max_leaf_nodes):
            return True
        if self.monotonic_cst is None:
            return False
        signs = np.asarray(self.monotonic_cst)
        known = signs.shape == (self.n_features_in_,) and np.all(np.isin(signs, (-1, 0, 1)))
        return not known or self.n_outputs_ > 1 or has_many_classes

    def _rules(self, n_samples, n_classes):
        """Resolve the parameters to numbers; return None where scikit-learn's own code refuses some."""
        n_features, max_features = self.n_features_in_, self.max_features
        if max_features is None:
            max_features = n_features
        elif isinstance(max_features, str):
            max_features = max(1, int({"sqrt": np.sqrt, "log2": np.log2}[max_features](n_features)))
        elif not isinstance(max_features, Integral):
            max_features = max(1, int(max_features * n_features)) if max_features > 0.0 else 0
        self.max_features_ = max_features

        min_leaf, min_split = self.min_samples_leaf, self.min_samples_split
        if not isinstance(min_leaf, Integral):
            min_leaf = ceil(min_leaf * n_samples)
        if not isinstance(min_split, Integral):
            min_split = max(2, ceil(min_split * n_samples))
        if self._is_refused(n_classes is not None and n_classes[0] > 2):
            return None
        if (signs := self.monotonic_cst) is not None:
            signs = np.array(signs, dtype=np.int8)
            if n_classes is not None:
                signs = -signs  # of the probability of class 0
        return _grow.Rules(
            criterion=self.criterion if callable(self.criterion) else _CRITERIA[self.criterion],
            random=self.splitter == "random",
            max_features=min(int(max_features), n_features),
            max_depth=_grow.NO_LIMIT if self.max_depth is None else int(self.max_depth),
            min_samples_split=max(int(min_split), 2 * int(min_leaf)),
            min_samples_leaf=int(min_leaf),
            max_leaf_nodes=-1 if self.max_leaf_nodes is None else int(self.max_leaf_nodes),
            min_impurity_decrease=float(self.min_impurity_decrease),
            monotonic_cst=signs,
        )


def _is_covered(criterion):
    """Tell whether a criterion is a name or a function, and no object of scikit-learn's."""
    return callable(criterion) or criterion in _CRITERIA


def too_many(max_leaf_nodes):
    """Tell whether scikit-learn, which allocates all leaves at once, has to say what it makes of so many."""
    return max_leaf_nodes is not None and max_leaf_nodes > _TOO_MANY


def genuine(grown, n_features, n_classes, n_outputs):
    """Return scikit-learn's own Tree of what a kernel has grown; `n_classes` None: regression."""
    nodes, values, max_depth = grown
    tree = Tree(n_features, np.ones(n_outputs, dtype=np.intp) if n_classes is None else n_classes, n_outputs)
    tree.__setstate__({"max_depth": max_depth, "node_count": len(nodes), "nodes": nodes, "values": values})
    return tree


def _taken(X, y, mask):
    """Return unchecked samples and targets as the kernels take them; no samples where scikit-learn has to see them."""
    if type(X) is not np.ndarray or X.ndim != 2 or not X.size:
        return None, y
    X32 = _grow.converted(X)
    if X32 is None:
        X32 = X if X.dtype == np.float32 else np.asfortranarray(X, dtype=np.float32)
        # The mask, if it is given, tells that the caller has found NaN but no infinity.
        if mask is None and not all_finite(X32 if X32.flags.c_contiguous else np.ascontiguousarray(X32.T)):
            return None, y
    return X32, columns(y)
