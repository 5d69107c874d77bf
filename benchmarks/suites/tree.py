"""Trees, forests and boosting over library x size x dtype x threads."""

from importlib import import_module

import numpy as np
from sklearn.datasets import make_classification, make_regression
from threadpoolctl import threadpool_limits

SIZES = {"2k x 10": (2_000, 10), "20k x 20": (20_000, 20)}


class _Fit:
    """Time, peak memory and quality of one ``fit``; a subclass says what is fitted."""

    params = (["fastml", "sklearn"], list(SIZES), ["float64", "float32"], [1, 2])
    param_names = ("library", "size", "dtype", "threads")
    timeout = 240
    module, name, settings = "ensemble", None, {}

    def setup(self, library, size, dtype, threads):
        if not self.offered(library):
            raise NotImplementedError(f"{library} has no {self.name} of its own")
        X, self.y = self.data(*SIZES[size])
        self.X = X.astype(dtype, copy=False)
        self.limit = threadpool_limits(threads)
        if library == "fastml":
            import_module("fastml").set_config(n_threads=threads)
        self.model = self.make(library, threads)
        self.make(library, threads).fit(self.X[:200], self.y[:200])  # imports and pools are not the fit

    def teardown(self, *params):
        self.limit.restore_original_limits()

    def data(self, n, d):
        return make_classification(n, d, n_informative=d // 2, random_state=0)

    def estimator(self, library):
        return getattr(import_module(f"{library}.{self.module}"), self.name)

    def offered(self, library):
        """Whether this version of the library has it: an older fastml hands scikit-learn's own object on."""
        return self.estimator(library).__module__.startswith(library)

    def make(self, library, threads):
        model = self.estimator(library)(random_state=0, **self.settings)
        return model.set_params(n_jobs=threads) if "n_jobs" in model.get_params() else model

    def time_fit(self, *params):
        self.model.fit(self.X, self.y)

    def peakmem_fit(self, *params):
        self.model.fit(self.X, self.y)

    def track_score(self, library, size, dtype, threads):
        """Accuracy or R² on rows near the training ones, over scikit-learn's."""
        noise = np.random.default_rng(0).standard_normal(self.X.shape)
        X = self.X + (0.1 * self.X.std(axis=0) * noise).astype(dtype)
        models = self.model, self.make("sklearn", threads)
        ours, theirs = (model.fit(self.X, self.y).score(X, self.y) for model in models)
        return ours / theirs

    track_score.unit = "of scikit-learn's"


class _Regression(_Fit):
    def data(self, n, d):
        return make_regression(n, d, noise=1, random_state=0)


class DecisionTreeClassifier(_Fit):
    module, name = "tree", "DecisionTreeClassifier"


class DecisionTreeRegressor(_Regression):
    module, name = "tree", "DecisionTreeRegressor"


class RandomForestClassifier(_Fit):
    name, settings = "RandomForestClassifier", {"n_estimators": 20}


class RandomForestRegressor(_Regression):
    name, settings = "RandomForestRegressor", {"n_estimators": 10}


class ExtraTreesClassifier(_Fit):
    name, settings = "ExtraTreesClassifier", {"n_estimators": 20}


class BaggingClassifier(_Fit):
    name, settings = "BaggingClassifier", {"n_estimators": 10}


class AdaBoostClassifier(_Fit):
    name, settings = "AdaBoostClassifier", {"n_estimators": 10}


class GradientBoostingClassifier(_Fit):
    name, settings = "GradientBoostingClassifier", {"n_estimators": 10}


class IsolationForest(_Fit):
    name = "IsolationForest"

    def track_score(self, library, size, dtype, threads):
        """Mean score, over scikit-learn's."""
        models = self.model, self.make("sklearn", threads)
        ours, theirs = (float(model.fit(self.X).score_samples(self.X).mean()) for model in models)
        return ours / theirs

    track_score.unit = "of scikit-learn's"


class Predict:
    """A forest's answers: all rows in one call, and one row, as a service asks."""

    params = (["fastml", "sklearn"], [None, 8], [1, 2])
    param_names = ("library", "max_depth", "threads")
    timeout = 240
    suite = RandomForestClassifier

    def setup(self, library, max_depth, threads):
        self.fitted = self.suite()
        self.fitted.setup(library, "20k x 20", "float64", threads)
        self.model = self.fitted.model.set_params(max_depth=max_depth).fit(self.fitted.X, self.fitted.y)
        self.X = self.fitted.X
        self.model.predict(self.X[:1])

    def teardown(self, *params):
        self.fitted.teardown()

    def time_all(self, *params):
        self.model.predict(self.X)

    def peakmem_all(self, *params):
        self.model.predict(self.X)

    def time_row(self, *params):
        self.model.set_params(n_jobs=None).predict(self.X[:1])
