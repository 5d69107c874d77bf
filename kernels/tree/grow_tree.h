/* One tree, depth first or best first, node by node as scikit-learn numbers them. */
#ifndef FML_TREE_GROW_TREE_H
#define FML_TREE_GROW_TREE_H
#include "replay.h"

/* Depth first, from a node on: the left child comes next. Nodes of at most so many samples may be grown ahead. */
static void fml_grow_below(fml_tree *t, const fml_waiting *first, ptrdiff_t most) {
    const fml_growth *g = t->g;
    fml_queue stack = {NULL, 0, 0};
    fml_outcome o;
    fml_push(t, &stack, first);
    while (stack.n && !fml_interrupted(t)) {
        const fml_waiting now = stack.items[--stack.n];
        if (now.end - now.start <= most && fml_runs_ahead(t, &now)) {
            fml_ahead(t, &now);
            continue;
        }
        t->impurity = now.impurity;
        t->lower = now.lower;
        t->upper = now.upper;
        t->n_constants = now.n_constants;
        fml_enter(t, now.start, now.end, now.parent < 0, now.counted);
        fml_doubt_leaf(t, now.depth, now.parent < 0 ? t->error : now.error);
        int is_leaf = fml_stays_leaf(g, now.depth, now.end - now.start, t->impurity) || t->total.weight < 2 * t->min_weight_leaf;
        if (!is_leaf) {
            fml_split_node(t, &o);
            is_leaf = o.pos >= now.end || o.improvement + FML_LEAF_IMPURITY < g->min_decrease;
        }
        const ptrdiff_t at = fml_append_present(t, now.parent, now.is_left, is_leaf, &o);
        if (at < 0) break;
        if (now.depth > t->depth) t->depth = now.depth;
        if (is_leaf) continue;
        fml_waiting *const right = fml_push_two(t, &stack), *left;
        if (!right) break;
        left = right + 1;
        fml_make_children(t, &now, at, &o, left, right);
        fml_bound(g, o.feature, o.middle, left, right);
        fml_count_children(t, t->total.sums, t->left.sums, left, right);
        fml_part_lists(t, t->n_constants, !fml_stays_leaf(g, left->depth, left->end - left->start, left->impurity),
                       !fml_stays_leaf(g, right->depth, right->end - right->start, right->impurity));
    }
    free(stack.items);
}

static void fml_depth_first(fml_tree *t) {
    const fml_waiting root = {.end = t->n_used, .parent = -1, .impurity = INFINITY, .lower = -INFINITY, .upper = INFINITY};
    fml_grow_below(t, &root, t->n_used);
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
    fml_doubt_leaf(t, item->depth, item->parent < 0 ? t->error : item->error);
    if (t->scan == FML_SCAN_GINI2) memcpy(item->counted, t->total.sums, g->stride * sizeof *t->total.sums);
    item->is_leaf = fml_stays_leaf(g, item->depth, item->end - item->start, t->impurity) || t->total.weight < 2 * t->min_weight_leaf;
    item->pos = item->end;
    item->improvement = 0;
    if (!item->is_leaf) {
        fml_split_node(t, &o);
        item->is_leaf = o.pos >= item->end || o.improvement + FML_LEAF_IMPURITY < g->min_decrease;
    }
    item->node = fml_append_present(t, item->parent, item->is_left, item->is_leaf, &o);
    if (item->node < 0) return;
    if (!item->is_leaf) {
        item->pos = o.pos;
        item->improvement = o.improvement;
        item->impurity_left = o.impurity_left;
        item->impurity_right = o.impurity_right;
        item->error_left = o.error_left;
        item->error_right = o.error_right;
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
        for (ptrdiff_t j = 0; j < heap.n; j++)
            if (!heap.items[j].is_leaf) fml_doubt_order(t, now.improvement, heap.items[j].improvement, t->error);
        fml_waiting left = {.start = now.start, .end = now.pos, .depth = now.depth + 1, .parent = now.node, .is_left = 1,
                            .impurity = now.impurity_left, .error = now.error_left, .lower = now.lower, .upper = now.upper};
        fml_waiting right = left;
        right.start = now.pos;
        right.end = now.end;
        right.is_left = 0;
        right.impurity = now.impurity_right;
        right.error = now.error_right;
        fml_bound(g, node->feature, now.middle, &left, &right);
        fml_count_children(t, now.counted, now.counted_left, &left, &right);
        fml_await(t, &heap, &left);
        if (!t->failed) fml_await(t, &heap, &right);
    }
    free(heap.items);
}
#endif
