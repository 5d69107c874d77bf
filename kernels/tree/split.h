/* The best split of a node: which features are looked at, and how. */
#ifndef FML_TREE_SPLIT_H
#define FML_TREE_SPLIT_H
#include "arranged.h"
#include "bins.h"
#include "threshold.h"
#include "two_values.h"
#include "unranked.h"

/* So many entries of another criterion take the time of one of absolute_error. */
#define FML_OF_MEDIANS 50

/* From so many entries of a node on its features are shared out among threads: about 200 us of work. */
#define FML_TOGETHER 65536

static void fml_sort_by_rank(const fml_tree *t, ptrdiff_t f, fml_scratch *room, ptrdiff_t *m, ptrdiff_t *n_missing) {
    const fml_growth *g = t->g;
    const uint32_t *ranks = g->ranks + f * g->n, n_distinct = (uint32_t)g->n_distinct[f];
    const ptrdiff_t n = t->end - t->start;
    uint64_t *const e = room->entries;
    ptrdiff_t known = 0, missing = 0;
    uint32_t all = 0;
    for (ptrdiff_t p = t->start; p < t->end; p++) {
        const uint32_t i = t->samples[p], rank = ranks[i];
        const int is_missing = rank == n_distinct;
        e[is_missing ? n - ++missing : known++] =
            (uint64_t)rank << FML_RANK_SHIFT | (uint64_t)i << FML_SAMPLE_SHIFT | t->node_code[p];
        all |= rank;
    }
    fml_sort(e, room->sorted, known, FML_RANK_SHIFT, FML_RANK_SHIFT + (all ? 32 - __builtin_clz(all) : 1));
    *m = known;
    *n_missing = missing;
}

/* The best split of a feature; one that is worse than t->floor need not be found. */
static void fml_look(fml_tree *t, ptrdiff_t f, int worker, fml_split *best) {
    const fml_growth *g = t->g;
    fml_scratch *const room = t->scratch + worker;
    ptrdiff_t m = t->end - t->start, n_missing = 0;
    if (g->random) {
        fml_scan_random(t, f, room, best);
        return;
    }
    if (fml_is_unranked(g)) {
        fml_scan_unranked(t, f, room, best);
        return;
    }
    if (t->two_values) {
        if (t->unit) fml_scan_two(t, f, 1, 0, best);
        else if (t->counted) fml_scan_two(t, f, 0, 1, best);
        else fml_scan_two(t, f, 0, 0, best);
        return;
    }
    if (t->tabled && fml_is_binned(t, f)) {
        fml_scan_bins(t, f, room, best);
        return;
    }
    if (t->tabled && m >= FML_WORTH_TABLE) {
        fml_scan_table(t, f, room, best);
        return;
    }
    const uint64_t *entries = room->entries;
    if (t->lists) {
        entries = t->lists + f * t->n_used + t->start;
        if (g->missing[f])
            for (ptrdiff_t low = 0; low < m;) { /* where the missing ones begin */
                const ptrdiff_t middle = (low + m) / 2;
                if (fml_rank(entries[middle]) < g->n_distinct[f]) low = middle + 1;
                else m = middle;
            }
        n_missing = t->end - t->start - m;
    } else fml_sort_by_rank(t, f, room, &m, &n_missing);
    const int apart = 16 * (g->n_distinct[f] + g->missing[f]) > 15 * g->n;
    const fml_ranked ranked = {g->values + f * g->n, fml_tight(g, f), apart, 0, m};
    fml_scan_list(t, f, &ranked, entries, m, n_missing, room, best);
}

/* Whether the node has two samples that any feature parts alike: the first one that is drawn and not constant wins. */
static int fml_ties(const fml_tree *t) {
    return t->end - t->start == 2 && t->scan < FML_SCAN_ANY && !t->g->random && !t->g->arranged;
}

