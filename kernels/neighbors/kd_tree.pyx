"""The k-d tree: growing it, the nearest samples of queries, the samples within a radius. Twin: kd_tree_jit.py.

The arrays of a tree are described in trees.py. Distances are reduced: see kd_tree.h.
"""

cimport numpy as cnp
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from libc.math cimport M_PI_2, fabs
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc

from fastml._kernels.neighbors.votes cimport close_votes, fml_votes, open_votes
from fastml._kernels.runtime.interrupt cimport run_chunks
from fastml._kernels.runtime.pool cimport worker


cnp.import_array()


cdef extern from "kd_tree.h" nogil:
    int FML_LEAF, FML_WIDTH

    ctypedef struct fml_kd:
        double *points
        int64_t *order
        double *boxes
        int32_t *children
        int32_t *starts
        Py_ssize_t n, d, n_leaves, s


cdef extern from "haversine.h" nogil:
    double FML_TURN
    double fml_arc(double reduced)
    void fml_direction(const double *x, double *out)


cdef extern from "kd_build.h" nogil:
    int FML_BOXES

    ctypedef struct fml_pair:
        pass

    ctypedef struct fml_kd_build:
        fml_kd tree
        const double *X
        fml_pair *pairs
        double *corners
    void fml_grow_root(fml_kd_build *task)
    void fml_grow_limb(void *task, Py_ssize_t limb, int worker)
    void fml_grow_branch(void *task, Py_ssize_t branch, int worker)


cdef extern from "arrange.h" nogil:
    int FML_HOMES

    ctypedef struct fml_homes:
        fml_kd tree
        const double *X
        int32_t *homes
        Py_ssize_t n_queries
        int metric
    void fml_find_homes(void *task, Py_ssize_t chunk, int worker)
    void fml_sort_homes(const fml_homes *task, int64_t *begins, int64_t *sequence)


cdef extern from "nearest.h" nogil:
    int FML_LIST, FML_QUERIES

    ctypedef struct fml_nearest:
        fml_kd tree
        const double *X
        const int64_t *sequence
        double *distances
        int64_t *indices
        fml_votes *votes
        fml_pair *scratch
        Py_ssize_t n_queries, k
        int metric, selves
    void fml_nearest_chunk(void *task, Py_ssize_t chunk, int worker)


cdef extern from "within.h" nogil:
    int FML_BALLS

    ctypedef struct fml_within:
        fml_kd tree
        const double *X
        const double *radii
        const int64_t *sequence
        int64_t *counts
        const int64_t *indptr
        int64_t *indices
        double *distances
        fml_pair *scratch
        Py_ssize_t n_queries, longest
        int metric, selves
    void fml_within_chunk(void *task, Py_ssize_t chunk, int worker)


# Nanoseconds, roughly: a feature of a sample on its way down one level of the growing tree, a query's way to one leaf,
# the part of its walk that grows with the number of neighbours, and a leaf on it and a feature there.
cdef double LEVEL = 2, WAY = 100, NEIGHBOUR = 50, LEAF_NS = 15, FEATURE = 4
# Less work than this is not worth giving up the interpreter's lock.
cdef double ALONE_NS = 2e4


cdef int read_tree(tree, fml_kd *held) except -1:
    """Take the addresses of a tree's arrays."""
    cdef double[:, :, ::1] points = tree.points
    cdef int64_t[::1] order = tree.order
    cdef double[:, :, :, ::1] boxes = tree.boxes
    cdef int32_t[:, ::1] children = tree.children
    cdef int32_t[:, ::1] starts = tree.starts
    held.points, held.order, held.boxes = &points[0, 0, 0], &order[0], &boxes[0, 0, 0, 0]
    held.children, held.starts = &children[0, 0], &starts[0, 0]
    held.n, held.d, held.n_leaves, held.s = tree.n_samples, points.shape[1], points.shape[0], boxes.shape[1]
    return 0


cdef double walk_ns(const fml_kd *tree) noexcept:
    """What a query takes that comes to all leaves.

    Most take far less; how much is not known before the first chunks are through, and these must not be many, because
    Ctrl-C waits for them.
    """
    return tree.n_leaves * (LEAF_NS + FEATURE * tree.d)


cdef void limb_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_grow_limb(task, i, worker())


cdef void branch_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_grow_branch(task, i, worker())


cdef void homes_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_find_homes(task, i, worker())


cdef void nearest_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_nearest_chunk(task, i, worker())


cdef void within_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_within_chunk(task, i, worker())


def directions(
    const double[:, ::1] X,                  # in     (n, 2)  latitudes and longitudes, radians
    double[:, ::1] out,                      # out    (n, 6)  unit vectors, and the points: latitude, longitude, cosine
):
    """Turn points on the sphere into samples, or queries, of a tree.  False where one is not where chords are known to
    be scikit-learn's distances: beyond a pole, or at a longitude beyond a full turn.
    """
    cdef Py_ssize_t i
    cdef bint known = True
    with nogil:
        for i in range(X.shape[0]):
            fml_direction(&X[i, 0], &out[i, 0])
            known = known and fabs(X[i, 0]) <= M_PI_2 and fabs(X[i, 1]) <= FML_TURN
    return known


