"""How a linear model learns, for sgd.pyx and its twin sgd_jit.py."""

from typing import NamedTuple

LOSSES = (
    "hinge",
    "squared_hinge",
    "modified_huber",
    "log_loss",
    "squared_error",
    "huber",
    "epsilon_insensitive",
    "squared_epsilon_insensitive",
)
PENALTIES = ("none", "l1", "l2", "elasticnet")
SCHEDULES = ("", "constant", "optimal", "invscaling", "adaptive", "pa1", "pa2")


class Settings(NamedTuple):
    """The numbers behind the parameters of scikit-learn's estimators.

    loss, penalty, schedule  places in the tuples above
    bound            a hinge's threshold, or epsilon
    average          samples after which averaging starts; 0: never
    negative         target of the classes that are not the model's own, whose is 1
    intercept_decay  factor of the steps of the intercept
    t                samples seen before, plus 1
    fused            first weights in whose average a product and a sum are rounded once, see sgd_impl.h
    tol              -inf: no test of convergence
    """

    loss: int
    bound: float
    penalty: int
    alpha: float
    l1_ratio: float
    schedule: int
    eta0: float
    power_t: float
    tol: float
    n_iter_no_change: int
    max_iter: int
    fit_intercept: bool
    shuffle: bool
    one_class: bool
    average: int
    negative: float
    intercept_decay: float
    t: float
    fused: int
