"""kmeans_plusplus picks the rows that scikit-learn picks."""

import numpy as np
import pytest
import scipy.sparse
import sklearn.cluster

import fastml.cluster
from fastml.cluster import _plusplus
from fastml.cluster._draws import EvenDraws
from tests.agreement import blocks

from .agreement import assert_same_models
from .cases import plusplus_case

BLOCK = 200


@blocks(5, quick=1)
def test_generated_cases(block, record_parity):
    seeds = range(block * BLOCK, (block + 1) * BLOCK)
    assert_same_models(plusplus_case, seeds, record_parity, "kmeans_plusplus")


@pytest.fixture
def by_distances(monkeypatch):
    """Most cases are too small for our distances to pay; with this they are computed all the same."""
    for name in ("FEW_CENTERS", "SAMPLES_PER_CENTER", "WORTH_DISTANCES", "WORTH_FEW"):
        monkeypatch.setattr(_plusplus, name, 0)


@blocks(5, quick=1)
def test_generated_cases_by_distances(block, record_parity, by_distances):
    seeds = range(2000 + block * BLOCK, 2000 + (block + 1) * BLOCK)
    assert_same_models(plusplus_case, seeds, record_parity, "kmeans_plusplus by distances")


@blocks(2, quick=1)
def test_generated_cases_by_estimates(block, record_parity, by_distances, monkeypatch):
    monkeypatch.setattr(_plusplus, "WORTH_ESTIMATES", 0)
    monkeypatch.setattr(_plusplus, "ESTIMATED_CENTERS", 2)
    seeds = range(5000 + block * BLOCK, 5000 + (block + 1) * BLOCK)
    assert_same_models(plusplus_case, seeds, record_parity, "kmeans_plusplus by estimates")


@blocks(2, quick=1)
@pytest.mark.parametrize("most_settled", [3, 10**6])
def test_generated_cases_settled_now_and_then(block, most_settled, record_parity, by_distances, monkeypatch):
    """A choice that is left undecided is made by scikit-learn's operations, and ours go on from there."""
    choose, n_given_up = _plusplus.Distances.choose, [0]

    def give_up(self, uniform):
        given_up = uniform[0] < 0.3
        n_given_up[0] += given_up
        return None if given_up else choose(self, uniform)

    monkeypatch.setattr(_plusplus.Distances, "choose", give_up)
    monkeypatch.setattr(_plusplus, "MOST_SETTLED", most_settled)
    seeds = range(7000 + block * BLOCK, 7000 + (block + 1) * BLOCK)
    assert_same_models(plusplus_case, seeds, record_parity, f"kmeans_plusplus, {most_settled} choices settled")
    assert n_given_up[0] > BLOCK / 2


def same_choice(X, n_clusters, seed, sample_weight=None):
    choices = [
        module.kmeans_plusplus(X, n_clusters, random_state=seed, sample_weight=sample_weight)
        for module in (fastml.cluster, sklearn.cluster)
    ]
    np.testing.assert_array_equal(choices[0][1], choices[1][1])
    values = [centers.toarray() if scipy.sparse.issparse(centers) else centers for centers, _ in choices]
    np.testing.assert_array_equal(*values)


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@pytest.mark.parametrize("scale", [1e-162, 1e-155, 1e-150, 1e140, 1e150])
@pytest.mark.parametrize("n_clusters", [1, 3, 12])
def test_squares_near_the_ends_of_what_floats_hold(scale, n_clusters):
    X = scale * np.random.RandomState(0).standard_normal((700, 33))
    for seed in range(4):
        same_choice(X, n_clusters, seed)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("layout", [np.asarray, scipy.sparse.csr_matrix])
def test_negative_weights_of_equal_samples(layout):
    for seed in range(20):
        random = np.random.RandomState(seed)
        n_samples = random.choice([5, 20, 5000])
        weights = -random.random_sample(n_samples)
        same_choice(layout(np.ones((n_samples, 5))), random.randint(1, 5), seed, weights)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # roots of what has wrapped round
@pytest.mark.parametrize("bits", [20, 30, 31, 34, 62])
def test_whole_numbers_whose_squares_wrap_round(bits):
    for seed in range(5):
        X = np.random.RandomState(seed).randint(-(2**bits), 2**bits, (100, 2))
        same_choice(X, 6, seed)


@pytest.mark.parametrize("wide", ["indices", "indptr"])
def test_csr_of_64_bit_indices(wide):
    X = scipy.sparse.random(60, 5, 0.6, format="csr", random_state=0)
    setattr(X, wide, getattr(X, wide).astype(np.int64))
    same_choice(X, 4, 0)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("layout", [np.asarray, scipy.sparse.csr_matrix])
def test_more_centers_than_distinct_samples(layout, dtype):
    for seed in range(30):
        random = np.random.RandomState(seed)
        distinct = random.randint(-2, 3, (12, 6)) * random.choice([1, 0.3])
        X = layout(distinct[random.randint(0, 12, 150)].astype(dtype))
        same_choice(X, 20, seed, random.randint(1, 4, 150) if seed % 2 else None)


@pytest.mark.parametrize("n_samples", [1, 7, 1000, 10**6])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_even_draws_are_numpys(n_samples, dtype):
    weights = np.ones(n_samples, dtype)
    for seed in range(3):
        ours, numpys = np.random.RandomState(seed), np.random.RandomState(seed)
        draws = EvenDraws(n_samples, dtype, ours)
        for size in (1, 1000, 1):
            expected = numpys.choice(n_samples, size, p=weights / weights.sum())
            np.testing.assert_array_equal(draws.draw(size), expected)
        assert ours.random_sample() == numpys.random_sample()


def test_the_functions_compared_are_two():
    assert fastml.cluster.kmeans_plusplus is not sklearn.cluster.kmeans_plusplus
