"""Generated data for trees: samples with ties, gaps near scikit-learn's threshold, missing values; targets; weights."""

import numpy as np

from tests.draws import Choices, laid_out

GAP = 1e-7  # values closer than this are one value to scikit-learn's splitters


class Draw(Choices):
    """The choices of one case of the tree family."""

    def shape(self, most=300):
        rng = self.rng
        size = self.pick(small=50, medium=25, edge=15, wide=8, tiny=12)
        if size == "wide":
            return rng.randint(2, 40), rng.randint(20, 60)
        if size == "edge":
            return min(most, self.one_of(1, 2, 3, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257)), rng.randint(
                1, 9
            )
        n = {"small": rng.randint(5, 60), "medium": rng.randint(60, most), "tiny": rng.randint(1, 6)}[size]
        return int(n), rng.randint(1, 13)

    def values(self, n, d, missing=True):
        """Return ``(kind, X)``, an ``(n, d)`` float64 array that float32 holds nearly or exactly."""
        rng = self.rng
        kind = self.pick(
            normal=22, uniform=8, grid=18, binary=8, duplicates=8, constant_columns=8, gaps=12, counts=5, mixed=8,
            large=2, small=3, signed_zeros=2,
        )  # fmt: skip
        X = getattr(self, f"_{kind}")(n, d)
        if missing and rng.uniform() < 0.2:
            X[rng.uniform(size=(n, d)) < self.one_of(0.02, 0.2, 0.6) * (rng.uniform(size=d) < 0.7)] = np.nan
            if rng.uniform() < 0.2:
                X[:, rng.randint(d)] = np.nan
            kind += " with NaN"
        return kind, X

    def _normal(self, n, d):
        return self.rng.randn(n, d)

    def _uniform(self, n, d):
        return self.rng.uniform(size=(n, d)) * self.one_of(1, 10, 1000)

    def _grid(self, n, d):
        return self.rng.randint(0, self.one_of(2, 3, 5, 17, 80), (n, d)) * self.one_of(1.0, 0.1, 0.25)

    def _binary(self, n, d):
        return (self.rng.uniform(size=(n, d)) < self.rng.uniform(0.05, 0.95, d)).astype(float)

    def _duplicates(self, n, d):
        few = self.rng.randn(self.rng.randint(1, max(2, n // 3 + 1)), d)
        return few[self.rng.randint(0, len(few), n)]

    def _constant_columns(self, n, d):
        X = self.rng.randn(n, d)
        X[:, self.rng.uniform(size=d) < 0.5] = self.one_of(0.0, 1.0, -7.3)
        return X

    def _gaps(self, n, d):
        """Return values that often differ by about ``GAP``, now and then in chains of such steps."""
        steps = self.rng.choice([0, 0.2, 0.5, 0.9, 0.99, 1, 1.01, 1.1, 2, 1e6], (n, d)) * GAP
        base = self.one_of(0.0, 0.0, 1.0, -1.0, 0.01)
        return base + (np.cumsum(steps, axis=0) if self.rng.uniform() < 0.6 else steps)

    def _counts(self, n, d):
        return self.rng.poisson(0.7, (n, d)).astype(float)

    def _mixed(self, n, d):
        """Return columns of different kinds."""
        kinds = [self.one_of("normal", "grid", "binary", "gaps", "counts", "constant_columns") for _ in range(d)]
        return np.hstack([getattr(self, f"_{kind}")(n, 1) for kind in kinds])

    def _large(self, n, d):
        return self.rng.randn(n, d) * self.one_of(1e10, 1e30, 5e37)

    def _small(self, n, d):
        return self.rng.randn(n, d) * self.one_of(1e-6, 1e-7, 1e-8, 1e-30)

    def _signed_zeros(self, n, d):
        return self.rng.choice([0.0, -0.0, 1.0, -1.0, 1e-40], (n, d))

    def container(self, X):
        """Return ``X`` as people pass it."""
        dtype = self.pick(float64=55, float32=40, integers=5)
        if dtype == "integers":
            X = X if np.isnan(X).any() or np.abs(X).max() > 1e9 else np.round(X).astype(np.int64)
            return X
        layout = self.pick(C=60, F=22, every_second_row=4, every_second_column=4, flipped=3, read_only=4, list=3)
        return laid_out(np.ascontiguousarray(X, dtype), layout)

    def signal(self, X, levels):
        """Return one number a row that depends on some columns, of ``levels`` or so different values."""
        rng, (n, d) = self.rng, X.shape
        known = np.nan_to_num(X, nan=0.5)
        scale = np.abs(known).max(axis=0) + 1e-300
        latent = (known / scale) @ (rng.randn(d) * (rng.uniform(size=d) < 0.5)) + self.one_of(0, 0.3, 1) * rng.randn(n)
        if rng.uniform() < 0.3:
            latent = rng.randn(n)
        order = latent.argsort().argsort()
        return order * levels // max(n, 1)

    def classes(self, X, outputs=None):
        """Return labels of one to eight classes, of one of the types of labels, for one output or several."""
        outputs = outputs or self.one_of(1, 1, 1, 1, 1, 2, 3)
        ks = [self.one_of(1, 2, 2, 2, 3, 3, 5, 8) for _ in range(outputs)]
        codes = np.stack([self.signal(X, k) for k in ks], axis=1)
        kind = self.pick(int=50, str=15, bool=8, float=8, negative=8, gaps=8, object=3)
        if kind == "bool":
            codes = np.minimum(codes, 1)
        y = {
            "int": lambda: codes,
            "str": lambda: np.array(list("hgfedcba"))[codes],
            "bool": lambda: codes.astype(bool),
            "float": lambda: codes.astype(float),
            "negative": lambda: codes - 3,
            "gaps": lambda: codes * 100 + 7,
            "object": lambda: np.array(list("hgfedcba"), dtype=object)[codes],
        }[kind]()
        return y[:, 0] if outputs == 1 else y

    def integer_targets(self, X):
        outputs = self.one_of(1, 1, 1, 1, 2, 3)
        levels = [self.one_of(1, 2, 3, 10, 50, 200) for _ in range(outputs)]
        y = np.stack([self.signal(X, k) for k in levels], axis=1) - self.one_of(0, 0, 3, 20)
        y = y.astype(self.one_of(float, float, int, np.float32))
        return y[:, 0] if outputs == 1 else y

    def real_targets(self, X, positive=False, outputs=None):
        rng, n = self.rng, len(X)
        outputs = outputs or self.one_of(1, 1, 1, 1, 1, 2, 3)
        y = np.stack([self.signal(X, 10) for _ in range(outputs)], axis=1) + rng.randn(n, outputs)
        kind = self.pick(plain=60, few=15, scaled=15, skewed=10)
        if kind == "few":
            y = np.round(y) * 0.1
        elif kind == "scaled":
            y = y * 10 ** rng.uniform(-2, 3)
        elif kind == "skewed":
            y = np.exp(y / 4)
        if positive:
            y = np.abs(y) * (rng.uniform(size=y.shape) < self.one_of(1, 1, 0.7))
            y[0] += 1  # the sum must be positive
        return y[:, 0] if outputs == 1 else y

    def integer_weights(self, n):
        rng = self.rng
        kind = self.pick(none=62, ones=6, integers=10, zeros=12, constant=4, wide=4, list=2)
        return {
            "none": lambda: None,
            "ones": lambda: np.ones(n),
            "integers": lambda: rng.randint(1, 6, n),
            "zeros": lambda: _not_all_zero(rng.randint(0, 3, n).astype(float)),
            "constant": lambda: np.full(n, 3, np.float32),
            "wide": lambda: rng.randint(1, 1000, n).astype(float),
            "list": lambda: rng.randint(1, 4, n).tolist(),
        }[kind]()

    def fractional_weights(self, n):
        rng = self.rng
        kind = self.pick(uniform=50, zeros=25, wide=15, tenths=10)
        return {
            "uniform": lambda: rng.uniform(0.01, 1, n),
            "zeros": lambda: _not_all_zero(rng.uniform(size=n) * (rng.uniform(size=n) < 0.6)),
            "wide": lambda: 10 ** rng.uniform(-2, 2, n),
            "tenths": lambda: rng.randint(1, 6, n) * 0.1,
        }[kind]()

    def new_values(self, X, m):
        """Return ``m`` rows to ask about: known ones, mixtures of known ones, others, some with missing entries."""
        rng, (n, d) = self.rng, X.shape
        rows = np.take_along_axis(X, rng.randint(0, n, (m, d)), axis=0) if n else X[:0]
        new = np.where(rng.uniform(size=(m, 1)) < 0.5, X[rng.randint(0, n, m)], rows)
        shift = rng.uniform(size=(m, d)) < 0.2
        new = np.where(shift, np.nextafter(new.astype(np.float32), np.float32(0)).astype(float), new)
        return np.where(rng.uniform(size=(m, d)) < 0.1, new * 1.5 + 0.1, new)


def _not_all_zero(weights):
    weights[0] = weights[0] or 1.0
    return weights
