"""An epoch of stochastic gradient descent, on one thread."""

import numpy as np
import pytest

from fastml._kernels.linear.settings import LOSSES, PENALTIES, SCHEDULES, Settings

N_SAMPLES, N_FEATURES = 20_000, 50


@pytest.mark.parametrize("penalty", ["l2", "l1"])
@pytest.mark.parametrize("loss", ["hinge", "log_loss"])
def test_descend(benchmark, kernel, dtype, loss, penalty):
    sgd = kernel("linear.sgd")
    rng = np.random.default_rng(0)
    X, codes = rng.normal(size=(N_SAMPLES, N_FEATURES)).astype(dtype), rng.integers(0, 2, N_SAMPLES).astype(np.int32)
    how = Settings(
        loss=LOSSES.index(loss),
        bound=1.0,
        penalty=PENALTIES.index(penalty),
        alpha=1e-4,
        l1_ratio=0.15,
        schedule=SCHEDULES.index("optimal"),
        eta0=0.01,
        power_t=0.5,
        tol=-np.inf,
        n_iter_no_change=5,
        max_iter=1,
        fit_intercept=True,
        shuffle=True,
        one_class=False,
        average=0,
        negative=0.0 if loss == "log_loss" else -1.0,
        intercept_decay=1.0,
        t=1.0,
        fused=0,
    )
    coef, intercepts, one = np.zeros((1, N_FEATURES), dtype), np.zeros(1), np.ones(1, np.int32)
    given = None, codes, None, None, how, one, np.ones((1, 2)), one.astype(np.uint32), intercepts, None, np.zeros(1)
    benchmark(sgd.descend, X, coef, *given, None, True, 1)
    assert np.isfinite(coef).all()
