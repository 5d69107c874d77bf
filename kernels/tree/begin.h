/* Before and after a tree: its weights, how its candidates are looked at, its memory. */
#ifndef FML_TREE_BEGIN_H
#define FML_TREE_BEGIN_H
#include "grow_tree.h"

/* Whole weights up to here have sums of squares that are exact in float64. */
#define FML_EXACT_WEIGHT 9e7

/* Choose the fastest look at candidates that is exact for these weights, and write the codes of the samples. */
static void fml_choose_scan(fml_tree *t) {
    const fml_growth *g = t->g;
    double heaviest = 0;
    int whole = 1, negative = 0;
    t->unit = !t->weights && !t->counts;
    t->total_weight = 0;
    for (ptrdiff_t i = 0; i < g->n; i++) {
        const double w = fml_weight(t, (uint32_t)i);
        t->total_weight += w;
        heaviest = w > heaviest ? w : heaviest;
        whole &= fabs(w) < FML_EXACT_WEIGHT && w == (double)(int64_t)w;
        negative |= !(w >= 0);
    }
    t->class_bits = 1;
    const int simple = g->n_outputs == 1 && !g->monotonic && !negative;
    if (g->codes) {
        while (g->n_classes[0] > 1 << t->class_bits && t->class_bits < 31) t->class_bits++;
        const int fits = t->class_bits <= 8 && (t->unit || heaviest < 256 >> t->class_bits);
        const int exact = whole && fits && t->total_weight < FML_EXACT_WEIGHT, two = g->n_classes[0] <= 2;
        if (simple && g->criterion == FML_ENTROPY && g->n_classes[0] <= FML_MOST_CLASSES) t->scan = FML_SCAN_ENTROPY;
        else if (g->criterion != FML_GINI || g->monotonic || negative) t->scan = FML_SCAN_ANY;
        else if (simple && exact) t->scan = two ? FML_SCAN_GINI2 : FML_SCAN_GINI;
        else if (simple && !t->unit && g->n_classes[0] <= FML_MOST_CLASSES) t->scan = two ? FML_SCAN_WEIGHTED_GINI2 : FML_SCAN_WEIGHTED_GINI;
        else t->scan = whole && t->total_weight < FML_EXACT_WEIGHT ? FML_SCAN_OUTPUTS : FML_SCAN_ANY;
    } else if (g->criterion == FML_MAE) t->scan = FML_SCAN_MAE;
    else if (simple && g->criterion == FML_MSE) t->scan = FML_SCAN_MSE;
    else t->scan = simple && g->criterion == FML_POISSON ? FML_SCAN_POISSON : FML_SCAN_ANY;
    t->counted = t->scan == FML_SCAN_MSE && t->counts != NULL;
    const int single = t->unit || t->counted;
    if (t->scan == FML_SCAN_MSE || t->scan == FML_SCAN_WEIGHTED_GINI2) {
        t->pairs = fml_room(t, single ? g->n : 2 * g->n, sizeof *t->pairs, 0);
        if (t->failed) return;
    }
    t->tabled = g->ranks && t->scan == FML_SCAN_GINI2 && t->total_weight <= FML_FIELD_MASK && g->n <= (ptrdiff_t)FML_FIELD_MASK;
    for (ptrdiff_t i = 0; i < g->n; i++) {
        const double w = fml_weight(t, (uint32_t)i);
        if (w == 0) continue;
        t->samples[t->n_used++] = (uint32_t)i;
        t->code[i] = 1; /* other scans ask no more than whether it is not 0 */
        if (t->scan == FML_SCAN_GINI2 || t->scan == FML_SCAN_GINI)
            t->code[i] = (uint8_t)(g->codes[i] | (uint32_t)w << t->class_bits);
        if (t->counted) t->code[i] = t->counts[i];
        if (t->scan == FML_SCAN_MSE || t->scan == FML_SCAN_WEIGHTED_GINI2) {
            t->pairs[single ? i : 2 * i] = w * g->y[i];
            if (!single) t->pairs[2 * i + 1] = w;
        }
    }
    for (uint64_t code = 0; code < 256; code++) {
        const uint64_t w = code >> t->class_bits;
        t->fields[code] = 1ull << 2 * FML_FIELD | (code & 1 ? w : 0) << FML_FIELD | w;
    }
}

