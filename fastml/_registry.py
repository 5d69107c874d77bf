"""What fastml accelerates: the one list, and the class that every accelerated estimator derives from."""

from abc import ABCMeta
from importlib import import_module

from fastml._warnings import warn_from

# Public module of scikit-learn: {name: module of ours that defines its replacement}.
ACCELERATED = {
    "sklearn.cluster": {
        "DBSCAN": "fastml.cluster._dbscan",
        "KMeans": "fastml.cluster._kmeans",
        "MiniBatchKMeans": "fastml.cluster._minibatch_kmeans",
        "dbscan": "fastml.cluster._dbscan",
        "k_means": "fastml.cluster._functions",
        "kmeans_plusplus": "fastml.cluster._functions",
    },
    "sklearn.ensemble": {
        "AdaBoostClassifier": "fastml.ensemble._weight_boosting",
        "AdaBoostRegressor": "fastml.ensemble._weight_boosting",
        "BaggingClassifier": "fastml.ensemble._bagging",
        "BaggingRegressor": "fastml.ensemble._bagging",
        "ExtraTreesClassifier": "fastml.ensemble._forest",
        "ExtraTreesRegressor": "fastml.ensemble._forest",
        "GradientBoostingClassifier": "fastml.ensemble._gb",
        "GradientBoostingRegressor": "fastml.ensemble._gb",
        "IsolationForest": "fastml.ensemble._iforest",
        "RandomForestClassifier": "fastml.ensemble._forest",
        "RandomForestRegressor": "fastml.ensemble._forest",
        "RandomTreesEmbedding": "fastml.ensemble._forest",
    },
    "sklearn.linear_model": {
        "LinearRegression": "fastml.linear_model._closed_form",
        "LogisticRegression": "fastml.linear_model._logistic",
        "Perceptron": "fastml.linear_model._classification",
        "Ridge": "fastml.linear_model._closed_form",
        "SGDClassifier": "fastml.linear_model._classification",
        "SGDOneClassSVM": "fastml.linear_model._one_class",
        "SGDRegressor": "fastml.linear_model._regression",
    },
    "sklearn.metrics": {
        "euclidean_distances": "fastml.metrics._pairwise",
        "pairwise_distances": "fastml.metrics._pairwise",
        "pairwise_distances_argmin": "fastml.metrics._argmin",
        "pairwise_distances_argmin_min": "fastml.metrics._argmin",
        "silhouette_samples": "fastml.metrics._silhouette",
        "silhouette_score": "fastml.metrics._silhouette",
    },
    "sklearn.metrics.cluster": {
        "silhouette_samples": "fastml.metrics._silhouette",
        "silhouette_score": "fastml.metrics._silhouette",
    },
    "sklearn.metrics.pairwise": {
        "cosine_distances": "fastml.metrics._pairwise",
        "euclidean_distances": "fastml.metrics._pairwise",
        "manhattan_distances": "fastml.metrics._pairwise",
        "pairwise_distances": "fastml.metrics._pairwise",
        "pairwise_distances_argmin": "fastml.metrics._argmin",
        "pairwise_distances_argmin_min": "fastml.metrics._argmin",
    },
    "sklearn.impute": {
        "KNNImputer": "fastml.impute._knn",
    },
    "sklearn.neighbors": {
        "KNeighborsClassifier": "fastml.neighbors._classification",
        "KNeighborsRegressor": "fastml.neighbors._regression",
        "KNeighborsTransformer": "fastml.neighbors._graph",
        "LocalOutlierFactor": "fastml.neighbors._lof",
        "NearestNeighbors": "fastml.neighbors._unsupervised",
        "RadiusNeighborsClassifier": "fastml.neighbors._classification",
        "RadiusNeighborsRegressor": "fastml.neighbors._regression",
        "RadiusNeighborsTransformer": "fastml.neighbors._graph",
        "kneighbors_graph": "fastml.neighbors._graph",
        "radius_neighbors_graph": "fastml.neighbors._graph",
    },
    "sklearn.tree": {
        "DecisionTreeClassifier": "fastml.tree._classes",
        "DecisionTreeRegressor": "fastml.tree._classes",
        "ExtraTreeClassifier": "fastml.tree._classes",
        "ExtraTreeRegressor": "fastml.tree._classes",
    },
}

# Public modules that define what they offer: they are not patched (see _patch.py), but fastml's of that name has ours.
DEFINING = ("sklearn.metrics.pairwise",)

# The oldest scikit-learn whose results the names in a module of ours give: under an older one they are scikit-learn's.
SINCE = {
    "fastml.ensemble._bagging": (1, 9),
    "fastml.ensemble._forest": (1, 9),
    "fastml.ensemble._gb": (1, 9),
    "fastml.ensemble._iforest": (1, 9),
    "fastml.ensemble._weight_boosting": (1, 9),
    "fastml.linear_model._classification": (1, 9),
    "fastml.linear_model._closed_form": (1, 9),
    "fastml.linear_model._logistic": (1, 9),
    "fastml.linear_model._one_class": (1, 9),
    "fastml.linear_model._regression": (1, 9),
    "fastml.tree._classes": (1, 9),
}

