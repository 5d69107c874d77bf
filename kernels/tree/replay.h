/* The turn of nodes that were grown ahead: scikit-learn's draws, in its order, and what follows from them. */
#ifndef FML_TREE_REPLAY_H
#define FML_TREE_REPLAY_H
#include "ahead.h"

static void fml_grow_below(fml_tree *t, const fml_waiting *first, ptrdiff_t most);

/* A node whose turn comes. record >= 0: there the records go on, before it where is_node, else instead of a node. */
typedef struct {
    ptrdiff_t parent, depth, start, n_constants, record, note;
    double impurity;
    int is_left, is_node, has_moved; /* has_moved: its impurity is that of the other side */
} fml_turn;

typedef struct {
    fml_turn *items;
    ptrdiff_t n, capacity;
} fml_turns;

static int fml_push_turn(fml_tree *t, fml_turns *q, const fml_turn *turn) {
    fml_turn *const items = fml_make_room(t, q->items, &q->capacity, q->n + 1, sizeof *items);
    if (!items) return 1;
    q->items = items;
    items[q->n++] = *turn;
    return 0;
}

/* The draws of a node; returns the notes after those of its constants. */
static const uint32_t *fml_draw_again(fml_tree *t, const fml_record *record, const uint32_t *notes) {
    for (uint32_t j = 0; j < record->n_found; j++) t->marks[notes[j]] = 1;
    fml_draw_all(t, record->n_found ? t->marks : NULL);
    for (uint32_t j = 0; j < record->n_found; j++) t->marks[notes[j]] = 0;
    return notes + record->n_found;
}

/* The first that was drawn of the candidates that tie: its notes. */
static const uint32_t *fml_first_drawn(fml_tree *t, const fml_record *record, const uint32_t *notes) {
    ptrdiff_t j = t->g->d - 1;
    const uint32_t *won = notes;
    for (int i = 0; i < record->n_tied; i++) t->marks[notes[FML_NOTES_OF_TIE * i] >> 2] = 1;
    while (!t->marks[t->features[j]]) j--;
    for (int i = 0; i < record->n_tied; i++) {
        const uint32_t *const tie = notes + FML_NOTES_OF_TIE * i;
        t->marks[tie[0] >> 2] = 0;
        if (tie[0] >> 2 == (uint32_t)t->features[j]) won = tie;
    }
    return won;
}

/* Append a node as it was recorded. */
static ptrdiff_t fml_append_record(fml_tree *t, const fml_records *records, ptrdiff_t r, const fml_turn *turn) {
    const fml_record *const record = records->items + r;
    const ptrdiff_t stride = t->g->stride;
    const ptrdiff_t at = fml_append(t, turn->parent, turn->is_left, turn->has_moved ? turn->impurity : record->impurity,
                                    record->n_samples, record->weight);
    if (at < 0) return -1;
    for (ptrdiff_t j = 0; j < stride; j++) t->values[at * stride + j] = records->values[r * stride + j];
    if (turn->depth > t->depth) t->depth = turn->depth;
    return at;
}

static double fml_double_at(const uint32_t *notes) {
    double x;
    memcpy(&x, notes, sizeof x);
    return x;
}

/* Pairs whose sides are still to be looked up: their lists and values are far apart in memory, and a batch of them is
 * fetched while the draws go on (35,000 pairs one by one: 8 ms of the 20 that the turns of 200,000 nodes took). */
#define FML_PAIRS 32

typedef struct {
    const fml_record *record;           /* of the pair; its children's follow */
    const double *values;
    const uint32_t *notes;
    ptrdiff_t at, start, feature;
    uint32_t ranks[2];
    int swapped;
} fml_late_pair;

typedef struct {
    fml_late_pair items[FML_PAIRS];
    int n;
} fml_late_pairs;

