"""The nearest of a few samples for each of many. Twin: nearest_jit.py.

Points and Metric are described in metrics.py, the way there in nearest.h.
"""

from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

from fastml._kernels.pairwise.points cimport FML_SIDE, fml_metric, fml_points, read_metric, read_points, tile_ns
from fastml._kernels.runtime.interrupt cimport run_chunks
from fastml._kernels.runtime.pool cimport worker


cdef extern from "nearest.h" nogil:
    int FML_NEAREST_SCRATCH

    ctypedef struct fml_nearest:
        fml_points x, y
        fml_metric metric
        double *least
        int64_t *at
        double *scratch
    void fml_find(void *task, Py_ssize_t block, int worker)


cdef void find_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_find(task, i, worker())


def nearest(
    x,                                       # in     Points, (n_x, n_features)
    y,                                       # in     Points, (n_y, n_features), of the type of x
    metric,                                  # in     Metric
    double[::1] distances,                   # out    (n_x,)  from the nearest sample of y; or None
    int64_t[::1] indices,                    # out    (n_x,)  which that is, the first of equally near ones
    int n_threads,
):
    """Find the nearest sample of y for each of x, by differences.

    O(n_x * n_y * n_features); memory O(n_threads).
    """
    cdef fml_nearest task
    cdef Py_ssize_t n_blocks
    cdef double chunk_ns
    read_points(x, &task.x)
    read_points(y, &task.y)
    read_metric(metric, &task.metric)
    task.at, task.least = &indices[0], NULL
    if distances is not None:
        task.least = &distances[0]
    n_blocks = (task.x.n + FML_SIDE - 1) // FML_SIDE
    chunk_ns = tile_ns(task.x.d, 0) * (1 + task.y.n / FML_SIDE)
    n_threads = max(1, min(n_threads, n_blocks))
    task.scratch = <double *> malloc(sizeof(double) * FML_NEAREST_SCRATCH * n_threads)
    if task.scratch == NULL:
        raise MemoryError(f"no memory for {n_threads} tiles")
    try:
        with nogil:
            run_chunks(find_chunk, &task, n_blocks, chunk_ns, n_threads)
    finally:
        free(task.scratch)