def arcs(
    double[:, ::1] values,                   # in/out (n, k)  reduced distances on the sphere; angles
):
    """Restore distances by the C library's arc sine."""
    cdef Py_ssize_t i, j
    with nogil:
        for i in range(values.shape[0]):
            for j in range(values.shape[1]):
                values[i, j] = fml_arc(values[i, j])


def build(
    const double[:, ::1] X,                  # in     (n_samples, n_features)
    tree,                                    # out    KdTree
    int n_threads,
):
    """Grow a tree.  O(n_samples * log(n_samples) * n_features)."""
    cdef fml_kd_build task
    cdef Py_ssize_t levels = 1
    cdef int i
    read_tree(tree, &task.tree)
    while task.tree.n_leaves >> levels:
        levels += 1
    cdef double level_ns = LEVEL * (8 + <double> task.tree.d) * task.tree.n
    n_threads = min(n_threads, FML_WIDTH * FML_WIDTH)
    task.X = &X[0, 0]
    task.pairs = <fml_pair *> malloc(sizeof(fml_pair) * task.tree.n)
    task.corners = <double *> malloc(sizeof(double) * FML_BOXES * 2 * task.tree.s * n_threads)
    try:
        if task.pairs == NULL or task.corners == NULL:
            raise MemoryError(f"no memory to order {task.tree.n} samples")
        if levels * level_ns < ALONE_NS:
            fml_grow_root(&task)
            for i in range(FML_WIDTH):
                fml_grow_limb(&task, i, 0)
            for i in range(FML_WIDTH * FML_WIDTH):
                fml_grow_branch(&task, i, 0)
        else:
            with nogil:
                fml_grow_root(&task)
                run_chunks(limb_chunk, &task, FML_WIDTH, 3 * level_ns / FML_WIDTH, n_threads)
                run_chunks(branch_chunk, &task, FML_WIDTH * FML_WIDTH, levels * level_ns / (FML_WIDTH * FML_WIDTH),
                           n_threads)
    finally:
        free(task.pairs)
        free(task.corners)


def arrange(
    tree,                                    # in     KdTree
    const double[:, ::1] X,                  # in     (n_queries, n_features)
    int metric,
    int64_t[::1] sequence,                   # out    (n_queries,)
    int n_threads,
):
    """Put queries in the order of the leaves that they are nearest to, so that neighbours come one after the other.

    O(n_queries * log(n_samples) * n_features).
    """
    cdef fml_homes task
    cdef Py_ssize_t n_chunks = (X.shape[0] + FML_HOMES - 1) // FML_HOMES
    cdef int64_t *begins = NULL
    read_tree(tree, &task.tree)
    task.X, task.n_queries, task.metric = &X[0, 0], X.shape[0], metric
    task.homes = <int32_t *> malloc(sizeof(int32_t) * task.n_queries)
    begins = <int64_t *> malloc(sizeof(int64_t) * (task.tree.n_leaves + 1))
    try:
        if task.homes == NULL or begins == NULL:
            raise MemoryError(f"no memory to arrange {task.n_queries} queries")
        with nogil:
            run_chunks(homes_chunk, &task, n_chunks, WAY * FML_HOMES, n_threads)
            fml_sort_homes(&task, begins, &sequence[0])
    finally:
        free(task.homes)
        free(begins)


cdef int search(fml_nearest *task, tree, queries, int n_threads, ballot) except -1:
    """Find the task's k nearest samples of each query; to write them down, or to let them vote."""
    cdef const double[:, ::1] X = queries.X
    cdef const int64_t[::1] sequence
    cdef fml_votes votes
    cdef Py_ssize_t n_chunks = (X.shape[0] + FML_QUERIES - 1) // FML_QUERIES
    read_tree(tree, &task.tree)
    task.X, task.n_queries, task.metric, task.selves = &X[0, 0], X.shape[0], queries.metric, queries.selves
    task.k += task.selves
    task.sequence, task.scratch, task.votes = NULL, NULL, NULL
    if queries.sequence is not None:
        sequence = queries.sequence
        task.sequence = &sequence[0]
    cdef double chunk_ns = FML_QUERIES * (walk_ns(&task.tree) + NEIGHBOUR * task.k)
    n_threads = max(1, min(n_threads, n_chunks))
    if ballot is not None:
        open_votes(ballot, n_threads, &votes)
        task.votes = &votes
    try:
        if task.k > FML_LIST:
            task.scratch = <fml_pair *> malloc(sizeof(fml_pair) * task.k * n_threads)
            if task.scratch == NULL:
                raise MemoryError(f"no memory for {n_threads} times {task.k} neighbours")
        with nogil:
            run_chunks(nearest_chunk, task, n_chunks, chunk_ns, n_threads)
    finally:
        free(task.scratch)
        if task.votes != NULL:
            close_votes(&votes)
    return 0


