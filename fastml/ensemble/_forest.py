"""The forests: scikit-learn's parameters and defaults over one way of growing."""

import sklearn.ensemble
from sklearn.utils import check_random_state
from sklearn.utils.validation import _num_samples

from fastml._dispatch import accelerated
from fastml._versions import fit_context, with_functions
from fastml.ensemble._fitted_forest import FittedForestClassifier, FittedForestRegressor
from fastml.ensemble._forest_base import FastForest, SupervisedForest
from fastml.ensemble._leaf_codes import encode, encoder_of
from fastml.tree._fitted import refuse_sparse


class FastForestClassifier(SupervisedForest, FittedForestClassifier):
    """What the two classifiers share."""


class FastForestRegressor(SupervisedForest, FittedForestRegressor):
    """What the two regressors share."""


class RandomForestClassifier(FastForestClassifier, sklearn.ensemble.RandomForestClassifier):
    __doc__ = sklearn.ensemble.RandomForestClassifier.__doc__
    _parameter_constraints = with_functions(sklearn.ensemble.RandomForestClassifier)


class RandomForestRegressor(FastForestRegressor, sklearn.ensemble.RandomForestRegressor):
    __doc__ = sklearn.ensemble.RandomForestRegressor.__doc__
    _parameter_constraints = with_functions(sklearn.ensemble.RandomForestRegressor)


class ExtraTreesClassifier(FastForestClassifier, sklearn.ensemble.ExtraTreesClassifier):
    __doc__ = sklearn.ensemble.ExtraTreesClassifier.__doc__
    _parameter_constraints = with_functions(sklearn.ensemble.ExtraTreesClassifier)


class ExtraTreesRegressor(FastForestRegressor, sklearn.ensemble.ExtraTreesRegressor):
    __doc__ = sklearn.ensemble.ExtraTreesRegressor.__doc__
    _parameter_constraints = with_functions(sklearn.ensemble.ExtraTreesRegressor)


class RandomTreesEmbedding(FastForest, sklearn.ensemble.RandomTreesEmbedding):
    __doc__ = sklearn.ensemble.RandomTreesEmbedding.__doc__

    @accelerated
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        """Grow random trees.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, rounded to float32. Sparse ones run scikit-learn's own code.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples; None: all 1.

        Returns
        -------
        self : RandomTreesEmbedding
            With ``estimators_``, a list of trees, and ``one_hot_encoder_`` for their leaves.

        Raises
        ------
        ValueError
            If a parameter has a value that is not allowed; if X holds NaN or infinity or is not 2-d; if the number
            of weights is not that of the samples.

        See Also
        --------
        fit_transform : The embedding, too.

        Notes
        -----
        Class of agreement: tie. O(n_estimators * n_samples * depth). Memory: O(n_samples * n_features).

        Examples
        --------
        >>> from fastml.ensemble import RandomTreesEmbedding
        >>> model = RandomTreesEmbedding(3, max_depth=1, random_state=0).fit([[0.0], [1.0], [5.0], [6.0]])
        >>> model.transform([[0.0], [6.0]]).toarray().sum(axis=1).tolist()
        [3.0, 3.0]
        """
        self._refuse(X)
        noise = check_random_state(self.random_state).uniform(size=_num_samples(X))
        self._grow_forest(X, noise, sample_weight)
        if any(est.n_features_in_ != self.n_features_in_ for est in self.estimators_):
            self.apply(X)  # a warm start on other features is its error
        self.one_hot_encoder_ = encoder_of(self.estimators_, self.sparse_output)
        self._n_features_out = sum(map(len, self.one_hot_encoder_.categories_))
        return self

    @accelerated
    @fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X, y=None, sample_weight=None):
        """Grow random trees, and return the leaves of the samples, one indicator a leaf.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, rounded to float32. Sparse ones run scikit-learn's own code.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples; None: all 1.

        Returns
        -------
        X_new : {sparse matrix, ndarray} of shape (n_samples, n_leaves), float64
            Ones and zeros; sparse with `sparse_output`.

        Raises
        ------
        ValueError
            As :meth:`fit`.

        See Also
        --------
        transform : For other samples.

        Notes
        -----
        Class of agreement: tie. O(n_estimators * n_samples * depth). Memory: O(n_samples * n_estimators) and the
        result.

        Examples
        --------
        >>> from fastml.ensemble import RandomTreesEmbedding
        >>> RandomTreesEmbedding(3, max_depth=1, random_state=0).fit_transform([[0.0], [1.0], [5.0], [6.0]]).shape
        (4, 6)
        """
        self._refuse(X)
        leaves = self.fit(X, sample_weight=sample_weight).apply(X)
        return encode(self.one_hot_encoder_, leaves)

    @accelerated
    def transform(self, X):
        """Return the leaves of samples, one indicator a leaf.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, rounded to float32. Sparse ones run scikit-learn's own code.

        Returns
        -------
        X_new : {sparse matrix, ndarray} of shape (n_samples, n_leaves), float64
            Ones and zeros; sparse with `sparse_output`.

        Raises
        ------
        NotFittedError, ValueError
            As :meth:`apply`.

        See Also
        --------
        apply : The leaves' numbers.

        Notes
        -----
        Class of agreement: identical. O(n_estimators * n_samples * depth). Memory: O(n_samples * n_estimators) and
        the result.

        Examples
        --------
        >>> from fastml.ensemble import RandomTreesEmbedding
        >>> model = RandomTreesEmbedding(3, max_depth=1, random_state=0).fit([[0.0], [1.0], [5.0], [6.0]])
        >>> model.transform([[2.0]]).shape
        (1, 6)
        """
        refuse_sparse(X)
        leaves = self.apply(X)
        return encode(self.one_hot_encoder_, leaves)
