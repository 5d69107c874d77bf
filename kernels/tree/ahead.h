/* A tree that several threads grow, node by node ahead of its random stream.
 *
 * Where a node looks at all features, scikit-learn's draws decide nothing but which of several features wins whose best
 * proxies are equal. So nodes are grown without draws: the large ones with their features shared out among threads, then the
 * ranges that remain as tasks. A node whose candidates tie and part it in different ways stays open. replay.h makes the draws
 * in scikit-learn's order, and the open nodes.
 *
 * Sharing out the features of large nodes alone gained 1.08 times from a second thread, since most time lies in nodes of some
 * hundred samples. 100,000 samples of 20 features, real targets, two cores: large nodes 26 ms, then tasks 112 to 118, then draws and
 * final nodes 18, together 1.5 times faster than one thread. Pairs and ties that change sides had to be
 * grown ahead, too: as open nodes they cost 24 ms more, in one thread.
 */
#ifndef FML_TREE_AHEAD_H
#define FML_TREE_AHEAD_H
#include "records.h"
#include <sys/mman.h>

/* A node of fewer entries is grown in its turn: ahead takes a region of the pool and some memory. */
#define FML_AHEAD 16384
/* Tasks for each thread, if all were equal, but of no fewer entries than FML_FULL_TASK; one costs some 100 ns until its
 * nodes are leaves. Still smaller ranges that a large node leaves are grown on the spot. */
#define FML_TASKS 16
#define FML_FULL_TASK 2048
#define FML_LEAST_TASK 512
/* Entries that a task looks at before it leaves its nodes open, about half a second: meanwhile the calling thread may
 * wait, and not see an interrupt. */
#define FML_TASK_WORK 1e8

typedef struct {
    ptrdiff_t size, task;
} fml_errand;

typedef struct {
    fml_tree *t;
    fml_records top, *tasks;
    fml_record *items;                  /* of all tasks, two for each of their samples: n samples make 2 n - 1 nodes at most */
    double *values;
    size_t bytes;                       /* of both. Pages of their own, of which only those that are written cost memory,
                                         * and which go back at once: free() kept them, 25 MB for 400,000 nodes */
    ptrdiff_t n_tasks, capacity, limit; /* limit: nodes of fewer entries are tasks */
    fml_errand *order;                  /* (n_tasks,)  largest first */
    ptrdiff_t most;                     /* samples of an open node that may be grown ahead once more: half, so that
                                         * calls nest no deeper than the logarithm */
} fml_plan;

static int fml_runs_ahead(const fml_tree *t, const fml_waiting *node) {
    const fml_growth *g = t->g;
    return g->n_threads > 1 && g->values && g->doubt < 0 && g->max_features >= g->d && g->max_leaf_nodes < 0 && !g->monotonic &&
           g->criterion != FML_MAE && g->criterion != FML_USER &&
           (node->end - node->start) * (g->d - node->n_constants) >= FML_AHEAD;
}

/* How feature f parts the node, compared with its marked sides: 1 alike, -1 mirrored, 0 otherwise. */
static int fml_parts_alike(const fml_tree *t, ptrdiff_t f, const fml_split *s, ptrdiff_t n_left) {
    const fml_growth *g = t->g;
    const ptrdiff_t n = t->end - t->start;
    int all = 1, none = 1;
    if (s->n_left != n_left && s->n_left != n - n_left) return 0;
    if (t->lists) {
        const uint64_t *e = t->lists + f * t->n_used + t->start;
        const ptrdiff_t known = n - s->n_missing, left = s->n_left - (s->missing_left ? s->n_missing : 0);
        for (ptrdiff_t p = 0; p < n && (all || none); p++) {
            const int same = fml_is_left(t, fml_sample(e[p])) == (p < known ? p < left : s->missing_left);
            all &= same;
            none &= !same;
        }
    } else {
        const uint32_t *ranks = g->ranks + f * g->n, missing = (uint32_t)g->n_distinct[f];
        for (ptrdiff_t p = 0; p < n && (all || none); p++) {
            const uint32_t rank = ranks[t->samples[t->start + p]];
            const int same = t->sides[p] == (rank <= s->rank_left || (s->missing_left && rank == missing));
            all &= same;
            none &= !same;
        }
    }
    return all ? 1 : none ? -1 : 0;
}

