/* The search on the tree of dbscan_tree.h: by leaf, or by pairs of nodes. */
#ifndef FML_DBSCAN_LEAVES_H
#define FML_DBSCAN_LEAVES_H
#include "dbscan_tree.h"

#define FML_DEPTH 64                /* more than that of any tree: it is balanced */
#define FML_LEAVES 8                /* of a chunk */
#define FML_PART 64                 /* leaves that one thread joins at first */

/* Least and largest squared distance of two boxes, summed like those of points: rounded too, neither passes one of them. */
static inline double fml_least(const double *a, const double *b, ptrdiff_t d) {
    double sum = 0;
    for (ptrdiff_t f = 0; f < d; f++) {
        const double below = a[f] - b[d + f], above = b[f] - a[d + f];
        double gap = below > above ? below : above;
        gap = gap > 0 ? gap : 0;
        sum += gap * gap;
    }
    return sum;
}
static inline double fml_largest(const double *a, const double *b, ptrdiff_t d) {
    double sum = 0;
    for (ptrdiff_t f = 0; f < d; f++) {
        const double below = b[d + f] - a[f], above = a[d + f] - b[f];
        const double reach = below > above ? below : above;
        sum += reach * reach;
    }
    return sum;
}
static inline const double *fml_box(const fml_tree *t, fml_range r) { return t->boxes + r.node * 2 * t->work.points.d; }
static inline int fml_is_leaf(fml_range r) { return r.end - r.first == 1; }
static inline fml_run fml_leaf_places(const fml_tree *t, fml_range r) {
    return (fml_run){(int32_t)(r.first * FML_LEAF), (int32_t)fml_leaf_end(t, r.end)};
}

/* Nodes still to be looked at, the next one last. */
typedef struct {
    fml_range ranges[FML_DEPTH];
    int n;
} fml_stack;

static inline fml_stack fml_from_root(const fml_tree *t) { return (fml_stack){.ranges = {{0, 0, t->n_leaves}}, .n = 1}; }

/* Puts those halves of a node on the stack whose boxes are not beyond `outside` from a box, the nearer one last. */
static inline void fml_descend(fml_stack *stack, const fml_tree *t, const double *box, fml_range r) {
    const ptrdiff_t d = t->work.points.d;
    const double outside = t->work.limits.outside;
    const fml_range one = fml_half(r, 0), two = fml_half(r, 1);
    const double first = fml_least(box, fml_box(t, one), d), second = fml_least(box, fml_box(t, two), d);
    if (first <= second) {
        if (second <= outside) stack->ranges[stack->n++] = two;
        if (first <= outside) stack->ranges[stack->n++] = one;
    } else {
        if (first <= outside) stack->ranges[stack->n++] = one;
        if (second <= outside) stack->ranges[stack->n++] = two;
    }
}

/* Marks core points that need no distances: in a node whose points are all neighbours of each other. */
static void fml_mark_dense(fml_tree *t, fml_range r) {
    fml_dbscan *const w = &t->work;
    const fml_run run = fml_leaf_places(t, r);
    if (w->weights || (double)(run.end - run.first) < w->min_samples) return;
    if (fml_largest(fml_box(t, r), fml_box(t, r), w->points.d) <= w->limits.inside) {
        memset(w->core + run.first, 1, run.end - run.first);
        return;
    }
    if (fml_is_leaf(r)) return;
    fml_mark_dense(t, fml_half(r, 0));
    fml_mark_dense(t, fml_half(r, 1));
}

/* Adds up what the neighbours of a point weigh, pairs in doubt judged one by one. */
static void fml_weigh_point(fml_tree *t, const double *box, ptrdiff_t place) {
    fml_weight found = {0, 0, 0, 0};
    fml_stack stack = fml_from_root(t);
    while (stack.n && !fml_is_settled(&t->work, &found)) {
        const fml_range r = stack.ranges[--stack.n];
        if (!fml_is_leaf(r)) fml_descend(&stack, t, box, r);
        else fml_weigh_run(&t->work, place, r.first * FML_LEAF, fml_leaf_end(t, r.end), &found);
    }
    fml_decide(&t->work, place, &found);
}