/* The ranks of such a pair by feature f, the lower one first; returns whether its second sample has that one. */
static inline int fml_rank_pair(const fml_tree *t, ptrdiff_t f, uint32_t *ranks) {
    const uint32_t *const samples = t->samples + t->start;
    if (t->lists) {
        const uint64_t *const e = t->lists + f * t->n_used + t->start;
        ranks[0] = fml_rank(e[0]);
        ranks[1] = fml_rank(e[1]);
        return fml_sample(e[0]) != samples[0];
    }
    const uint32_t *const all = t->g->ranks + f * t->g->n, first = all[samples[0]], second = all[samples[1]];
    ranks[0] = first < second ? first : second;
    ranks[1] = first < second ? second : first;
    return second < first;
}

static inline int fml_is_constant_pair(const fml_tree *t, ptrdiff_t f) {
    const fml_growth *g = t->g;
    uint32_t ranks[2];
    if (fml_is_unranked(g)) return fml_is_constant_given(t, f);
    fml_rank_pair(t, f, ranks);
    if (ranks[1] == g->n_distinct[f]) return ranks[0] == ranks[1]; /* missing */
    return !fml_is_spread(fml_tight(g, f), g->values + f * g->n, ranks[0], ranks[1]);
}

/* What became of the constants that a draw has found: they are constant below the node, in this order. */
static inline void fml_keep_constants(fml_tree *t, ptrdiff_t found) {
    const ptrdiff_t known = t->n_constants;
    if (known) memcpy(t->features, t->constants, known * sizeof *t->features);
    if (found) memcpy(t->constants + known, t->features + known, found * sizeof *t->features);
    t->n_constants = known + found;
}

/* scikit-learn's draw of features without replacement; returns the feature of the best split, -1 where there is none.
 *
 * features: drawn constants | known constants | constants found | not drawn | drawn. Constants of a node are constant below it.
 */
static ptrdiff_t fml_choose(fml_tree *t, fml_split *best) {
    const fml_growth *g = t->g;
    ptrdiff_t *const features = t->features;
    ptrdiff_t undrawn = g->d, drawn = 0, found = 0, visited = 0, winner = -1, swap;
    const ptrdiff_t known = t->n_constants;
    const int ties = fml_ties(t), wary = fml_is_wary(t), arranged = g->arranged;
    double second = -INFINITY;
    fml_split split;
    best->proxy = t->floor = -INFINITY;
    t->n_drawn = 0;
    if (fml_gathers_shares(t)) fml_gather_shares(t);
    while (undrawn > known + found && (visited < g->max_features || visited <= found + drawn)) {
        visited++;
        ptrdiff_t j = drawn + fml_draw(t) % (uint32_t)(undrawn - found - drawn);
        if (j < known) {
            swap = features[drawn];
            features[drawn++] = features[j];
            features[j] = swap;
            continue;
        }
        j += found;
        const ptrdiff_t f = features[j];
        if (ties && winner >= 0) {
            split.proxy = -INFINITY;
            split.constant = (uint8_t)fml_is_constant_pair(t, f);
            if (wary && !split.constant) t->failed = FML_CLOSE_CALL;
        } else {
            fml_look(t, f, 0, &split);
            t->work += (double)(t->end - t->start) * (t->scan == FML_SCAN_MAE ? FML_OF_MEDIANS : 1);
            if (fml_interrupted(t)) return -1;
        }
        if (arranged) {
            t->order[t->n_drawn++] = f;
            t->found[f] = split;
        }
        if (split.constant) {
            features[j] = features[known + found];
            features[known + found++] = f;
            continue;
        }
        features[j] = features[--undrawn];
        features[undrawn] = f;
        if (wary || arranged) second = fml_second(best, &split, second);
        if (split.proxy > best->proxy) {
            *best = split;
            t->floor = split.proxy;
            winner = f;
            if (g->random) { /* its values are what the samples are parted by */
                float *const column = t->scratch->column;
                t->scratch->column = t->scratch->best_column;
                t->scratch->best_column = column;
            }
        }
    }
    fml_keep_constants(t, found);
    if (wary && winner >= 0) fml_doubt_split(t, best, second);
    return arranged && winner >= 0 ? fml_settle(t, winner, second, best) : winner;
}