/* Take the parting of samples[start:pos:end] back: both sides are ascending. */
static void fml_unpart_samples(fml_tree *t, ptrdiff_t pos) {
    const ptrdiff_t n_left = pos - t->start, n = t->end - t->start;
    uint32_t *const samples = t->samples + t->start;
    uint8_t *const codes = t->node_code + t->start;
    memcpy(t->moved, samples, n_left * sizeof *samples);
    memcpy(t->moved_code, codes, n_left);
    for (ptrdiff_t to = 0, l = 0, r = n_left; l < n_left; to++) {
        const int is_left = r == n || t->moved[l] < samples[r];
        samples[to] = is_left ? t->moved[l] : samples[r];
        codes[to] = is_left ? t->moved_code[l] : codes[r];
        l += is_left;
        r += !is_left;
    }
}

static int fml_is_barren(const fml_tree *t, const fml_outcome *o, double impurity) {
    return fml_gain(t, o, impurity) + FML_LEAF_IMPURITY < t->g->min_decrease;
}

/* Judge a split whose sides may change: o as they are, m if they do. Returns what becomes of the node, FML_OPEN where that
 * depends on the sides. */
static int fml_judge_both(fml_tree *t, const fml_waiting *now, int kind, fml_outcome *o, fml_outcome *m) {
    fml_add_up(t, &t->left, o->pos, t->end);
    m->pos = o->pos;
    fml_judge_sums(t, m);
    fml_judge(t, o);
    if (!(isfinite(o->impurity_left) && isfinite(o->impurity_right) && isfinite(m->impurity_left) && isfinite(m->impurity_right))) return FML_OPEN;
    const int barren = fml_is_barren(t, o, now->impurity) + fml_is_barren(t, o, now->other_impurity) +
                       fml_is_barren(t, m, now->impurity) + fml_is_barren(t, m, now->other_impurity);
    if (barren) return barren == 4 ? FML_BARREN : FML_OPEN;
    const fml_growth *g = t->g;
    const ptrdiff_t n_left = o->pos - t->start, n_right = t->end - o->pos, depth = now->depth + 1;
    const int same = fml_stays_leaf(g, depth, n_left, o->impurity_left) == fml_stays_leaf(g, depth, n_left, m->impurity_right) &&
                     fml_stays_leaf(g, depth, n_right, o->impurity_right) == fml_stays_leaf(g, depth, n_right, m->impurity_left);
    return same ? kind : FML_OPEN;
}

static void fml_note_sides(fml_tree *t, fml_records *out, int kind, const fml_outcome *m) {
    const double impurities[2] = {m->impurity_right, m->impurity_left};
    uint32_t *const notes = fml_add_notes(t, out, kind == FML_PAIR ? 4 : 6);
    if (notes) memcpy(notes, impurities, sizeof impurities);
}

/* Two samples that any feature parts. Weights may differ by rounding from what is asked of a leaf, on one side only. */
static int fml_pair_ahead(fml_tree *t, const fml_waiting *now, fml_records *out, fml_outcome *o) {
    fml_outcome m;
    if (t->n_constants == t->g->d) return FML_BARREN;
    if (!t->unit && t->min_weight_leaf > 0) return FML_OPEN;
    o->pos = t->start + 1;
    const int kind = fml_judge_both(t, now, FML_PAIR, o, &m);
    if (kind == FML_PAIR) fml_note_sides(t, out, kind, &m);
    return kind;
}

