/* The best split of a node: which features are looked at, how the samples are sorted by them, who goes left. */
#ifndef FML_TREE_SPLIT_H
#define FML_TREE_SPLIT_H
#include "scan.h"

/* From so many samples on a histogram of ranks beats sorting. */
#define FML_WORTH_TABLE 24

/* ---- sorted anew, from the ranks ---- */

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

/* ---- histogram by rank: two classes, whole weights ---- */

/* A number of the histogram:  samples | weight of class 1 | weight,  added up in one operation. */
#define FML_FIELD 21
#define FML_FIELD_MASK ((1u << FML_FIELD) - 1)

typedef struct {
    const uint64_t *sums, *ranks;       /* (n_groups,)  up to and with each value of the node; the values */
    ptrdiff_t n_groups;
    uint64_t before;                    /* on the left from the start */
    const float *values;                /* as in fml_search */
} fml_groups;

/* Count the node's samples by rank; the ranks that are there are found by their bits, so that no rank costs anything
 * that is not. Returns what is missing. The buffers are zero before and after. */
static uint64_t fml_count(const fml_tree *t, ptrdiff_t f, const fml_scratch *room, fml_groups *groups) {
    const fml_growth *g = t->g;
    const uint32_t *ranks = g->ranks + f * g->n, n_distinct = (uint32_t)g->n_distinct[f];
    uint64_t *const table = room->table, *const bits = room->bits, *const summary = room->summary, sum = 0;
    ptrdiff_t n_groups = 0;
    for (ptrdiff_t p = t->start; p < t->end; p++) {
        const uint32_t rank = ranks[t->samples[p]];
        table[rank] += t->fields[t->node_code[p]];
        bits[rank >> 6] |= 1ull << (rank & 63);
        summary[rank >> 12] |= 1ull << (rank >> 6 & 63);
    }
    for (uint32_t high = 0; high <= n_distinct >> 12; high++) {
        for (uint64_t words = summary[high]; words; words &= words - 1) {
            const uint32_t word = high << 6 | (uint32_t)__builtin_ctzll(words);
            for (uint64_t left = bits[word]; left; left &= left - 1) {
                const uint32_t rank = word << 6 | (uint32_t)__builtin_ctzll(left);
                sum += table[rank];
                table[rank] = 0;
                room->entries[n_groups] = sum;
                room->sorted[n_groups++] = rank;
            }
            bits[word] = 0;
        }
        summary[high] = 0;
    }
    groups->sums = room->entries;
    groups->ranks = room->sorted;
    groups->n_groups = n_groups;
    if (!n_groups || room->sorted[n_groups - 1] != n_distinct) return 0;
    groups->n_groups--;
    return n_groups > 1 ? sum - room->entries[n_groups - 2] : sum;
}

static void fml_search_groups(const fml_tree *t, const fml_groups *s, ptrdiff_t first, ptrdiff_t last, int is_end, fml_split *best) {
    fml_block block;
    const ptrdiff_t n = t->end - t->start, least = t->g->min_leaf;
    for (ptrdiff_t j = first; j < last;) {
        int k = 0;
        for (const ptrdiff_t stop = last - j < FML_BLOCK ? last : j + FML_BLOCK; j < stop; j++) {
            const uint64_t left = s->before + s->sums[j];
            const ptrdiff_t n_left = (ptrdiff_t)(left >> 2 * FML_FIELD);
            block.weight[k] = (double)(int64_t)(left & FML_FIELD_MASK);
            block.a[k] = (double)(int64_t)(left >> FML_FIELD & FML_FIELD_MASK);
            block.at[k] = (uint32_t)j;
            k += (n_left >= least) & (n - n_left >= least) &
                 (is_end || !s->values || s->values[s->ranks[j + 1]] > s->values[s->ranks[j]] + fml_too_close);
        }
        if (!k) continue;
        fml_proxies_gini2(t, &block, k);
        const int top = fml_top(&block, k, &best->proxy);
        if (top < 0) continue;
        const ptrdiff_t at = block.at[top];
        best->n_left = (ptrdiff_t)((s->before + s->sums[at]) >> 2 * FML_FIELD);
        best->rank_left = (uint32_t)s->ranks[at];
        best->rank_right = is_end ? 0 : (uint32_t)s->ranks[at + 1];
        best->missing_left = s->before > 0;
        best->only_missing_right = (uint8_t)is_end;
    }
}

static void fml_scan_table(const fml_tree *t, ptrdiff_t f, const fml_scratch *room, fml_split *best) {
    const float *values = t->g->values + f * t->g->n;
    fml_groups s = {.before = 0, .values = t->g->close[f] ? values : NULL};
    const uint64_t missing = fml_count(t, f, room, &s);
    const ptrdiff_t last = s.n_groups - 1;
    best->proxy = -INFINITY;
    best->n_missing = (ptrdiff_t)(missing >> 2 * FML_FIELD);
    best->constant = last < 0 || (!missing && values[s.ranks[last]] <= values[s.ranks[0]] + fml_too_close);
    if (best->constant) return;
    fml_search_groups(t, &s, 0, last, 0, best);
    if (!missing) return;
    fml_search_groups(t, &s, last, last + 1, 1, best);
    s.before = missing;
    fml_search_groups(t, &s, 0, last, 0, best);
}

