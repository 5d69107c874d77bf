"""The C structs of metrics.py's tuples."""

cdef extern from "tile.h" nogil:
    int FML_SIDE, FML_TILE_SCRATCH

    ctypedef struct fml_points:
        const void *X
        const double *scale
        Py_ssize_t n, d
        int is_f32

    ctypedef struct fml_metric:
        int added, root, expand
        double factor, most


cdef inline int read_points(points, fml_points *held) except -1:
    """Take the addresses of the arrays of Points."""
    cdef const double[:, ::1] X64
    cdef const float[:, ::1] X32
    cdef const double[::1] scale = points.scale
    held.n, held.d = points.X.shape
    held.is_f32 = points.X.dtype.itemsize == 4
    held.scale = &scale[0] if scale.shape[0] else NULL
    if held.is_f32:
        X32 = points.X
        held.X = &X32[0, 0]
    else:
        X64 = points.X
        held.X = &X64[0, 0]
    return 0


cdef inline int read_metric(metric, fml_metric *held) except -1:
    """Read a Metric."""
    held.added, held.root, held.expand = metric.added, metric.root, metric.expand
    held.factor, held.most = metric.factor, metric.most
    return 0


cdef inline double tile_ns(Py_ssize_t d, int root) noexcept nogil:
    """About how long a tile takes, in nanoseconds."""
    return 4096 * (0.7 + root + 0.11 * d)
