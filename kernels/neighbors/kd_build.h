/* Growing the k-d tree of trees.py.  `order` is permuted in place; slot s of the leaves is position s of it. */
#ifndef FML_KD_BUILD_H
#define FML_KD_BUILD_H
#include "kd_tree.h"
#include "pairs.h"

typedef struct {
    fml_kd tree;                     /* out */
    const double *X;                 /* (n, d)      in */
    fml_pair *pairs;                 /* (n,)        scratch */
    double *corners;                 /* (n_threads, FML_BOXES * 2 * s)  scratch */
} fml_kd_build;

#define FML_BOXES 4                  /* of a node, and of its halves, quarters and eighths in turn */

/* Corners of the box around the samples of leaves first to end - 1: box (2, s). */
static inline void fml_box(const fml_kd_build *t, ptrdiff_t first, ptrdiff_t end, double *restrict box) {
    const ptrdiff_t spread = t->tree.s, last = end * FML_LEAF < t->tree.n ? end * FML_LEAF : t->tree.n;
    for (ptrdiff_t f = 0; f < spread; f++) box[f] = INFINITY, box[spread + f] = -INFINITY;
    for (ptrdiff_t p = first * FML_LEAF; p < last; p++) {
        const double *const x = t->X + t->tree.order[p] * t->tree.d;
        for (ptrdiff_t f = 0; f < spread; f++) {
            box[f] = x[f] < box[f] ? x[f] : box[f];
            box[spread + f] = x[f] > box[spread + f] ? x[f] : box[spread + f];
        }
    }
}

/* Parts the samples of leaves first to end - 1 at the start of leaf `middle`, in the dimension in which they spread most. */
static inline void fml_part(fml_kd_build *t, ptrdiff_t first, ptrdiff_t middle, ptrdiff_t end, const double *box) {
    const ptrdiff_t d = t->tree.d, spread = t->tree.s, begin = first * FML_LEAF, last = end * FML_LEAF < t->tree.n ? end * FML_LEAF : t->tree.n;
    ptrdiff_t widest = 0;
    for (ptrdiff_t f = 1; f < spread; f++)
        if (box[spread + f] - box[f] > box[spread + widest] - box[widest]) widest = f;
    fml_pair *const pairs = t->pairs + begin;
    int64_t *const order = t->tree.order + begin;
    for (ptrdiff_t p = 0; p < last - begin; p++) pairs[p].key = t->X[order[p] * d + widest], pairs[p].index = order[p];
    fml_select(pairs, last - begin, middle * FML_LEAF - begin);
    for (ptrdiff_t p = 0; p < last - begin; p++) order[p] = pairs[p].index;
}

/* Nodes of a tree of so many leaves; as count_nodes of trees.py. */
static ptrdiff_t fml_count_nodes(ptrdiff_t n_leaves, int halvings) {
    if (halvings && n_leaves > 1)
        return fml_count_nodes(n_leaves / 2, halvings - 1) + fml_count_nodes(n_leaves - n_leaves / 2, halvings - 1);
    return n_leaves <= 1 ? 0 : 1 + fml_count_nodes(n_leaves, 3);
}

static inline void fml_set_child(const fml_kd *tree, ptrdiff_t node, int c, int32_t child, ptrdiff_t first, const double *box) {
    const ptrdiff_t spread = tree->s;
    tree->children[node * FML_WIDTH + c] = child;
    tree->starts[node * (FML_WIDTH + 1) + c] = (int32_t)first;
    double *const corners = tree->boxes + node * spread * 2 * FML_WIDTH + c;
    for (ptrdiff_t f = 0; f < spread; f++) {
        corners[2 * f * FML_WIDTH] = box ? box[f] : NAN;
        corners[(2 * f + 1) * FML_WIDTH] = box ? box[spread + f] : NAN;
    }
}

/* Fills children c to c + width - 1 of a node with the leaves first to end - 1, in their box; the children's nodes are numbered
 * from *next on, with room for what lies below each. */