/* Counts the neighbours of the points of a leaf, all at once, until each has enough. */
static void fml_count_leaf(fml_tree *t, ptrdiff_t leaf) {
    fml_dbscan *const w = &t->work;
    const double *const box = t->boxes + t->nodes[leaf] * 2 * w->points.d;
    const ptrdiff_t first = leaf * FML_LEAF;
    uint32_t todo = fml_lanes(first, fml_leaf_end(t, leaf + 1)) & ~fml_core_lanes(w, first);
    fml_count found[FML_LEAF] = {{0, 0}};
    fml_stack stack = fml_from_root(t);
    while (stack.n && todo && !w->weights) {
        const fml_range r = stack.ranges[--stack.n];
        const fml_run run = fml_leaf_places(t, r);
        const int all = !fml_is_leaf(r) && fml_largest(box, fml_box(t, r), w->points.d) <= w->limits.inside;
        if (!all && !fml_is_leaf(r)) {
            fml_descend(&stack, t, box, r);
            continue;
        }
        for (uint32_t left = todo; left; left &= left - 1) {
            const int s = __builtin_ctz(left);
            if (all) found[s].surely += run.end - run.first, found[s].perhaps += run.end - run.first;
            else fml_count_run(w, first + s, run.first, run.end, found + s);
            if ((double)found[s].surely < w->min_samples) continue;
            w->core[first + s] = 1;
            todo &= ~(1u << s);
        }
    }
    for (; todo; todo &= todo - 1) {
        const int s = __builtin_ctz(todo);
        if (w->weights || (double)found[s].perhaps >= w->min_samples) fml_weigh_point(t, box, first + s);
    }
}

/* Sets for a node what is known of its halves. */
static inline void fml_set_node(fml_tree *t, fml_range r) {
    const fml_range first = fml_half(r, 0), second = fml_half(r, 1);
    const int32_t one = t->any_core[first.node], two = t->any_core[second.node];
    int32_t common = -1;
    if (one < 0) common = t->common[second.node];
    else if (two < 0 || fml_are_one(&t->work, t->common[first.node], t->common[second.node])) common = t->common[first.node];
    t->any_core[r.node] = one >= 0 ? one : two;
    t->common[r.node] = common;
}
static void fml_set_nodes(fml_tree *t, fml_range r) {
    if (fml_is_leaf(r)) return;
    fml_set_nodes(t, fml_half(r, 0));
    fml_set_nodes(t, fml_half(r, 1));
    fml_set_node(t, r);
}

/* Joins the core points of two nodes. */
static void fml_join_nodes(fml_tree *t, fml_range a, fml_range b) {
    if (t->any_core[a.node] < 0 || t->any_core[b.node] < 0) return;
    if (fml_are_one(&t->work, fml_common(t->common + a.node), fml_common(t->common + b.node))) return;
    if (fml_least(fml_box(t, a), fml_box(t, b), t->work.points.d) > t->work.limits.outside) return;
    if (fml_is_leaf(a) && fml_is_leaf(b)) {
        fml_join_runs(&t->work, fml_leaf_places(t, a), fml_leaf_places(t, b), t->common + a.node, t->common + b.node);
        return;
    }
    const int second = a.end - a.first < b.end - b.first;       /* the larger one is halved */
    for (int half = 0; half < 2; half++)
        if (second) fml_join_nodes(t, a, fml_half(b, half));
        else fml_join_nodes(t, fml_half(a, half), b);
    if (!t->across) fml_set_node(t, second ? b : a);            /* across parts another thread may read it */
}
/* Joins the core points of a node with each other. */
static void fml_join_node(fml_tree *t, fml_range r) {
    if (fml_is_leaf(r)) {
        const fml_run run = fml_leaf_places(t, r);
        t->any_core[r.node] = -1;
        for (int32_t place = run.first; place < run.end; place++)
            if (t->work.core[place]) t->any_core[r.node] = place;
        fml_join_within(&t->work, run, t->common + r.node);
        return;
    }
    for (int half = 0; half < 2; half++) fml_join_node(t, fml_half(r, half));
    fml_join_nodes(t, fml_half(r, 0), fml_half(r, 1));
    fml_set_node(t, r);
}

