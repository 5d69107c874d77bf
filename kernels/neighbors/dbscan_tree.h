/* DBSCAN on a k-d tree, for any number of features and any density.  Its leaves hold eight points, one vector.
 *
 * Leaf b holds the points of places 8b .. 8b + 7; all leaves but the last are full. A node is a range [first, end) of leaves, numbered in
 * preorder: its halves are [first, middle), at node + 1, and [middle, end), at node + 2 (middle - first). No node is stored but its box.
 */
#ifndef FML_DBSCAN_TREE_H
#define FML_DBSCAN_TREE_H
#include "dbscan_runs.h"

#define FML_LEAF 8                  /* one vector */
#define FML_DEPTH 64                /* of any tree: it is balanced */
#define FML_SAMPLED 32              /* points by whose spread the feature to split is chosen */

typedef struct { double key; int32_t sample; } fml_keyed;
typedef struct { ptrdiff_t node, first, end; } fml_range;

#define FML_TOP_LEVELS 5            /* split one after the other, each node by one thread; the subtrees below grow side by side */
#define FML_TOPS ((1 << FML_TOP_LEVELS) - 1)

typedef struct {
    fml_dbscan work;
    const double *X;                /* (n, d)                    in */
    fml_keyed *keyed;               /* (n,)                      scratch */
    double *boxes;                  /* (2 n_leaves - 1, 2, d)    out   lowest and highest values */
    int32_t *nodes;                 /* (n_leaves,)               out   of the leaves */
    int32_t *common;                /* (2 n_leaves - 1,)         out   of the nodes, see dbscan_runs.h */
    int32_t *any_core;              /* (2 n_leaves - 1,)         out   a core place of each node, or -1 */
    ptrdiff_t n_leaves;
    fml_range tops[2 * FML_TOPS + 1];       /* node i has the halves 2i + 1 and 2i + 2 */
    int level;                      /* of `tops` in work */
    fml_range *parts;               /* (n_leaves,)               scratch, see dbscan_leaves.h */
    int across;                     /* whether parts are being joined with each other */
} fml_tree;

/* Where the places of the leaves before one end. */
static inline ptrdiff_t fml_leaf_end(const fml_tree *t, ptrdiff_t leaf) {
    return leaf * FML_LEAF < t->work.points.n ? leaf * FML_LEAF : t->work.points.n;
}
static inline fml_range fml_half(fml_range r, int second) {
    const ptrdiff_t middle = (r.first + r.end) / 2;
    return second ? (fml_range){r.node + 2 * (middle - r.first), middle, r.end} : (fml_range){r.node + 1, r.first, middle};
}

static inline void fml_sort_keyed(fml_keyed *a, ptrdiff_t n) {
    for (ptrdiff_t i = 1; i < n; i++) {
        const fml_keyed moved = a[i];
        ptrdiff_t j = i;
        for (; j > 0 && a[j - 1].key > moved.key; j--) a[j] = a[j - 1];
        a[j] = moved;
    }
}

/* Puts those below the pivot (or equal to it, if `equal`) first; returns their number. Without branches: 2 ns an element, not 5. */
static inline ptrdiff_t fml_partition(fml_keyed *a, ptrdiff_t n, double pivot, const int equal) {
    ptrdiff_t below = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        const fml_keyed moved = a[i];
        a[i] = a[below];
        a[below] = moved;
        below += equal ? moved.key <= pivot : moved.key < pivot;
    }
    return below;
}

/* Moves the k smallest of n to the front. */
static void fml_select(fml_keyed *a, ptrdiff_t n, ptrdiff_t k) {
    while (n > 24) {
        fml_keyed drawn[24];
        const ptrdiff_t n_drawn = n > 240 ? 24 : 7;
        for (ptrdiff_t i = 0; i < n_drawn; i++) drawn[i] = a[i * n / n_drawn];
        fml_sort_keyed(drawn, n_drawn);
        const double pivot = drawn[k * n_drawn / n].key;
        const ptrdiff_t below = fml_partition(a, n, pivot, 0);
        if (k == below) return;
        if (k < below) {
            n = below;
            continue;
        }
        const ptrdiff_t equal = fml_partition(a + below, n - below, pivot, 1);
        if (k <= below + equal) return;
        a += below + equal, n -= below + equal, k -= below + equal;
    }
    fml_sort_keyed(a, n);
}

