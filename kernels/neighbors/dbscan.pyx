"""DBSCAN in O(n_samples) memory, with scikit-learn's own neighbours. Twin: dbscan_jit.py.

Neighbours are counted until there are enough; core points are joined in a forest, without looking at what is joined
already; clusters are numbered in the order of their first samples. Pairs so near to eps that rounding might decide are
judged as scikit-learn's search judges them (dbscan_pairs.h, dbscan_runs.h). Few features and few points a cell: a grid
(dbscan_grid.h). Else a k-d tree (dbscan_tree.h, dbscan_leaves.h), in which a node whose points are all neighbours is
core as a whole, and one that is a single component is not looked into again (Gan and Tao 2015; Wang, Gu, Shun 2020).
"""

import numpy as np

from libc.math cimport sqrt
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

from fastml._kernels.runtime.interrupt cimport run_chunks

# Above these the tree is sooner: points in the cell of a point on average, and in one cell.
CROWD, LARGEST = 40, 1024


cdef extern from "dbscan_leaves.h" nogil:
    int FML_LEAF, FML_LEAVES, FML_PART, FML_TOP_LEVELS

    ctypedef struct fml_points:
        double *values
        int32_t *order
        Py_ssize_t n, d, stride
    ctypedef struct fml_limits:
        double eps, square, root_square, inside, outside, two, half
        int search
        const double *on_sphere
        double near, far
        const int32_t *places
        const int64_t *ends
        const double *radii
        const double *low
        const double *high
        Py_ssize_t n_nodes
    ctypedef struct fml_dbscan:
        fml_points points
        fml_limits limits
        const double *weights
        double min_samples, weight_doubt
        int may_shrink, only_check
        uint8_t *core
        int32_t *parents
        int32_t *numbers
        int64_t *labels
        int64_t open
        int32_t any_doubt
    ctypedef struct fml_keyed:
        pass
    ctypedef struct fml_range:
        pass
    ctypedef struct fml_tree:
        fml_dbscan work
        const double *X
        fml_keyed *keyed
        double *boxes
        int32_t *nodes
        int32_t *common
        int32_t *any_core
        Py_ssize_t n_leaves
        fml_range *tops
        fml_range *parts
        int level, across
    void fml_number(fml_dbscan *work, int32_t *places)
    void fml_begin_tree(fml_tree *tree)
    void fml_split_top(void *tree, Py_ssize_t i)
    void fml_grow_part(void *tree, Py_ssize_t i)
    void fml_end_tree(fml_tree *tree)
    void fml_mark_dense(fml_tree *tree, fml_range nodes)
    void fml_count_leaves(void *tree, Py_ssize_t chunk)
    void fml_join_part(void *tree, Py_ssize_t i)
    Py_ssize_t fml_list_parts(fml_range nodes, fml_range *parts, Py_ssize_t n)
    void fml_join_across(void *tree, Py_ssize_t i)
    void fml_set_nodes(fml_tree *tree, fml_range nodes)
    void fml_label_leaves(void *tree, Py_ssize_t chunk)


cdef extern from "dbscan_grid.h" nogil:
    enum:
        FML_GRID_FEATURES
    int FML_CELLS

    ctypedef struct fml_celled:
        pass
    ctypedef struct fml_grid:
        fml_dbscan work
        uint64_t *keys
        int32_t *starts
        int32_t *common
        Py_ssize_t n_cells, largest
        double crowd
    void fml_extent(const double *X, Py_ssize_t n, Py_ssize_t d, double *low, double *high)
    void fml_fill_grid(fml_grid *grid, const double *X, const double *low, double per_unit, const int64_t *sizes,
                       int bits, fml_celled *room)
    void fml_count_cells(void *grid, Py_ssize_t chunk)
    void fml_join_within_cells(void *grid, Py_ssize_t chunk)
    void fml_join_cells(void *grid, Py_ssize_t chunk)
    void fml_label_cells(void *grid, Py_ssize_t chunk)


