"""All distances of one set of samples from another. Twins: distances_jit.py, distances_cuda.py.

Points and Metric are described in metrics.py, the way there in distances.h.
"""

from libc.stdlib cimport free, malloc

from fastml._kernels.pairwise.points cimport fml_metric, fml_points, read_metric, read_points, tile_ns
from fastml._kernels.runtime.interrupt cimport run_chunks
from fastml._kernels.runtime.pool cimport worker


cdef extern from "distances.h" nogil:
    int FML_FILL_SCRATCH

    ctypedef struct fml_distances:
        fml_points x, y
        fml_metric metric
        void *out
        int is_f32, is_same
        double *scratch
    void fml_fill(void *task, Py_ssize_t number, int worker)
    Py_ssize_t fml_plan(fml_distances *task)


cdef void fill_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_fill(task, i, worker())


def distances(
    x,                                       # in     Points, (n_x, n_features)
    y,                                       # in     Points, (n_y, n_features), of the type of x; x itself: symmetric
    metric,                                  # in     Metric
    out,                                     # out    (n_x, n_y)  float64 or float32, in C order
    int n_threads,
):
    """Compute the distances of all samples of x from all samples of y.

    O(n_x * n_y * n_features); memory O(n_threads) beside the table.
    """
    cdef fml_distances task
    cdef double[:, ::1] out64
    cdef float[:, ::1] out32
    cdef Py_ssize_t n_tiles
    cdef double chunk_ns
    read_points(x, &task.x)
    read_points(y, &task.y)
    read_metric(metric, &task.metric)
    task.is_same, task.is_f32 = x is y, out.dtype.itemsize == 4
    if task.is_f32:
        out32 = out
        task.out = &out32[0, 0]
    else:
        out64 = out
        task.out = &out64[0, 0]
    n_tiles = fml_plan(&task)
    chunk_ns = tile_ns(task.x.d, task.metric.root)
    n_threads = max(1, min(n_threads, n_tiles))
    task.scratch = <double *> malloc(sizeof(double) * FML_FILL_SCRATCH * n_threads)
    if task.scratch == NULL:
        raise MemoryError(f"no memory for {n_threads} tiles")
    try:
        with nogil:
            run_chunks(fill_chunk, &task, n_tiles, chunk_ns, n_threads)
    finally:
        free(task.scratch)