/* The sorted list of a feature, from its entries, maybe in their place. */
static void fml_fill_list(const fml_tree *t, ptrdiff_t f, uint64_t *to) {
    const ptrdiff_t n = t->g->n;
    const uint64_t *from = t->g->entries + f * n;
    if (t->n_used == n) /* a code may be 0: the first of 256 classes, all weights 1 */
        for (ptrdiff_t i = 0; i < n; i++) to[i] = from[i] | t->code[fml_sample(from[i])];
    else
        for (ptrdiff_t i = 0, k = 0; k < t->n_used; i++) {
            const uint8_t code = t->code[fml_sample(from[i])];
            to[k] = from[i] | code;
            k += code != 0;
        }
}

/* The same from its ranks, of which there are few. */
static void fml_count_list(const fml_tree *t, ptrdiff_t f, uint64_t *to) {
    const fml_growth *g = t->g;
    const uint32_t *ranks = g->ranks + f * g->n;
    uint64_t *const at = t->scratch[g->worker()].table, sum = 0;
    memset(at, 0, (g->n_distinct[f] + 1) * sizeof *at);
    for (ptrdiff_t p = 0; p < t->n_used; p++) at[ranks[t->samples[p]]]++;
    for (int64_t rank = 0; rank <= g->n_distinct[f]; rank++) {
        const uint64_t count = at[rank];
        at[rank] = sum;
        sum += count;
    }
    for (ptrdiff_t p = 0; p < t->n_used; p++) {
        const uint32_t i = t->samples[p], rank = ranks[i];
        to[at[rank]++] = (uint64_t)rank << FML_RANK_SHIFT | (uint64_t)i << FML_SAMPLE_SHIFT | t->code[i];
    }
}

static void fml_make_list(void *tree, ptrdiff_t f) {
    const fml_tree *t = tree;
    if (t->g->entries) fml_fill_list(t, f, t->lists + f * t->n_used);
    else fml_count_list(t, f, t->lists + f * t->n_used);
}

static void fml_get_median(fml_tree *t) {
    const fml_growth *g = t->g;
    fml_median *m = t->median = fml_get(t, 1, sizeof *m);
    if (!m) return;
    const ptrdiff_t n = t->n_used + 1;
    m->y_ranks = g->y_ranks;
    m->place = fml_get(t, g->n_outputs * g->n, sizeof *m->place);
    m->sorted = fml_get(t, g->n_outputs * n, sizeof *m->sorted);
    m->order = fml_get(t, n, sizeof *m->order);
    m->weights = fml_get(t, 6 * n, sizeof *m->weights);
    m->products = m->weights + n;
    m->first_error = m->products + n;
    m->last_error = m->first_error + n;
    m->first_median = m->last_error + n;
    m->last_median = m->first_median + n;
    m->keys = fml_get(t, 2 * n, sizeof *m->keys);
    m->room = m->keys + n;
}

