"""The four trees: scikit-learn's parameters and defaults over one way of growing.

Breiman, Friedman, Olshen, Stone 1984, Classification and Regression Trees. Geurts, Ernst, Wehenkel 2006, Machine
Learning 63:3, for the random ones.
"""

import sklearn.tree

from fastml._registry import plain_of
from fastml._versions import with_functions
from fastml.tree._base import FastTree
from fastml.tree._fitted import FittedClassifierTree


class FastClassifierTree(FastTree, FittedClassifierTree):
    """What the two classifiers share."""


class DecisionTreeClassifier(FastClassifierTree, sklearn.tree.DecisionTreeClassifier):
    __doc__ = sklearn.tree.DecisionTreeClassifier.__doc__
    _parameter_constraints = with_functions(sklearn.tree.DecisionTreeClassifier)


class DecisionTreeRegressor(FastTree, sklearn.tree.DecisionTreeRegressor):
    __doc__ = sklearn.tree.DecisionTreeRegressor.__doc__
    _parameter_constraints = with_functions(sklearn.tree.DecisionTreeRegressor)


class ExtraTreeClassifier(FastClassifierTree, sklearn.tree.ExtraTreeClassifier):
    __doc__ = sklearn.tree.ExtraTreeClassifier.__doc__
    _parameter_constraints = with_functions(sklearn.tree.ExtraTreeClassifier)


class ExtraTreeRegressor(FastTree, sklearn.tree.ExtraTreeRegressor):
    __doc__ = sklearn.tree.ExtraTreeRegressor.__doc__
    _parameter_constraints = with_functions(sklearn.tree.ExtraTreeRegressor)


# Ours for every tree that our kernels grow, scikit-learn's own among them. Subclasses may do anything.
OURS = {}
for _tree in (DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor):
    OURS[_tree] = OURS[plain_of(_tree)] = _tree