cdef class Grid:
    """The grid and the arrays that it points to."""

    cdef fml_grid grid
    cdef object arrays

    @staticmethod
    cdef Grid of(fml_dbscan *work, const double[:, ::1] X):
        """Put the points in the order of their cells; None where a grid is not the thing."""
        cdef Py_ssize_t n = X.shape[0], d = X.shape[1]
        if d > FML_GRID_FEATURES:
            return None
        # cells a little longer than a pair, by more than rounding takes away where coordinates are below 2 ** 32 cells
        cdef double per_unit = (1 - 1e-5) / sqrt(work.limits.outside)
        cdef double[FML_GRID_FEATURES] low, high
        cdef int64_t[FML_GRID_FEATURES] sizes
        cdef Py_ssize_t f
        fml_extent(&X[0, 0], n, d, low, high)
        wide = 1
        for f in range(d):
            if not (high[f] - low[f]) * per_unit < 4294967296.0:
                return None
            sizes[f] = <int64_t> ((high[f] - low[f]) * per_unit) + 3
            wide *= sizes[f]
        if wide >= 2 ** 62:
            return None
        cdef Grid self = Grid()
        cdef uint64_t[::1] keys = np.empty(n, np.uint64)
        cdef int32_t[::1] starts = np.empty(n + 1, np.int32), common = np.empty(n, np.int32)
        cdef uint64_t[::1] room = np.empty(4 * n, np.uint64)
        self.arrays = keys, starts, common
        self.grid.work, self.grid.keys, self.grid.starts, self.grid.common = work[0], &keys[0], &starts[0], &common[0]
        cdef int bits = int(wide).bit_length()
        with nogil:
            fml_fill_grid(&self.grid, &X[0, 0], low, per_unit, sizes, bits, <fml_celled *> &room[0])
        return self if self.grid.crowd <= CROWD and self.grid.largest <= LARGEST else None

    cdef int search(self, int32_t *places, int n_threads) except -1:
        """Find core points, join them, label all; stop where something is open. places (n_samples,): scratch."""
        cdef fml_grid *grid = &self.grid
        cdef fml_dbscan *work = &grid.work
        cdef Py_ssize_t n_chunks = (grid.n_cells + FML_CELLS - 1) // FML_CELLS
        cdef double chunk_ns = FML_CELLS * (100 + 80 * grid.crowd)
        with nogil:
            run_chunks(fml_count_cells, grid, n_chunks, chunk_ns, n_threads)
            if work.open:
                return 0
            run_chunks(fml_join_within_cells, grid, n_chunks, chunk_ns / 8, n_threads)
            run_chunks(fml_join_cells, grid, n_chunks, chunk_ns / 2, n_threads)
            if work.any_doubt:
                work.only_check = True
                run_chunks(fml_join_within_cells, grid, n_chunks, chunk_ns / 8, n_threads)
                run_chunks(fml_join_cells, grid, n_chunks, chunk_ns / 2, n_threads)
                if work.open:
                    return 0
            fml_number(work, places)
            run_chunks(fml_label_cells, grid, n_chunks, chunk_ns / 4, n_threads)
        return 0


cdef class Tree:
    """The tree and the arrays that it points to."""

    cdef fml_tree tree
    cdef object arrays

    @staticmethod
    cdef Tree of(fml_dbscan *work, const double[:, ::1] X, int n_threads):
        """Put the points in the order of the leaves. O(n_features * n_samples * log(n_samples))."""
        cdef Py_ssize_t n = X.shape[0], d = X.shape[1], n_leaves = (n + FML_LEAF - 1) // FML_LEAF, n_parts = 1
        cdef Tree self = Tree()
        cdef double[::1] boxes = np.empty(4 * n_leaves * d), keyed = np.empty(2 * n)
        cdef int32_t[::1] nodes = np.empty(n_leaves, np.int32)
        cdef int32_t[::1] common = np.empty(2 * n_leaves, np.int32), any_core = np.empty(2 * n_leaves, np.int32)
        cdef fml_tree *tree = &self.tree
        cdef int64_t[::1] parts = np.empty(3 * n_leaves, np.int64)
        self.arrays = boxes, nodes, common, any_core, parts
        tree.work, tree.X, tree.n_leaves = work[0], &X[0, 0], n_leaves
        tree.keyed, tree.boxes, tree.nodes = <fml_keyed *> &keyed[0], &boxes[0], &nodes[0]
        tree.common, tree.any_core, tree.parts = &common[0], &any_core[0], <fml_range *> &parts[0]
        with nogil:
            fml_begin_tree(tree)
            while tree.level < FML_TOP_LEVELS and n_leaves >= 1024:
                run_chunks(fml_split_top, tree, n_parts, 10.0 * n / n_parts, n_threads)
                tree.level += 1
                n_parts *= 2
            run_chunks(fml_grow_part, tree, n_parts, 100.0 * n / n_parts, n_threads)
            fml_end_tree(tree)
        return self

    cdef int join(self, int n_threads) except -1 nogil:
        """Join core points: within parts side by side, then across them."""
        cdef fml_tree *tree = &self.tree
        cdef Py_ssize_t n_parts = fml_list_parts(tree.tops[0], tree.parts, 0)
        tree.across = False
        run_chunks(fml_join_part, tree, n_parts, 100.0 * FML_PART * FML_PART, n_threads)
        fml_set_nodes(tree, tree.tops[0])
        tree.across = True
        run_chunks(fml_join_across, tree, n_parts, self.leaf_ns() * FML_PART, n_threads)
        fml_set_nodes(tree, tree.tops[0])
        return 0

    cdef double leaf_ns(self) noexcept nogil:
        """At worst each leaf meets all others; what it took at first sets how many go on without a look for Ctrl-C."""
        return self.tree.n_leaves * (10.0 + 5.0 * self.tree.work.points.d)

    cdef int search(self, int32_t *places, int n_threads) except -1:
        """Find core points, join them, label all; stop where something is open. places (n_samples,): scratch."""
        cdef fml_tree *tree = &self.tree
        cdef fml_dbscan *work = &tree.work
        cdef Py_ssize_t n_chunks = (tree.n_leaves + FML_LEAVES - 1) // FML_LEAVES
        cdef double chunk_ns = FML_LEAVES * self.leaf_ns()
        with nogil:
            fml_mark_dense(tree, tree.tops[0])
            run_chunks(fml_count_leaves, tree, n_chunks, chunk_ns, n_threads)
            if work.open:
                return 0
            self.join(n_threads)
            if work.any_doubt:
                work.only_check = True
                self.join(n_threads)
                if work.open:
                    return 0
            fml_number(work, places)
            run_chunks(fml_label_leaves, tree, n_chunks, chunk_ns, n_threads)
        return 0


