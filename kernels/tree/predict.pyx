"""Leaves of fitted trees, and what is looked up there. Twin: predict_jit.py.

The trees are scikit-learn's own objects. Their arrays are asked for at every call: a tree may have been changed by
hand, and one that was unpickled into has new arrays.
"""

cimport numpy as cnp
from cpython.object cimport PyObject
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.math cimport log2
from libc.stdint cimport INT32_MAX, int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc

import numpy as np

from fastml._kernels.runtime.interrupt cimport run_chunks
from fastml._kernels.runtime.pool cimport worker

from fastml._kernels.tree.tables import NODE


cdef extern from "predict.h" nogil:
    int FML_APPLY, FML_GATHER, FML_ADD_UP

    ctypedef struct fml_node:
        pass

    ctypedef struct fml_tree:
        const fml_node *nodes
        const double *table
        const int64_t *columns
        uint64_t *compact
        int32_t *origin
        Py_ssize_t n_nodes, d

    ctypedef struct fml_prediction:
        const float *X
        fml_tree *trees
        void *out
        uint32_t *keys
        uint64_t *slots
        double scale
        Py_ssize_t n, d, n_out, n_trees, first_tree, width, n_groups, block, key_columns, largest
        int kind, shift, raw
    bint fml_any_nan(const float *X, Py_ssize_t n)
    void fml_copy_tree(void *task, Py_ssize_t chunk, int worker)
    void fml_predict_rows(void *task, Py_ssize_t chunk, int worker)

# Nodes and trees that are copied together: 100 MB, and rows of a block pass through them in a few tenths of a second.
cdef Py_ssize_t GROUP_NODES = 1 << 23, GROUP_TREES = 256
# A block of rows, its keys and results, stays in this many bytes of cache while tree after tree passes through it.
cdef Py_ssize_t BLOCK_BYTES = 1 << 23, LEAST_ROWS = 512, MOST_ROWS = 1 << 16, RAW_BYTES = 1 << 19
# Work in nanoseconds: a step through the tree's own nodes and the same where they are more than the cache takes well,
# a step through a copy, a node's copy, a column's key, and what a step takes longer without it.
cdef double OWN_STEP = 2.5, FAR_STEP = 5, STEP = 1.2, NODE_COPY = 6, KEY = 0.4, RAW = 0.6
cdef Py_ssize_t NEAR_NODES = 2000
# Less work than this is not worth giving up the interpreter's lock.
cdef double ALONE_NS = 2e4


# Scikit-learn's own object for NODE: to compare two such types takes longer than to fetch a tree's arrays.
cdef object known_type = None


cdef bint is_node(dtype):
    """Tell whether a type is NODE, for scikit-learn's own at a glance."""
    global known_type
    if dtype is known_type:
        return True
    if dtype != NODE:
        return False
    known_type = dtype
    return True