/* Note the candidates that tie with the winner, whose sides are marked. */
static int fml_note_ties(fml_tree *t, fml_records *out, ptrdiff_t winner, fml_record *record) {
    const ptrdiff_t n_left = t->found[winner].n_left;
    int kind = FML_SPLIT, n_tied = 0;
    for (ptrdiff_t j = t->n_constants; j < t->g->d; j++) {
        const ptrdiff_t f = t->features[j];
        const fml_split *const s = t->found + f;
        if (s->proxy != t->found[winner].proxy) continue;
        const int alike = fml_parts_alike(t, f, s, n_left);
        fml_outcome o;
        if (!alike || n_tied == FML_MOST_TIES || (alike < 0 && t->scan >= FML_SCAN_ANY)) return FML_OPEN;
        if (alike < 0) kind = FML_MIRRORED;
        uint32_t *const notes = fml_add_notes(t, out, FML_NOTES_OF_TIE);
        if (!notes) return FML_OPEN;
        fml_note_split(t, f, s, &o);
        notes[0] = (uint32_t)f << 2 | (alike < 0) << 1 | o.missing_left;
        memcpy(notes + 1, &o.threshold, sizeof o.threshold);
        n_tied++;
    }
    record->n_tied = (uint16_t)n_tied;
    return kind;
}

/* Find the best split of the present node, and part its samples unless it stays open or a leaf: returns what becomes of
 * it, and what is to be noted of that in the record. */
static int fml_split_ahead(fml_tree *t, const fml_waiting *now, fml_records *out, fml_outcome *o, fml_record *record) {
    const ptrdiff_t n_found = fml_look_all(t);
    ptrdiff_t *const features = t->features, known = t->n_constants, winner = -1, n_best = 0;
    fml_outcome m;
    uint32_t *notes = n_found ? fml_add_notes(t, out, n_found) : NULL;
    out->work += (double)(t->end - t->start) * (t->g->d - known);
    t->work += 1000;
    if (t->failed) return FML_OPEN;
    for (ptrdiff_t j = known; n_found && j < t->g->d; j++) {
        const ptrdiff_t f = features[j];
        if (!t->is_constant[f]) continue;
        *notes++ = (uint32_t)f;
        features[j] = features[t->n_constants];
        features[t->n_constants++] = f;
    }
    record->n_found = (uint32_t)n_found;
    if (fml_ties(t)) return fml_pair_ahead(t, now, out, o);
    double highest = -INFINITY;
    for (ptrdiff_t j = t->n_constants; j < t->g->d; j++) {
        const double proxy = t->found[features[j]].proxy;
        n_best = proxy > highest ? 1 : n_best + (proxy == highest);
        winner = proxy > highest ? features[j] : winner;
        highest = proxy > highest ? proxy : highest;
    }
    if (winner < 0) return FML_BARREN;
    fml_fetch_values(t, winner, t->found + winner);
    fml_mark_sides(t, winner, t->found + winner);
    int kind = n_best > 1 ? fml_note_ties(t, out, winner, record) : FML_SPLIT;
    if (kind == FML_OPEN) return kind;
    o->pos = fml_part_samples(t);
    if (kind == FML_MIRRORED) kind = fml_judge_both(t, now, kind, o, &m);
    else {
        fml_judge(t, o);
        const int barren = fml_is_barren(t, o, now->impurity) + fml_is_barren(t, o, now->other_impurity);
        if (barren) kind = barren == 2 ? FML_BARREN : FML_OPEN;
    }
    if (kind == FML_MIRRORED) fml_note_sides(t, out, kind, &m);
    fml_note_split(t, winner, t->found + winner, o);
    if (kind == FML_OPEN) fml_unpart_samples(t, o->pos);
    return kind;
}

/* Leave a node to a task. */
static void fml_delegate(fml_tree *t, fml_plan *plan, const fml_waiting *now) {
    fml_records *const tasks = fml_make_room(t, plan->tasks, &plan->capacity, plan->n_tasks + 1, sizeof *tasks);
    if (!tasks) return;
    plan->tasks = tasks;
    fml_records *const task = tasks + plan->n_tasks++;
    *task = (fml_records){.root = *now};
    task->root.begins = 0;
    const ptrdiff_t first = 2 * (now->start - plan->top.root.start);
    task->is_part = 1;
    task->items = plan->items + first;
    task->values = plan->values + first * t->g->stride;
    task->capacity = 2 * (now->end - now->start);
    fml_record *const record = fml_add_record(t, &plan->top, FML_TASK, now->end - now->start);
    if (record) record->feature = (uint32_t)(plan->n_tasks - 1);
    if (!now->n_constants) return;
    task->constants = malloc(now->n_constants * sizeof *task->constants);
    if (!task->constants) t->failed = 1;
    else memcpy(task->constants, t->features, now->n_constants * sizeof *task->constants);
}

