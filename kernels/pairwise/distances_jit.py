"""Twin of distances.pyx: pair by pair. One thread."""

from fastml._kernels._jit import kernel
from fastml._kernels.pairwise.pairs_jit import distance
from fastml._kernels.runtime.interrupt_jit import slices


def distances(x, y, metric, out, n_threads):
    for begin, end in slices(len(out)):
        fill_rows(x, y, metric, out, begin, end)


@kernel
def fill_rows(x, y, metric, out, begin, end):
    for i in range(begin, end):
        for j in range(out.shape[1]):
            out[i, j] = min(distance(x, i, y, j, metric), metric.most)