cdef class Held:
    """The arrays of the trees; what they belong to is kept alive.

    trees, tables, columns : see the kernels
    width : numbers looked up for a leaf; 0: none
    """
    cdef fml_tree *trees
    cdef Py_ssize_t n_trees, n_outputs
    cdef list owners

    def __cinit__(self, trees, tables, columns, Py_ssize_t n_features, Py_ssize_t width):
        cdef Py_ssize_t t
        trees = tuple(trees)  # no other thread takes one out of this
        self.owners, self.n_trees = [trees], len(trees)
        self.trees = <fml_tree *> PyMem_Malloc(self.n_trees * sizeof(fml_tree))
        if self.trees == NULL:
            raise MemoryError(f"no memory for {self.n_trees} trees")
        for name, each in (("tables", tables), ("columns", columns)):
            if each is not None and len(each) != self.n_trees:
                raise ValueError(f"there are {self.n_trees} trees, and {len(each)} {name}")
        tables = None if tables is None else tuple(tables)
        columns = None if columns is None else tuple(columns)
        for t in range(self.n_trees):
            self.hold(t, trees[t], None if tables is None else tables[t], None if columns is None else columns[t],
                      n_features, width)

    def __dealloc__(self):
        PyMem_Free(self.trees)

    cdef Py_ssize_t end_of_group(self, Py_ssize_t first, Py_ssize_t *n_nodes):
        """Where the trees end that are copied together with the first one; how many nodes they have."""
        cdef Py_ssize_t end = first
        n_nodes[0] = 0
        while end < self.n_trees and (end == first or (
            end - first < GROUP_TREES and n_nodes[0] + self.trees[end].n_nodes <= GROUP_NODES
        )):
            n_nodes[0] += self.trees[end].n_nodes
            end += 1
        return end

    cdef int hold(self, Py_ssize_t t, tree, table, columns, Py_ssize_t n_features, Py_ssize_t width) except -1:
        cdef fml_tree *held = self.trees + t
        cdef dict state = tree.__getstate__()
        cdef cnp.ndarray nodes = state["nodes"], values, own
        cdef Py_ssize_t seen = n_features
        held.n_nodes = cnp.PyArray_SIZE(nodes)
        if held.n_nodes == 0 or not is_node(nodes.dtype):
            raise ValueError(f"tree {t} has no nodes that could be read: {held.n_nodes} of type {nodes.dtype}")
        held.nodes = <const fml_node *> cnp.PyArray_DATA(nodes)
        if cnp.PyArray_BASE(nodes) != <PyObject *> tree:  # else the tree owns them
            self.owners.append(nodes)
        if held.n_nodes > INT32_MAX:
            raise ValueError(f"tree {t} has {held.n_nodes} nodes, more than {INT32_MAX}")
        held.columns, held.table, held.compact, held.d = NULL, NULL, NULL, seen
        if columns is not None:
            own = np.ascontiguousarray(columns, np.int64)
            seen = len(own)
            if seen and not 0 <= own.min() <= own.max() < n_features:
                raise ValueError(f"columns of tree {t} are {own.min()} to {own.max()}, and X has {n_features}")
            held.columns, held.d = <const int64_t *> cnp.PyArray_DATA(own), seen
            self.owners.append(own)
        if tree.n_features != seen:
            raise ValueError(f"tree {t} was grown on {tree.n_features} features and is given {seen}")
        if width:
            values = state["values"] if table is None else table
            if cnp.PyArray_TYPE(values) != cnp.NPY_DOUBLE or cnp.PyArray_SIZE(values) != held.n_nodes * width:
                shape = (<object> values).shape
                raise ValueError(
                    f"the table of tree {t} is {shape} {values.dtype}, not ({held.n_nodes}, {width}) float64"
                )
            if table is None and cnp.PyArray_NDIM(values) > 1:
                if t == 0:
                    self.n_outputs = cnp.PyArray_DIM(values, 1)
                elif cnp.PyArray_DIM(values, 1) != self.n_outputs:
                    raise ValueError(f"tree {t} has {cnp.PyArray_DIM(values, 1)} outputs, tree 0 has {self.n_outputs}")
            values = cnp.PyArray_GETCONTIGUOUS(values)
            held.table = <const double *> cnp.PyArray_DATA(values)
            if cnp.PyArray_BASE(values) != <PyObject *> tree:
                self.owners.append(values)
        return 0


cdef void copy_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_copy_tree(task, i, worker())


cdef void predict_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_predict_rows(task, i, worker())