# Modules of scikit-learn that bind such a name, when they are imported, from the public module instead of from the
# one that defines it. They are imported before the name is replaced: else it would depend on the order of imports
# which class they hold.
READERS = {
    "sklearn.cluster": ("sklearn.mixture",),
    "sklearn.ensemble": ("sklearn.inspection",),
    "sklearn.linear_model": ("sklearn.compose", "sklearn.ensemble"),
    "sklearn.metrics": ("sklearn.cluster", "sklearn.manifold", "sklearn.neighbors"),
    "sklearn.metrics.cluster": ("sklearn.metrics",),
    "sklearn.metrics.pairwise": (
        "sklearn.cluster",
        "sklearn.covariance",
        "sklearn.manifold",
        "sklearn.metrics",
        "sklearn.multiclass",
        "sklearn.neighbors",
        "sklearn.utils",  # not its estimator_checks, a tool for tests
        "sklearn.utils.graph",
    ),
    "sklearn.neighbors": (
        "sklearn.cluster",
        "sklearn.feature_selection",
        "sklearn.manifold",
        "sklearn.semi_supervised",
    ),
    "sklearn.tree": ("sklearn.ensemble", "sklearn.inspection"),
}

patched = {}  # our class or function: scikit-learn's, for the names now replaced in scikit-learn's modules


class AcceleratedMeta(ABCMeta):
    """Lets ``isinstance(plain, KMeans)`` hold where ``KMeans`` was imported from a patched ``sklearn.cluster``.

    Models made before the patch, loaded from a pickle or made inside scikit-learn are instances of the class that
    the name stood for. Without a patch our class is a subclass like any other. The checks are those of ordinary
    classes: abstract ones ask all their subclasses too, without end where ours asks back, and remember the answers,
    which a patch changes.
    """

    def __instancecheck__(cls, instance):
        return type.__instancecheck__(patched.get(cls, cls), instance)

    def __subclasscheck__(cls, subclass):
        return type.__subclasscheck__(patched.get(cls, cls), subclass)


class Accelerated(metaclass=AcceleratedMeta):
    """First base of an accelerated estimator, or of its first base; the last base is scikit-learn's estimator.

    Pickles tell the version of scikit-learn, and loading them with another one warns, as its own classes do.
    """

    _is_ours = True  # what the methods ask before they run: they may be handed another class's instance

    def _get_doc_link(self):
        """scikit-learn's documentation is ours, too; a user's subclass has none."""
        plain = plain_of(type(self))
        return plain.__new__(plain)._get_doc_link() if plain else super()._get_doc_link()

    def _complete(self):
        """Make the attributes that are made when they are asked for: what leaves our class must have them."""

    def __getstate__(self):
        from sklearn import __version__

        state = super().__getstate__()
        return {**state, "_sklearn_version": __version__} if plain_of(type(self)) else state

    def __setstate__(self, state):
        if plain_of(type(self)) and "_sklearn_version" in state:
            state = dict(state)
            _compare_versions(type(self).__name__, state.pop("_sklearn_version"))
        super().__setstate__(state)


def _compare_versions(name, written):
    """Warn, as scikit-learn does, where a model was pickled with another version of it."""
    from sklearn import __version__
    from sklearn.exceptions import InconsistentVersionWarning

    if written != __version__:
        warning = InconsistentVersionWarning(
            estimator_name=name, current_sklearn_version=__version__, original_sklearn_version=written
        )
        warn_from("sklearn.base", warning)


def accelerated():
    """List the names of scikit-learn that fastml accelerates.

    Returns
    -------
    list of str
        Full names in scikit-learn's public modules, sorted. fastml's module of that name has ours.

    See Also
    --------
    explain : What ran, call by call.
    patch_sklearn : Replaces these names, but for those in ``sklearn.metrics.pairwise``, which defines them.

    Examples
    --------
    >>> import fastml
    >>> "sklearn.cluster.KMeans" in fastml.accelerated()
    True
    """
    return sorted(f"{module}.{name}" for module, names in offered().items() for name in names)


def offered():
    """Return the part of ``ACCELERATED`` that stands for names of the installed scikit-learn."""
    from fastml._versions import INSTALLED

    return {
        module: {name: home for name, home in names.items() if INSTALLED >= SINCE.get(home, (0,))}
        for module, names in ACCELERATED.items()
    }


def replacement(module, name):
    """Return our object for a name of a public module of scikit-learn, or None."""
    home = offered().get(module, {}).get(name)
    return home and getattr(import_module(home), name)


def plain_of(ours):
    """Return scikit-learn's own class or function for one of ours, and None for anything else."""
    if not isinstance(ours, type):
        return getattr(ours, "_stands_for", None)
    if Accelerated not in ours.__mro__ or any(map(plain_of, ours.__bases__)):  # not ours, or a user's subclass
        return None
    estimators = (base for base in ours.__bases__ if hasattr(base, "get_params"))  # what is shared may have mixins
    return next((base for base in estimators if base.__module__.startswith("sklearn.")), None)
