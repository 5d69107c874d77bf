"""Leaves of fitted trees, and what is looked up there. Twin: predict_jit.py.

The trees are scikit-learn's own objects. Their arrays are asked for at every call: a tree may have been changed by
hand, and one that was unpickled into has new arrays.
"""

cimport numpy as cnp
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport int64_t

import numpy as np

from fastml._kernels.runtime.interrupt cimport run_chunks

from fastml._kernels.tree.tables import NODE


cdef extern from "predict.h" nogil:
    ctypedef struct fml_node:
        pass

    ctypedef struct fml_tree:
        const fml_node *nodes
        const double *table
        const int64_t *columns
        Py_ssize_t n_nodes

    int FML_APPLY, FML_GATHER, FML_ADD_UP

    ctypedef struct fml_prediction:
        const float *X
        const fml_tree *trees
        void *out
        double scale
        Py_ssize_t n, d, n_trees, width, n_groups, block
        int kind
    void fml_predict_rows(void *task, Py_ssize_t chunk) noexcept


cdef class Held:
    """The arrays of the trees; what they belong to is kept alive.

    trees, tables, columns : see the kernels
    width : numbers looked up for a leaf; 0: none
    """
    cdef fml_tree *trees
    cdef Py_ssize_t n_trees
    cdef list owners

    def __cinit__(self, trees, tables, columns, Py_ssize_t n_features, Py_ssize_t width):
        cdef Py_ssize_t t
        self.owners, self.n_trees = [], len(trees)
        self.trees = <fml_tree *> PyMem_Malloc(self.n_trees * sizeof(fml_tree))
        if self.trees == NULL:
            raise MemoryError(f"no memory for {self.n_trees} trees")
        for t in range(self.n_trees):
            self.hold(t, trees[t], None if tables is None else tables[t], None if columns is None else columns[t],
                      n_features, width)

    def __dealloc__(self):
        PyMem_Free(self.trees)

    cdef int hold(self, Py_ssize_t t, tree, table, columns, Py_ssize_t n_features, Py_ssize_t width) except -1:
        cdef fml_tree *held = self.trees + t
        cdef dict state = tree.__getstate__()
        cdef cnp.ndarray nodes = state["nodes"], values, own
        cdef Py_ssize_t seen = n_features
        held.n_nodes = cnp.PyArray_SIZE(nodes)
        if nodes.dtype != NODE or held.n_nodes == 0:
            raise ValueError(f"tree {t} has no nodes that could be read: {held.n_nodes} of type {nodes.dtype}")
        held.nodes = <const fml_node *> cnp.PyArray_DATA(nodes)
        self.owners.append(nodes)
        held.columns = held.table = NULL
        if columns is not None:
            own = np.ascontiguousarray(columns, np.int64)
            seen = len(own)
            if seen and not 0 <= own.min() <= own.max() < n_features:
                raise ValueError(f"columns of tree {t} are {own.min()} to {own.max()}, and X has {n_features}")
            held.columns = <const int64_t *> cnp.PyArray_DATA(own)
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
            values = cnp.PyArray_GETCONTIGUOUS(values)
            held.table = <const double *> cnp.PyArray_DATA(values)
            self.owners.append(values)
        return 0


cdef void predict_chunk(void *task, Py_ssize_t i) noexcept nogil:
    fml_predict_rows(task, i)


cdef int predict(Held held, const float[:, ::1] X, fml_prediction *task, int n_threads) except -1:
    task.trees, task.n_trees = held.trees, held.n_trees
    task.n, task.d, task.block = X.shape[0], X.shape[1], 64
    if task.n == 0 or task.n_trees == 0:
        return 0
    task.X = &X[0, 0] if task.d else NULL
    cdef Py_ssize_t n_chunks = (task.n + task.block - 1) // task.block
    with nogil:
        run_chunks(predict_chunk, task, n_chunks, 100.0 * task.block * task.n_trees, n_threads)
    return 0


def apply(
    trees,                                   # in     (n_trees,)  sequence of Tree
    const float[:, ::1] X,                   # in     (n_samples, n_features)  NaN: missing
    columns,                                 # in     (n_trees,)  sequence of int64 (features of the tree,), or None
    int64_t[:, ::1] out,                     # out    (n_samples, n_trees)
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