cdef int predict(Held held, const float[:, ::1] X, fml_prediction *task, int n_threads) except -1:
    """Choose between the trees' own nodes and a copy, by what either takes."""
    cdef double n_nodes = 0, steps = 0, tree_steps, own_ns = 0, copied_ns
    cdef Py_ssize_t t, n_chunks
    task.n, task.d, task.keys, task.slots, task.first_tree = X.shape[0], X.shape[1], NULL, NULL, 0
    task.trees, task.n_trees, task.n_out, task.raw = held.trees, held.n_trees, held.n_trees, 0
    if task.n == 0 or task.n_trees == 0:
        return 0
    task.X = &X[0, 0] if task.d else NULL
    for t in range(task.n_trees):
        n_nodes += held.trees[t].n_nodes
        tree_steps = 1 + 1.2 * log2(held.trees[t].n_nodes)
        steps += tree_steps
        own_ns += (OWN_STEP if held.trees[t].n_nodes < NEAR_NODES else FAR_STEP) * tree_steps * task.n
    copied_ns = (STEP * steps + min(KEY * task.d, RAW * steps)) * task.n + NODE_COPY * n_nodes
    if task.d and copied_ns < own_ns:
        task.raw = RAW * steps < KEY * task.d
        return predict_by_copy(held, task, steps, n_threads)
    task.key_columns = 0
    task.block = max(64, min(MOST_ROWS, task.n // (4 * n_threads))) if n_threads > 1 else MOST_ROWS
    n_chunks = (task.n + task.block - 1) // task.block
    if own_ns < ALONE_NS:
        for t in range(n_chunks):
            fml_predict_rows(task, t, 0)
        return 0
    with nogil:
        run_chunks(predict_chunk, task, n_chunks, own_ns / n_chunks, n_threads)
    return 0


cdef int predict_by_copy(Held held, fml_prediction *task, double steps, int n_threads) except -1:
    """Copy some trees, let all rows pass through them, copy the next ones."""
    cdef Py_ssize_t t, first = 0, end = 0, size, n_chunks, largest_group = 0
    cdef uint64_t *compact = NULL
    cdef int32_t *origin = NULL
    cdef double row_ns
    task.key_columns = task.d
    if not task.raw:
        with nogil:
            if fml_any_nan(task.X, task.n * task.d):
                task.key_columns *= 2
    task.shift = 0
    while (<Py_ssize_t> 1 << task.shift) < task.key_columns:
        task.shift += 1
    size = 4 * task.key_columns + 8 * (task.n_groups * task.width if task.kind == FML_ADD_UP else
                                       task.n_trees * task.width)
    task.block = max(LEAST_ROWS, min(MOST_ROWS, BLOCK_BYTES // size))
    if task.raw:  # looked through for NaN, then asked, while it is in the cache
        task.block = max(LEAST_ROWS, RAW_BYTES // (4 * task.d))
    if n_threads > 1:
        task.block = min(task.block, max(LEAST_ROWS, task.n // (4 * n_threads)))
    task.block = min(task.block, task.n)
    n_chunks = (task.n + task.block - 1) // task.block
    n_threads = max(1, min(n_threads, max(n_chunks, task.n_trees)))
    task.largest = 0
    while end < held.n_trees:
        end = held.end_of_group(end, &size)
        largest_group = max(largest_group, size)
    for t in range(held.n_trees):
        task.largest = max(task.largest, held.trees[t].n_nodes)
    try:
        if not task.raw:
            task.keys = <uint32_t *> malloc(4 * task.block * task.key_columns * n_threads)
        task.slots = <uint64_t *> malloc(8 * (task.largest + 1) * n_threads)
        compact, origin = <uint64_t *> malloc(8 * largest_group), <int32_t *> malloc(4 * largest_group)
        if (task.keys == NULL and not task.raw) or task.slots == NULL or compact == NULL or origin == NULL:
            raise MemoryError(f"no memory for copies of trees, {largest_group} nodes of 12 bytes")
        while first < held.n_trees:
            end = held.end_of_group(first, &size)
            size = 0
            for t in range(first, end):
                held.trees[t].compact, held.trees[t].origin = compact + size, origin + size
                size += held.trees[t].n_nodes
            task.trees, task.n_trees, task.first_tree = held.trees + first, end - first, first
            row_ns = STEP * steps / held.n_trees * task.n_trees + KEY * task.d
            with nogil:
                run_chunks(copy_chunk, task, task.n_trees, NODE_COPY * size / task.n_trees, n_threads)
                run_chunks(predict_chunk, task, n_chunks, row_ns * task.block, n_threads)
            first = end
    finally:
        free(task.keys)
        free(task.slots)
        free(compact)
        free(origin)
    return 0


def apply(
    trees,                                   # in     (n_trees,)  sequence of Tree
    const float[:, ::1] X,                   # in     (n_samples, n_features)  NaN: missing
    columns,                                 # in     (n_trees,)  sequence of int64 (features of the tree,), or None
    int64_t[:, ::1] out,                     # out    (n_trees, n_samples)
    int n_threads,
):
    """Index of every sample's leaf in every tree."""
    cdef fml_prediction task
    task.kind, task.width, task.n_groups, task.scale = FML_APPLY, 0, 1, 1
    task.out = &out[0, 0] if out.shape[0] and out.shape[1] else NULL
    predict(Held(trees, None, columns, X.shape[1], 0), X, &task, n_threads)


def gather(
    trees,                                   # in     (n_trees,)  sequence of Tree
    tables,                                  # in     (n_trees,)  sequence of float64 (n_nodes, width); None: the values
    const float[:, ::1] X,                   # in     (n_samples, n_features)
    columns,                                 # in     see apply
    double[:, :, ::1] out,                   # out    (n_samples, n_trees, width)
    int n_threads,
):
    """What the tables hold for every sample's leaf in every tree."""
    cdef fml_prediction task
    task.kind, task.width, task.n_groups, task.scale = FML_GATHER, out.shape[2], 1, 1
    task.out = &out[0, 0, 0] if out.shape[0] and out.shape[1] and out.shape[2] else NULL
    predict(Held(trees, tables, columns, X.shape[1], task.width), X, &task, n_threads)


def add_up(
    trees,                                   # in     (n_trees,)  sequence of Tree
    tables,                                  # in     (n_trees,)  sequence of float64 (n_nodes, width); None: the values
    const float[:, ::1] X,                   # in     (n_samples, n_features)
    columns,                                 # in     see apply
    double scale,
    double[:, :, ::1] out,                   # in/out (n_samples, n_groups, width)
    int n_threads,
):
    """Add to group t % n_groups what the table of tree t holds for the leaf, times scale, tree by tree in order."""
    cdef fml_prediction task
    task.kind, task.width, task.n_groups, task.scale = FML_ADD_UP, out.shape[2], out.shape[1], scale
    task.out = &out[0, 0, 0] if out.shape[0] and out.shape[1] and out.shape[2] else NULL
    predict(Held(trees, tables, columns, X.shape[1], task.width), X, &task, n_threads)