/* The feature that spreads most among some of the samples: outliers alone do not make a feature long. */
static ptrdiff_t fml_longest(const double *X, ptrdiff_t d, const fml_keyed *a, ptrdiff_t n) {
    const ptrdiff_t step = n > FML_SAMPLED ? n / FML_SAMPLED : 1;
    double longest = -1;
    ptrdiff_t chosen = 0;
    for (ptrdiff_t f = 0; f < d; f++) {
        double low = INFINITY, high = -INFINITY;
        for (ptrdiff_t i = 0; i < n; i += step) {
            const double x = X[a[i].sample * d + f];
            low = x < low ? x : low, high = x > high ? x : high;
        }
        if (high - low > longest) longest = high - low, chosen = f;
    }
    return chosen;
}

/* Splits a range at a multiple of eight places. */
static void fml_split(const fml_tree *t, fml_range r) {
    const ptrdiff_t d = t->work.points.d, place = r.first * FML_LEAF, n = fml_leaf_end(t, r.end) - place;
    fml_keyed *const a = t->keyed + place;
    const ptrdiff_t f = fml_longest(t->X, d, a, n);
    for (ptrdiff_t i = 0; i < n; i++) a[i].key = t->X[a[i].sample * d + f];
    fml_select(a, n, fml_half(r, 1).first * FML_LEAF - place);
}

static void fml_fill_leaf(const fml_tree *t, ptrdiff_t leaf, double *box) {
    const fml_points *const p = &t->work.points;
    const ptrdiff_t d = p->d, place = leaf * FML_LEAF, end = fml_leaf_end(t, leaf + 1);
    for (ptrdiff_t i = place; i < end; i++) p->order[i] = t->keyed[i].sample;
    for (ptrdiff_t f = 0; f < d; f++) {
        double low = INFINITY, high = -INFINITY;
        for (ptrdiff_t i = place; i < end; i++) {
            const double x = t->X[t->keyed[i].sample * d + f];
            p->values[f * p->stride + i] = x;
            low = x < low ? x : low, high = x > high ? x : high;
        }
        box[f] = low, box[d + f] = high;
    }
}

static inline void fml_enclose(double *box, const double *one, const double *two, ptrdiff_t d) {
    for (ptrdiff_t f = 0; f < d; f++) {
        box[f] = one[f] < two[f] ? one[f] : two[f];
        box[d + f] = one[d + f] > two[d + f] ? one[d + f] : two[d + f];
    }
}

/* Halves a range until it is a leaf, and fills in its leaves and boxes. */
static void fml_grow(const fml_tree *t, fml_range r) {
    const ptrdiff_t d = t->work.points.d, row = 2 * d;
    double *const box = t->boxes + r.node * row;
    if (r.end - r.first == 1) {
        t->nodes[r.first] = (int32_t)r.node;
        fml_fill_leaf(t, r.first, box);
        return;
    }
    const fml_range one = fml_half(r, 0), two = fml_half(r, 1);
    fml_split(t, r);
    fml_grow(t, one);
    fml_grow(t, two);
    fml_enclose(box, t->boxes + one.node * row, t->boxes + two.node * row, d);
}

/* Steps of the same by several threads: splits of one level, then subtrees, then the boxes above them. */
static inline void fml_begin_tree(fml_tree *t) {
    for (ptrdiff_t i = 0; i < t->work.points.n; i++) t->keyed[i].sample = (int32_t)i;
    t->tops[0] = (fml_range){0, 0, t->n_leaves};
    t->level = 0;
}
static inline void fml_split_top(void *task, ptrdiff_t i) {
    fml_tree *const t = task;
    i += (1 << t->level) - 1;
    fml_split(t, t->tops[i]);
    for (int half = 0; half < 2; half++) t->tops[2 * i + 1 + half] = fml_half(t->tops[i], half);
}
static inline void fml_grow_part(void *task, ptrdiff_t i) {
    fml_tree *const t = task;
    fml_grow(t, t->tops[(1 << t->level) - 1 + i]);
}
static inline void fml_end_tree(fml_tree *t) {
    const ptrdiff_t d = t->work.points.d, row = 2 * d;
    for (ptrdiff_t i = (1 << t->level) - 2; i >= 0; i--)
        fml_enclose(t->boxes + t->tops[i].node * row, t->boxes + t->tops[2 * i + 1].node * row, t->boxes + t->tops[2 * i + 2].node * row, d);
}
#endif
