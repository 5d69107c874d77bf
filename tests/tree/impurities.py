"""Weighted impurities without rounding: in fractions, or in 50 decimal digits where they need a logarithm."""

from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cached_property

import numpy as np


def goes_left(growth, split):
    x = growth.X[split.rows, split.feature]
    return np.where(np.isnan(x), bool(split.missing_go_to_left), x <= split.threshold)


class Exact:
    """The impurities of a growth without rounding."""

    def __init__(self, growth):
        self.growth = growth

    @cached_property
    def weights(self):
        return [Fraction(float(w)) for w in self.growth.weights]

    @cached_property
    def targets(self):
        return [[Fraction(float(value)) for value in row] for row in self.growth.y]

    def gain(self, split):
        left = goes_left(self.growth, split)
        return self.total(split.rows) - self.total(split.rows[left]) - self.total(split.rows[~left])

    def total(self, rows):
        """Return the impurity of samples times their weight."""
        if not len(rows):
            return 0
        outputs = range(self.growth.y.shape[1])
        with localcontext(prec=50):
            return sum(getattr(self, f"_{self.growth.impurity}")(rows, k) for k in outputs) / len(outputs)

    def _counts(self, rows, k):
        counts = {}
        for i in rows:
            label = self.growth.y[i, k]
            counts[label] = counts.get(label, 0) + self.weights[i]
        return counts.values()

    def _gini(self, rows, k):
        counts = self._counts(rows, k)
        return sum(counts) - sum(c * c for c in counts) / sum(counts)

    def _entropy(self, rows, k):
        counts = self._counts(rows, k)
        return -sum((_decimal(c) * _decimal(c / sum(counts)).ln() for c in counts), Decimal(0))

    def _squared_error(self, rows, k):
        w, wy, wyy = (sum(self.weights[i] * self.targets[i][k] ** p for i in rows) for p in range(3))
        return wyy - wy * wy / w

    def _absolute_error(self, rows, k):
        median = self.median(rows, k)
        return sum(self.weights[i] * abs(self.targets[i][k] - median) for i in rows)

    def absolute_errors(self, rows, values):
        distances = (
            abs(self.targets[i][k] - Fraction(float(v))) * self.weights[i] for i in rows for k, v in enumerate(values)
        )
        return sum(distances) / len(values)

    def median(self, rows, k):
        ordered = sorted((self.targets[i][k], self.weights[i]) for i in rows)
        half, below = sum(w for _, w in ordered) / 2, Fraction(0)
        for i, (y, w) in enumerate(ordered):
            below += w
            if below == half:
                return (y + ordered[i + 1][0]) / 2
            if below > half:
                return y

    def _poisson(self, rows, k):
        mean = sum(self.weights[i] * self.targets[i][k] for i in rows) / sum(self.weights[i] for i in rows)
        positive = [i for i in rows if self.targets[i][k] > 0]
        parts = (self.weights[i] * self.targets[i][k] for i in positive)
        logs = (_decimal(self.targets[i][k] / mean).ln() for i in positive)
        return sum((_decimal(part) * log for part, log in zip(parts, logs, strict=True)), Decimal(0))


def _decimal(fraction):
    return Decimal(fraction.numerator) / Decimal(fraction.denominator)
