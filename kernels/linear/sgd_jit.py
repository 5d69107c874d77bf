"""Twin of sgd.pyx: one model after the other, on one thread."""

import math
from typing import NamedTuple

import numpy as np

from fastml._kernels._arrays import Csr
from fastml._kernels._jit import fma, kernel
from fastml._kernels.linear import rows_jit as rows
from fastml._kernels.linear.loss_jit import EPSILON, HINGE, from_jump, gradient, loss
from fastml._kernels.linear.settings import PENALTIES, SCHEDULES
from fastml._kernels.runtime.finite_jit import all_finite
from fastml._kernels.runtime.random_jit import xorshift

NONE, L1, L2, ELASTICNET = range(len(PENALTIES))
OPTIMAL, INVSCALING, ADAPTIVE, PA1, PA2 = range(2, len(SCHEDULES))
SLICE = 1 << 16  # samples between which Ctrl-C is heard


class State(NamedTuple):
    """A model: its weights and what they are scaled by; arrays, so that kernels can change them.

    w, mean_w   (n_features,), mean_w without entries: no average
    q           (n_features,)  the penalty that each weight has had
    numbers     (13,)          see the names below
    """

    w: np.ndarray
    mean_w: np.ndarray
    q: np.ndarray
    numbers: np.ndarray


INTERCEPT, MEAN_INTERCEPT, T, SCALE, SQUARE, SIZE, MEAN_A, MEAN_B, U, ETA, OPTIMAL_INIT, OBJECTIVE, REACH = range(13)
N_NUMBERS = 13


@kernel
def fold(s, fused):
    w, n = s.w, s.numbers
    kind = w.dtype.type
    a, b, scale = kind(n[MEAN_A]), kind(1.0 / n[MEAN_B]), kind(n[SCALE])
    for j in range(len(s.mean_w)):
        joined = fma(a, w[j], s.mean_w[j]) if j < fused else s.mean_w[j] + a * w[j]
        s.mean_w[j] = joined * b
    for j in range(len(w)):
        w[j] *= scale
    n[MEAN_A], n[MEAN_B], n[SCALE] = 0.0, 1.0, 1.0


@kernel
def begin(s, how):
    n = s.numbers
    for j in range(len(s.w)):
        n[SQUARE] += np.float64(s.w[j]) * np.float64(s.w[j])
        n[SIZE] += abs(np.float64(s.w[j]))
    n[SCALE], n[MEAN_B], n[ETA] = 1.0, 1.0, how.eta0
    if how.schedule == OPTIMAL:
        typical = math.sqrt(1.0 / math.sqrt(how.alpha))
        slope = gradient(how.loss, how.bound, 1.0, -typical)
        n[OPTIMAL_INIT] = 1.0 / (typical / max(1.0, slope) * how.alpha)


@kernel
def shuffle(order, seed):
    stream = np.array([seed], np.uint32)
    for i in range(len(order) - 1):
        j = i + np.int64(xorshift(stream)) % (len(order) - i)
        order[i], order[j] = order[j], order[i]


@kernel
def objective(s, how, l1_ratio, y, p):
    """Add the loss of a sample and, but for passive-aggressive steps, the penalty."""
    value = loss(how.loss, how.bound, y, p)
    s.numbers[OBJECTIVE] += value
    if how.schedule < PA1:
        if how.penalty:
            length, size = s.w.dtype.type(math.sqrt(s.numbers[SQUARE])), s.w.dtype.type(s.numbers[SIZE])
            square = np.float64(s.w.dtype.type(length * length))
            s.numbers[OBJECTIVE] += how.alpha * ((1 - l1_ratio) * 0.5 * square + l1_ratio * np.float64(size))
        if how.one_class:
            s.numbers[OBJECTIVE] += s.numbers[INTERCEPT] * how.alpha


@kernel
def aggressive_update(how, x, y, p):
    """Return a passive-aggressive step; NaN: none."""
    square, value = rows.square(x), loss(how.loss, how.bound, y, p)
    if how.schedule == PA1:
        if square == 0:
            return np.nan
        update = min(how.eta0, value / square)
    else:
        update = value / (square + 0.5 / how.eta0)
    if how.loss == HINGE:
        return update * y
    return -update if y - p < 0 else update


@kernel
def average(s, how, x, at, update):
    n = s.numbers
    kind = s.w.dtype.type
    n_averaged = kind(n[T] - how.average + 1)
    mu, back = 1.0 / np.float64(n_averaged), -np.float64(kind(update)) / n[SCALE]
    if update != 0:
        for e in range(len(x)):
            j = at[e] if len(at) else e
            s.mean_w[j] = np.float64(s.mean_w[j]) + n[MEAN_A] * np.float64(x[e]) * back
    if n_averaged > 1:
        n[MEAN_B] /= 1.0 - mu
    n[MEAN_A] += mu * n[MEAN_B] * n[SCALE]
    n[MEAN_INTERCEPT] += (n[INTERCEPT] - n[MEAN_INTERCEPT]) / (n[T] - how.average + 1)