/* The same draw where all features are looked at: it does not depend on what is found but for the constants, of which
 * is_constant tells. Afterwards features[n_constants:] are those that were drawn, the last one first. NULL: none is found. */
static void fml_draw_all(fml_tree *t, const uint8_t *is_constant) {
    ptrdiff_t *const features = t->features;
    ptrdiff_t undrawn = t->g->d, drawn = 0, found = 0;
    const ptrdiff_t known = t->n_constants;
    uint32_t state = t->random_state;
    if (!known && !is_constant)
        for (; undrawn; ) {
            const ptrdiff_t j = xorshift(&state) % (uint32_t)undrawn, f = features[j];
            features[j] = features[--undrawn];
            features[undrawn] = f;
        }
    while (undrawn > known + found) {
        ptrdiff_t j = drawn + xorshift(&state) % (uint32_t)(undrawn - found - drawn);
        if (j < known) {
            const ptrdiff_t swap = features[drawn];
            features[drawn++] = features[j];
            features[j] = swap;
            continue;
        }
        j += found;
        const ptrdiff_t f = features[j];
        if (is_constant && is_constant[f]) {
            features[j] = features[known + found];
            features[known + found++] = f;
        } else {
            features[j] = features[--undrawn];
            features[undrawn] = f;
        }
    }
    t->random_state = state;
    fml_keep_constants(t, found);
}

static void fml_look_one(void *tree, ptrdiff_t j) {
    fml_tree *t = tree;
    const ptrdiff_t f = t->features[t->n_constants + j];
    fml_look(t, f, t->g->worker(), t->found + f);
}

/* Features of fewer samples are looked at side by side; at 12 that gained 10 % of a deep regression tree, at 40 15 %, at
 * 64 17 %, at 128 13 %. */
#define FML_ABREAST 64

/* Whether the node is such a one: for squared errors. */
static int fml_is_small(const fml_tree *t) {
    return t->lists && t->end - t->start < FML_ABREAST && t->scan == FML_SCAN_MSE && (t->unit || t->counted) && t->g->doubt < 0;
}

#define FML_LANES 8

/* fml_look at k of FML_LANES features, lane by lane the same operations. Divisions that a bar might spare cost less than the
 * jumps of looking: with it the tree took 1.1 times as long. */
FML_INLINE_ALWAYS void fml_look_abreast(fml_tree *t, const ptrdiff_t *features, int k, int unit) {
    const fml_growth *const g = t->g;
    const uint64_t *const lists = t->lists + t->start;
    const ptrdiff_t n = t->end - t->start, low = g->min_leaf - 1, high = n - g->min_leaf;
    const double all = t->total.weight, total = t->total.sums[0], least = t->min_weight_leaf, *const y = t->pairs;
    int64_t list[FML_LANES], at[FML_LANES];
    uint64_t entry[FML_LANES], next[FML_LANES];
    double wl[FML_LANES], sum[FML_LANES], best[FML_LANES];
    for (int l = 0; l < FML_LANES; l++) {
        list[l] = features[l < k ? l : 0] * t->n_used;
        entry[l] = lists[list[l]];
        at[l] = -1;
        wl[l] = sum[l] = 0;
        best[l] = -INFINITY;
    }
    for (ptrdiff_t i = 0; i < high; i++) {
        for (int l = 0; l < FML_LANES; l++) next[l] = lists[list[l] + i + 1];
        for (int l = 0; l < FML_LANES; l++) {
            sum[l] += y[entry[l] >> FML_SAMPLE_SHIFT & FML_SAMPLE_MASK];
            wl[l] += unit ? 1.0 : (double)(int64_t)(entry[l] & FML_CODE_MASK);
        }
        for (int l = 0; i >= low && l < FML_LANES; l++) {
            const double wr = all - wl[l], r = total - sum[l], proxy = sum[l] * sum[l] / wl[l] + r * r / wr;
            const int is_better = ((entry[l] ^ next[l]) >> FML_RANK_SHIFT != 0) & (wl[l] >= least) & (wr >= least) & (proxy > best[l]);
            best[l] = is_better ? proxy : best[l];
            at[l] = is_better ? i : at[l];
        }
        for (int l = 0; l < FML_LANES; l++) entry[l] = next[l];
    }
    for (int l = 0; l < k; l++) {
        const ptrdiff_t f = features[l];
        fml_split *const s = t->found + f;
        const uint64_t *const e = lists + list[l], *const tight = fml_tight(g, f);
        const float *const values = g->values + f * g->n;
        if (g->missing[f] || (tight && at[l] >= 0 && !fml_is_apart(tight, values, fml_rank(e[at[l]]), fml_rank(e[at[l] + 1])))) {
            fml_look(t, f, 0, s);
            continue;
        }
        *s = (fml_split){.proxy = best[l], .second = -INFINITY};
        s->constant = at[l] < 0 && !fml_is_spread(tight, values, fml_rank(e[0]), fml_rank(e[n - 1]));
        if (at[l] >= 0) fml_note_place(s, at[l] + 1, fml_rank(e[at[l]]), fml_rank(e[at[l] + 1]), 0, 0);
    }
}

