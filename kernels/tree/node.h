/* One node: its sums, its split, its place among the nodes, its children. */
#ifndef FML_TREE_NODE_H
#define FML_TREE_NODE_H
#include "part.h"
#include "split.h"

/* What became of a node. */
typedef struct {
    ptrdiff_t pos, feature;             /* pos: where the right side begins, the end of the node: no split */
    double threshold, improvement, impurity_left, impurity_right, weight_left, weight_right, middle;
    double error_left, error_right;     /* of the impurities, where close calls are looked for */
    uint8_t missing_left;
} fml_outcome;

static void fml_part_one(void *tree, ptrdiff_t j) {
    fml_tree *t = tree;
    fml_part_list(t, t->features[t->split_feature + j], t->g->worker(), t->keep_left, t->keep_right);
}

/* Start on samples[start:end]: their sums, unless two classes were counted already; for absolute_error also the medians
 * and, at the root, the impurity. */
static void fml_enter(fml_tree *t, ptrdiff_t start, ptrdiff_t end, int is_root, const double *counted) {
    const fml_growth *g = t->g;
    t->start = start;
    t->end = end;
    if (t->scan == FML_SCAN_GINI2 && !is_root) {
        t->total.weight = counted[0] + counted[1];
        memcpy(t->total.sums, counted, g->stride * sizeof *counted);
        return;
    }
    if (t->scan != FML_SCAN_MAE) {
        fml_swap_samples(t);
        fml_add_up(t, &t->total, start, end);
        fml_swap_samples(t);
        if (is_root) t->impurity = fml_impurity(t, &t->total, start, end);
        if (is_root && fml_is_wary(t)) t->error = 4 * fml_doubt_of_squares(t, end - start, t->total.squares, t->total.weight);
        return;
    }
    fml_median *m = t->median;
    t->total.weight = 0;
    for (ptrdiff_t p = start; p < end; p++) {
        m->order[p - start] = t->samples[p];
        t->total.weight += fml_weight(t, t->samples[p]);
    }
    fml_place(t);
    m->last_error[0] = 0;
    for (ptrdiff_t k = 0; k < g->n_outputs && end > start; k++) {
        fml_errors_pass(t, end - start, k, 1, m->last_error, m->last_median);
        t->total.sums[k] = m->last_median[0];
    }
    if (is_root) t->impurity = m->last_error[0] / (t->total.weight * g->n_outputs);
}

/* Whether a node of so many samples is a leaf whatever its samples are. */
static int fml_stays_leaf(const fml_growth *g, ptrdiff_t depth, ptrdiff_t n, double impurity) {
    return depth >= g->max_depth || n < g->min_split || n < 2 * g->min_leaf || impurity <= FML_LEAF_IMPURITY;
}

/* How much better than an impurity of the present node its children's are. */
static double fml_gain(const fml_tree *t, const fml_outcome *o, double impurity) {
    return fml_improvement(t, impurity, o->impurity_left, o->weight_left, o->impurity_right, o->weight_right);
}

/* Impurities of both sides, of which t->left is the left one, and what a monotonic constraint needs. */
static void fml_judge_sums(fml_tree *t, fml_outcome *o) {
    fml_sums right = {t->scratch->right, 0, 0};
    fml_rest(t, &t->left, &right);
    o->weight_left = t->left.weight;
    o->weight_right = right.weight;
    o->impurity_left = fml_impurity(t, &t->left, t->start, o->pos);
    o->impurity_right = fml_impurity(t, &right, o->pos, t->end);
    o->middle = t->left.sums[0] / (2 * o->weight_left) + right.sums[0] / (2 * o->weight_right);
}

/* The same for absolute_error. */
static void fml_judge_medians(fml_tree *t, fml_outcome *o) {
    const fml_growth *g = t->g;
    const fml_median *m = t->median;
    const ptrdiff_t n_left = o->pos - t->start;
    for (ptrdiff_t p = t->start; p < t->end; p++) m->order[p - t->start] = t->samples[p];
    fml_errors(t, t->end - t->start);
    o->weight_left = 0;
    for (ptrdiff_t p = t->start; p < o->pos; p++) o->weight_left += fml_weight(t, t->samples[p]);
    o->weight_right = t->total.weight - o->weight_left;
    o->impurity_left = m->first_error[n_left - 1] / (o->weight_left * g->n_outputs);
    o->impurity_right = m->last_error[n_left] / (o->weight_right * g->n_outputs);
    o->middle = (m->first_median[n_left - 1] + m->last_median[n_left]) / 2;
}

