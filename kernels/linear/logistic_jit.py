"""Twin of logistic.pyx: sample after sample, on one thread."""

import math

import numpy as np

from fastml._kernels._arrays import Csr
from fastml._kernels._jit import kernel


@kernel
def predicted(data, indices, indptr, i, coef, fit_intercept, raw):
    """Write the predictions of sample i. indptr without entries: dense, `data` is (n, d) in one piece."""
    d = len(coef) - fit_intercept
    for c in range(len(raw)):
        raw[c] = coef[d, c] if fit_intercept else 0.0
    for p in range(indptr[i] if len(indptr) else i * d, indptr[i + 1] if len(indptr) else (i + 1) * d):
        j = indices[p] if len(indptr) else p - i * d
        for c in range(len(raw)):
            raw[c] += data[p] * coef[j, c]


@kernel
def two_classes(raw, y):
    """Return the loss, its derivative and the second one."""
    e = math.exp(-abs(raw))
    near, far = 1.0 / (1.0 + e), e / (1.0 + e)
    p, q = (near, far) if raw > 0 else (far, near)
    return (1.0 - y if raw > 0 else y) * abs(raw) + math.log1p(e), (1.0 - y) * p - y * q, p * q


@kernel
def several_classes(raw, y):
    """Return the loss; the predictions give way to its derivatives."""
    most = raw.max()
    of_own = raw[y] - most
    total = 0.0
    for c in range(len(raw)):
        raw[c] = math.exp(raw[c] - most)
        total += raw[c]
    for c in range(len(raw)):
        raw[c] /= total
    raw[y] -= 1.0
    return math.log(total) - of_own


@kernel
def add_gradients(data, indices, indptr, y, weights, known, coef, fit_intercept, gradient):
    """Add the samples' gradients up; return the sum of their losses. `known` without entries: to be predicted."""
    k, d, total = coef.shape[1], len(coef) - fit_intercept, 0.0
    raw = np.empty(k)
    for i in range(len(y)):
        weight = np.float64(weights[i]) if len(weights) else 1.0
        if len(known):
            for c in range(k):
                raw[c] = known[i * k + c]
        else:
            predicted(data, indices, indptr, i, coef, fit_intercept, raw)
        if k == 1:
            loss, raw[0], _ = two_classes(raw[0], y[i])
        else:
            loss = several_classes(raw, int(y[i]))
        total += weight * loss
        for p in range(indptr[i] if len(indptr) else i * d, indptr[i + 1] if len(indptr) else (i + 1) * d):
            j = indices[p] if len(indptr) else p - i * d
            for c in range(k):
                gradient[j, c] += weight * raw[c] * data[p]
        if fit_intercept:
            for c in range(k):
                gradient[d, c] += weight * raw[c]
    return total


@kernel
def add_hessians(data, y, weights, known, coef, fit_intercept, gradient, hessian):
    """Add the samples' gradients and Hessians up; return the weight of samples without second derivative."""
    d, flat = len(coef) - fit_intercept, 0.0
    raw, x = np.empty(1), np.ones(len(coef))
    nothing = np.empty(0, np.int32)
    for i in range(len(y)):
        weight = np.float64(weights[i]) if len(weights) else 1.0
        if len(known):
            raw[0] = known[i]
        else:
            predicted(data, nothing, nothing, i, coef, fit_intercept, raw)
        _, slope, bend = two_classes(raw[0], y[i])
        bend *= weight
        if bend <= 0:
            flat += weight
        x[:d] = data[i * d : (i + 1) * d]
        for a in range(len(x)):
            gradient[a] += weight * slope * x[a]
            for b in range(len(x)):
                hessian[a, b] += abs(bend) * x[a] * x[b]
    return flat


def _flat(X, weights, raw):
    """Return the arrays that kernels take: without entries where there is nothing."""
    nothing = np.empty(0, np.int32)
    parts = X if isinstance(X, Csr) else Csr(X.reshape(-1), nothing, nothing)
    dtype = parts.data.dtype
    return (
        parts,
        np.empty(0, dtype) if weights is None else weights,
        np.empty(0, dtype) if raw is None else np.ascontiguousarray(raw).reshape(-1),
    )


def loss_gradient(X, y, weights, raw, coef, fit_intercept, n_threads):
    parts, weights, known = _flat(X, weights, raw)
    gradient = np.zeros(coef.shape)
    return add_gradients(*parts, y, weights, known, np.ascontiguousarray(coef), fit_intercept, gradient), gradient


def gradient_hessian(X, y, weights, raw, coef, fit_intercept, n_threads):
    parts, weights, known = _flat(X, weights, raw)
    gradient, hessian = np.zeros(len(coef)), np.zeros((len(coef), len(coef)))
    flat = add_hessians(parts.data, y, weights, known, np.ascontiguousarray(coef), fit_intercept, gradient, hessian)
    return gradient, hessian, flat