/* Grow what is below out's root into records, depth first; with a plan the smaller nodes become its tasks. */
static void fml_grow_ahead(fml_tree *t, fml_records *out, fml_plan *plan) {
    const fml_growth *g = t->g;
    fml_queue stack = {NULL, 0, 0};
    fml_outcome o;
    fml_push(t, &stack, &out->root);
    while (stack.n && !fml_interrupted(t)) {
        const fml_waiting now = stack.items[--stack.n];
        const ptrdiff_t n = now.end - now.start, entries = n * (g->d - now.n_constants), before = out->n_notes;
        if (now.begins) {
            out->notes[now.begins - 1] = (uint32_t)out->n;
            out->notes[now.begins] = (uint32_t)out->n_notes;
        }
        if (plan && entries < plan->limit && entries >= FML_LEAST_TASK) {
            fml_delegate(t, plan, &now);
            continue;
        }
        fml_record noted = {.n_tied = 0};
        int kind = FML_LEAF;
        t->impurity = now.impurity;
        t->n_constants = now.n_constants;
        fml_enter(t, now.start, now.end, now.parent < 0, now.counted);
        if (!fml_stays_leaf(g, now.depth, n, t->impurity) && t->total.weight >= 2 * t->min_weight_leaf) {
            fml_waiting here = now;
            if (now.parent < 0) here.impurity = here.other_impurity = t->impurity;
            kind = plan || out->work < FML_TASK_WORK ? fml_split_ahead(t, &here, out, &o, &noted) : FML_OPEN;
        }
        if (kind < FML_SPLIT || kind == FML_OPEN) out->n_notes = before + (kind == FML_BARREN ? noted.n_found : 0);
        fml_record *const record = fml_add_record(t, out, kind, n);
        if (!record) break;
        record->impurity = t->impurity;
        record->weight = t->total.weight;
        if (kind == FML_OPEN) continue;
        fml_write_value(t, out->values + (out->n - 1) * g->stride);
        record->n_found = noted.n_found;
        if (kind < FML_SPLIT) continue;
        record->n_tied = noted.n_tied;
        record->feature = (uint32_t)o.feature;
        record->threshold = o.threshold;
        record->missing_left = o.missing_left;
        fml_waiting *const right = fml_push_two(t, &stack), *left;
        if (!right) break;
        left = right + 1;
        fml_make_children(t, &now, 0, &o, left, right);
        left->other_impurity = left->impurity;
        right->other_impurity = right->impurity;
        if (kind == FML_MIRRORED) {
            memcpy(&left->other_impurity, out->notes + out->n_notes - 6, sizeof(double));
            memcpy(&right->other_impurity, out->notes + out->n_notes - 4, sizeof(double));
            right->begins = out->n_notes - 1;
        }
        fml_count_children(t, t->total.sums, t->left.sums, left, right);
        fml_part_lists(t, t->n_constants, !fml_stays_leaf(g, left->depth, left->end - left->start, left->impurity),
                       !fml_stays_leaf(g, right->depth, right->end - right->start, right->impurity));
    }
    free(stack.items);
}

/* A task, with the constants of its root in front. */
static void fml_run_task(void *of, ptrdiff_t i) {
    fml_plan *const plan = of;
    const ptrdiff_t d = plan->t->g->d;
    fml_records *const task = plan->tasks + plan->order[i].task;
    fml_tree *const t = plan->t->workers + plan->t->g->worker();
    const ptrdiff_t known = task->root.n_constants;
    if (t->failed) return;
    memset(t->is_constant, 0, d * sizeof *t->is_constant);
    for (ptrdiff_t j = 0; j < known; j++) t->is_constant[t->features[j] = task->constants[j]] = 1;
    for (ptrdiff_t f = 0, j = known; f < d; f++)
        if (!t->is_constant[f]) t->features[j++] = f;
    fml_grow_ahead(t, task, NULL);
}