cdef set_limits(fml_limits *out, limits, tree):
    """Fill in what decides pairs."""
    cdef const int32_t[::1] places
    cdef const int64_t[::1] ends
    cdef const double[::1] radii
    cdef const double[:, ::1] low, high, points = limits.points
    out.eps, out.square, out.root_square, out.inside, out.outside, out.search, _, out.near, out.far = limits
    out.on_sphere = &points[0, 0] if points.shape[0] else NULL
    out.two, out.half, out.places, out.n_nodes = 2.0, 0.5, NULL, 0
    if tree is not None:
        places, ends, radii, low, high = tree
        out.places, out.ends, out.radii = &places[0], &ends[0], &radii[0]
        out.low, out.high, out.n_nodes = &low[0, 0], &high[0, 0], ends.shape[0]


def cluster(
    const double[:, ::1] X,                  # in     (n_samples, n_features)  at least one of each
    limits,                                  # in     Limits
    tree,                                    # in     SearchTree, or None: its decisions are left open
    density,                                 # in     Density
    int64_t[::1] labels,                     # out    (n_samples,)  -1: noise
    uint8_t[::1] core,                       # out    (n_samples,)  whether a sample is core
    int n_threads,
):
    """Cluster the samples; returns how many decisions are open. Where it is not 0, the results mean nothing.

    O(n_samples * log(n_samples)) for few features, O(n_samples ** 2) at worst; memory O(n_samples * n_features).
    """
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1], stride = n + 8, i
    cdef fml_dbscan task
    cdef double[::1] values = np.full(stride * d, np.inf)
    cdef int32_t[::1] order = np.empty(n, np.int32), places = np.empty(n, np.int32)
    cdef int32_t[::1] parents = np.arange(n, dtype=np.int32), numbers = np.empty(n, np.int32)
    cdef uint8_t[::1] by_place = np.zeros(n + 8, np.uint8)
    cdef const double[::1] weights = density.weights
    task.points.values, task.points.order = &values[0], &order[0]
    task.points.n, task.points.d, task.points.stride = n, d, stride
    set_limits(&task.limits, limits, tree)
    task.weights = &weights[0] if weights is not None else NULL
    task.min_samples, _, task.weight_doubt, task.may_shrink = density
    task.open, task.any_doubt, task.only_check = 0, False, False
    task.core, task.parents, task.numbers, task.labels = &by_place[0], &parents[0], &numbers[0], &labels[0]
    cdef Grid grid = Grid.of(&task, X)
    cdef Tree own_tree
    if grid is not None:
        grid.search(&places[0], n_threads)
        task.open = grid.grid.work.open
    else:
        own_tree = Tree.of(&task, X, n_threads)
        own_tree.search(&places[0], n_threads)
        task.open = own_tree.tree.work.open
    for i in range(n):
        core[order[i]] = by_place[i]
    return task.open
