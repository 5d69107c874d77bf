"""Descents over few samples: by hand, as the twin has them, and as they go on."""

import numpy as np
import pytest
import scipy.sparse as sp

from fastml._kernels._arrays import Csr
from fastml._kernels.linear.settings import LOSSES, PENALTIES, SCHEDULES, Settings
from tests.kernels.twins import compiled, twins


@pytest.fixture(params=twins("linear.sgd"), scope="module")
def sgd(request):
    return request.param()


def settings(**changed):
    how = Settings(
        loss=LOSSES.index("squared_error"),
        bound=0.1,
        penalty=PENALTIES.index("none"),
        alpha=0.01,
        l1_ratio=0.15,
        schedule=SCHEDULES.index("constant"),
        eta0=0.5,
        power_t=0.5,
        tol=-np.inf,
        n_iter_no_change=5,
        max_iter=1,
        fit_intercept=True,
        shuffle=False,
        one_class=False,
        average=0,
        negative=-1.0,
        intercept_decay=1.0,
        t=1.0,
        fused=0,
    )
    return how._replace(**changed)


def descend(kernel, X, how, y=None, codes=None, n_models=1, weights=None, held_out=None, score=None, n_threads=1):
    """Return the weights, intercepts, averages of both, and epochs."""
    shape = (n_models, X.shape[1])
    rows = Csr(X.data, X.indices, X.indptr) if sp.issparse(X) else X
    coef, mean_coef = np.zeros(shape, X.dtype), np.zeros(shape, X.dtype) if how.average else None
    intercepts, mean_intercepts = np.zeros((2, n_models))
    epochs, overflowed = kernel.descend(
        rows,
        coef,
        y,
        codes,
        weights,
        held_out,
        how,
        np.arange(n_models, dtype=np.int32) if n_models > 1 else np.ones(1, np.int32),
        np.full((n_models, 2), [1.5, 1.0]),
        np.arange(7, 7 + n_models, dtype=np.uint32),
        intercepts,
        mean_coef,
        mean_intercepts,
        score,
        True,
        n_threads,
    )
    return coef, intercepts, np.zeros(shape) if mean_coef is None else mean_coef, mean_intercepts, epochs, overflowed


def test_two_samples_by_hand(sgd):
    X, y = np.array([[1.0, 0.0], [1.0, 2.0]]), np.array([2.0, -1.0])
    coef, intercepts, *_ = descend(sgd, X, settings(), y)
    # prediction 0, target 2, times 1.5: w = (1.5, 0), b = 1.5; then 3, target -1: w - 0.5 * 4 * (1, 2)
    assert coef.tolist() == [[-0.5, -4.0]]
    assert intercepts.tolist() == [-0.5]


def test_a_score_ends_the_descent(sgd):
    asked = []

    def score(model, coef, intercept):
        asked.append((model, coef.copy(), intercept))
        return 0.0

    how = settings(max_iter=50, tol=0.1, n_iter_no_change=3)
    *_, epochs, overflowed = descend(
        sgd, np.ones((3, 2)), how, np.ones(3), held_out=np.eye(3, dtype=np.uint8)[0], score=score
    )
    assert epochs.tolist() == [4]
    assert not overflowed.any()
    assert [model for model, *_ in asked] == [0] * 4


def test_overflow(sgd):
    *_, epochs, overflowed = descend(sgd, np.full((9, 1), 1e305), settings(max_iter=9), np.ones(9))
    assert (epochs.tolist(), overflowed.tolist()) == ([1], [True])


def generated(seed):
    rng = np.random.RandomState([3, seed])
    n, d = rng.randint(1, 60), rng.randint(1, 45)
    X = rng.randn(n, d).astype([np.float64, np.float32][seed % 2])
    if seed % 3 == 0:
        X = sp.csr_matrix(np.where(rng.uniform(size=X.shape) < 0.5, X, 0).astype(X.dtype))
    loss = rng.randint(len(LOSSES))
    how = settings(
        loss=loss,
        penalty=rng.randint(len(PENALTIES)),
        schedule=rng.randint(1, len(SCHEDULES)),
        tol=[-np.inf, 1e-3][rng.randint(2)],
        max_iter=int(rng.randint(1, 8)),
        eta0=0.05,
        shuffle=True,
        average=[0, 1, 20][rng.randint(3)],
        n_iter_no_change=1,
    )
    n_models = [1, 3][rng.randint(2)]
    codes = rng.randint(0, 3, n).astype(np.int32)
    given = {"codes": codes} if n_models > 1 or seed % 5 else {"y": rng.randn(n).astype(X.dtype)}
    weights = rng.uniform(size=n).astype(X.dtype) if seed % 4 == 0 else None
    return X, how, given | {"n_models": n_models, "weights": weights}


@compiled
def test_the_twin_has_the_same_bits():
    from fastml._kernels.linear import sgd as ours
    from fastml._kernels.linear import sgd_jit as twin

    for seed in range(150):
        X, how, given = generated(seed)
        if sp.issparse(X) and not X.nnz:
            continue
        for one, other in zip(descend(ours, X, how, **given), descend(twin, X, how, **given), strict=True):
            np.testing.assert_array_equal(one, other, err_msg=f"seed {seed} {how}")


@compiled
def test_models_side_by_side():
    """More models than fit side by side, on several threads."""
    from fastml._kernels.linear import sgd as ours

    rng = np.random.RandomState(0)
    X, codes = rng.randn(400, 3), rng.randint(0, 40, 400).astype(np.int32)
    how = settings(loss=LOSSES.index("hinge"), max_iter=6, tol=1e-2, n_iter_no_change=1, shuffle=True)
    once = descend(ours, X, how, codes=codes, n_models=40)
    for n_threads in (2, 5, 64):
        for one, other in zip(once, descend(ours, X, how, codes=codes, n_models=40, n_threads=n_threads), strict=True):
            np.testing.assert_array_equal(one, other)