/* Look at every feature that is not known to be constant, and note in is_constant which are; returns how many. Where
 * the node is a pair that ties nothing else is looked for. */
static ptrdiff_t fml_look_all(fml_tree *t) {
    const fml_growth *g = t->g;
    const ptrdiff_t n = t->end - t->start, n_open = g->d - t->n_constants;
    const ptrdiff_t *const open = t->features + t->n_constants;
    const int ties = fml_ties(t), is_small = !ties && fml_is_small(t);
    ptrdiff_t n_constant = 0;
    t->floor = -INFINITY;
    if (g->n_threads > 1 && t->scan != FML_SCAN_MAE && n * n_open >= FML_TOGETHER) {
        g->together(fml_look_one, t, n_open, g->n_threads);
        t->work += (double)n * n_open;
    } else
        for (ptrdiff_t j = 0; j < n_open && !fml_interrupted(t); j++) {
            if (is_small) {
                const int k = n_open - j < FML_LANES ? (int)(n_open - j) : FML_LANES;
                if (t->unit) fml_look_abreast(t, open + j, k, 1);
                else fml_look_abreast(t, open + j, k, 0);
                j += k - 1;
            } else if (ties) t->found[open[j]].constant = (uint8_t)fml_is_constant_pair(t, open[j]);
            else {
                fml_look(t, open[j], 0, t->found + open[j]);
                t->floor = t->found[open[j]].proxy > t->floor ? t->found[open[j]].proxy : t->floor;
            }
            t->work += (double)n * (t->scan == FML_SCAN_MAE ? FML_OF_MEDIANS : 1);
        }
    for (ptrdiff_t j = 0; j < n_open; j++) n_constant += t->is_constant[open[j]] = t->found[open[j]].constant;
    return n_constant;
}

/* fml_choose where all features are looked at: first the looks, which threads may share, then the draw. */
static ptrdiff_t fml_choose_of_all(fml_tree *t, fml_split *best) {
    const int ties = fml_ties(t), wary = fml_is_wary(t);
    const ptrdiff_t n_constant = fml_look_all(t);
    double second = -INFINITY;
    ptrdiff_t winner = -1;
    best->proxy = -INFINITY;
    if (t->failed) return -1;
    fml_draw_all(t, n_constant ? t->is_constant : NULL);
    for (ptrdiff_t j = t->g->d; j-- > t->n_constants && !(ties && winner >= 0);) {
        const ptrdiff_t f = t->features[j];
        if (ties) fml_look(t, f, 0, t->found + f);
        if (wary) second = fml_second(best, t->found + f, second);
        if (!(t->found[f].proxy > best->proxy)) continue;
        *best = t->found[f];
        winner = f;
    }
    if (wary && ties && t->n_constants + 1 < t->g->d) t->failed = FML_CLOSE_CALL;
    if (wary && winner >= 0) fml_doubt_split(t, best, second);
    return winner;
}
#endif
