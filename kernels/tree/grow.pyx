"""Trees: the same tree as scikit-learn's, node by node. Twin: grow_jit.py (plain).

Features become integers once per fit (ranks.h), or in the nodes where few of them are drawn (unranked.h). A node's
best split is searched in each feature's sorted list, which either is kept through all splits (most features are looked
at) or made anew from the ranks (few are); two classes with whole weights are then counted instead, by rank (table.h)
or, of many ranks, in bins (bins.h). Candidates are computed in blocks (scan.h), in scikit-learn's own order of
operations. Sums of whole numbers are exact in any order, so such trees have scikit-learn's bits; other sums run in one
fixed order, whatever the number of threads.
"""

import numpy as np

from cpython.exc cimport PyErr_CheckSignals
from cpython.buffer cimport PyBuffer_FillInfo
from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, realloc

from fastml._kernels.runtime.interrupt cimport run_chunks
from fastml._kernels.runtime.pool cimport body_t, parallel_for, worker

from fastml._kernels.tree.tables import NODE, Features


cdef extern from "begin.h" nogil:
    ctypedef struct fml_prepare:
        const char *X
        Py_ssize_t n, d, row_bytes, column_bytes
        float *columns
        uint32_t *ranks
        uint64_t *entries
        float *values
        int64_t *n_distinct
        int64_t *missing
        uint8_t *close
        uint64_t *tight
        uint64_t *scratch
    void fml_prepare_block(void *task, Py_ssize_t block, int worker)
    void fml_prepare_feature(void *task, Py_ssize_t f, int worker)
    int FML_TRANSPOSED
    Py_ssize_t FML_MAX_SAMPLES, FML_BY_SAMPLE

    ctypedef struct fml_arena:
        pass
    void fml_arena_reset(fml_arena *arena, int last)

    ctypedef struct fml_growth:
        const float *columns
        const float *rows
        const uint32_t *ranks
        const uint64_t *entries
        uint64_t *spare
        const float *values
        const int64_t *n_distinct
        const int64_t *missing
        const uint8_t *close
        const uint64_t *tight
        const double *y
        const int32_t *codes
        const int64_t *n_classes
        Py_ssize_t n, d, n_outputs, stride
        Py_ssize_t max_n_classes, max_features, min_split, min_leaf, max_leaf_nodes, max_depth
        double min_decrease
        const int8_t *monotonic
        double doubt
        int criterion, random, presort, arranged, n_threads
        double (*user)(const double *, Py_ssize_t) noexcept nogil
        int (*stopped)(void *) noexcept nogil
        void *stop
        void (*together)(body_t, void *, Py_ssize_t, int) noexcept nogil
        int (*worker)() noexcept nogil
        fml_arena *arenas
        const uint32_t *y_ranks

    ctypedef struct fml_node:
        pass

    ctypedef struct fml_tree:
        const fml_growth *g
        const double *weights
        const uint8_t *counts
        double min_weight_leaf
        uint32_t random_state
        fml_node *nodes
        double *values
        Py_ssize_t n_nodes, depth, n_ahead
        int failed
    void fml_grow(fml_tree *tree)
    int FML_CLOSE_CALL, FML_GINI, FML_ENTROPY, FML_MSE, FML_MAE, FML_POISSON, FML_USER


CRITERIA = {
    "gini": FML_GINI,
    "entropy": FML_ENTROPY,
    "squared_error": FML_MSE,
    "absolute_error": FML_MAE,
    "poisson": FML_POISSON,
}
SEEN = 2048                              # samples that are looked at
FEW_VALUES = 256                         # at 80 counting by rank is 1.8 times as fast as sorted lists
cdef double SORT_NS = 15                 # of one sample of one feature in prepare


cdef void prepare_block(void *task, Py_ssize_t block) noexcept nogil:
    fml_prepare_block(task, block, worker())


cdef void prepare_feature(void *task, Py_ssize_t f) noexcept nogil:
    fml_prepare_feature(task, f, worker())


