"""What is timed: a workload by name, made into a task inside each contender's own process."""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import NamedTuple

import numpy as np
from scipy import sparse


class Task(NamedTuple):
    """A workload prepared by one contender.

    ``run`` is timed, everything else is not. ``outcome(result)`` gives what is compared with scikit-learn: a dict of
    arrays and numbers, and under ``"note"`` a sentence where something must be said (a fallback).
    """

    run: Callable[[], object]
    outcome: Callable[[object], dict]


class NotOffered(Exception):
    """The contender has nothing for this workload; the text says what is missing."""


@dataclass(frozen=True)
class Workload:
    """One stable name in the tables.

    ``data(dtype)`` makes the input, equal in every process. ``cost`` is about what scikit-learn takes for one run, in
    seconds on one thread; it orders the grid and estimates its length. ``goals`` maps a dtype, or a dtype and a number
    of threads, to the ratio aimed at.
    """

    name: str
    method: str
    data: Callable[[str], dict]
    settings: Mapping = field(default_factory=dict)
    about: str = ""
    cost: float = 1.0
    goals: Mapping = field(default_factory=dict)
    grid: bool = False

    def goal(self, dtype, n_threads):
        return self.goals.get((dtype, n_threads), self.goals.get(dtype))


def prepare(workload, contender, dtype, data=None):
    """The workload's Task for an instance of a family's contender class."""
    method = getattr(contender, workload.method, None)
    if method is None:
        raise NotOffered(f"{type(contender).__name__} has no counterpart of {workload.method}")
    return method(workload.data(dtype) if data is None else data, **workload.settings)


def small(workload, **sizes):
    """The same workload on few data: ``sizes`` replace what its data and its settings call so."""
    shrunk = {item.name: sizes[item.name] for item in fields(workload.data) if item.name in sizes}
    settings = {key: sizes.get(key, value) for key, value in workload.settings.items()}
    return replace(workload, data=replace(workload.data, **shrunk), settings=settings)


def digest(data):
    """Checksum over the arrays of a data dict: contenders that were given different numbers are not comparable."""
    total = 0
    for key in sorted(data):
        value = data[key]
        parts = (value.data, value.indices, value.indptr) if sparse.issparse(value) else (value,)
        for part in parts:
            total = zlib.crc32(np.ascontiguousarray(part), total)
    return total