/* What comes of parting samples[start:pos:end] so. */
static void fml_judge(fml_tree *t, fml_outcome *o) {
    if (t->scan == FML_SCAN_MAE) fml_judge_medians(t, o);
    else {
        fml_swap_samples(t);
        fml_add_up_left(t, &t->left, o->pos);
        fml_swap_samples(t);
        fml_judge_sums(t, o);
    }
    o->improvement = fml_gain(t, o, t->impurity);
    if (!fml_is_wary(t)) return;
    o->error_left = fml_doubt_of_squares(t, t->end - t->start, t->total.squares, o->weight_left);
    o->error_right = fml_doubt_of_squares(t, t->end - t->start, t->total.squares, o->weight_right);
    fml_doubt_order(t, o->improvement + FML_LEAF_IMPURITY, t->g->min_decrease, t->error);
}

/* Give the tree up if only rounding tells whether the present node stays a leaf. error: of its impurity. */
static void fml_doubt_leaf(fml_tree *t, ptrdiff_t depth, double error) {
    if (fml_stays_leaf(t->g, depth, t->end - t->start, INFINITY) || t->total.weight < 2 * t->min_weight_leaf) return;
    fml_doubt_order(t, t->impurity, FML_LEAF_IMPURITY, error);
}

/* The values of a split are wanted soon: mostly they are in no cache (5 % of a deep regression tree's time went by waiting). */
static void fml_fetch_values(const fml_tree *t, ptrdiff_t f, const fml_split *s) {
    if (!t->g->values) return;
    const float *const values = t->g->values + f * t->g->n;
    __builtin_prefetch(values + s->rank_left);
    __builtin_prefetch(values + s->rank_right);
}

/* What scikit-learn notes of a split: the threshold, and the side of values that nobody missed. */
static void fml_note_split(const fml_tree *t, ptrdiff_t f, const fml_split *s, fml_outcome *o) {
    const fml_growth *g = t->g;
    const float *values = g->values ? g->values + f * g->n : NULL;
    o->feature = f;
    o->threshold = !values                 ? s->threshold
                   : s->only_missing_right ? INFINITY
                                           : values[s->rank_left] / 2.0 + values[s->rank_right] / 2.0;
    o->missing_left = s->n_missing ? s->missing_left : 2 * s->n_left > t->end - t->start;
}

/* Find the best split of the present node and part its samples. */
static void fml_split_node(fml_tree *t, fml_outcome *o) {
    const fml_growth *g = t->g;
    fml_split best = {.proxy = -INFINITY};
    o->feature = !g->values || g->arranged || g->max_features < g->d ? fml_choose(t, &best) : fml_choose_of_all(t, &best);
    o->pos = t->end;
    t->work += 1000;
    if (o->feature < 0) return;
    fml_fetch_values(t, o->feature, &best);
    fml_mark_sides(t, o->feature, &best);
    if (g->arranged) fml_part_arrangement(t);
    o->pos = fml_part_samples(t);
    fml_judge(t, o);
    fml_note_split(t, o->feature, &best, o);
}

/* Part the sorted lists of the features that are not constant in the node. */
static void fml_part_lists(fml_tree *t, ptrdiff_t n_constants, int keep_left, int keep_right) {
    const fml_growth *g = t->g;
    const ptrdiff_t n_open = g->d - n_constants;
    if (!t->lists || !(keep_left || keep_right)) return;
    t->split_feature = n_constants;
    t->keep_left = keep_left;
    t->keep_right = keep_right;
    if (g->n_threads > 1 && (t->end - t->start) * n_open >= FML_TOGETHER) g->together(fml_part_one, t, n_open, g->n_threads);
    else
        for (ptrdiff_t j = 0; j < n_open; j++) fml_part_list(t, t->features[n_constants + j], 0, keep_left, keep_right);
}

/* Room for so many items of a list that grows by doubling; returns where they are now, NULL without memory: then they
 * stay where they were. */
static inline void *fml_make_room(fml_tree *t, void *items, ptrdiff_t *capacity, ptrdiff_t wanted, size_t size) {
    if (wanted <= *capacity) return items;
    const ptrdiff_t doubled = *capacity ? 2 * *capacity : 64, larger = doubled > wanted ? doubled : wanted;
    void *const moved = realloc(items, larger * size);
    if (moved) *capacity = larger;
    else t->failed = 1;
    return moved;
}

/* Make room for so many nodes and their values; 1 without memory. */
static int fml_reserve(fml_tree *t, ptrdiff_t capacity) {
    if (capacity <= t->capacity) return 0;
    fml_node *nodes = realloc(t->nodes, capacity * sizeof *nodes);
    if (nodes) t->nodes = nodes;
    double *values = realloc(t->values, capacity * t->g->stride * sizeof *values);
    if (values) t->values = values;
    if (!nodes || !values) return t->failed = 1;
    fml_advise(nodes, capacity * sizeof *nodes);
    fml_advise(values, capacity * t->g->stride * sizeof *values);
    t->capacity = capacity;
    return 0;
}

