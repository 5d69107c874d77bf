"""Twin of silhouette.pyx: sample by sample, each pair twice. One thread."""

import numpy as np

from fastml._kernels._jit import kernel
from fastml._kernels.pairwise.metrics import SIDE
from fastml._kernels.pairwise.pairs_jit import distance


def cluster_distances(points, order, starts, metric, own, nearest, n_threads):
    for c in range(len(starts) - 1):
        meet_cluster(points, order, starts[c], starts[c + 1], metric, own, nearest, c == 0)


@kernel
def meet_cluster(points, order, begin, end, metric, own, nearest, is_first):
    """Let all samples meet the cluster at the places from `begin` on to `end`."""
    for i in range(len(order)):
        total = 0.0
        for block in range(begin, end, SIDE):  # by blocks, or rounding would add up
            part = 0.0
            for j in range(block, min(block + SIDE, end)):
                part += distance(points, order[i], points, order[j], metric)
            total += part
        if is_first:
            nearest[i] = np.inf
        if begin <= i < end:
            own[i] = total
        else:
            nearest[i] = min(nearest[i], total / (end - begin))