/* ---- a random threshold ---- */

static inline uint32_t fml_draw(fml_tree *t) { return xorshift(&t->random_state); }

/* Weigh up the samples that go left; returns the proxy. */
static double fml_weigh(fml_tree *t, const float *column, ptrdiff_t n, double threshold, int missing_left, int constraint, ptrdiff_t n_left, fml_scratch *room) {
    const fml_growth *g = t->g;
    fml_sums left = {room->left, 0, 0};
    fml_median *m = t->median;
    double value_left, value_right, proxy;
    fml_clear(t, &left);
    if (t->scan == FML_SCAN_MAE) {
        ptrdiff_t l = 0, r = n_left;
        for (ptrdiff_t p = 0; p < n; p++) {
            const uint32_t i = t->samples[t->start + p];
            const int is_left = isnan(column[p]) ? missing_left : column[p] <= threshold;
            m->order[is_left ? l++ : r++] = i;
            left.weight += is_left ? fml_weight(t, i) : 0;
        }
        fml_errors(t, n);
    } else if (t->scan == FML_SCAN_GINI2 && !missing_left) {
        uint64_t sum = 0, ones = 0;
        const uint32_t class_mask = (1u << t->class_bits) - 1;
        for (ptrdiff_t p = 0; p < n; p++) { /* NaN is no less than anything */
            const uint32_t code = t->node_code[t->start + p], w = code >> t->class_bits, is_left = column[p] <= threshold;
            sum += is_left ? w : 0;
            ones += is_left & (code & class_mask) ? w : 0;
        }
        left.weight = (double)sum;
        left.sums[0] = (double)(sum - ones);
        if (g->stride > 1) left.sums[1] = (double)ones;
    } else
        for (ptrdiff_t p = 0; p < n; p++)
            if (isnan(column[p]) ? missing_left : column[p] <= threshold) fml_add(t, &left, t->samples[t->start + p]);
    const double wl = left.weight, wr = t->total.weight - wl;
    if (wl < t->min_weight_leaf || wr < t->min_weight_leaf) return -INFINITY;
    if (t->scan == FML_SCAN_MAE) {
        value_left = m->first_median[n_left - 1];
        value_right = m->last_median[n_left];
        proxy = -wr * (m->last_error[n_left] / (wr * g->n_outputs)) - wl * (m->first_error[n_left - 1] / (wl * g->n_outputs));
    } else {
        fml_rest(g, t->total.sums, left.sums, room->right);
        value_left = left.sums[0] / wl;
        value_right = room->right[0] / wr;
        proxy = fml_proxy(g, left.sums, wl, room->right, wr);
    }
    return constraint && !fml_keeps_order(t, constraint, value_left, value_right) ? -INFINITY : proxy;
}

static void fml_scan_random(fml_tree *t, ptrdiff_t f, fml_scratch *room, fml_split *best) {
    const fml_growth *g = t->g;
    const float *column = g->columns + f * g->n;
    float *const x = room->column, low = INFINITY, high = -INFINITY;
    const ptrdiff_t n = t->end - t->start;
    ptrdiff_t n_missing = 0, n_left = 0;
    best->proxy = -INFINITY;
    for (ptrdiff_t p = 0; p < n; p++) {
        const float v = x[p] = column[t->samples[t->start + p]];
        low = v < low ? v : low;
        high = v > high ? v : high;
    }
    if (g->missing[f])
        for (ptrdiff_t p = 0; p < n; p++) n_missing += isnan(x[p]) != 0;
    best->n_missing = n_missing;
    best->constant = n_missing == n || (n_missing == 0 && high <= low + fml_too_close);
    if (best->constant) return;
    best->threshold = ((double)high - (double)low) * fml_draw(t) / 2147483647.0 + (double)low;
    best->missing_left = n_missing ? fml_draw(t) % 2 : 0;
    if (best->threshold == high) best->threshold = low;
    for (ptrdiff_t p = 0; p < n; p++) n_left += x[p] <= best->threshold;
    best->n_left = n_left += best->missing_left ? n_missing : 0;
    if (n_left < g->min_leaf || n - n_left < g->min_leaf) return;
    best->proxy = fml_weigh(t, x, n, best->threshold, best->missing_left, g->monotonic ? g->monotonic[f] : 0, n_left, room);
}

/* ---- one feature, one node ---- */

