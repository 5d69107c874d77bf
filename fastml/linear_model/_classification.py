"""Linear classifiers by stochastic gradient descent; of several classes each against all others."""

from functools import lru_cache
from numbers import Integral

import numpy as np
import sklearn.linear_model
from sklearn.utils import check_random_state, compute_class_weight

from fastml._dispatch import accelerated
from fastml._threads import effective_n_threads
from fastml._versions import check_partial_fit_first_call
from fastml.linear_model import _descent
from fastml.linear_model._base import MAX_INT, FastSGD, is_finite_later, raise_overflow, seed_of_order, skip_seed
from fastml.linear_model._predict import LinearClassifier

_NUMBERS = "biuf"


class FastSGDClassifier(LinearClassifier, FastSGD):
    """What the classifiers share."""

    @accelerated
    def fit(self, X, y, coef_init=None, intercept_init=None, sample_weight=None):
        """Fit the model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, computed in float32 if they are float32, else in float64.
        y : array-like of shape (n_samples,)
            Classes.
        coef_init : array-like of shape (n_classes, n_features), default=None
            Weights to start from; (1, n_features) for two classes.
        intercept_init : array-like of shape (n_classes,), default=None
            Intercepts to start from.
        sample_weight : array-like of shape (n_samples,), default=None
            Factors of the samples' steps; None: all 1.

        Returns
        -------
        self : estimator
            With ``coef_``, ``intercept_``, ``classes_``, ``n_iter_`` and ``t_``.

        Raises
        ------
        ValueError
            If a parameter has a value that is not allowed; if X or y holds NaN or infinity; if there is one class
            alone; if shapes do not fit; if numbers overflow.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` epochs have not met `tol`.

        See Also
        --------
        partial_fit : One epoch over some samples.

        Notes
        -----
        Class of agreement: rounding, and identical ``n_iter_`` and ``t_``. The classes are fitted side by side, by
        `n_jobs` threads (None: all), with the same result.

        O(n_iter * n_classes * n_samples * n_features); of sparse X the entries. Memory: O(n_samples).

        Examples
        --------
        >>> from fastml.linear_model import SGDClassifier
        >>> model = SGDClassifier(random_state=0).fit([[0.0], [1.0], [5.0], [6.0]], [0, 0, 1, 1])
        >>> model.predict([[0.5], [5.5]]).tolist()
        [0, 1]
        """
        self._refuse()
        return super().fit(X, y, coef_init, intercept_init, sample_weight)

    @accelerated
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Go once over some samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, of the type of the first ones.
        y : array-like of shape (n_samples,)
            Classes.
        classes : array-like of shape (n_classes,), default=None
            All classes there will be; needed in the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            Factors of the samples' steps; None: all 1.

        Returns
        -------
        self : estimator
            As in :meth:`fit`.

        Raises
        ------
        ValueError
            As in :meth:`fit`; and if `early_stopping` is set, or classes are missing or unknown.

        See Also
        --------
        fit : Goes over all samples until it converges.

        Notes
        -----
        Class of agreement: rounding. O(n_classes * n_samples * n_features), and O(n_classes * n_features) more for
        sparse X.

        Examples
        --------
        >>> from fastml.linear_model import Perceptron
        >>> model = Perceptron().partial_fit([[0.0], [1.0]], [0, 0], classes=[0, 1])
        >>> model.partial_fit([[5.0], [6.0]], [1, 1]).t_
        5.0
        """
        self._refuse()
        return super().partial_fit(X, y, classes, sample_weight)

    def _partial_fit(
        self, X, y, alpha, loss, learning_rate, max_iter, classes, sample_weight, coef_init, intercept_init
    ):
        """Check and allocate, in scikit-learn's order but without its passes over all targets."""
        if self.verbose:
            return super()._partial_fit(
                X, y, alpha, loss, learning_rate, max_iter, classes, sample_weight, coef_init, intercept_init
            )
        with self._looking_later(X, y, reset=not hasattr(self, "classes_")):
            given = sample_weight, coef_init, intercept_init
            return self._partial_fit_by_kernel(X, y, alpha, loss, learning_rate, max_iter, classes, *given)

    def _partial_fit_by_kernel(
        self, X, y, alpha, loss, learning_rate, max_iter, classes, sample_weight, coef_init, intercept_init
    ):
        X, y = self._checked(X, y, reset=not hasattr(self, "classes_"))
        if not self._knows(classes):
            check_partial_fit_first_call(self, classes)
        n_classes, n_features = len(self.classes_), X.shape[1]
        codes = encode(self.classes_, y)
        if self.class_weight is None and codes.min() >= 0:
            self._expanded_class_weight = np.ones(n_classes)
        else:
            self._expanded_class_weight = compute_class_weight(self.class_weight, classes=self.classes_, y=y)
        weights = self._checked_weights(sample_weight, X, allow_all_zero_weights=self.early_stopping)
        if getattr(self, "coef_", None) is None or coef_init is not None:
            self._allocate_parameter_mem(n_classes, n_features, X.dtype, coef_init, intercept_init)
        elif n_features != self.coef_.shape[-1]:
            raise ValueError(f"Number of features {n_features} does not match previous data {self.coef_.shape[-1]}.")
        self._loss_function_ = self._get_loss_function(loss)
        if not hasattr(self, "t_"):
            self.t_ = 1.0
        if n_classes < 2:
            raise ValueError(f"The number of classes has to be greater than one; got {n_classes} class")

        coef = self._standard_coef if self.average else self.coef_
        if self._is_covered(X, coef):
            how = self._how(X, alpha=alpha, loss=loss, learning_rate=learning_rate, max_iter=max_iter)
            learn = self._learn_two if n_classes == 2 else self._learn_each
            learn(X, y, codes, weights, how)
        else:
            weights = np.ones(len(y), X.dtype) if weights is None else weights
            learn = self._fit_binary if n_classes == 2 else self._fit_multiclass
            learn(X, y, alpha=alpha, sample_weight=weights, learning_rate=learning_rate, max_iter=max_iter)
        return self

    def _knows(self, classes):
        """Tell at a glance whether these are the classes of the first call."""
        known = vars(self).get("classes_")
        return known is not None and (
            classes is None or (len(classes) == len(known) and np.array_equal(classes, known))
        )

    def _learn_two(self, X, y, codes, weights, how):
        """Fit the one model of two classes, and name its attributes as ``_fit_binary`` does."""
        seed = _seed(int(self.random_state)) if isinstance(self.random_state, Integral) else None
        if seed is None:
            generator = check_random_state(self.random_state)
            skip_seed(generator)
        # as numbers: to split classes that are strings takes longer
        targets = np.where(codes == 1, 1, how.negative).astype(X.dtype) if self.early_stopping else None
        held_out = self._held_out(targets, weights)
        score = self._score_of(held_out, X, targets, weights, classes=np.array([-1, 1], X.dtype))
        averaged = self.average > 0
        coef = (self._standard_coef if averaged else self.coef_).ravel()
        intercept, mean_intercept, n_iter = self._descend_one(
            X,
            codes,
            coef,
            (self._standard_intercept if averaged else self.intercept_)[0],
            self._average_coef.ravel() if averaged else None,
            self._average_intercept[0] if averaged else 0,
            how,
            seed_of_order(generator) if seed is None else seed,
            class_weights=self._expanded_class_weight[::-1],
            weights=weights,
            held_out=held_out,
            score=score,
        )
        if averaged:
            self._average_intercept[0] = mean_intercept
        self.t_ += n_iter * X.shape[0]
        self.n_iter_ = n_iter
        if not averaged:
            self.coef_ = coef.reshape(1, -1)
            self.intercept_ = np.atleast_1d(intercept)
        elif self.average <= self.t_ - 1:
            self.coef_ = self._average_coef.reshape(1, -1)
            self.intercept_ = self._average_intercept
        else:
            self.coef_ = self._standard_coef.reshape(1, -1)
            self.intercept_ = self._standard_intercept = np.atleast_1d(intercept)

    def _learn_each(self, X, y, codes, weights, how):
        """Fit a model a class, and name their attributes as ``_fit_multiclass`` does."""
        n_classes, averaged = len(self.classes_), self.average > 0
        held_out = self._held_out(y, weights)
        scores = None
        if held_out is not None:
            targets = [np.where(codes == i, 1, how.negative).astype(X.dtype) for i in range(n_classes)]
            classes = np.array([-1, 1], X.dtype)
            scores = [self._score_of(held_out, X, of_class, weights, classes=classes) for of_class in targets]
        intercepts = self._standard_intercept if averaged else self.intercept_
        models = _descent.Models(
            self._standard_coef if averaged else self.coef_,
            intercepts.astype(np.float64),
            self._average_coef if averaged else None,
            self._average_intercept.astype(np.float64) if averaged else np.zeros(n_classes),
        )
        n_epochs, overflowed = _descent.descend(
            X,
            models,
            how,
            targets=codes,
            positives=np.arange(n_classes, dtype=np.int32),
            class_weights=np.column_stack((self._expanded_class_weight, np.ones(n_classes))),
            seeds=_seeds(self.random_state, n_classes),
            is_finite=not is_finite_later(self, X),
            weights=weights,
            held_out=held_out,
            score=scores and (lambda model, *learnt: scores[model](*learnt)),
            n_threads=effective_n_threads(self.n_jobs),
        )
        raise_overflow(n_epochs, overflowed)
        if averaged:
            self._average_intercept[:] = models.mean_intercepts
        self.intercept_[:] = models.intercepts
        self.n_iter_ = int(n_epochs.max())
        self.t_ += self.n_iter_ * X.shape[0]
        if averaged and self.average <= self.t_ - 1.0:
            self.coef_, self.intercept_ = self._average_coef, self._average_intercept
        elif averaged:
            self.coef_ = self._standard_coef
            self.intercept_ = self._standard_intercept = np.atleast_1d(self.intercept_)


