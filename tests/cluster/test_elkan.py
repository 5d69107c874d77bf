"""scikit-learn's own code follows single samples through Elkan's iterations, where its bounds may decide."""

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.cluster

import fastml
import fastml.cluster
from fastml.cluster import _elkan

from .cases import lattice_case

# Of its samples some move by rounding alone, after centres that were not whole numbers.
CASE_WITH_A_PAST = 45
ROOMS = {"enough": 10**6, "none for half distances": 200, "none after two iterations": 70}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("layout", [np.asarray, sp.csr_matrix])
def test_it_gives_the_labels_of_the_whole_fit(layout, dtype, monkeypatch):
    rng = np.random.RandomState(0)
    X = layout((rng.normal(size=(200, 3)) * (rng.uniform(size=(200, 3)) < 0.7)).astype(dtype))
    monkeypatch.setattr(_elkan, "LEAST_ROOM", 8 * 15 - X.size - 200 * 5)  # enough for the centres alone
    trail, centers, shift = _elkan.Trail(X, 5), X[:5], np.zeros(5, dtype)
    centers = centers.toarray() if sp.issparse(X) else centers
    for n_iter in range(1, 8):
        trail.add(centers, shift)
        few = np.arange(0, 200, 9 - n_iter)  # others at each step
        _, labels = trail.last_labels(few)
        moved = sklearn.cluster.k_means(X, 5, init=centers, n_init=1, max_iter=1, algorithm="elkan", tol=0)[0]
        right = ((X.toarray() if sp.issparse(X) else X)[few, None] - centers) ** 2
        np.testing.assert_array_equal(labels, right.sum(axis=2).argmin(axis=1))
        centers, shift = moved, np.sqrt(((moved - centers) ** 2).sum(axis=1)).astype(dtype)
    assert trail.complete


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # few distinct samples
@pytest.mark.parametrize("room", ROOMS)
def test_a_fit_tells_of_it_unless_its_trail_was_given_up(room, monkeypatch):
    case = lattice_case(CASE_WITH_A_PAST)
    X, k = case.X, case.params["n_clusters"]
    monkeypatch.setattr(_elkan, "LEAST_ROOM", ROOMS[room] - X.size - len(X) * k)
    ours, theirs = (library.cluster.KMeans(**case.params).fit(X) for library in (fastml, sklearn))
    told = any("Elkan's bounds" in note for note in fastml.explain(ours)["fit"].notes)
    assert told == (room != "none after two iterations")
    if told:
        np.testing.assert_array_equal(ours.labels_, theirs.labels_)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_first_iteration_needs_no_trail(monkeypatch):
    """Centres of many features leave no room for one: the kernels are given half the distances all the same."""
    monkeypatch.setattr(_elkan, "LEAST_ROOM", -(10**9))
    for number in range(200):
        found = []
        for library in (fastml, sklearn):
            case = lattice_case(number)
            params = case.params | {"max_iter": 1, "n_init": 1, "random_state": number}
            found.append(library.cluster.KMeans(**params).fit(case.X, sample_weight=case.sample_weight))
        np.testing.assert_allclose(*(est.cluster_centers_ for est in found), rtol=0, atol=1e-4)


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning", "ignore:invalid value:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
@pytest.mark.parametrize("layout", [np.asarray, sp.csr_matrix])
def test_centers_of_infinite_squares_run_scikit_learns_code(layout):
    """Its half distances are not numbers, by which it looks at nothing."""
    X = layout(np.random.RandomState(0).uniform(size=(50, 8)).round(1))
    models = [
        module.KMeans(4, init=np.full((4, 8), 1e200), n_init=1, algorithm="elkan").fit(X)
        for module in (fastml.cluster, sklearn.cluster)
    ]
    assert fastml.explain(models[0])["fit"].reason == "The squares of init have no finite sum."
    assert len({model.n_iter_ for model in models}) == 1
    np.testing.assert_array_equal(*(model.labels_ for model in models))
