/* The best split of a node: which features are looked at, how the samples are sorted by them, who goes left. */
#ifndef FML_TREE_SPLIT_H
#define FML_TREE_SPLIT_H
#include "lanes.h"
#include "scan.h"

/* From so many samples on a histogram of ranks beats sorting. */
#define FML_WORTH_TABLE 24
/* With fewer ranks than this times the samples of a node, most are there: all are looked at. */
#define FML_FEW 2
/* Nodes of fewer samples read the features by sample. */
#define FML_BY_SAMPLE 4096

#define FML_FLOATS ((int)(sizeof(vf32) / sizeof(float)))

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
    const uint64_t *tight;
} fml_groups;

/* Count the node's samples by rank; the ranks that are there are found by their bits, so that no rank costs anything
 * that is not. Returns what is missing. The buffers are zero before and after. */
static uint64_t fml_count(const fml_tree *t, ptrdiff_t f, const fml_scratch *room, fml_groups *groups) {
    const fml_growth *g = t->g;
    const uint32_t *ranks = g->ranks + f * g->n, n_distinct = (uint32_t)g->n_distinct[f];
    uint64_t *const table = room->table, *const bits = room->bits, *const summary = room->summary, sum = 0;
    ptrdiff_t n_groups = 0;
    if (n_distinct < FML_FEW * (t->end - t->start)) { /* no bits: their few words would be a chain of waiting stores */
        for (ptrdiff_t p = t->start; p < t->end; p++) table[ranks[t->samples[p]]] += t->fields[t->node_code[p]];
        for (uint32_t rank = 0; rank <= n_distinct; rank++) {
            sum += table[rank];
            room->entries[n_groups] = sum;
            room->sorted[n_groups] = rank;
            n_groups += table[rank] != 0;
            table[rank] = 0;
        }
    } else {
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
                 (is_end || !s->tight || fml_is_apart(s->tight, s->values, (uint32_t)s->ranks[j], (uint32_t)s->ranks[j + 1]));
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
    fml_groups s = {.before = 0, .values = values, .tight = t->g->close[f] ? t->g->tight + f * (t->g->n / 64 + 1) : NULL};
    const uint64_t missing = fml_count(t, f, room, &s);
    const ptrdiff_t last = s.n_groups - 1;
    best->proxy = -INFINITY;
    best->n_missing = (ptrdiff_t)(missing >> 2 * FML_FIELD);
    best->constant = last < 0 || (!missing && !fml_is_spread(s.tight, values, (uint32_t)s.ranks[0], (uint32_t)s.ranks[last]));
    if (best->constant) return;
    fml_search_groups(t, &s, 0, last, 0, best);
    if (!missing) return;
    fml_search_groups(t, &s, last, last + 1, 1, best);
    s.before = missing;
    fml_search_groups(t, &s, 0, last, 0, best);
}

/* ---- a random threshold ---- */

static inline uint32_t fml_draw(fml_tree *t) { return xorshift(&t->random_state); }

/* The largest float32 that is not above a float64: comparisons of float32 numbers with both are the same. */
static inline float fml_round_down(double x) {
    const float y = (float)x;
    return y > x ? nextafterf(y, -INFINITY) : y;
}

/* The node's values of feature f, side by side in x; small nodes read them by sample, so that all features of one lie
 * in the same lines of the cache. Returns how many are missing; *low and *high: the range of the others. */
static ptrdiff_t fml_gather(const fml_tree *t, ptrdiff_t f, float *restrict x, float *low, float *high) {
    const fml_growth *g = t->g;
    const ptrdiff_t n = t->end - t->start;
    const uint32_t *restrict samples = t->samples + t->start;
    ptrdiff_t n_missing = 0;
    if (n < FML_BY_SAMPLE && g->rows) {
        const float *rows = g->rows + f;
        for (ptrdiff_t p = 0; p < n; p++) x[p] = rows[samples[p] * g->d];
    } else {
        const float *column = g->columns + f * g->n;
        for (ptrdiff_t p = 0; p < n; p++) x[p] = column[samples[p]];
    }
    *low = INFINITY;
    *high = -INFINITY;
    ptrdiff_t p = 0;
    if (n >= 2 * FML_FLOATS) {
        float lows[FML_FLOATS], highs[FML_FLOATS];
        vf32 l = vset1_f32(INFINITY), h = vset1_f32(-INFINITY);
        for (; p + FML_FLOATS <= n; p += FML_FLOATS) {
            l = vmin_f32(vload_f32(x + p), l); /* the second one where the first is NaN */
            h = vmax_f32(vload_f32(x + p), h);
        }
        vstore_f32(lows, l);
        vstore_f32(highs, h);
        for (int j = 0; j < FML_FLOATS; j++) {
            *low = lows[j] < *low ? lows[j] : *low;
            *high = highs[j] > *high ? highs[j] : *high;
        }
    }
    for (; p < n; p++) {
        *low = x[p] < *low ? x[p] : *low;
        *high = x[p] > *high ? x[p] : *high;
    }
    if (g->missing[f])
        for (p = 0; p < n; p++) n_missing += isnan(x[p]) != 0;
    return n_missing;
}

/* Weigh up the samples that go left; returns the proxy, and notes how many go left. */
static double fml_weigh(fml_tree *t, const float *restrict x, ptrdiff_t n, int constraint, fml_scratch *room, fml_split *s) {
    const fml_growth *g = t->g;
    const float threshold = fml_round_down(s->threshold);
    const uint32_t *const samples = t->samples + t->start;
    const uint8_t *restrict code = t->node_code + t->start;
    const int shift = t->class_bits, missing_left = s->missing_left;
    fml_sums left = {room->left, 0, 0}, right = {room->right, 0, 0};
    fml_median *m = t->median;
    double value_left, value_right, proxy;
    uint32_t n_left = 0;
    fml_clear(t, &left);
    if (t->scan == FML_SCAN_GINI2 && !missing_left) { /* a missing value is no less than anything */
        uint32_t weight = 0, ones = 0;
        for (ptrdiff_t p = 0; p < n; p++) {
            const uint32_t is_left = x[p] <= threshold, c = code[p] & -is_left, w = c >> shift;
            n_left += is_left;
            weight += w;
            ones += w & -(c & 1);
        }
        left.weight = weight;
        left.sums[0] = weight - ones;
        if (g->stride > 1) left.sums[1] = ones;
    } else if (t->scan == FML_SCAN_MAE) {
        for (ptrdiff_t p = 0; p < n; p++) n_left += isnan(x[p]) ? missing_left : x[p] <= threshold;
        for (ptrdiff_t p = 0, l = 0, r = n_left; p < n; p++) {
            const int is_left = isnan(x[p]) ? missing_left : x[p] <= threshold;
            m->order[is_left ? l++ : r++] = samples[p];
            left.weight += is_left ? fml_weight(t, samples[p]) : 0;
        }
    } else {
        for (ptrdiff_t p = 0; p < n; p++) n_left += isnan(x[p]) ? missing_left : x[p] <= threshold;
        const int forward = t->scan < FML_SCAN_ANY || n_left <= n - n_left; /* see fml_add_up_left */
        if (!forward) {
            memcpy(left.sums, t->total.sums, g->stride * sizeof *left.sums);
            left.weight = t->total.weight;
            left.squares = t->total.squares;
        }
        for (ptrdiff_t q = 0; q < n; q++) {
            const ptrdiff_t p = forward ? q : n - 1 - q;
            const int is_left = isnan(x[p]) ? missing_left : x[p] <= threshold;
            if (is_left == forward) fml_add(t, &left, samples[p], forward ? 1 : -1);
        }
    }
    s->n_left = n_left;
    const double wl = left.weight, wr = t->total.weight - wl;
    if (n_left < g->min_leaf || n - n_left < g->min_leaf || wl < t->min_weight_leaf || wr < t->min_weight_leaf) return -INFINITY;
    if (t->scan == FML_SCAN_MAE) {
        fml_errors(t, n);
        value_left = m->first_median[n_left - 1];
        value_right = m->last_median[n_left];
        proxy = -wr * (m->last_error[n_left] / (wr * g->n_outputs)) - wl * (m->first_error[n_left - 1] / (wl * g->n_outputs));
    } else {
        fml_rest(t, &left, &right);
        value_left = left.sums[0] / wl;
        value_right = right.sums[0] / wr;
        proxy = fml_proxy(t, &left, &right);
    }
    return constraint && !fml_keeps_order(t, constraint, value_left, value_right) ? -INFINITY : proxy;
}

static void fml_scan_random(fml_tree *t, ptrdiff_t f, fml_scratch *room, fml_split *best) {
    const fml_growth *g = t->g;
    const ptrdiff_t n = t->end - t->start;
    float low, high;
    best->proxy = -INFINITY;
    best->n_missing = fml_gather(t, f, room->column, &low, &high);
    best->constant = best->n_missing == n || (best->n_missing == 0 && high <= low + fml_too_close);
    if (best->constant) return;
    best->threshold = ((double)high - (double)low) * fml_draw(t) / 2147483647.0 + (double)low;
    best->missing_left = best->n_missing ? fml_draw(t) % 2 : 0;
    if (best->threshold == high) best->threshold = low;
    best->proxy = fml_weigh(t, room->column, n, g->monotonic ? g->monotonic[f] : 0, room, best);
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

/* Whether the node has two samples that any feature parts alike: the first one that is drawn and not constant wins. */
static int fml_ties(const fml_tree *t) {
    return t->end - t->start == 2 && t->scan < FML_SCAN_ANY && !t->g->random;
}

static int fml_is_constant_pair(const fml_tree *t, ptrdiff_t f) {
    const fml_growth *g = t->g;
    uint32_t ranks[2];
    for (int j = 0; j < 2; j++) {
        const ptrdiff_t p = t->start + j;
        ranks[j] = t->lists ? fml_rank(t->lists[f * t->n_used + p]) : g->ranks[f * g->n + t->samples[p]];
    }
    const uint32_t low = ranks[0] < ranks[1] ? ranks[0] : ranks[1], high = ranks[0] < ranks[1] ? ranks[1] : ranks[0];
    if (high == g->n_distinct[f]) return low == high; /* missing */
    return !fml_is_spread(g->close[f] ? g->tight + f * (g->n / 64 + 1) : NULL, g->values + f * g->n, low, high);
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
    const int ties = fml_ties(t);
    fml_split split;
    best->proxy = -INFINITY;
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
        if (together) split = together[f];
        else if (ties && winner >= 0) {
            split.proxy = -INFINITY;
            split.constant = (uint8_t)fml_is_constant_pair(t, f);
        } else fml_look(t, f, 0, &split);
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
            if (g->random) { /* its values are what the samples are parted by */
                float *const column = t->scratch->column;
                t->scratch->column = t->scratch->best_column;
                t->scratch->best_column = column;
            }
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

/* Note the side of every sample of the node: with sorted lists a bit a sample, else a byte a position. */
static void fml_mark_sides(fml_tree *t, ptrdiff_t f, const fml_split *s) {
    const fml_growth *g = t->g;
    const ptrdiff_t n = t->end - t->start;
    const uint32_t *restrict samples = t->samples + t->start;
    uint8_t *restrict sides = t->sides;
    if (t->lists) {
        const uint64_t *e = t->lists + f * t->n_used + t->start;
        const ptrdiff_t known = n - s->n_missing, left = s->n_left - (s->missing_left ? s->n_missing : 0);
        for (ptrdiff_t p = 0; p < n; p++) fml_mark(t, fml_sample(e[p]), p < known ? p < left : s->missing_left);
        for (ptrdiff_t p = 0; p < n; p++) sides[p] = fml_is_left(t, samples[p]);
    } else if (g->random) {
        const float threshold = fml_round_down(s->threshold);
        const float *restrict x = t->scratch->best_column;
        for (ptrdiff_t p = 0; p < n; p++) sides[p] = x[p] <= threshold;
        for (ptrdiff_t p = 0; p < n && s->n_missing && s->missing_left; p++) sides[p] |= isnan(x[p]) != 0;
    } else {
        const uint32_t *ranks = g->ranks + f * g->n, last = s->rank_left, missing = (uint32_t)g->n_distinct[f];
        for (ptrdiff_t p = 0; p < n; p++) sides[p] = ranks[samples[p]] <= last;
        for (ptrdiff_t p = 0; p < n && s->missing_left; p++) sides[p] |= ranks[samples[p]] == missing;
    }
}

/* Stable partition of the node's samples and their codes; returns where the right side begins. */
static ptrdiff_t fml_part_samples(fml_tree *t) {
    const ptrdiff_t n = t->end - t->start;
    const uint8_t *restrict sides = t->sides;
    uint32_t *restrict samples = t->samples + t->start, *restrict moved = t->moved;
    uint8_t *restrict codes = t->node_code + t->start, *restrict moved_codes = t->moved_code;
    ptrdiff_t left = 0, right = 0;
    for (ptrdiff_t p = 0; p < n; p++) {
        const uint32_t i = samples[p];
        const uint8_t code = codes[p], is_left = sides[p];
        samples[left] = moved[right] = i;
        codes[left] = moved_codes[right] = code;
        left += is_left;
        right += 1 - is_left;
    }
    memcpy(samples + left, moved, right * sizeof *moved);
    memcpy(codes + left, moved_codes, right);
    return t->start + left;
}

/* Sides of eight entries, as bits. */
#if defined(__AVX512F__)
#include <immintrin.h>
FML_INLINE_ALWAYS __mmask8 fml_sides(const fml_tree *t, __m512i entries) {
    const __m512i sample = _mm512_and_si512(_mm512_srli_epi64(entries, FML_SAMPLE_SHIFT), _mm512_set1_epi64(FML_SAMPLE_MASK));
    const __m512i words = _mm512_i64gather_epi64(_mm512_srli_epi64(sample, 6), (const void *)t->left_side, 8);
    const __m512i bit = _mm512_sllv_epi64(_mm512_set1_epi64(1), _mm512_and_si512(sample, _mm512_set1_epi64(63)));
    return _mm512_test_epi64_mask(words, bit);
}
#endif

/* Stable partition of a feature's list, of which a child that stays a leaf needs nothing. */
static void fml_part_list(fml_tree *t, ptrdiff_t f, int worker, int keep_left, int keep_right) {
    uint64_t *const e = t->lists + f * t->n_used + t->start, *const aside = t->aside + worker * (t->n_used + 8);
    const ptrdiff_t n = t->end - t->start;
    ptrdiff_t p = 0, left = 0, right = 0;
    if (!keep_left) {
        for (ptrdiff_t to = p = n; p-- > 0;) {
            const uint64_t entry = e[p];
            e[to - 1] = entry;
            to -= !fml_is_left(t, fml_sample(entry));
        }
        return;
    }
#if defined(__AVX512F__)
    /* compressed in a register: to memory is microcode on some CPUs. A store never reaches beyond what was read. */
    for (; p + 8 <= n; p += 8) {
        const __m512i entries = _mm512_loadu_si512(e + p);
        const __mmask8 sides = fml_sides(t, entries);
        _mm512_storeu_si512(e + left, _mm512_maskz_compress_epi64(sides, entries));
        if (keep_right) _mm512_storeu_si512(aside + right, _mm512_maskz_compress_epi64((__mmask8)~sides, entries));
        left += __builtin_popcount(sides);
        right += 8 - __builtin_popcount(sides);
    }
#endif
    for (; p < n; p++) {
        const uint64_t entry = e[p];
        const int is_left = fml_is_left(t, fml_sample(entry));
        e[left] = entry;
        aside[right] = entry;
        left += is_left;
        right += !is_left;
    }
    if (keep_right) memcpy(e + left, aside, right * sizeof *e);
}
#endif
