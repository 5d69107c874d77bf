/* One tree, depth first or best first, node by node as scikit-learn numbers them. */
#ifndef FML_TREE_GROW_TREE_H
#define FML_TREE_GROW_TREE_H
#include "part.h"
#include "split.h"

/* From so many entries of a node on its features are shared out among threads: about 200 us of work. */
#define FML_TOGETHER 65536

/* What became of a node. */
typedef struct {
    ptrdiff_t pos, feature;             /* pos: where the right side begins, the end of the node: no split */
    double threshold, improvement, impurity_left, impurity_right, middle;
    uint8_t missing_left;
} fml_outcome;

static void fml_look_one(void *tree, ptrdiff_t j) {
    fml_tree *t = tree;
    const ptrdiff_t f = t->features[t->n_constants + j];
    fml_look(t, f, t->g->worker(), t->found + f);
}

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
        fml_add_up(t, &t->total, start, end);
        if (is_root) t->impurity = fml_impurity(t, &t->total, start, end);
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

/* Whether a child of so many samples is a leaf whatever its samples are. */
static int fml_stays_leaf(const fml_growth *g, ptrdiff_t depth, ptrdiff_t n, double impurity) {
    return depth >= g->max_depth || n < g->min_split || n < 2 * g->min_leaf || impurity <= FML_LEAF_IMPURITY;
}

/* Impurities of both sides of samples[start:pos:end], and what a monotonic constraint needs. */
static void fml_judge(fml_tree *t, fml_outcome *o) {
    const fml_growth *g = t->g;
    double wl, wr;
    if (t->scan == FML_SCAN_MAE) {
        const fml_median *m = t->median;
        const ptrdiff_t n_left = o->pos - t->start;
        for (ptrdiff_t p = t->start; p < t->end; p++) m->order[p - t->start] = t->samples[p];
        fml_errors(t, t->end - t->start);
        wl = 0;
        for (ptrdiff_t p = t->start; p < o->pos; p++) wl += fml_weight(t, t->samples[p]);
        wr = t->total.weight - wl;
        o->impurity_left = m->first_error[n_left - 1] / (wl * g->n_outputs);
        o->impurity_right = m->last_error[n_left] / (wr * g->n_outputs);
        o->middle = (m->first_median[n_left - 1] + m->last_median[n_left]) / 2;
    } else {
        fml_sums right = {t->scratch->right, 0, 0};
        fml_add_up_left(t, &t->left, o->pos);
        fml_rest(t, &t->left, &right);
        wl = t->left.weight;
        wr = right.weight;
        o->impurity_left = fml_impurity(t, &t->left, t->start, o->pos);
        o->impurity_right = fml_impurity(t, &right, o->pos, t->end);
        o->middle = t->left.sums[0] / (2 * wl) + right.sums[0] / (2 * wr);
    }
    o->improvement = fml_improvement(t, t->impurity, o->impurity_left, wl, o->impurity_right, wr);
}