/* Append a pair, which the first feature parts that was drawn and is not constant, and its children, still without sides. */
static void fml_replay_pair(fml_tree *t, const fml_records *records, ptrdiff_t r, const uint32_t *notes, const fml_turn *turn, fml_late_pairs *late) {
    const ptrdiff_t f = t->features[t->g->d - 1], at = fml_append_record(t, records, r, turn);
    if (at < 0) return;
    t->nodes[at].feature = f;
    for (int side = 0; side < 2; side++)
        if (fml_append(t, at, !side, 0, 1, 0) < 0) return;
    if (turn->depth + 1 > t->depth) t->depth = turn->depth + 1;
    if (t->lists) __builtin_prefetch(t->lists + f * t->n_used + t->start);
    late->items[late->n++] = (fml_late_pair){.record = records->items + r, .values = records->values + r * t->g->stride, .notes = notes,
                                             .at = at, .start = t->start, .feature = f};
}

static void fml_finish_pairs(fml_tree *t, fml_late_pairs *late) {
    const fml_growth *g = t->g;
    for (int i = 0; i < late->n; i++) {
        fml_late_pair *const p = late->items + i;
        t->start = p->start;
        p->swapped = fml_rank_pair(t, p->feature, p->ranks);
        for (int j = 0; j < 2; j++) __builtin_prefetch(g->values + p->feature * g->n + p->ranks[j]);
    }
    for (int i = 0; i < late->n; i++) {
        const fml_late_pair *const p = late->items + i;
        const float *const values = g->values + p->feature * g->n;
        t->nodes[p->at].threshold = p->ranks[1] == g->n_distinct[p->feature] ? INFINITY : values[p->ranks[0]] / 2.0 + values[p->ranks[1]] / 2.0;
        for (int side = 0; side < 2; side++) {
            const int child = 1 + (side ^ p->swapped);
            fml_node *const leaf = t->nodes + p->at + 1 + side;
            leaf->impurity = p->swapped ? fml_double_at(p->notes + 2 * (child - 1)) : p->record[child].impurity;
            leaf->weighted_n_samples = p->record[child].weight;
            memcpy(t->values + (p->at + 1 + side) * g->stride, p->values + child * g->stride, g->stride * sizeof(double));
        }
    }
    late->n = 0;
}

/* A node that was left open. */
static void fml_replay_open(fml_tree *t, const fml_plan *plan, const fml_record *record, const fml_turn *turn) {
    fml_waiting node = {.start = t->start, .end = t->end, .depth = turn->depth, .parent = turn->parent, .is_left = turn->is_left,
                        .n_constants = turn->n_constants, .lower = -INFINITY, .upper = INFINITY,
                        .impurity = turn->has_moved ? turn->impurity : record->impurity};
    if (t->scan == FML_SCAN_GINI2) {
        fml_add_up(t, &t->total, t->start, t->end);
        memcpy(node.counted, t->total.sums, t->g->stride * sizeof *node.counted);
    }
    fml_grow_below(t, &node, plan->most);
}

/* Let the children of a node wait; the one that comes next is the last. If they change sides, the records of the right
 * one come first, then those of the left one, and then those after the right one's. */
static int fml_push_children(fml_tree *t, fml_turns *stack, const fml_turn *turn, ptrdiff_t at, ptrdiff_t r, ptrdiff_t k,
                             const uint32_t *sides, int flipped, ptrdiff_t n_left) {
    fml_turn left = {.parent = at, .depth = turn->depth + 1, .start = turn->start, .n_constants = t->n_constants, .record = -1,
                     .is_left = !flipped, .is_node = 1, .has_moved = flipped};
    fml_turn right = left, back = {.record = 0};
    right.start += n_left;
    right.is_left = flipped;
    if (!flipped) return fml_push_turn(t, stack, &right) || fml_push_turn(t, stack, &left);
    left.impurity = fml_double_at(sides);
    right.impurity = fml_double_at(sides + 2);
    left.record = r;
    left.note = k;
    return fml_push_turn(t, stack, &back) || fml_push_turn(t, stack, &left) || fml_push_turn(t, stack, &right);
}