/* Everything that a tree needs while it grows. On failure t->failed is set. */
static void fml_begin(fml_tree *t) {
    const fml_growth *g = t->g;
    const ptrdiff_t n = g->n, words = n / 64 + 1;
    t->samples = fml_room(t, n, sizeof *t->samples, 0);
    t->code = fml_get(t, n, sizeof *t->code);
    t->features = fml_room(t, g->d, sizeof *t->features, 0);
    t->constants = fml_room(t, g->d, sizeof *t->constants, 0);
    if (g->arranged || (g->values && g->max_features >= g->d)) t->found = fml_get(t, g->d, sizeof *t->found);
    t->is_constant = fml_get(t, g->d, sizeof *t->is_constant);
    t->left_side = fml_get(t, words, sizeof *t->left_side);
    t->total.sums = fml_get(t, 2 * g->stride, sizeof(double));
    t->scratch = fml_get(t, g->n_threads, sizeof *t->scratch);
    if (t->failed) return;
    t->left.sums = t->total.sums + g->stride;
    for (ptrdiff_t f = 0; f < g->d; f++) t->features[f] = f;
    fml_choose_scan(t);
    if (t->failed) return;
    if (g->arranged) {
        t->order = fml_get(t, g->d, sizeof *t->order);
        t->n_ties = fml_room(t, t->n_used, sizeof *t->n_ties, 0);
        t->arrangement = fml_room(t, t->n_used, sizeof *t->arrangement, 0);
        if (!t->failed) memcpy(t->arrangement, t->samples, t->n_used * sizeof *t->samples);
    }
    t->two_values = g->ranks && t->scan == FML_SCAN_MSE && !g->arranged && fml_are_two_values(g);
    const int listed = g->presort && !g->random && !t->tabled && !t->two_values;
    t->moved = fml_room(t, t->n_used, sizeof *t->moved, 0);
    t->sides = fml_room(t, t->n_used, sizeof *t->sides, 0);
    t->node_code = fml_room(t, t->n_used, sizeof *t->node_code, 0);
    t->moved_code = fml_room(t, t->n_used, sizeof *t->moved_code, 0);
    for (ptrdiff_t p = 0; t->node_code && p < t->n_used; p++) t->node_code[p] = t->code[t->samples[p]];
    if (g->criterion == FML_MAE) fml_get_median(t);
    for (int worker = 0; worker < g->n_threads; worker++) {
        fml_scratch *room = t->scratch + worker;
        room->left = fml_get(t, 2 * g->stride, sizeof *room->left);
        room->right = room->left + g->stride;
        room->squares = fml_get(t, 2 * g->n_outputs, sizeof *room->squares);
        room->positive = fml_get(t, 2 * g->n_outputs, sizeof *room->positive);
        if (g->random) {
            room->column = fml_room(t, t->n_used, sizeof *room->column, 0);
            room->best_column = fml_room(t, t->n_used, sizeof *room->best_column, 0);
            if (fml_gathers_shares(t)) {
                room->shares = fml_room(t, t->unit ? t->n_used : 2 * t->n_used, sizeof *room->shares, 0);
                room->weights = room->shares + t->n_used;
                room->left_sides = (float *)t->moved;
                room->classes = (uint32_t *)room->shares; /* of one or the other */
            }
        } else if (!listed || g->arranged) {
            room->entries = fml_room(t, 2 * t->n_used + 2, sizeof *room->entries, 0);
            room->sorted = room->entries + t->n_used + 1;
        }
        if (fml_is_unranked(g)) {
            room->column = fml_room(t, 2 * t->n_used, sizeof *room->column, 0);
            room->ranked = room->column + t->n_used;
            room->bits = fml_room(t, words, sizeof *room->bits, 0);
            room->spare = fml_room(t, t->n_used, sizeof *room->spare, 0);
        }
        if (g->ranks) {
            room->table = fml_get(t, n + 1 + words + words / 64 + 1, sizeof *room->table);
            room->bits = room->table + n + 1;
            room->summary = room->bits + words;
            if (t->tabled) room->ranks = fml_room(t, t->n_used, sizeof *room->ranks, 0);
        }
    }
    if (listed && !t->failed) {
        /* in place: pages that are new cost as much as the copy, 2 % of a regression tree together */
        t->lists = g->spare && t->n_used == n ? g->spare : fml_room(t, g->d * t->n_used, sizeof *t->lists, 0);
        t->aside = fml_room(t, g->n_threads * (t->n_used + 8), sizeof *t->aside, 0);
        if (!t->failed) g->together(fml_make_list, t, g->d, t->n_used * g->d >= FML_TOGETHER ? g->n_threads : 1);
    }
}

/* Grow a tree from its weights and seed; nodes and values are the caller's to free. */
static void fml_grow(fml_tree *t) {
    if (t->g->stopped(t->g->stop)) {
        t->failed = 2;
        return;
    }
    t->arena = t->g->arenas + t->g->worker();
    fml_begin(t);
    if (!t->failed) {
        if (t->g->max_leaf_nodes < 0) fml_depth_first(t);
        else fml_best_first(t);
    }
    fml_arena_reset(t->arena, 0);
}
#endif
