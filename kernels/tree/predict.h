/* C side of predict.pyx: the leaves of samples in fitted trees, and what is done with them.
 *
 * Few samples walk through the trees' own nodes, many through a compact copy (predict_compact.h). No reference of a
 * tree is trusted: one that leads outside it ends the walk, as a leaf does.
 */
#ifndef FML_PREDICT_H
#define FML_PREDICT_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FML_LANES 8         /* samples that walk in lock-step: their loads overlap */
#define FML_UNROLL _Pragma("GCC unroll 8")
#define FML_LEAVES 256      /* samples whose leaves are found before what they hold is looked up */

typedef struct {            /* scikit-learn's own */
    int64_t child[2], feature; /* left and right; left < 0: a leaf */
    double threshold, impurity;
    int64_t n_samples;
    double weight;
    uint8_t missing_left, unused[7];
} fml_node;

typedef struct {
    const fml_node *nodes;  /* (n_nodes,)  in */
    const double *table;    /* (n_nodes, width)  in     NULL: nothing is looked up */
    const int64_t *columns; /* (d,)  in     column of X of every feature; NULL: the same */
    uint64_t *compact;      /* (n_nodes,)  out    see predict_compact.h; NULL: there is none */
    int32_t *origin;        /* (n_nodes,)  out    their places in the tree */
    ptrdiff_t n_nodes, d;
    int depth, first_steps; /* of the compact copy: its depth; steps before anyone is expected at a leaf */
} fml_tree;

enum { FML_APPLY, FML_GATHER, FML_ADD_UP };

typedef struct {
    const float *X;         /* (n, d)  in */
    fml_tree *trees;        /* (n_trees,)  in */
    void *out;              /* APPLY: (n_out, n) int64; GATHER: (n, n_out, width) double; ADD_UP: (n, n_groups, width) double */
    uint32_t *keys;         /* (n_threads, block, key_columns)  scratch */
    uint64_t *slots;        /* (n_threads, largest + 1)  scratch   where the copies of nodes go */
    double scale;
    ptrdiff_t n, d, n_out, n_trees, first_tree, width, n_groups, block, key_columns, largest;
    int kind, shift, raw;   /* raw: the copies are asked about X itself, not keys */
} fml_prediction;

#define FML_INLINE static inline __attribute__((always_inline))
#define FML_RIGHT(x, node) (!((x) <= (node)->threshold) & !(((x) != (x)) & ((node)->missing_left != 0)))

static int64_t fml_leaf(const fml_tree *tree, const float *x) {
    int64_t at = 0, next;
    for (ptrdiff_t step = 0; step < tree->n_nodes; step++, at = next) {
        const fml_node *const node = tree->nodes + at;
        if (node->child[0] < 0 || (uint64_t)node->feature >= (uint64_t)tree->d) break;
        const float value = x[tree->columns ? tree->columns[node->feature] : node->feature];
        if (value <= node->threshold) next = node->child[0];
        else if (value != value && node->missing_left) next = node->child[0];
        else next = node->child[1];
        if ((uint64_t)next >= (uint64_t)tree->n_nodes) break;
    }
    return at;
}

/* The same for FML_LANES rows at a time, without a branch on what they hold. `renamed`: whether the tree has columns */
FML_INLINE int fml_leaves_in_step(const fml_tree *tree, const float *X, ptrdiff_t row, int n, int32_t *leaf, int renamed) {
    const fml_node *const nodes = tree->nodes;
    const int64_t *const columns = tree->columns;
    const uint64_t n_nodes = (uint64_t)tree->n_nodes, d = (uint64_t)tree->d;
    int i = 0;
    for (; i + FML_LANES <= n; i += FML_LANES) {
        const float *const x = X + i * row;
        uint64_t at[FML_LANES] = {0}, moved = 1;
        for (uint64_t step = 0; moved && step < n_nodes; step++) {
            moved = 0;
FML_UNROLL
            for (int r = 0; r < FML_LANES; r++) {
                const fml_node *const node = nodes + at[r];
                const uint64_t unknown = -(uint64_t)((uint64_t)node->feature >= d), f = (uint64_t)node->feature & ~unknown;
                const float value = x[r * row + (renamed ? columns[f] : (int64_t)f)];
                const uint64_t next = (uint64_t)node->child[FML_RIGHT(value, node)];
                const uint64_t outside = -(uint64_t)(next >= n_nodes), is_leaf = (uint64_t)(node->child[0] >> 63);
                const uint64_t change = (next ^ at[r]) & ~(unknown | outside | is_leaf);
                at[r] ^= change, moved |= change;
            }
        }
        for (int r = 0; r < FML_LANES; r++) leaf[i + r] = (int32_t)at[r];
    }
    return i;
}