/* Find the best split of the present node and part its samples. */
static void fml_split_node(fml_tree *t, fml_outcome *o) {
    const fml_growth *g = t->g;
    const ptrdiff_t n = t->end - t->start, n_open = g->d - t->n_constants;
    const int together = g->n_threads > 1 && !g->random && t->scan != FML_SCAN_MAE && g->max_features >= g->d && n * n_open >= FML_TOGETHER;
    fml_split best;
    if (together) g->together(fml_look_one, t, n_open, g->n_threads);
    o->feature = fml_choose(t, together ? t->found : NULL, &best);
    o->pos = t->end;
    t->work += together ? (double)n * n_open : 1000;
    if (o->feature < 0) return;
    fml_mark_sides(t, o->feature, &best);
    o->pos = fml_part_samples(t);
    const float *values = g->values ? g->values + o->feature * g->n : NULL;
    o->threshold = g->random ? best.threshold
                   : best.only_missing_right ? INFINITY : values[best.rank_left] / 2.0 + values[best.rank_right] / 2.0;
    o->missing_left = best.n_missing ? best.missing_left : o->pos - t->start > t->end - o->pos;
    fml_judge(t, o);
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

/* Append a node and its value; returns its number, -1 without memory. */
static ptrdiff_t fml_append(fml_tree *t, ptrdiff_t parent, int is_left, int is_leaf, const fml_outcome *o) {
    const fml_growth *g = t->g;
    if (t->n_nodes == t->capacity) {
        const ptrdiff_t capacity = t->capacity ? 2 * t->capacity : 64;
        fml_node *nodes = realloc(t->nodes, capacity * sizeof *nodes);
        if (nodes) t->nodes = nodes;
        double *values = realloc(t->values, capacity * g->stride * sizeof *values);
        if (values) t->values = values;
        if (!nodes || !values) {
            t->failed = 1;
            return -1;
        }
        t->capacity = capacity;
    }
    const ptrdiff_t at = t->n_nodes++;
    fml_node *node = t->nodes + at;
    double *value = t->values + at * g->stride;
    memset(node, 0, sizeof *node);
    node->left = node->right = -1;
    node->feature = -2;
    node->threshold = -2;
    node->impurity = t->impurity;
    node->n_samples = t->end - t->start;
    node->weighted_n_samples = t->total.weight;
    if (!is_leaf) {
        node->feature = o->feature;
        node->threshold = o->threshold;
        node->missing_left = o->missing_left;
    }
    if (parent >= 0) *(is_left ? &t->nodes[parent].left : &t->nodes[parent].right) = at;
    for (ptrdiff_t j = 0; j < g->stride; j++) value[j] = t->scan == FML_SCAN_MAE ? t->total.sums[j] : t->total.sums[j] / t->total.weight;
    if (g->codes) /* classes that an output does not have: no value */
        for (ptrdiff_t k = 0; k < g->n_outputs; k++)
            for (ptrdiff_t c = g->n_classes[k]; c < g->max_n_classes; c++) value[k * g->max_n_classes + c] = 0;
    if (g->monotonic) {
        if (value[0] < t->lower) value[0] = t->lower;
        else if (value[0] > t->upper) value[0] = t->upper;
        if (g->codes && g->stride > 1) value[1] = 1 - value[0];
    }
    return at;
}

/* A node that waits: for its split (depth first) or for its turn (best first). */
typedef struct {
    ptrdiff_t start, end, pos, depth, parent, n_constants, node;
    int is_left, is_leaf;
    double impurity, impurity_left, impurity_right, lower, upper, middle, improvement;
    double counted[2], counted_left[2]; /* weight by class, where there are two: of the node, of its left side */
} fml_waiting;

typedef struct {
    fml_waiting *items;
    ptrdiff_t n, capacity;
} fml_queue;

static int fml_push(fml_tree *t, fml_queue *q, const fml_waiting *item) {
    if (q->n == q->capacity) {
        const ptrdiff_t capacity = q->capacity ? 2 * q->capacity : 64;
        fml_waiting *items = realloc(q->items, capacity * sizeof *items);
        if (!items) return t->failed = 1;
        q->items = items;
        q->capacity = capacity;
    }
    q->items[q->n++] = *item;
    return 0;
}

/* Bounds of the two children under a monotonic constraint of the feature that parts them. */
static void fml_bound(const fml_growth *g, ptrdiff_t f, double middle, fml_waiting *left, fml_waiting *right) {
    const int constraint = g->monotonic ? g->monotonic[f] : 0;
    if (constraint > 0) right->lower = left->upper = middle;
    else if (constraint < 0) left->lower = right->upper = middle;
}

/* What fml_judge found of the children's classes. */
static void fml_count_children(const fml_tree *t, fml_waiting *left, fml_waiting *right) {
    if (t->scan != FML_SCAN_GINI2) return;
    for (ptrdiff_t c = 0; c < t->g->stride; c++) {
        left->counted[c] = t->left.sums[c];
        right->counted[c] = t->total.sums[c] - t->left.sums[c];
    }
}

/* Depth first: the left child comes next. */
static void fml_depth_first(fml_tree *t) {
    const fml_growth *g = t->g;
    fml_queue stack = {NULL, 0, 0};
    fml_outcome o;
    fml_waiting now = {.end = t->n_used, .parent = -1, .impurity = INFINITY, .lower = -INFINITY, .upper = INFINITY};
    fml_push(t, &stack, &now);
    while (stack.n && !fml_interrupted(t)) {
        now = stack.items[--stack.n];
        t->impurity = now.impurity;
        t->lower = now.lower;
        t->upper = now.upper;
        t->n_constants = now.n_constants;
        fml_enter(t, now.start, now.end, now.parent < 0, now.counted);
        int is_leaf = fml_stays_leaf(g, now.depth, now.end - now.start, t->impurity) || t->total.weight < 2 * t->min_weight_leaf;
        if (!is_leaf) {
            fml_split_node(t, &o);
            is_leaf = o.pos >= now.end || o.improvement + FML_LEAF_IMPURITY < g->min_decrease;
        }
        const ptrdiff_t at = fml_append(t, now.parent, now.is_left, is_leaf, &o);
        if (at < 0) break;
        if (now.depth > t->depth) t->depth = now.depth;
        if (is_leaf) continue;
        fml_waiting left = {.start = now.start, .end = o.pos, .depth = now.depth + 1, .parent = at, .is_left = 1,
                            .n_constants = t->n_constants, .impurity = o.impurity_left, .lower = now.lower, .upper = now.upper};
        fml_waiting right = left;
        right.start = o.pos;
        right.end = now.end;
        right.is_left = 0;
        right.impurity = o.impurity_right;
        fml_bound(g, o.feature, o.middle, &left, &right);
        fml_count_children(t, &left, &right);
        fml_part_lists(t, t->n_constants, !fml_stays_leaf(g, left.depth, left.end - left.start, left.impurity),
                       !fml_stays_leaf(g, right.depth, right.end - right.start, right.impurity));
        if (fml_push(t, &stack, &right) || fml_push(t, &stack, &left)) break;
    }
    free(stack.items);
}

/* The heap of the C++ library that scikit-learn uses, so that equal improvements take the same turns. */
static void fml_sift_up(fml_waiting *a, ptrdiff_t hole, ptrdiff_t top, fml_waiting item) {
    for (ptrdiff_t parent = (hole - 1) / 2; hole > top && a[parent].improvement < item.improvement; parent = (hole - 1) / 2) {
        a[hole] = a[parent];
        hole = parent;
    }
    a[hole] = item;
}

static fml_waiting fml_pop(fml_queue *q) {
    fml_waiting *a = q->items, first = a[0];
    const ptrdiff_t n = --q->n;
    if (!n) return first;
    const fml_waiting item = a[n];
    ptrdiff_t hole = 0, child = 0;
    while (child < (n - 1) / 2) {
        child = 2 * (child + 1);
        if (a[child].improvement < a[child - 1].improvement) child--;
        a[hole] = a[child];
        hole = child;
    }
    if (n % 2 == 0 && child == (n - 2) / 2) {
        child = 2 * (child + 1);
        a[hole] = a[child - 1];
        hole = child - 1;
    }
    fml_sift_up(a, hole, 0, item);
    return first;
}

/* Add a node with the split it would get, and let it wait for its turn. */
static void fml_await(fml_tree *t, fml_queue *heap, fml_waiting *item) {
    const fml_growth *g = t->g;
    fml_outcome o = {.middle = 0};
    t->impurity = item->impurity;
    t->lower = item->lower;
    t->upper = item->upper;
    t->n_constants = 0;
    fml_enter(t, item->start, item->end, item->parent < 0, item->counted);
    item->impurity = item->impurity_left = item->impurity_right = t->impurity;
    if (t->scan == FML_SCAN_GINI2) memcpy(item->counted, t->total.sums, g->stride * sizeof *t->total.sums);
    item->is_leaf = fml_stays_leaf(g, item->depth, item->end - item->start, t->impurity) || t->total.weight < 2 * t->min_weight_leaf;
    item->pos = item->end;
    item->improvement = 0;
    if (!item->is_leaf) {
        fml_split_node(t, &o);
        item->is_leaf = o.pos >= item->end || o.improvement + FML_LEAF_IMPURITY < g->min_decrease;
    }
    item->node = fml_append(t, item->parent, item->is_left, item->is_leaf, &o);
    if (item->node < 0) return;
    if (!item->is_leaf) {
        item->pos = o.pos;
        item->improvement = o.improvement;
        item->impurity_left = o.impurity_left;
        item->impurity_right = o.impurity_right;
        item->middle = o.middle;
        if (t->scan == FML_SCAN_GINI2) memcpy(item->counted_left, t->left.sums, g->stride * sizeof *t->left.sums);
        fml_part_lists(t, 0, item->depth + 1 < g->max_depth, item->depth + 1 < g->max_depth);
    }
    if (fml_push(t, heap, item)) return;
    fml_sift_up(heap->items, heap->n - 1, 0, *item);
}

/* Best first: the node of the largest improvement is split next, until there are max_leaf_nodes leaves. */
static void fml_best_first(fml_tree *t) {
    const fml_growth *g = t->g;
    fml_queue heap = {NULL, 0, 0};
    ptrdiff_t n_splits = g->max_leaf_nodes - 1;
    fml_waiting root = {.end = t->n_used, .parent = -1, .impurity = INFINITY, .lower = -INFINITY, .upper = INFINITY};
    fml_await(t, &heap, &root);
    while (heap.n && !fml_interrupted(t)) {
        const fml_waiting now = fml_pop(&heap);
        fml_node *node = t->nodes + now.node;
        if (now.depth > t->depth) t->depth = now.depth;
        if (now.is_leaf || n_splits <= 0) { /* missing_left stays, as in scikit-learn */
            node->left = node->right = -1;
            node->feature = -2;
            node->threshold = -2;
            continue;
        }
        n_splits--;
        fml_waiting left = {.start = now.start, .end = now.pos, .depth = now.depth + 1, .parent = now.node, .is_left = 1,
                            .impurity = now.impurity_left, .lower = now.lower, .upper = now.upper};
        fml_waiting right = left;
        right.start = now.pos;
        right.end = now.end;
        right.is_left = 0;
        right.impurity = now.impurity_right;
        fml_bound(g, node->feature, now.middle, &left, &right);
        for (int c = 0; c < 2; c++) {
            left.counted[c] = now.counted_left[c];
            right.counted[c] = now.counted[c] - now.counted_left[c];
        }
        fml_await(t, &heap, &left);
        if (!t->failed) fml_await(t, &heap, &right);
    }
    free(heap.items);
}
#endif
