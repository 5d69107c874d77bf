"""Twin of nearest.pyx: pair by pair. One thread."""

import math

import numpy as np

from fastml._kernels._jit import kernel
from fastml._kernels.pairwise.pairs_jit import distance
from fastml._kernels.runtime.interrupt_jit import slices


def nearest(x, y, metric, distances, indices, n_threads):
    distances = np.empty(len(indices)) if distances is None else distances
    compared = metric._replace(root=False, factor=1.0 if metric.root else metric.factor)
    for begin, end in slices(len(indices)):
        find(x, y, compared, distances, indices, begin, end)
        for i in range(begin, end):
            distances[i] = math.sqrt(distances[i]) if metric.root else min(distances[i], metric.most)


@kernel
def find(x, y, metric, distances, indices, begin, end):
    for i in range(begin, end):
        distances[i] = np.inf
        for j in range(len(y.X)):
            near = distance(x, i, y, j, metric)
            if near < distances[i]:
                distances[i], indices[i] = near, j
