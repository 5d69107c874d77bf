"""Distances of samples from clusters. Twins: silhouette_jit.py, silhouette_cuda.py.

Points and Metric are described in metrics.py, the way there in silhouette.h.
"""

from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport INFINITY
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport calloc, free, malloc

from fastml._kernels.pairwise.points cimport FML_SIDE, fml_metric, fml_points, read_metric, read_points, tile_ns
from fastml._kernels.runtime.interrupt cimport FML_SLICE_NS, fml_now_ns, run_chunks
from fastml._kernels.runtime.pool cimport worker


cdef extern from "silhouette.h" nogil:
    int FML_MEET_SCRATCH

    ctypedef struct fml_silhouette:
        fml_points points
        fml_metric metric
        const int64_t *order
        const int64_t *starts
        double *own
        double *nearest
        int32_t *cluster
        double *sum
        double *begun
        double *scratch
        Py_ssize_t n, n_blocks, round
    void fml_meet(void *task, Py_ssize_t pair, int worker)
    Py_ssize_t fml_pairs_of(Py_ssize_t round, Py_ssize_t n_blocks)


cdef void meet_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_meet(task, i, worker())


def cluster_distances(
    points,                                  # in     Points
    const int64_t[::1] order,                # in     (n_samples,)  samples in the order of their clusters
    const int64_t[::1] starts,               # in     (n_clusters + 1,)  the places in `order` where clusters begin
    metric,                                  # in     Metric
    double[::1] own,                         # out    (n_samples,)  by place
    double[::1] nearest,                     # out    (n_samples,)  by place; infinite with one cluster
    int n_threads,
):
    """Sum of the distances of every sample from those of its own cluster, and the least mean from another cluster's.

    O(n_samples ** 2 * n_features); memory O(n_samples).
    """
    cdef fml_silhouette task
    cdef Py_ssize_t c, i
    cdef double chunk_ns, looked
    read_points(points, &task.points)
    read_metric(metric, &task.metric)
    task.n, task.order, task.starts, task.own, task.nearest = len(order), &order[0], &starts[0], &own[0], &nearest[0]
    task.n_blocks = (task.n + FML_SIDE - 1) // FML_SIDE
    n_threads = max(1, min(n_threads, (task.n_blocks + 1) // 2))
    chunk_ns = tile_ns(task.points.d, task.metric.root)
    task.cluster = <int32_t *> malloc(sizeof(int32_t) * task.n)
    task.sum = <double *> calloc(2 * task.n_blocks * FML_SIDE, sizeof(double))
    task.begun = task.sum + task.n_blocks * FML_SIDE
    task.scratch = <double *> malloc(sizeof(double) * FML_MEET_SCRATCH * n_threads)
    try:
        if task.cluster == NULL or task.sum == NULL or task.scratch == NULL:
            raise MemoryError(f"no memory for the sums of {task.n} samples, or for {n_threads} tiles")
        with nogil:
            for c in range(starts.shape[0] - 1):
                for i in range(starts[c], starts[c + 1]):
                    task.cluster[i] = <int32_t> c
                    task.own[i], task.nearest[i] = 0, INFINITY
            looked = fml_now_ns()
            for i in range(task.n_blocks):
                task.round = i
                run_chunks(meet_chunk, &task, fml_pairs_of(i, task.n_blocks), chunk_ns, n_threads)
                if fml_now_ns() - looked > FML_SLICE_NS:
                    looked = fml_now_ns()
                    with gil:
                        PyErr_CheckSignals()
    finally:
        free(task.cluster)
        free(task.sum)
        free(task.scratch)