/* The leaves of n <= FML_LEAVES rows of X */
static void fml_leaves(const fml_tree *tree, const float *X, ptrdiff_t d, int n, int32_t *leaf) {
    int i = 0;
    if (tree->d && tree->columns) i = fml_leaves_in_step(tree, X, d, n, leaf, 1);
    else if (tree->d) i = fml_leaves_in_step(tree, X, d, n, leaf, 0);
    for (; i < n; i++) leaf[i] = (int32_t)fml_leaf(tree, X + i * d);
}

/* Does with the leaves of n samples, from sample i on, in tree t, what the call is for */
static void fml_keep(const fml_prediction *p, ptrdiff_t t, ptrdiff_t i, int n, const int32_t *leaf) {
    const double *const table = p->trees[t].table, scale = p->scale;
    const ptrdiff_t width = p->width, tree = p->first_tree + t;
    if (p->kind == FML_APPLY) {
        int64_t *const out = (int64_t *)p->out + tree * p->n + i;
        for (int s = 0; s < n; s++) out[s] = leaf[s];
    } else if (p->kind == FML_GATHER) {
        double *const out = (double *)p->out + (i * p->n_out + tree) * width;
        for (int s = 0; s < n; s++)
            for (ptrdiff_t j = 0; j < width; j++) out[s * p->n_out * width + j] = table[leaf[s] * width + j];
    } else {
        const ptrdiff_t stride = p->n_groups * width;
        double *const out = (double *)p->out + i * stride + tree % p->n_groups * width;
        if (width == 1)
            for (int s = 0; s < n; s++) out[s * stride] += scale * table[leaf[s]];
        else if (width == 2)
            for (int s = 0; s < n; s++) {
                const double *const pair = table + 2 * (ptrdiff_t)leaf[s];
                out[s * stride] += scale * pair[0];
                out[s * stride + 1] += scale * pair[1];
            }
        else
            for (int s = 0; s < n; s++)
                for (ptrdiff_t j = 0; j < width; j++) out[s * stride + j] += scale * table[leaf[s] * width + j];
    }
}

#include "predict_compact.h"

/* One block of rows through all trees in order */
static void fml_predict_rows(void *task, ptrdiff_t chunk, int worker) {
    const fml_prediction *const p = task;
    const ptrdiff_t first = chunk * p->block, end = first + p->block < p->n ? first + p->block : p->n;
    const float *const X = p->X + first * p->d;
    const uint32_t *keys = p->raw ? (const uint32_t *)X : NULL;
    int32_t leaf[FML_LEAVES];
    if (p->keys) {
        uint32_t *const own = p->keys + worker * p->block * p->key_columns;
        fml_make_keys(X, end - first, p->d, p->key_columns, own);
        keys = own;
    } else if (p->raw && fml_any_nan(X, (end - first) * p->d)) keys = NULL;
    for (ptrdiff_t t = 0; t < p->n_trees; t++)
        for (ptrdiff_t i = 0; i < end - first; i += FML_LEAVES) {
            const int n = (int)(end - first - i < FML_LEAVES ? end - first - i : FML_LEAVES);
            const fml_tree *const tree = p->trees + t;
            if (tree->compact && keys) fml_compact_leaves(p, tree, keys + i * p->key_columns, n, leaf);
            else fml_leaves(tree, X + i * p->d, p->d, n, leaf);
            fml_keep(p, t, first + i, n, leaf);
        }
}
#endif