static void fml_look(fml_tree *t, ptrdiff_t f, int worker, fml_split *best) {
    const fml_growth *g = t->g;
    fml_scratch *const room = t->scratch + worker;
    ptrdiff_t m = t->end - t->start, n_missing = 0;
    if (g->random) {
        fml_scan_random(t, f, room, best);
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
    fml_scan_list(t, f, entries, m, n_missing, room, best);
}

/* scikit-learn's draw of features without replacement; returns the feature of the best split, -1 where there is none.
 *
 * features: drawn constants | known constants | constants found | not drawn | drawn. Constants of a node are constant below it.
 * together: what fml_look found for every feature that is not known to be constant, or NULL.
 */
static ptrdiff_t fml_choose(fml_tree *t, const fml_split *together, fml_split *best) {
    const fml_growth *g = t->g;
    ptrdiff_t *const features = t->features;
    ptrdiff_t undrawn = g->d, drawn = 0, found = 0, visited = 0, winner = -1, swap;
    const ptrdiff_t known = t->n_constants;
    fml_split split;
    best->proxy = -INFINITY;
    while (undrawn > known + found && (visited < g->max_features || visited <= found + drawn)) {
        visited++;
        ptrdiff_t j = drawn + (ptrdiff_t)fml_draw(t) % (undrawn - found - drawn);
        if (j < known) {
            swap = features[drawn];
            features[drawn++] = features[j];
            features[j] = swap;
            continue;
        }
        j += found;
        const ptrdiff_t f = features[j];
        if (together) split = together[f];
        else fml_look(t, f, 0, &split);
        if (split.constant) {
            features[j] = features[known + found];
            features[known + found++] = f;
            continue;
        }
        features[j] = features[--undrawn];
        features[undrawn] = f;
        if (split.proxy > best->proxy) {
            *best = split;
            winner = f;
        }
    }
    memcpy(features, t->constants, known * sizeof *features);
    memcpy(t->constants + known, features + known, found * sizeof *features);
    t->n_constants = known + found;
    return winner;
}

/* ---- who goes left ---- */

static inline int fml_is_left(const fml_tree *t, uint32_t i) { return (int)(t->left_side[i >> 6] >> (i & 63)) & 1; }

static inline void fml_mark(fml_tree *t, uint32_t i, uint64_t is_left) {
    uint64_t *const word = t->left_side + (i >> 6);
    *word = (*word & ~(1ull << (i & 63))) | is_left << (i & 63);
}

/* Note the side of every sample of the node. */
static void fml_mark_sides(fml_tree *t, ptrdiff_t f, const fml_split *s) {
    const fml_growth *g = t->g;
    const ptrdiff_t n = t->end - t->start;
    if (t->lists) {
        const uint64_t *e = t->lists + f * t->n_used + t->start;
        const ptrdiff_t known = n - s->n_missing, left = s->n_left - (s->missing_left ? s->n_missing : 0);
        for (ptrdiff_t p = 0; p < n; p++) fml_mark(t, fml_sample(e[p]), p < known ? p < left : s->missing_left);
        return;
    }
    for (ptrdiff_t p = t->start; p < t->end; p++) {
        const uint32_t i = t->samples[p];
        if (g->random) {
            const float x = g->columns[f * g->n + i];
            fml_mark(t, i, isnan(x) ? s->missing_left : x <= s->threshold);
        } else {
            const uint32_t rank = g->ranks[f * g->n + i];
            fml_mark(t, i, rank == g->n_distinct[f] ? s->missing_left : rank <= s->rank_left);
        }
    }
}

/* Stable partition of the node's samples; returns where the right side begins. */
static ptrdiff_t fml_part_samples(fml_tree *t) {
    ptrdiff_t left = t->start, right = 0;
    for (ptrdiff_t p = t->start; p < t->end; p++) {
        const uint32_t i = t->samples[p];
        const int is_left = fml_is_left(t, i);
        t->samples[left] = i;
        t->moved[right] = i;
        left += is_left;
        right += !is_left;
    }
    memcpy(t->samples + left, t->moved, right * sizeof *t->moved);
    return left;
}

/* Stable partition of a feature's list, of which a child that stays a leaf needs nothing. */
static void fml_part_list(fml_tree *t, ptrdiff_t f, int worker, int keep_left, int keep_right) {
    uint64_t *const e = t->lists + f * t->n_used + t->start, *const aside = t->aside + worker * t->n_used;
    const ptrdiff_t n = t->end - t->start;
    ptrdiff_t left = 0, right = 0;
    if (!keep_left) {
        for (ptrdiff_t p = n, to = n; p-- > 0;) {
            const uint64_t entry = e[p];
            e[to - 1] = entry;
            to -= !fml_is_left(t, fml_sample(entry));
        }
        return;
    }
    if (!keep_right) {
        for (ptrdiff_t p = 0; p < n; p++) {
            const uint64_t entry = e[p];
            e[left] = entry;
            left += fml_is_left(t, fml_sample(entry));
        }
        return;
    }
    for (ptrdiff_t p = 0; p < n; p++) {
        const uint64_t entry = e[p];
        const int is_left = fml_is_left(t, fml_sample(entry));
        e[left] = entry;
        aside[right] = entry;
        left += is_left;
        right += !is_left;
    }
    memcpy(e + left, aside, right * sizeof *e);
}
#endif