def nearest(
    tree,                                    # in     KdTree
    queries,                                 # in     Queries
    distances,                               # out    (n_queries, k)  float64, or None
    int64_t[:, ::1] indices,                 # out    (n_queries, k)
    int n_threads,
):
    """Find the k nearest samples of each query, nearest first, equally near ones by their index."""
    cdef fml_nearest task
    cdef double[:, ::1] out
    task.k, task.indices, task.distances = indices.shape[1], &indices[0, 0], NULL
    if distances is not None:
        out = distances
        task.distances = &out[0, 0]
    search(&task, tree, queries, n_threads, None)


def vote(
    tree,                                    # in     KdTree
    queries,                                 # in     Queries
    ballot,                                  # in/out Ballot
    int n_threads,
):
    """Let the nearest samples of each query vote, written down nowhere."""
    cdef fml_nearest task
    task.k, task.indices, task.distances = ballot.k, NULL, NULL
    search(&task, tree, queries, n_threads, ballot)


def split(
    cnp.ndarray values not None,             # in     (n_found,)  int64 or float64
    const int64_t[::1] indptr,               # in     (n_rows + 1,)
):
    """Return the rows as an array of arrays, (n_rows,) of objects, which share the memory of the values.

    By slicing, one after the other, it takes twice as long; a third of a search for 15 neighbours.
    """
    cdef cnp.npy_intp i, length, n_rows = indptr.shape[0] - 1
    cdef char *data = <char *> cnp.PyArray_DATA(values)
    cdef int kind = cnp.PyArray_TYPE(values), size = cnp.PyArray_ITEMSIZE(values)
    cdef cnp.ndarray row, out = cnp.PyArray_SimpleNew(1, &n_rows, cnp.NPY_OBJECT)
    cdef PyObject **rows = <PyObject **> cnp.PyArray_DATA(out)
    for i in range(n_rows):
        length = indptr[i + 1] - indptr[i]
        row = cnp.PyArray_SimpleNewFromData(1, &length, kind, data + indptr[i] * size)
        cnp.set_array_base(row, values)
        Py_XDECREF(rows[i])
        Py_INCREF(row)
        rows[i] = <PyObject *> row
    return out


cdef int ask_within(tree, queries, const double[::1] radii, fml_within *task) except -1:
    """Fill in what the passes of a search within radii share."""
    cdef const double[:, ::1] X = queries.X
    cdef const int64_t[::1] sequence
    read_tree(tree, &task.tree)
    task.X, task.n_queries, task.radii = &X[0, 0], X.shape[0], &radii[0]
    task.metric, task.selves = queries.metric, queries.selves
    task.sequence = task.indptr = NULL
    task.counts = task.indices = NULL
    task.distances, task.scratch, task.longest = NULL, NULL, 0
    if queries.sequence is not None:
        sequence = queries.sequence
        task.sequence = &sequence[0]
    return 0


cdef int walk_within(fml_within *task, int n_threads) except -1:
    cdef Py_ssize_t n_chunks = (task.n_queries + FML_BALLS - 1) // FML_BALLS
    cdef double chunk_ns = FML_BALLS * walk_ns(&task.tree)
    with nogil:
        run_chunks(within_chunk, task, n_chunks, chunk_ns, n_threads)
    return 0


def count_within(
    tree,                                    # in     KdTree
    queries,                                 # in     Queries
    const double[::1] radii,                 # in     (n_queries,)  distances, not reduced
    int64_t[::1] counts,                     # out    (n_queries,)
    int n_threads,
):
    """Count the samples within a radius of each query, those at exactly the radius too."""
    cdef fml_within task
    ask_within(tree, queries, radii, &task)
    task.counts = &counts[0]
    walk_within(&task, n_threads)


def fill_within(
    tree,                                    # in     KdTree
    queries,                                 # in     Queries
    const double[::1] radii,                 # in     (n_queries,)
    rows,                                    # out    Rows, indptr in: the running sum of count_within
    bint sort,                               # nearest first, equally near ones by their index; needs the distances
    int n_threads,
):
    """Write down the samples within a radius of each query, unsorted in the order of the tree."""
    cdef fml_within task
    cdef const int64_t[::1] indptr = rows.indptr
    cdef int64_t[::1] indices = rows.indices
    cdef double[::1] distances
    ask_within(tree, queries, radii, &task)
    if not indices.shape[0]:
        return
    task.indptr, task.indices = &indptr[0], &indices[0]
    if rows.distances is not None:
        distances = rows.distances
        task.distances = &distances[0]
    cdef Py_ssize_t i
    if sort:
        for i in range(task.n_queries):
            task.longest = max(task.longest, indptr[i + 1] - indptr[i])
        task.scratch = <fml_pair *> malloc(sizeof(fml_pair) * task.longest * n_threads)
        if task.scratch == NULL:
            raise MemoryError(f"no memory to sort {task.longest} neighbours on {n_threads} threads")
    try:
        walk_within(&task, n_threads)
    finally:
        free(task.scratch)