static void fml_fill_children(fml_kd_build *t, ptrdiff_t node, int c, int width, ptrdiff_t first, ptrdiff_t end, double *box,
                              ptrdiff_t *next) {
    if (width > 1 && end - first > 1) {
        const ptrdiff_t middle = first + (end - first) / 2;
        fml_part(t, first, middle, end, box);
        double *const inner = box + 2 * t->tree.s;
        fml_box(t, first, middle, inner);
        fml_fill_children(t, node, c, width / 2, first, middle, inner, next);
        fml_box(t, middle, end, inner);
        fml_fill_children(t, node, c + width / 2, width / 2, middle, end, inner, next);
        return;
    }
    fml_set_child(&t->tree, node, c, end - first > 1 ? (int32_t)*next : ~(int32_t)first, first, box);
    if (end - first > 1) *next += 1 + fml_count_nodes(end - first, 3);
    for (int absent = 1; absent < width; absent++) fml_set_child(&t->tree, node, c + absent, FML_ABSENT, end, NULL);
}

/* box (FML_BOXES, 2, s): the first holds the node's box. */
static inline void fml_grow_node(fml_kd_build *t, ptrdiff_t node, ptrdiff_t first, ptrdiff_t end, double *box) {
    ptrdiff_t next = node + 1;
    fml_fill_children(t, node, 0, FML_WIDTH, first, end, box, &next);
    t->tree.starts[node * (FML_WIDTH + 1) + FML_WIDTH] = (int32_t)end;
}

/* By index: then the order, too, follows from the samples alone. */
static inline void fml_write_leaf(const fml_kd_build *t, ptrdiff_t leaf) {
    const ptrdiff_t d = t->tree.d;
    double *const out = t->tree.points + leaf * d * FML_LEAF;
    int64_t *const order = t->tree.order + leaf * FML_LEAF;
    const int n = (int)(t->tree.n - leaf * FML_LEAF < FML_LEAF ? t->tree.n - leaf * FML_LEAF : FML_LEAF);
    for (int i = 1; i < n; i++) {
        const int64_t moving = order[i];
        int at = i;
        for (; at > 0 && order[at - 1] > moving; at--) order[at] = order[at - 1];
        order[at] = moving;
    }
    for (int s = n; s < FML_LEAF; s++) order[s] = -1;
    for (int s = 0; s < FML_LEAF; s++)
        for (ptrdiff_t f = 0; f < d; f++) out[f * FML_LEAF + s] = s < n ? t->X[order[s] * d + f] : INFINITY;
}

/* Child c of a node: its leaf, or how it is parted. */
static inline void fml_grow_child(fml_kd_build *t, ptrdiff_t node, int c, double *box) {
    const fml_kd *const tree = &t->tree;
    const int32_t child = tree->children[node * FML_WIDTH + c], *const starts = tree->starts + node * (FML_WIDTH + 1) + c;
    if (child == FML_ABSENT) return;
    if (child < 0) {
        fml_write_leaf(t, starts[0]);
        return;
    }
    const double *const corners = tree->boxes + node * tree->s * 2 * FML_WIDTH + c;
    for (ptrdiff_t f = 0; f < tree->s; f++)
        box[f] = corners[2 * f * FML_WIDTH], box[tree->s + f] = corners[(2 * f + 1) * FML_WIDTH];
    fml_grow_node(t, child, starts[0], starts[1], box);
}

/* A child and all that lies below it. */
static void fml_grow_below(fml_kd_build *t, ptrdiff_t node, int c, double *box) {
    fml_grow_child(t, node, c, box);
    const int32_t child = t->tree.children[node * FML_WIDTH + c];
    for (int inner = 0; child >= 0 && inner < FML_WIDTH; inner++) fml_grow_below(t, child, inner, box);
}

static inline void fml_grow_root(fml_kd_build *t) {
    for (ptrdiff_t p = 0; p < t->tree.n; p++) t->tree.order[p] = p;
    fml_box(t, 0, t->tree.n_leaves, t->corners);
    fml_grow_node(t, 0, 0, t->tree.n_leaves, t->corners);
}

/* One chunk for each child of the root, and then one for each of their children with all below it. */
static inline void fml_grow_limb(void *task, ptrdiff_t c, int worker) {
    fml_kd_build *t = task;
    fml_grow_child(t, 0, (int)c, t->corners + worker * FML_BOXES * 2 * t->tree.s);
}

static inline void fml_grow_branch(void *task, ptrdiff_t i, int worker) {
    fml_kd_build *t = task;
    const int32_t limb = t->tree.children[i / FML_WIDTH];
    if (limb >= 0) fml_grow_below(t, limb, (int)(i % FML_WIDTH), t->corners + worker * FML_BOXES * 2 * t->tree.s);
}
#endif