def has_few_values(X):
    """Whether most features seem to have so few values that two classes are best counted by rank."""
    some = X[:: max(len(X) // SEEN, 1), :: max(X.shape[1] // 16, 1)]
    if len(X) < SEEN:
        return False
    ascending = np.sort(some.T, axis=1)
    n_values = len(ascending) + np.count_nonzero(ascending[:, 1:] > ascending[:, :-1])
    return n_values < FEW_VALUES * len(ascending)


def as_given(X):
    """Return Features that trees read as they are: any of them may miss values. O(n_features)."""
    n_features = X.shape[1]
    rows = X if X.flags.c_contiguous else None
    columns = None if rows is not None else np.ascontiguousarray(X.T)
    missing = np.ones(n_features, np.int64)
    return Features(columns, None, None, None, np.zeros(n_features, np.int64), missing, None, rows=rows)


def prepare(X,               # in  (n_samples, n_features)  float32, any strides; NaN: missing
            bint random,     # in  for the random splitter
            bint presort,    # in  for trees that look at most features of every node
            int n_threads,
            bint ranked=True):  # in  False: as they are, for a few trees that draw few of the features
    """Return the Features of all samples. O(n_features * n_samples), a few passes of a radix sort."""
    cdef fml_prepare task
    cdef Py_ssize_t n = X.shape[0], d = X.shape[1]
    cdef float[:, ::1] columns = None, values = None
    cdef uint32_t[:, ::1] ranks = None
    cdef uint64_t[:, ::1] entries = None, tight = None
    cdef int64_t[::1] n_distinct = np.zeros(d, np.int64), missing = np.zeros(d, np.int64)
    cdef uint8_t[::1] close = np.zeros(d, np.uint8)
    cdef uint64_t[::1] scratch
    if n > FML_MAX_SAMPLES:
        raise ValueError(f"at most {FML_MAX_SAMPLES} samples, got {n}")
    if not ranked or (random and n < FML_BY_SAMPLE):
        return as_given(X)
    cdef const float[:, :] samples = X
    task.X, task.n, task.d = <const char *> &samples[0, 0], n, d
    task.row_bytes, task.column_bytes = samples.strides[0], samples.strides[1]
    task.columns, task.values, task.ranks, task.entries = NULL, NULL, NULL, NULL
    task.n_distinct, task.missing, task.close = &n_distinct[0], &missing[0], &close[0]
    if random:
        columns = np.empty((d, n), np.float32)
        task.columns = &columns[0, 0]
    else:
        values, tight = np.empty((d, n), np.float32), np.zeros((d, n // 64 + 1), np.uint64)
        task.values, task.tight = &values[0, 0], &tight[0, 0]
        if presort and not has_few_values(X):
            entries = np.empty((d, n), np.uint64)
            task.entries = &entries[0, 0]
        else:
            ranks = np.empty((d, n), np.uint32)
            task.ranks = &ranks[0, 0]
        scratch = np.empty((2 if entries is None else 1) * n * n_threads, np.uint64)
        task.scratch = &scratch[0]
    with nogil:
        run_chunks(prepare_block, &task, (n + FML_TRANSPOSED - 1) // FML_TRANSPOSED, FML_TRANSPOSED * d, n_threads)
        run_chunks(prepare_feature, &task, d, SORT_NS * n, n_threads)
    cdef list arrays = [columns, ranks, entries, values, n_distinct, missing, close, tight]
    rows = X if random and X.flags.c_contiguous else None
    return Features(*(None if a is None else np.asarray(a) for a in arrays), rows, presort)


cdef void grow_one(void *trees, Py_ssize_t i) noexcept nogil:
    fml_grow(<fml_tree *> trees + i)


cdef extern from *:
    """
    static inline int fml_read_flag(const int *flag) { return __atomic_load_n(flag, __ATOMIC_RELAXED); }
    static inline void fml_set_flag(int *flag) { __atomic_store_n(flag, 1, __ATOMIC_RELAXED); }
    """
    int fml_read_flag(const int *flag) noexcept nogil
    void fml_set_flag(int *flag) noexcept nogil


ctypedef struct Stop:
    int raised                           # read by all threads
    void *interrupts                     # list of what signal handlers raised


cdef int look(Stop *stop) noexcept with gil:
    try:
        PyErr_CheckSignals()
    except BaseException as interrupt:
        (<list> stop.interrupts).append(interrupt)
        return 1
    return 0


cdef int stopped(void *task) noexcept nogil:
    """Look for a signal, in the thread that called; true for all threads once there was one."""
    cdef Stop *stop = <Stop *> task
    if worker() == 0 and not fml_read_flag(&stop.raised) and look(stop):
        fml_set_flag(&stop.raised)
    return fml_read_flag(&stop.raised)


cdef class Memory:
    """What malloc gave, for an array to own."""
    cdef void *start
    cdef Py_ssize_t size

    def __dealloc__(self):
        free(self.start)

    def __getbuffer__(self, Py_buffer *buffer, int flags):
        PyBuffer_FillInfo(buffer, self, self.start, self.size, False, flags)


cdef owned(void **memory, Py_ssize_t size, dtype):
    """Make an array of malloc's memory, which it then owns."""
    cdef Memory owner = Memory()
    cdef void *shrunk = realloc(memory[0], size)
    owner.start, owner.size = shrunk if shrunk != NULL else memory[0], size
    memory[0] = NULL
    return np.frombuffer(owner, dtype)


cdef Py_ssize_t ahead = 0


def n_ahead():
    """Return how many nodes this process has grown ahead of their random streams (ahead.h): for tests."""
    return ahead


cdef grown(fml_tree *tree, const fml_growth *g):
    """Hand over a tree's nodes and values, without a copy."""
    global ahead
    ahead += tree.n_ahead
    nodes = owned(<void **> &tree.nodes, tree.n_nodes * NODE.itemsize, NODE)
    values = owned(<void **> &tree.values, tree.n_nodes * g.stride * sizeof(double), np.float64)
    return nodes, values.reshape(tree.n_nodes, g.n_outputs, g.max_n_classes), tree.depth


def grow(features,                       # in  Features
         const double[:, ::1] y,         # in  (n_samples, n_outputs)  targets, or codes of classes from 0 on
         n_classes,                      # in  (n_outputs,) int, or None: regression
         list weights,                   # in  of each tree: None, or (n_samples,) uint8 or float64
         min_weight_leaf,                # in  of each tree
         seeds,                          # in  of each tree: start of its xorshift
         rules,                          # in  Rules
         int n_threads):
    """Grow trees. Returns of each  (nodes, values, max_depth).

    O(n_samples * depth) for each feature that is looked at. Threads share out the trees, or where these are few the
    nodes of each (ahead.h) and the features of large nodes; results are the same. None stands for a tree that was given
    up, see Rules.
    """
    cdef fml_growth g
    cdef const float[:, ::1] columns = features.columns, values = features.values, rows = features.rows
    cdef const uint32_t[:, ::1] ranks = features.ranks, y_ranks = None
    cdef const uint64_t[:, ::1] entries = features.entries, tight = features.tight
    cdef const int64_t[::1] n_distinct = features.n_distinct, missing = features.missing, of_output
    cdef const uint8_t[::1] close = features.close  # None: as_given
    cdef const int8_t[::1] monotonic = rules.monotonic_cst
    cdef const int32_t[:, ::1] codes = None
    cdef const double[::1] fractions
    cdef const uint8_t[::1] counts
    cdef Py_ssize_t n_trees = len(weights), i
    cdef list interrupts = []
    cdef Stop stop
    g.n, g.n_outputs, g.d = y.shape[0], y.shape[1], n_distinct.shape[0]
    lengths = {table.shape[1] for table in features[:4] if table is not None}
    lengths |= set() if rows is None else {rows.shape[0]}
    lengths = (lengths | {len(a) for a in weights if a is not None}) - {g.n}
    if lengths:
        raise ValueError(f"{g.n} targets, but features or weights of {sorted(lengths)} samples")
    of_output = np.ones(g.n_outputs, np.int64) if n_classes is None else np.ascontiguousarray(n_classes, np.int64)
    g.n_classes, g.max_n_classes = &of_output[0], max(of_output)
    g.stride = g.n_outputs * g.max_n_classes
    g.columns = &columns[0, 0] if columns is not None else NULL
    g.rows = &rows[0, 0] if rows is not None else NULL
    g.ranks = &ranks[0, 0] if ranks is not None else NULL
    g.entries = &entries[0, 0] if entries is not None else NULL
    g.spare = <uint64_t *> g.entries if features.once and n_trees == 1 else NULL
    g.values = &values[0, 0] if values is not None else NULL
    g.tight = &tight[0, 0] if tight is not None else NULL
    g.n_distinct, g.missing = &n_distinct[0], &missing[0]
    g.close = &close[0] if close is not None else NULL
    g.y, g.codes, g.y_ranks = &y[0, 0], NULL, NULL
    if n_classes is not None:
        codes = np.asarray(y).astype(np.int32)
        g.codes = &codes[0, 0]
    if rules.criterion == "absolute_error":
        y_ranks = np.stack([np.unique(column, return_inverse=True)[1].reshape(-1) for column in np.asarray(y).T]
                           ).astype(np.uint32)
        g.y_ranks = &y_ranks[0, 0]
    g.monotonic = &monotonic[0] if monotonic is not None else NULL
    g.max_features, g.max_depth, g.max_leaf_nodes = rules.max_features, rules.max_depth, rules.max_leaf_nodes
    g.min_split, g.min_leaf, g.min_decrease = (
        rules.min_samples_split, rules.min_samples_leaf, rules.min_impurity_decrease)
    g.criterion, g.random, g.presort = CRITERIA.get(rules.criterion, FML_USER), rules.random, features.presort
    g.arranged, g.doubt = rules.arranged, -1 if rules.doubt is None else rules.doubt
    g.user = <double (*)(const double *, Py_ssize_t) noexcept nogil> <size_t> (
        rules.criterion.address if g.criterion == FML_USER else 0)
    stop.raised, stop.interrupts = 0, <void *> interrupts
    g.stopped, g.stop, g.together, g.worker = stopped, &stop, parallel_for, worker
    cdef bint one_by_one = n_trees < n_threads
    g.n_threads = n_threads if one_by_one else 1

    cdef fml_tree *trees = <fml_tree *> calloc(n_trees, sizeof(fml_tree))
    g.arenas = <fml_arena *> calloc(n_threads, sizeof(fml_arena))
    try:
        if trees == NULL or g.arenas == NULL:
            raise MemoryError()
        for i in range(n_trees):
            trees[i].g, trees[i].random_state, trees[i].min_weight_leaf = &g, seeds[i], min_weight_leaf[i]
            if weights[i] is not None and weights[i].dtype == np.uint8:
                counts = weights[i]
                trees[i].counts = &counts[0]
            elif weights[i] is not None:
                fractions = weights[i]
                trees[i].weights = &fractions[0]
        with nogil:
            if one_by_one:
                for i in range(n_trees):
                    fml_grow(trees + i)
            else:
                parallel_for(grow_one, trees, n_trees, n_threads)
        if interrupts:
            raise interrupts[0]
        for i in range(n_trees):
            if trees[i].failed and trees[i].failed != FML_CLOSE_CALL:
                raise MemoryError(f"no memory for tree {i} of {n_trees}")
        return [None if trees[i].failed else grown(trees + i, &g) for i in range(n_trees)]
    finally:
        for i in range(n_trees if trees != NULL else 0):
            free(trees[i].nodes)
            free(trees[i].values)
        for i in range(n_threads if g.arenas != NULL else 0):
            fml_arena_reset(g.arenas + i, True)
        free(trees)
        free(g.arenas)