@kernel
def learn(s, how, l1_ratio, x, at, y, weight, is_judged):
    """One sample; `weight` is that of the sample and of its class."""
    n, w = s.numbers, s.w
    kind = w.dtype.type
    p = np.float64(kind(rows.dot(w, x, at) * n[SCALE])) + n[INTERCEPT]
    if how.schedule < PA1 and (how.loss == HINGE or how.loss == EPSILON):
        n[REACH] = max(n[REACH], abs(p))
        close = 1e-10 if w.itemsize == 8 else 1e-5
        if from_jump(how.loss, how.bound, y, p) <= close * (n[REACH] + how.bound):
            p = np.float64(kind(rows.dot_in_order(w, x, at) * n[SCALE])) + n[INTERCEPT]
    if how.schedule == OPTIMAL:
        n[ETA] = 1.0 / (how.alpha * (n[OPTIMAL_INIT] + n[T] - 1))
    elif how.schedule == INVSCALING:
        n[ETA] = how.eta0 / math.pow(n[T], how.power_t)
    eta = n[ETA]
    if is_judged:
        objective(s, how, l1_ratio, y, p)
    if how.schedule >= PA1:
        update = aggressive_update(how, x, y, p)
        if math.isnan(update) and how.schedule == PA1:
            return
    else:
        slope = gradient(how.loss, how.bound, y, p)
        if abs(slope) > 1e12:
            slope = math.copysign(1e12, slope)
        update = -eta * slope
    update *= np.float64(weight)
    if how.penalty >= L2:
        factor = np.float64(kind(max(0.0, 1.0 - (1.0 - l1_ratio) * eta * how.alpha)))
        n[SCALE] *= factor
        n[SQUARE] *= factor * factor
        n[SIZE] *= abs(factor)
        if n[SCALE] < (1e-9 if w.itemsize == 8 else 1e-6):
            fold(s, how.fused)
    if update != 0:
        scale = kind(n[SCALE])
        squares, sizes = rows.add(w, x, at, kind(kind(update) / scale))
        n[SQUARE], n[SIZE] = squares * np.float64(kind(scale * scale)), sizes * np.float64(scale)
    if how.fit_intercept:
        change = update - eta * how.alpha if how.one_class else update
        if change != 0:
            n[INTERCEPT] += change * how.intercept_decay
    if len(s.mean_w) and how.average <= n[T]:
        average(s, how, x, at, update)
    if how.penalty == L1 or how.penalty == ELASTICNET:
        n[U] += l1_ratio * eta * how.alpha
        rows.shrink(w, s.q, x, at, n[SCALE], n[U])
    n[T] += 1


@kernel
def learn_all(s, how, l1_ratio, data, indices, indptr, y, weights, held_out, order, is_judged):
    """One epoch; of dense samples `data` has the rows one after the other, and `indptr` no entries."""
    d = len(s.w)
    for i in order:
        if len(held_out) and held_out[i]:
            continue
        if len(indptr):
            x, at = data[indptr[i] : indptr[i + 1]], indices[indptr[i] : indptr[i + 1]]
            if len(x) == 0:
                at = indices[:0]
        else:
            x, at = data[i * d : (i + 1) * d], indices
        learn(s, how, l1_ratio, x, at, np.float64(y[i]), weights[i], is_judged)


def descend(
    X,
    coef,
    y,
    codes,
    weights,
    held_out,
    how,
    positives,
    class_weights,
    seeds,
    intercepts,
    mean_coef,
    mean_intercepts,
    score,
    is_finite,
    n_threads,
):
    if not (is_finite or all_finite(X)):
        raise FloatingPointError("samples hold NaN or infinity")
    n_epochs, overflowed = np.empty(len(coef), np.int64), np.empty(len(coef), bool)
    for k in range(len(coef)):
        of_model = y if codes is None else np.where(codes == positives[k], 1.0, how.negative).astype(coef.dtype)
        factors = np.where(of_model > 0, *class_weights[k]).astype(coef.dtype)
        if weights is not None:
            factors *= weights
        state = State(
            coef[k],
            coef[k, :0] if mean_coef is None else mean_coef[k],
            np.zeros_like(coef[k]),
            np.zeros(N_NUMBERS),
        )
        state.numbers[[INTERCEPT, MEAN_INTERCEPT, T]] = intercepts[k], mean_intercepts[k], how.t
        scored = score and (lambda w, intercept, model=k: score(model, w, intercept))
        n_epochs[k], overflowed[k] = _fit(X, of_model, factors, held_out, how, seeds[k], state, scored)
        intercepts[k], mean_intercepts[k] = state.numbers[:2]
    return n_epochs, overflowed


def _fit(X, y, factors, held_out, how, seed, s, score):
    """Go over the samples until the model converges; return how often, and whether numbers overflowed."""
    rows_of = X if isinstance(X, Csr) else Csr(X.reshape(-1), np.empty(0, np.int32), np.empty(0, np.int32))
    held_out = np.empty(0, np.uint8) if held_out is None else held_out
    n_learnt = len(y) - int(held_out.sum())
    l1_ratio = {L1: 1.0, L2: 0.0}.get(how.penalty, how.l1_ratio)
    is_judged = score is None and how.tol > -np.inf and how.max_iter > 1
    order = np.arange(len(y), dtype=np.int32)
    begin(s, how)
    best, n_worse = np.inf, 0
    for epoch in range(1, how.max_iter + 1):
        s.numbers[OBJECTIVE] = 0.0
        if how.shuffle:
            shuffle(order, seed)
        for first in range(0, len(order), SLICE):
            learn_all(s, how, l1_ratio, *rows_of, y, factors, held_out, order[first : first + SLICE], is_judged)
        if not (math.isfinite(s.numbers[INTERCEPT]) and rows.all_finite(s.w)):
            return epoch, True
        value = s.numbers[OBJECTIVE] / n_learnt if score is None else -score(s.w.copy(), s.numbers[INTERCEPT])
        n_worse = n_worse + 1 if how.tol > -np.inf and value > best - how.tol else 0
        best = min(best, value)
        if n_worse >= how.n_iter_no_change:
            if how.schedule != ADAPTIVE or s.numbers[ETA] <= 1e-6:
                break
            s.numbers[ETA] /= 5
            n_worse = 0
    fold(s, how.fused)
    return epoch, False