static void fml_replay(fml_tree *t, fml_plan *plan, fml_records *records, const fml_turn *first) {
    fml_turns stack = {NULL, 0, 0};
    fml_late_pairs late = {.n = 0};
    ptrdiff_t r = 0, k = 0; /* the next record, its notes */
    fml_push_turn(t, &stack, first);
    while (stack.n && !fml_interrupted(t)) {
        fml_turn turn = stack.items[--stack.n];
        if (turn.record >= 0) {
            if (turn.is_node) {
                stack.items[stack.n - 1].record = r;
                stack.items[stack.n - 1].note = k;
            }
            r = turn.record;
            k = turn.note;
            if (!turn.is_node) continue;
            turn.record = -1;
        }
        const fml_record *const record = records->items + r;
        t->start = turn.start;
        t->end = turn.start + record->n_samples;
        t->n_constants = turn.n_constants;
        t->work += (double)t->g->d;
        r++;
        if (record->kind == FML_TASK) {
            fml_replay(t, plan, plan->tasks + record->feature, &turn);
            fml_free_records(plan->tasks + record->feature);
            continue;
        }
        if (record->kind == FML_OPEN) {
            fml_replay_open(t, plan, record, &turn);
            continue;
        }
        const uint32_t *notes = records->notes + k;
        if (record->kind != FML_LEAF) notes = fml_draw_again(t, record, notes);
        if (record->kind == FML_PAIR) {
            fml_replay_pair(t, records, r - 1, notes, &turn, &late);
            if (late.n == FML_PAIRS) fml_finish_pairs(t, &late);
            k = notes + 4 - records->notes;
            r += 2;
            continue;
        }
        const ptrdiff_t at = fml_append_record(t, records, r - 1, &turn);
        if (at < 0) break;
        if (record->kind < FML_SPLIT) {
            k = notes - records->notes;
            continue;
        }
        fml_node *const node = t->nodes + at;
        int flipped = 0;
        node->feature = record->feature;
        node->threshold = record->threshold;
        node->missing_left = record->missing_left;
        if (record->n_tied) {
            const uint32_t *const won = fml_first_drawn(t, record, notes);
            node->feature = won[0] >> 2;
            node->threshold = fml_double_at(won + 1);
            node->missing_left = won[0] & 1;
            flipped = won[0] >> 1 & 1;
            notes += FML_NOTES_OF_TIE * record->n_tied;
        }
        const uint32_t *const sides = notes;
        if (record->kind == FML_MIRRORED) notes += 6;
        k = notes - records->notes;
        const ptrdiff_t next = r, next_note = k;
        const ptrdiff_t n_left = records->items[r].n_samples;
        if (flipped) {
            r = sides[4];
            k = sides[5];
        }
        if (fml_push_children(t, &stack, &turn, at, next, next_note, sides, flipped, n_left)) break;
    }
    fml_finish_pairs(t, &late);
    free(stack.items);
}

/* Grow what is below a node: ahead, then by turns. */
static void fml_ahead(fml_tree *t, const fml_waiting *node) {
    fml_plan plan = {.n_tasks = 0};
    fml_run_ahead(t, node, &plan);
    if (!t->failed) {
        ptrdiff_t n_records = plan.top.n - plan.n_tasks;
        const fml_turn first = {.parent = node->parent, .depth = node->depth, .start = node->start, .n_constants = node->n_constants,
                                .record = -1, .is_left = node->is_left, .is_node = 1};
        for (ptrdiff_t i = 0; i < plan.n_tasks; i++) n_records += plan.tasks[i].n;
        t->n_ahead += n_records;
        if (!fml_reserve(t, t->n_nodes + n_records)) fml_replay(t, &plan, &plan.top, &first);
    }
    fml_free_records(&plan.top);
    for (ptrdiff_t i = 0; i < plan.n_tasks; i++) fml_free_records(plan.tasks + i);
    if (plan.items) munmap(plan.items, plan.bytes);
    free(plan.tasks);
    free(plan.order);
}
#endif
