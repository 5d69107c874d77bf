"""Digests of fits: ``python -m tests.linear_model.digest`` prints JSON, to be compared between processes."""

import json
import warnings

import numpy as np

import fastml
import fastml.linear_model
from tests.levels import digest

from .agreement import SHOWN
from .cases import sgd_case

SEEDS = range(20_000, 20_060)
LONG = [(d, loss, penalty, dtype) for d in (5, 37, 64) for loss, penalty in (("hinge", "l2"), ("log_loss", "l1"))
        for dtype in ("float64", "float32")]  # fmt: skip


def shown(est):
    return {name: value for name, value in vars(est).items() if name in SHOWN and value is not None}


def of_case(seed):
    case = sgd_case(seed)
    est = getattr(fastml.linear_model, case.estimator)(**case.params)
    try:
        for name, given in case.calls:
            getattr(est, name)(*([case.X] if case.y is None else [case.X, case.y]), **given)
    except ValueError as error:
        return {"error": str(error)}
    return shown(est)


def of_classes(d, loss, penalty, dtype):
    """Several classes, enough work for threads."""
    rng = np.random.RandomState(d)
    X, y = rng.randn(2_000, d).astype(dtype), rng.randint(0, 7, 2_000)
    X[:, 0] += y
    return shown(fastml.linear_model.SGDClassifier(loss, penalty=penalty, random_state=0, max_iter=7).fit(X, y))


def of_least_squares(name, d, dtype):
    rng = np.random.RandomState(d)
    X, y = (rng.randn(3_000, d) + 5).astype(dtype), rng.randn(3_000, 2)
    model = getattr(fastml.linear_model, name)()
    return shown(model.fit(X, y, sample_weight=np.abs(y[:, 0])))


def digests():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {str(seed): digest(of_case(seed)) for seed in SEEDS}
        squares = [(name, d, dtype) for name in ("LinearRegression", "Ridge") for d in (3, 24, 41) for dtype in "fd"]
        found |= {str(case): digest(of_least_squares(*case)) for case in squares}
        return found | {str(case): digest(of_classes(*case)) for case in LONG}


def main():
    with fastml.config_context(n_threads=2, strict=True):
        print(json.dumps(digests()))


if __name__ == "__main__":
    main()