@lru_cache(maxsize=256)
def _seed(random_state):
    """Return the seed of the order of samples that an integer stands for; a generator costs some 20 µs to make."""
    generator = np.random.RandomState(random_state)
    skip_seed(generator)
    return seed_of_order(generator)


def _seeds(random_state, n_classes):
    """Return the seeds of the classes' orders of samples, uint32: each class has a random stream of its own."""
    seeds = check_random_state(random_state).randint(MAX_INT, size=n_classes)
    return np.array([_seed(int(seed)) for seed in seeds], np.uint32)


def encode(classes, y):
    """Return the place of each sample's class among all classes, int32; -1 where it is none of them."""
    codes = np.full(len(y), -1, np.int32)
    if len(classes) > 2 and classes.dtype == y.dtype and y.dtype.kind in _NUMBERS:
        places = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
        np.copyto(codes, places, where=classes[places] == y, casting="same_kind")
        return codes
    for place, label in enumerate(classes):
        codes[y == label] = place
    return codes


class SGDClassifier(FastSGDClassifier, sklearn.linear_model.SGDClassifier):
    __doc__ = sklearn.linear_model.SGDClassifier.__doc__


class Perceptron(FastSGDClassifier, sklearn.linear_model.Perceptron):
    __doc__ = sklearn.linear_model.Perceptron.__doc__