/* The value of the present node. */
static void fml_write_value(const fml_tree *t, double *value) {
    const fml_growth *g = t->g;
    const double *const sums = t->total.sums;
    for (ptrdiff_t k = 0; k < g->stride; k += g->max_n_classes) {
        const ptrdiff_t n_classes = g->n_classes[k / g->max_n_classes];
        for (ptrdiff_t j = k; j < k + n_classes; j++) value[j] = t->scan == FML_SCAN_MAE ? sums[j] : sums[j] / t->total.weight;
        memset(value + k + n_classes, 0, (g->max_n_classes - n_classes) * sizeof *value); /* classes that an output does not have */
    }
    if (g->monotonic) {
        if (value[0] < t->lower) value[0] = t->lower;
        else if (value[0] > t->upper) value[0] = t->upper;
        if (g->codes && g->stride > 1) value[1] = 1 - value[0];
    }
}

/* Append a node that is a leaf so far, without its value; returns its number, -1 without memory. */
static ptrdiff_t fml_append(fml_tree *t, ptrdiff_t parent, int is_left, double impurity, ptrdiff_t n_samples, double weight) {
    if (t->n_nodes == t->capacity && fml_reserve(t, t->capacity ? 2 * t->capacity : 64)) return -1;
    const ptrdiff_t at = t->n_nodes++;
    t->nodes[at] = (fml_node){-1, -1, -2, -2, impurity, n_samples, weight, 0, {0}};
    if (parent >= 0) *(is_left ? &t->nodes[parent].left : &t->nodes[parent].right) = at;
    return at;
}

/* Append the present node; o: its split, where it is no leaf. */
static ptrdiff_t fml_append_present(fml_tree *t, ptrdiff_t parent, int is_left, int is_leaf, const fml_outcome *o) {
    const ptrdiff_t at = fml_append(t, parent, is_left, t->impurity, t->end - t->start, t->total.weight);
    if (at < 0) return -1;
    if (!is_leaf) {
        t->nodes[at].feature = o->feature;
        t->nodes[at].threshold = o->threshold;
        t->nodes[at].missing_left = o->missing_left;
    }
    fml_write_value(t, t->values + at * t->g->stride);
    return at;
}

/* A node that waits: for its split (depth first) or for its turn (best first). */
typedef struct {
    ptrdiff_t start, end, pos, depth, parent, n_constants, node;
    int is_left, is_leaf;
    double impurity, impurity_left, impurity_right, lower, upper, middle, improvement;
    double error, error_left, error_right; /* of the impurities, where close calls are looked for */
    double counted[2], counted_left[2]; /* weight by class, where there are two: of the node, of its left side */
    double other_impurity;              /* ahead: if it and its sibling changed sides */
    ptrdiff_t begins;                   /* ahead: 1 + the note that tells where its records begin; 0: none */
} fml_waiting;

typedef struct {
    fml_waiting *items;
    ptrdiff_t n, capacity;
} fml_queue;

static int fml_push(fml_tree *t, fml_queue *q, const fml_waiting *item) {
    fml_waiting *const items = fml_make_room(t, q->items, &q->capacity, q->n + 1, sizeof *items);
    if (!items) return 1;
    q->items = items;
    items[q->n++] = *item;
    return 0;
}

/* Room in a stack for the children of a node, the left one last, which comes next; NULL without memory. */
static fml_waiting *fml_push_two(fml_tree *t, fml_queue *q) {
    fml_waiting *const items = fml_make_room(t, q->items, &q->capacity, q->n + 2, sizeof *items);
    if (!items) return NULL;
    q->items = items;
    q->n += 2;
    return items + q->n - 2;
}

/* Bounds of the two children under a monotonic constraint of the feature that parts them. */
static void fml_bound(const fml_growth *g, ptrdiff_t f, double middle, fml_waiting *left, fml_waiting *right) {
    const int constraint = g->monotonic ? g->monotonic[f] : 0;
    if (constraint > 0) right->lower = left->upper = middle;
    else if (constraint < 0) left->lower = right->upper = middle;
}

/* The two children of a node that is split: where they begin and end, and what fml_judge found of them. */
static void fml_make_children(const fml_tree *t, const fml_waiting *now, ptrdiff_t at, const fml_outcome *o, fml_waiting *left, fml_waiting *right) {
    *left = *right = (fml_waiting){.start = now->start, .end = now->end, .depth = now->depth + 1, .parent = at,
                                   .n_constants = t->n_constants, .lower = now->lower, .upper = now->upper};
    left->end = right->start = o->pos;
    left->is_left = 1;
    left->impurity = o->impurity_left;
    right->impurity = o->impurity_right;
    left->error = o->error_left;
    right->error = o->error_right;
}

/* The children's weights by class, of which there are two: from those of the node and of its left side. */
static void fml_count_children(const fml_tree *t, const double *all, const double *on_left, fml_waiting *left, fml_waiting *right) {
    if (t->scan != FML_SCAN_GINI2) return;
    for (ptrdiff_t c = 0; c < t->g->stride; c++) {
        left->counted[c] = on_left[c];
        right->counted[c] = all[c] - on_left[c];
    }
}
#endif
