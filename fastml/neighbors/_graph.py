"""Neighbours as sparse matrices: transformers and functions."""

import sklearn.neighbors

from fastml._dispatch import accelerated
from fastml._versions import NeighborsBase, validate_params
from fastml.neighbors._kneighbors import KNeighbors
from fastml.neighbors._radius import RadiusNeighbors
from fastml.neighbors._unsupervised import NearestNeighbors

# Looked up here: under a patch these names stand for ours.
graph_of_nearest, graph_within = sklearn.neighbors.kneighbors_graph, sklearn.neighbors.radius_neighbors_graph


class KNeighborsTransformer(KNeighbors, sklearn.neighbors.KNeighborsTransformer):
    __doc__ = sklearn.neighbors.KNeighborsTransformer.__doc__

    @accelerated
    def fit(self, X, y=None):
        """Take the samples among which neighbours are searched.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        y : None
            Ignored.

        Returns
        -------
        self : KNeighborsTransformer

        Raises
        ------
        ValueError
            If a parameter has a value that is not allowed; if X holds NaN or infinity.

        See Also
        --------
        transform : The nearest samples as a sparse matrix.

        Notes
        -----
        Class of agreement: identical attributes. Cost and memory: as :meth:`NearestNeighbors.fit`.

        Examples
        --------
        >>> from fastml.neighbors import KNeighborsTransformer
        >>> model = KNeighborsTransformer(n_neighbors=1).fit([[0.0], [1.0], [5.0], [6.0]])
        >>> model.transform([[0.0]]).toarray().tolist()
        [[0.0, 1.0, 0.0, 0.0]]
        """
        return self._plant(X, y, super().fit)


class RadiusNeighborsTransformer(RadiusNeighbors, sklearn.neighbors.RadiusNeighborsTransformer):
    __doc__ = sklearn.neighbors.RadiusNeighborsTransformer.__doc__

    @accelerated
    def fit(self, X, y=None):
        """Take the samples among which neighbours are searched.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        y : None
            Ignored.

        Returns
        -------
        self : RadiusNeighborsTransformer

        Raises
        ------
        ValueError
            If a parameter has a value that is not allowed; if X holds NaN or infinity.

        See Also
        --------
        transform : The samples within the radius as a sparse matrix.

        Notes
        -----
        Class of agreement: identical attributes. Cost and memory: as :meth:`NearestNeighbors.fit`.

        Examples
        --------
        >>> from fastml.neighbors import RadiusNeighborsTransformer
        >>> model = RadiusNeighborsTransformer(radius=1.5).fit([[0.0], [1.0], [5.0], [6.0]])
        >>> model.transform([[0.0]]).toarray().tolist()
        [[0.0, 1.0, 0.0, 0.0]]
        """
        return self._plant(X, y, super().fit)


@accelerated(plain=sklearn.neighbors.kneighbors_graph)
@validate_params(sklearn.neighbors.kneighbors_graph._skl_parameter_constraints, prefer_skip_nested_validation=False)
def kneighbors_graph(
    X,
    n_neighbors,
    *,
    mode="connectivity",
    metric="minkowski",
    p=2,
    metric_params=None,
    include_self=False,
    n_jobs=None,
):
    """Find the nearest neighbours of samples among themselves, as a sparse matrix.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features), or a fitted estimator of neighbours
        Samples.
    n_neighbors : int
        How many.
    mode : {"connectivity", "distance"}, default="connectivity"
        Whether the entries are ones or distances, in the units of X.
    metric, p, metric_params, n_jobs
        Parameters of :class:`NearestNeighbors`.
    include_self : bool or "auto", default=False
        Whether a sample is its own neighbour; "auto": if `mode` is "connectivity".

    Returns
    -------
    graph : sparse matrix of shape (n_samples, n_samples), CSR
        Entry i, j: sample j is a neighbour of sample i.

    Raises
    ------
    ValueError
        If a parameter has a value that is not allowed; if X holds NaN or infinity; if the parameters of
        an estimator are others.

    See Also
    --------
    radius_neighbors_graph : Neighbours within a radius.

    Notes
    -----
    Class of agreement, cost and memory: as :meth:`NearestNeighbors.kneighbors`.

    Examples
    --------
    >>> from fastml.neighbors import kneighbors_graph
    >>> kneighbors_graph([[0.0], [1.0], [5.0]], 1).toarray().tolist()
    [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    more = {"metric": metric, "p": p, "metric_params": metric_params}
    if not isinstance(X, NeighborsBase):
        X = NearestNeighbors(n_neighbors=n_neighbors, **more, n_jobs=n_jobs).fit(X)
    return graph_of_nearest(X, n_neighbors, mode=mode, **more, include_self=include_self, n_jobs=n_jobs)


@accelerated(plain=sklearn.neighbors.radius_neighbors_graph)
@validate_params(
    sklearn.neighbors.radius_neighbors_graph._skl_parameter_constraints, prefer_skip_nested_validation=False
)
def radius_neighbors_graph(
    X,
    radius,
    *,
    mode="connectivity",
    metric="minkowski",
    p=2,
    metric_params=None,
    include_self=False,
    n_jobs=None,
):
    """Find the neighbours of samples within a radius, as a sparse matrix.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features), or a fitted estimator of neighbours
        Samples.
    radius : float
        Largest distance, in the units of X.
    mode : {"connectivity", "distance"}, default="connectivity"
        Whether the entries are ones or distances.
    metric, p, metric_params, n_jobs
        Parameters of :class:`NearestNeighbors`.
    include_self : bool or "auto", default=False
        Whether a sample is its own neighbour; "auto": if `mode` is "connectivity".

    Returns
    -------
    graph : sparse matrix of shape (n_samples, n_samples), CSR
        Entry i, j: sample j is a neighbour of sample i.

    Raises
    ------
    ValueError
        If a parameter has a value that is not allowed; if X holds NaN or infinity; if the parameters of
        an estimator are others.

    See Also
    --------
    kneighbors_graph : So many neighbours.

    Notes
    -----
    Class of agreement, cost and memory: as :meth:`NearestNeighbors.radius_neighbors`.

    Examples
    --------
    >>> from fastml.neighbors import radius_neighbors_graph
    >>> radius_neighbors_graph([[0.0], [1.0], [5.0]], 1.5).toarray().tolist()
    [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    more = {"metric": metric, "p": p, "metric_params": metric_params}
    if not isinstance(X, NeighborsBase):
        X = NearestNeighbors(radius=radius, **more, n_jobs=n_jobs).fit(X)
    return graph_within(X, radius, mode=mode, **more, include_self=include_self, n_jobs=n_jobs)