/* A worker is a copy of the tree with buffers of its own; made once for a tree. */
static void fml_make_workers(fml_tree *t) {
    const fml_growth *g = t->g;
    const ptrdiff_t words = g->n / 64 + 1;
    if (t->workers) return;
    fml_tree *const workers = fml_get(t, g->n_threads, sizeof *workers);
    t->marks = fml_get(t, g->d, sizeof *t->marks);
    for (int i = 0; i < g->n_threads && !t->failed; i++) {
        fml_tree *const w = workers + i;
        *w = *t;
        w->features = fml_room(t, g->d, sizeof *w->features, 0);
        w->found = fml_room(t, g->d, sizeof *w->found, 0);
        w->is_constant = fml_get(t, g->d, sizeof *w->is_constant);
        w->left_side = fml_get(t, words, sizeof *w->left_side);
        w->moved = fml_room(t, t->n_used, sizeof *w->moved, 0);
        w->moved_code = fml_room(t, t->n_used, sizeof *w->moved_code, 0);
        w->sides = fml_room(t, t->n_used, sizeof *w->sides, 0);
        w->total.sums = fml_get(t, 2 * g->stride, sizeof(double));
        w->left.sums = t->failed ? NULL : w->total.sums + g->stride;
        w->scratch = t->scratch + i;
        w->aside = t->aside ? t->aside + i * (t->n_used + 8) : NULL;
        w->work = 0;
        w->failed = 0;
    }
    t->workers = t->failed ? NULL : workers;
}

/* Largest first, so that no thread begins a large one when the others are done. */
static int fml_larger_first(const void *a, const void *b) {
    const fml_errand *const x = a, *const y = b;
    return x->size != y->size ? (x->size < y->size ? 1 : -1) : (x->task > y->task) - (x->task < y->task);
}

static void fml_order_tasks(fml_plan *plan) {
    for (ptrdiff_t i = 0; i < plan->n_tasks; i++)
        plan->order[i] = (fml_errand){plan->tasks[i].root.end - plan->tasks[i].root.start, i};
    qsort(plan->order, plan->n_tasks, sizeof *plan->order, fml_larger_first);
}

/* Room for the records of all tasks; 1 where there is none. */
static int fml_map_records(fml_tree *t, fml_plan *plan) {
    const size_t n = 2 * (size_t)(plan->top.root.end - plan->top.root.start), item = sizeof(fml_record) + t->g->stride * sizeof(double);
    void *const room = mmap(NULL, n * item, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) return t->failed = 1;
    fml_advise(room, n * item);
    plan->bytes = n * item;
    plan->items = room;
    plan->values = (double *)(plan->items + n);
    return 0;
}

/* Grow ahead what is below a node; the records are the caller's to free. */
static void fml_run_ahead(fml_tree *t, const fml_waiting *node, fml_plan *plan) {
    const fml_growth *g = t->g;
    const ptrdiff_t entries = (node->end - node->start) * (g->d - node->n_constants), wanted = entries / (FML_TASKS * g->n_threads);
    plan->t = t;
    plan->limit = wanted > FML_FULL_TASK ? wanted : FML_FULL_TASK;
    plan->most = (node->end - node->start) / 2;
    plan->top.root = *node;
    plan->top.root.other_impurity = node->impurity;
    plan->top.root.begins = 0;
    fml_make_workers(t);
    if (t->failed || fml_map_records(t, plan)) return;
    fml_tree large = *t; /* draws nothing: the tree's own features keep their order */
    large.features = t->workers->features;
    memcpy(large.features, t->features, g->d * sizeof *large.features);
    fml_grow_ahead(&large, &plan->top, plan);
    t->work = large.work;
    t->failed = large.failed;
    if (t->failed) return;
    plan->order = malloc((plan->n_tasks + 1) * sizeof *plan->order);
    if (!plan->order) {
        t->failed = 1;
        return;
    }
    fml_order_tasks(plan);
    g->together(fml_run_task, plan, plan->n_tasks, g->n_threads);
    for (int i = 0; i < g->n_threads; i++)
        if (t->workers[i].failed) t->failed = t->workers[i].failed;
}
#endif
