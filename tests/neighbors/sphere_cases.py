"""Generated points on the sphere, latitude and longitude in radians. A case is a function of an integer."""

from dataclasses import dataclass

import numpy as np

from tests.draws import Choices, brief, laid_out

KINDS = {
    "city": 20, "world": 15, "degrees": 20, "duplicates": 10, "poles": 8, "date_line": 8, "antipodes": 8, "meridian": 5,
    "metres": 6,
}  # fmt: skip


@dataclass
class Points:
    """Points as they are given, and as float64; queries, or None; a radius that some pair is often just apart."""

    seed: int
    kind: str
    X: object
    values: np.ndarray
    queries: object
    radius: float
    params: dict

    def __str__(self):
        return f"case {self.seed}: {self.kind}, X {brief(self.X)}, radius {self.radius!r}, {self.params}"


def points(draw, kind, n):
    """Return n points of a kind."""
    rng, pi = draw.rng, np.pi
    signs = 2 * rng.randint(0, 2, n) - 1
    if kind == "world":
        return np.column_stack([np.arcsin(rng.uniform(-1, 1, n)), rng.uniform(-pi, pi, n)])
    if kind == "degrees":  # a lattice of decimal degrees
        step = draw.one_of(0.01, 0.1, 1.0, 5.0)
        return np.radians(rng.randint(-9, 10, (n, 2)) * step + [40, draw.one_of(0, 179)])
    if kind == "poles":
        away = draw.one_of(0, 1e-9, 1e-3) * rng.randint(0, 5, n)
        return np.column_stack([draw.one_of(signs, 1) * (pi / 2 - away), rng.uniform(-pi, pi, n)])
    if kind == "date_line":  # from -pi to pi, or from 0 to 2 pi
        return np.column_stack([rng.uniform(-0.01, 0.01, n), pi * signs + rng.randn(n) * 1e-3 + draw.one_of(0, pi)])
    if kind == "antipodes":
        some = np.column_stack([rng.uniform(-1.5, 1.5, n), rng.uniform(-pi, 0, n)])
        some = some[rng.randint(0, max(1, n // 3), n)]
        return np.where(signs[:, None] > 0, some, some * [-1, 1] + [0, pi])
    if kind == "meridian":
        return np.column_stack([rng.randint(-50, 50, n) * 0.01, np.zeros(n)])
    if kind == "metres":  # 1e-9 radians are 6 mm
        return np.array([0.7, 0.1]) + rng.randint(-20, 20, (n, 2)) * 10.0 ** -rng.randint(7, 15)
    few = np.radians([48.8, 2.3]) + rng.randn(n if kind == "city" else max(1, n // 5), 2) * 0.002
    return few[rng.randint(0, len(few), n)] if kind == "duplicates" else few


def sphere_case(seed):
    """One set of points, and what is asked of it."""
    draw = Choices(97, seed)
    rng = draw.rng
    n, kind = rng.randint(1, draw.one_of(14, 60, 400, 900)), draw.pick(**KINDS)
    values = points(draw, kind, n)
    dtype = draw.pick(float64=75, float32=25)
    values = values.astype(dtype).astype(float)
    asked = values[rng.randint(0, n, draw.one_of(1, 3, 40, 200))]
    asked = asked + draw.one_of(0, 0, 1e-12, 1e-3) * rng.randn(*asked.shape)
    asked[:, 0] = asked[:, 0].clip(-np.pi / 2, np.pi / 2)
    layout = draw.pick(C=60, F=20, every_second_row=8, read_only=6, list=6)
    queries = None if rng.uniform() < 0.3 else laid_out(asked.astype(dtype), draw.pick(C=70, F=20, list=10))
    params = {"algorithm": draw.pick(auto=40, ball_tree=35, brute=25), "leaf_size": draw.one_of(30, 30, 1, 2, 7, 100)}
    return Points(seed, kind, laid_out(values.astype(dtype), layout), values, queries, radius(draw, values), params)


def radius(draw, values):
    """Return a radius: often exactly the distance of two points."""
    rng = draw.rng
    if rng.uniform() < 0.15:
        return draw.one_of(1e-12, 0.5, 3.0)
    a, b = values[rng.randint(0, len(values), 30)], values[rng.randint(len(values))]
    north, east = (np.sin((a - b) / 2) ** 2).T
    distances = 2 * np.arcsin(np.sqrt(np.clip(north + np.cos(a[:, 0]) * np.cos(b[0]) * east, 0, 1)))
    return float(min(max(np.sort(distances)[rng.randint(0, 8)], 1e-15), 3.0))