/* Lists the largest nodes of at most FML_PART leaves; returns their number. */
static ptrdiff_t fml_list_parts(fml_range r, fml_range *parts, ptrdiff_t n) {
    if (r.end - r.first > FML_PART) return fml_list_parts(fml_half(r, 1), parts, fml_list_parts(fml_half(r, 0), parts, n));
    parts[n] = r;
    return n + 1;
}
static inline void fml_join_part(void *task, ptrdiff_t i) {
    fml_tree *const t = task;
    fml_join_node(t, t->parts[i]);
}
/* Joins the core points of a part with those of the parts behind it. */
static inline void fml_join_across(void *task, ptrdiff_t i) {
    fml_tree *const t = task;
    const fml_range part = t->parts[i];
    fml_stack stack = fml_from_root(t);
    while (stack.n) {
        const fml_range r = stack.ranges[--stack.n];
        if (r.end <= part.end || t->any_core[r.node] < 0) continue;
        if (r.end - r.first > FML_PART) fml_descend(&stack, t, fml_box(t, part), r);
        else fml_join_nodes(t, part, r);
    }
}

/* Whether a node may tell one of some points of an earlier cluster: a node of one component has one number. */
static inline int fml_is_news(const fml_tree *t, fml_range r, uint32_t lanes, const fml_border *found) {
    if (t->any_core[r.node] < 0) return 0;
    if (t->common[r.node] < 0) return 1;
    const int32_t number = t->work.numbers[t->common[r.node]];
    for (; lanes; lanes &= lanes - 1)
        if (number < found[__builtin_ctz(lanes)].surely) return 1;
    return 0;
}
static void fml_label_leaf(fml_tree *t, ptrdiff_t leaf) {
    fml_dbscan *const w = &t->work;
    const ptrdiff_t first = leaf * FML_LEAF;
    const uint32_t lanes = fml_lanes(first, fml_leaf_end(t, leaf + 1)) & ~fml_core_lanes(w, first);
    if (!lanes) return;
    fml_border found[FML_LEAF];
    for (int s = 0; s < FML_LEAF; s++) found[s] = (fml_border){INT32_MAX, INT32_MAX};
    fml_stack stack = fml_from_root(t);
    while (stack.n) {
        const fml_range r = stack.ranges[--stack.n];
        if (!fml_is_news(t, r, lanes, found)) continue;
        if (!fml_is_leaf(r)) {
            fml_descend(&stack, t, t->boxes + t->nodes[leaf] * 2 * w->points.d, r);
            continue;
        }
        for (uint32_t left = lanes; left; left &= left - 1)
            fml_border_run(w, first + __builtin_ctz(left), r.first * FML_LEAF, fml_leaf_end(t, r.end), found + __builtin_ctz(left));
    }
    for (uint32_t left = lanes; left; left &= left - 1) fml_label(w, first + __builtin_ctz(left), found + __builtin_ctz(left));
}

static inline void fml_count_leaves(void *task, ptrdiff_t chunk) {
    fml_tree *const t = task;
    for (ptrdiff_t i = chunk * FML_LEAVES; i < (chunk + 1) * FML_LEAVES && i < t->n_leaves; i++) fml_count_leaf(t, i);
}
static inline void fml_label_leaves(void *task, ptrdiff_t chunk) {
    fml_tree *const t = task;
    for (ptrdiff_t i = chunk * FML_LEAVES; i < (chunk + 1) * FML_LEAVES && i < t->n_leaves; i++) fml_label_leaf(t, i);
}
#endif
