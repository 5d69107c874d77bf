/* The best split of one feature from a sorted list of the node's samples.
 *
 * A candidate is the gap between two neighbouring values. Block by block, the sums to its left are written down without
 * a branch; then the criterion is computed for the whole block by vectors, in scikit-learn's own order of operations, and the
 * first of the largest values is kept.
 */
#ifndef FML_TREE_SCAN_H
#define FML_TREE_SCAN_H
#include "doubt.h"
#include "median.h"
#include "proxies.h"

/* One search: which entries move to the left one by one, and what is there already. */
typedef struct {
    const uint64_t *entries;            /* (m,) sorted, without the missing ones */
    ptrdiff_t m, n_before;              /* n_before: missing samples on the left from the start */
    ptrdiff_t low, high;                /* candidates between entries[i] and entries[i + 1] for low <= i < high */
    int end;                            /* whether the gap after the last entry is one, too: the missing ones go right */
    const float *values;                /* of the feature */
    const uint64_t *tight;              /* which of them are too close to the next one, or NULL: none */
    int apart;                          /* whether every gap is taken for a candidate: few samples share a value */
} fml_search;

/* What is known of a feature's sorted list: as in fml_search, but that there may be fewer candidates than from low to high. */
typedef struct {
    const float *values;
    const uint64_t *tight;
    int apart;
    ptrdiff_t low, high;
} fml_ranked;

/* Which values of a feature are too close to the next one, a bit a rank; NULL: none. */
static inline const uint64_t *fml_tight(const fml_growth *g, ptrdiff_t f) {
    return g->close[f] ? g->tight + f * (g->n / 64 + 1) : NULL;
}

/* Whether scikit-learn would split between two different ranks. */
FML_INLINE_ALWAYS int fml_is_apart(const uint64_t *tight, const float *values, uint32_t left, uint32_t right) {
    return !__builtin_expect(tight[left >> 6] >> (left & 63) & 1, 0) || values[right] > values[left] + fml_too_close;
}

/* Whether scikit-learn would look at a feature between these ranks: else it is constant. */
FML_INLINE_ALWAYS int fml_is_spread(const uint64_t *tight, const float *values, uint32_t lowest, uint32_t highest) {
    return lowest != highest && (!tight || fml_is_apart(tight, values, lowest, highest));
}

FML_INLINE_ALWAYS int fml_is_gap(const fml_search *s, ptrdiff_t i) {
    const uint32_t left = fml_rank(s->entries[i]), right = fml_rank(s->entries[i + 1]);
    return (left != right) & (!s->tight || fml_is_apart(s->tight, s->values, left, right));
}

/* Note the place of the best split so far; is_end: after the last value, so that only missing ones go right. */
static inline void fml_note_place(fml_split *best, ptrdiff_t n_left, uint32_t rank_left, uint32_t rank_right, int missing_left, int is_end) {
    best->n_left = n_left;
    best->rank_left = rank_left;
    best->rank_right = is_end ? 0 : rank_right;
    best->missing_left = (uint8_t)missing_left;
    best->only_missing_right = (uint8_t)is_end;
}

/* Note the next best proxy: of a block's without the one that is the best now, if it is there, and of the former best. */
static void fml_note_second(fml_block *b, int k, int j, double former, fml_split *best) {
    double second = best->second;
    if (j >= 0) b->proxy[j] = former;
    fml_top(b, k, &second);
    best->second = second;
}

static void fml_take(const fml_tree *t, const fml_search *s, fml_block *b, int k, int is_end, fml_split *best) {
    const double former = best->proxy;
    const int j = fml_top(b, k, &best->proxy);
    if (t->g->doubt >= 0) fml_note_second(b, k, j, former, best);
    if (j < 0) return;
    const ptrdiff_t i = b->at[j];
    fml_note_place(best, s->n_before + i + 1, fml_rank(s->entries[i]), is_end ? 0 : fml_rank(s->entries[i + 1]), s->n_before > 0, is_end);
}

/* The same of one candidate, where close calls are not looked for. */
FML_INLINE_ALWAYS void fml_take_one(const fml_search *s, ptrdiff_t i, int is_end, double proxy, fml_split *best) {
    if (!(proxy > best->proxy)) return;
    best->proxy = proxy;
    fml_note_place(best, s->n_before + i + 1, fml_rank(s->entries[i]), is_end ? 0 : fml_rank(s->entries[i + 1]), s->n_before > 0, is_end);
}

/* The loop over a search's entries. MOVE(e) moves an entry to the left, WRITE(j) notes the sums as candidate j; WORTH:
 * whether one of k may be better than what was found. */
#define FML_SEARCH(MOVE, WRITE, WORTH, PROXIES)                         \
    {                                                                   \
        ptrdiff_t i = 0;                                                \
        const ptrdiff_t first = s->low < s->high ? s->low : s->high;    \
        for (; i < first; i++) { MOVE(s->entries[i]) }                  \
        while (i < s->high) {                                           \
            const ptrdiff_t stop = s->high - i < FML_BLOCK ? s->high : i + FML_BLOCK; \
            int k = 0;                                                  \
            if (s->apart)                                               \
                for (; i < stop; i++, k++) {                            \
                    MOVE(s->entries[i])                                 \
                    WRITE(k)                                            \
                    block.at[k] = (uint32_t)i;                          \
                }                                                       \
            else if (s->tight)                                          \
                for (; i < stop; i++) {                                 \
                    MOVE(s->entries[i])                                 \
                    WRITE(k)                                            \
                    block.at[k] = (uint32_t)i;                          \
                    k += fml_is_gap(s, i);                              \
                }                                                       \
            else                                                        \
                for (; i < stop; i++) {                                 \
                    const uint64_t e = s->entries[i];                   \
                    MOVE(e)                                             \
                    WRITE(k)                                            \
                    block.at[k] = (uint32_t)i;                          \
                    k += (e ^ s->entries[i + 1]) >> FML_RANK_SHIFT != 0; \
                }                                                       \
            if (k && (WORTH)) {                                         \
                PROXIES(t, &block, k);                                  \
                fml_take(t, s, &block, k, 0, best);                     \
            }                                                           \
        }                                                               \
        if (s->end) {                                                   \
            for (; i < s->m; i++) { MOVE(s->entries[i]) }               \
            WRITE(0)                                                    \
            block.at[0] = (uint32_t)(s->m - 1);                         \
            PROXIES(t, &block, 1);                                      \
            fml_take(t, s, &block, 1, 1, best);                         \
        }                                                               \
    }

FML_INLINE_ALWAYS void fml_search_gini2(const fml_tree *t, const fml_search *s, const uint64_t *before, ptrdiff_t n_before, int unit, fml_split *best) {
    fml_block block;
    const int shift = t->class_bits; /* 1 */
    int64_t weight = 0, ones = 0;
#define MOVE(entry)                                                     \
    {                                                                   \
        const uint32_t code = (uint32_t)(entry) & FML_CODE_MASK, is_one = code & 1;   \
        const uint32_t w = unit ? 1 : code >> shift;                    \
        weight += w;                                                    \
        ones += unit ? is_one : (w & -is_one);                          \
    }
#define WRITE(k)                                                        \
    block.weight[k] = (double)weight;                                   \
    block.a[k] = (double)ones;
    for (ptrdiff_t i = 0; i < n_before; i++) MOVE(before[i])
    FML_SEARCH(MOVE, WRITE, 1, fml_proxies_gini2)
#undef MOVE
#undef WRITE
}

/* Squares of the sums are followed as single samples move: all of them are whole numbers, so the same as adding up anew. */
FML_INLINE_ALWAYS void fml_search_gini(const fml_tree *t, const fml_search *s, const uint64_t *before, ptrdiff_t n_before, int unit, fml_scratch *room, fml_split *best) {
    fml_block block;
    const int shift = t->class_bits;
    const uint32_t class_mask = (1u << shift) - 1;
    int64_t *const on_left = (int64_t *)room->left, *const total = (int64_t *)room->right, weight = 0, left = 0, right = 0;
    for (ptrdiff_t c = 0; c < t->g->stride; c++) {
        on_left[c] = 0;
        total[c] = (int64_t)t->total.sums[c];
        right += total[c] * total[c];
    }
#define MOVE(entry)                                                     \
    {                                                                   \
        const uint32_t code = (uint32_t)(entry) & FML_CODE_MASK, c = code & class_mask; \
        const int64_t w = unit ? 1 : code >> shift, l = on_left[c];     \
        left += w * (2 * l + w);                                        \
        right -= w * (2 * (total[c] - l) - w);                          \
        on_left[c] = l + w;                                             \
        weight += w;                                                    \
    }
#define WRITE(k)                                                        \
    block.weight[k] = (double)weight;                                   \
    block.a[k] = (double)left;                                          \
    block.b[k] = (double)right;
    for (ptrdiff_t i = 0; i < n_before; i++) MOVE(before[i])
    FML_SEARCH(MOVE, WRITE, 1, fml_proxies_gini)
#undef MOVE
#undef WRITE
}

FML_INLINE_ALWAYS void fml_search_classes(const fml_tree *t, const fml_search *s, const uint64_t *before, ptrdiff_t n_before, int entropy, fml_scratch *room, fml_split *best) {
    fml_block block;
    double classes[FML_MOST_CLASSES][FML_BLOCK], left[FML_MOST_CLASSES] = {0}, weight = 0;
    const int n_classes = (int)t->g->stride;
    const int32_t *const codes = t->g->codes;
#define MOVE(entry)                                                     \
    {                                                                   \
        const uint32_t sample = fml_sample(entry);                      \
        const double w = fml_weight(t, sample);                         \
        left[codes[sample]] += w;                                       \
        weight += w;                                                    \
    }
#define WRITE(k)                                                        \
    block.weight[k] = weight;                                           \
    for (int c = 0; c < n_classes; c++) classes[c][k] = left[c];
#define PROXIES(t, block, k)                                            \
    if (entropy) fml_proxies_entropy(t, block, classes, room, k);       \
    else fml_proxies_weighted_gini(t, block, classes, k)
    for (ptrdiff_t i = 0; i < n_before; i++) MOVE(before[i])
    FML_SEARCH(MOVE, WRITE, 1, PROXIES)
#undef MOVE
#undef WRITE
#undef PROXIES
}

/* The variance; gini: two classes of any weights, whose sums are those of y = class. */
FML_INLINE_ALWAYS void fml_search_mse(const fml_tree *t, const fml_search *s, const uint64_t *before, ptrdiff_t n_before, int unit, int counted, int gini, fml_split *best) {
    fml_block block;
    double weight = 0, sum = 0;
#define MOVE(entry)                                                     \
    {                                                                   \
        const ptrdiff_t sample = fml_sample(entry);                     \
        weight += unit ? 1.0 : counted ? (double)((entry) & FML_CODE_MASK) : t->pairs[2 * sample + 1]; \
        sum += t->pairs[unit || counted ? sample : 2 * sample];         \
    }
#define WRITE(k)                                                        \
    block.weight[k] = weight;                                           \
    block.a[k] = sum;
    for (ptrdiff_t i = 0; i < n_before; i++) MOVE(before[i])
    if (gini) FML_SEARCH(MOVE, WRITE, 1, fml_proxies_gini2)
    else FML_SEARCH(MOVE, WRITE, fml_may_win(t, &block, k, fml_bar(t, best->proxy)), fml_proxies_mse)
#undef MOVE
#undef WRITE
}

/* Several outputs, or very many classes, of whole weights: squares are followed as in fml_search_gini, output by output. */
static void fml_search_outputs(const fml_tree *t, const fml_search *s, const uint64_t *before, ptrdiff_t n_before, fml_scratch *room, fml_split *best) {
    const fml_growth *const g = t->g;
    const ptrdiff_t n_outputs = g->n_outputs;
    const double *const total = t->total.sums, all = t->total.weight, least = t->min_weight_leaf;
    double *const on_left = room->left, *const left = room->squares, *const right = left + n_outputs, wl = 0;
    memset(on_left, 0, g->stride * sizeof *on_left);
    for (ptrdiff_t k = 0; k < n_outputs; k++) {
        double squares[8] = {0};
        for (ptrdiff_t c = k * g->max_n_classes, end = c + g->n_classes[k]; c < end; c += 8)
            for (int l = 0; l < (end - c < 8 ? end - c : 8); l++) squares[l] += total[c + l] * total[c + l];
        left[k] = right[k] = 0;
        for (int l = 0; l < 8; l++) right[k] += squares[l];
    }
    for (ptrdiff_t i = -n_before; i < s->m; i++) {
        const uint32_t sample = fml_sample(i < 0 ? before[i + n_before] : s->entries[i]);
        const int32_t *const codes = g->codes + sample * n_outputs;
        const double w = fml_weight(t, sample);
        for (ptrdiff_t k = 0; k < n_outputs; k++) {
            const ptrdiff_t at = k * g->max_n_classes + codes[k];
            const double l = on_left[at];
            left[k] += w * (2 * l + w);
            right[k] -= w * (2 * (total[at] - l) - w);
            on_left[at] = l + w;
        }
        wl += w;
        const int is_end = i == s->m - 1;
        const double wr = all - wl;
        if (is_end ? !s->end : i < s->low || i >= s->high || !fml_is_gap(s, i)) continue;
        if (wl < least || wr < least) continue;
        double impurity_left = 0, impurity_right = 0;
        for (ptrdiff_t k = 0; k < n_outputs; k++) {
            impurity_left += 1.0 - left[k] / (wl * wl);
            impurity_right += 1.0 - right[k] / (wr * wr);
        }
        fml_take_one(s, i, is_end, -wr * (impurity_right / n_outputs) - wl * (impurity_left / n_outputs), best);
    }
}

/* The first gap from i on, s->high where there is none. Runs of equal values are leapt over. */
static ptrdiff_t fml_next_gap(const fml_search *s, ptrdiff_t i) {
    while (i < s->high && !fml_is_gap(s, i)) {
        const uint32_t rank = fml_rank(s->entries[i]);
        ptrdiff_t step = 1;
        i += fml_rank(s->entries[i + 1]) != rank; /* too close */
        for (; i + step <= s->high && fml_rank(s->entries[i + step]) == rank; step *= 2) i += step;
        for (; step; step /= 2)
            if (i + step <= s->high && fml_rank(s->entries[i + step]) == rank) i += step;
    }
    return i;
}

static int fml_any_positive(const fml_tree *t, const uint64_t *entries, ptrdiff_t n, ptrdiff_t k) {
    ptrdiff_t j = 0;
    while (j < n && !(t->g->y[fml_sample(entries[j]) * t->g->n_outputs + k] > 0)) j++;
    return j < n;
}

/* Where targets above 0 begin and end in the order of a search: -1 is what is to the left already, m what stays to the right. */
static void fml_find_positive(const fml_tree *t, const fml_search *s, const uint64_t *before, ptrdiff_t n_before, const uint64_t *after,
                              ptrdiff_t n_after, ptrdiff_t *first, ptrdiff_t *last) {
    for (ptrdiff_t k = 0; k < t->g->n_outputs; k++) {
        ptrdiff_t low = 0, high = s->m - 1;
        while (low < s->m && !fml_any_positive(t, s->entries + low, 1, k)) low++;
        while (high >= 0 && !fml_any_positive(t, s->entries + high, 1, k)) high--;
        first[k] = fml_any_positive(t, before, n_before, k) ? -1 : low;
        last[k] = fml_any_positive(t, after, n_after, k) ? s->m : high;
    }
}

/* Any criterion, a candidate at a time; the sums come from where fewer samples are, as in scikit-learn. single: one output
 * of Poisson's criterion, without constraints. */
FML_INLINE_ALWAYS void fml_search_any(const fml_tree *t, const fml_search *s, const uint64_t *before, ptrdiff_t n_before, const uint64_t *after,
                                      ptrdiff_t n_after, int constraint, int single, fml_scratch *room, fml_split *best) {
    const fml_growth *const g = t->g;
    fml_sums left = {room->left, 0, 0}, right = {room->right, 0, 0};
    ptrdiff_t moved = 0; /* entries that are in the sums; those before them from the first candidate on */
    ptrdiff_t *const first = room->positive, *const last = first + g->n_outputs;
    double sum = 0; /* single: the left one */
    int started = 0;
    const int poisson = single || g->criterion == FML_POISSON;
    fml_clear(t, &left);
    if (poisson) fml_find_positive(t, s, before, n_before, after, n_after, first, last);
#define MOVE(entry, sign)                                               \
    if (single) {                                                       \
        const double w = (sign) * fml_weight(t, fml_sample(entry));     \
        sum += w * g->y[fml_sample(entry)];                             \
        left.weight += w;                                               \
    } else fml_add(t, &left, fml_sample(entry), sign);
    for (ptrdiff_t i = s->low; i < s->m; i++) {
        i = fml_next_gap(s, i);
        const int is_end = i >= s->high;
        if (is_end && !s->end) break;
        if (is_end) i = s->m - 1;
        const ptrdiff_t jump = i + 1 - moved + (started ? 0 : n_before), rest = s->m - i - 1 + n_after;
        if (jump <= rest) {
            for (ptrdiff_t j = 0; j < n_before && !started; j++) { MOVE(before[j], 1) }
            for (; moved <= i; moved++) { MOVE(s->entries[moved], 1) }
        } else {
            sum = t->total.sums[0];
            memcpy(left.sums, t->total.sums, g->stride * sizeof *left.sums);
            left.weight = t->total.weight;
            left.squares = t->total.squares;
            for (ptrdiff_t j = n_after; j-- > 0;) { MOVE(after[j], -1) }
            for (ptrdiff_t j = s->m; j-- > i + 1;) { MOVE(s->entries[j], -1) }
            moved = i + 1;
        }
        started = 1;
        if (single) {
            if (i < first[0]) sum = 0;
            const double wr = t->total.weight - left.weight, r = i < last[0] ? t->total.sums[0] - sum : 0;
            if (left.weight < t->min_weight_leaf || wr < t->min_weight_leaf) continue;
            fml_take_one(s, i, is_end, fml_poisson_proxy(sum, left.weight, r, wr), best);
            continue;
        }
        fml_rest(t, &left, &right);
        for (ptrdiff_t k = 0; poisson && k < g->n_outputs; k++) {
            if (i < first[k]) left.sums[k] = 0;
            if (i >= last[k]) right.sums[k] = 0;
        }
        if (constraint && !fml_keeps_order(t, constraint, left.sums[0] / left.weight, right.sums[0] / right.weight)) continue;
        if (left.weight < t->min_weight_leaf || right.weight < t->min_weight_leaf) continue;
        fml_take_one(s, i, is_end, fml_proxy(t, &left, &right), best);
    }
#undef MOVE
}

/* absolute_error: the order is what is to the left already, the entries, what stays to the right. */
static void fml_search_median(const fml_tree *t, const fml_search *s, const uint64_t *before, ptrdiff_t n_before,
                              const uint64_t *after, ptrdiff_t n_after, int constraint, fml_split *best) {
    const fml_median *m = t->median;
    fml_block block;
    ptrdiff_t n = 0;
    double wl = 0;
    for (ptrdiff_t i = 0; i < n_before; i++) m->order[n++] = fml_sample(before[i]);
    for (ptrdiff_t i = 0; i < s->m; i++) m->order[n++] = fml_sample(s->entries[i]);
    for (ptrdiff_t i = 0; i < n_after; i++) m->order[n++] = fml_sample(after[i]);
    fml_errors(t, n);
    for (ptrdiff_t p = 0; p < n_before; p++) wl += fml_weight(t, m->order[p]);
    for (ptrdiff_t i = 0; i < s->m; i++) {
        const ptrdiff_t pos = n_before + i + 1;
        wl += fml_weight(t, m->order[pos - 1]);
        const int is_end = i == s->m - 1;
        if (is_end ? !s->end : i < s->low || i >= s->high || !fml_is_gap(s, i)) continue;
        const double wr = t->total.weight - wl;
        if (constraint && !fml_keeps_order(t, constraint, m->first_median[pos - 1], m->last_median[pos])) continue;
        if (wl < t->min_weight_leaf || wr < t->min_weight_leaf) continue;
        const double left = m->first_error[pos - 1] / (wl * t->g->n_outputs), right = m->last_error[pos] / (wr * t->g->n_outputs);
        block.proxy[0] = -wr * right - wl * left;
        block.at[0] = (uint32_t)i;
        fml_take(t, s, &block, 1, is_end, best);
    }
}

static void fml_search_list(const fml_tree *t, const fml_search *s, const uint64_t *before, ptrdiff_t n_before,
                            const uint64_t *after, ptrdiff_t n_after, int constraint, fml_scratch *room, fml_split *best) {
    if (t->scan == FML_SCAN_GINI2) {
        if (t->unit) fml_search_gini2(t, s, before, n_before, 1, best);
        else fml_search_gini2(t, s, before, n_before, 0, best);
    } else if (t->scan == FML_SCAN_GINI) {
        if (t->unit) fml_search_gini(t, s, before, n_before, 1, room, best);
        else fml_search_gini(t, s, before, n_before, 0, room, best);
    } else if (t->scan == FML_SCAN_MSE) {
        if (t->unit) fml_search_mse(t, s, before, n_before, 1, 0, 0, best);
        else if (t->counted) fml_search_mse(t, s, before, n_before, 0, 1, 0, best);
        else fml_search_mse(t, s, before, n_before, 0, 0, 0, best);
    } else if (t->scan == FML_SCAN_WEIGHTED_GINI2) fml_search_mse(t, s, before, n_before, 0, 0, 1, best);
    else if (t->scan == FML_SCAN_WEIGHTED_GINI) fml_search_classes(t, s, before, n_before, 0, room, best);
    else if (t->scan == FML_SCAN_ENTROPY) fml_search_classes(t, s, before, n_before, 1, room, best);
    else if (t->scan == FML_SCAN_OUTPUTS) fml_search_outputs(t, s, before, n_before, room, best);
    else if (t->scan == FML_SCAN_ANY) fml_search_any(t, s, before, n_before, after, n_after, constraint, 0, room, best);
    else if (t->scan == FML_SCAN_POISSON) fml_search_any(t, s, before, n_before, after, n_after, 0, 1, room, best);
    else fml_search_median(t, s, before, n_before, after, n_after, constraint, best);
}

/* From so many entries on blocks are faster than one candidate at a time. */
#define FML_WORTH_BLOCKS 12

/* What fml_search_list finds in a short list, if nothing is missing. gini: two classes, coded: their weights are whole;
 * single: weights of regression are the codes; wary: the next best proxy is noted. All four are constants: noting it for
 * all trees cost 3 to 6 % of their time. */
FML_INLINE_ALWAYS void fml_search_few(const fml_tree *t, const fml_search *s, int gini, int coded, int single, int wary, fml_split *best) {
    const double all = t->total.weight, sum = t->total.sums[gini && t->g->stride > 1], other = t->total.sums[0], least = t->min_weight_leaf;
    double wl = 0, l = 0, bar = fml_bar(t, best->proxy);
    for (ptrdiff_t i = 0; i < s->high; i++) {
        const uint64_t e = s->entries[i];
        if (coded) {
            const uint32_t code = (uint32_t)e & FML_CODE_MASK, w = code >> t->class_bits;
            wl += w;
            l += code & 1 ? w : 0;
        } else {
            const ptrdiff_t sample = fml_sample(e);
            wl += single ? (double)(e & FML_CODE_MASK) : t->pairs[2 * sample + 1];
            l += t->pairs[single ? sample : 2 * sample];
        }
        const double wr = all - wl, r = sum - l;
        double proxy;
        if (i < s->low || (!gini && !wary && fml_falls_short(wl, wr, l, r, bar)) || !fml_is_gap(s, i)) continue;
        if (gini) {
            const double l0 = wl - l, r0 = other - l0;
            proxy = -wr * (1.0 - (r0 * r0 + r * r) / (wr * wr)) - wl * (1.0 - (l0 * l0 + l * l) / (wl * wl));
        } else proxy = l * l / wl + r * r / wr;
        if (wl < least || wr < least) continue;
        if (!(proxy > best->proxy)) {
            if (wary && proxy > best->second) best->second = proxy;
            continue;
        }
        if (wary) best->second = best->proxy;
        best->proxy = proxy;
        bar = fml_bar(t, proxy);
        best->n_left = i + 1;
        best->rank_left = fml_rank(e);
        best->rank_right = fml_rank(s->entries[i + 1]);
    }
}

/* fml_search_few, where there is one for the criterion; returns whether. */
static int fml_search_short(const fml_tree *t, const fml_search *s, fml_split *best) {
    const int single = t->unit || t->counted;
    if (t->scan == FML_SCAN_GINI2) fml_search_few(t, s, 1, 1, 0, 0, best);
    else if (t->scan == FML_SCAN_WEIGHTED_GINI2) fml_search_few(t, s, 1, 0, 0, 0, best);
    else if (t->scan != FML_SCAN_MSE) return 0;
    else if (t->g->doubt >= 0) fml_search_few(t, s, 0, 0, single, 1, best);
    else if (single) fml_search_few(t, s, 0, 0, 1, 0, best);
    else fml_search_few(t, s, 0, 0, 0, 0, best);
    return 1;
}

/* The best split of feature f, given the node's samples sorted by it: m of known value, then n_missing others. */
static void fml_scan_list(const fml_tree *t, ptrdiff_t f, const fml_ranked *by, const uint64_t *entries, ptrdiff_t m, ptrdiff_t n_missing, fml_scratch *room, fml_split *best) {
    const fml_growth *g = t->g;
    const float *values = by->values;
    const ptrdiff_t n = m + n_missing, least = g->min_leaf;
    const int constraint = g->monotonic ? g->monotonic[f] : 0;
    best->proxy = best->second = -INFINITY;
    best->n_missing = n_missing;
    best->missing_left = best->only_missing_right = 0;
    const uint64_t *tight = by->tight;
    best->constant = m == 0 || (n_missing == 0 && !fml_is_spread(tight, values, fml_rank(entries[0]), fml_rank(entries[m - 1])));
    if (best->constant) return;
    for (int missing_left = 0; missing_left <= (n_missing > 0); missing_left++) {
        const ptrdiff_t n_before = missing_left ? n_missing : 0;
        fml_search s = {.entries = entries, .m = m, .n_before = n_before, .values = values, .tight = tight};
        s.low = least - n_before - 1 > 0 ? least - n_before - 1 : 0;
        s.high = n - least - n_before < m - 1 ? n - least - n_before : m - 1;
        s.low = by->low > s.low ? by->low : s.low;
        s.high = by->high < s.high ? by->high : s.high;
        if (m < FML_WORTH_BLOCKS && !n_missing && fml_search_short(t, &s, best)) return;
        s.end = n_missing > 0 && !missing_left && m >= least && n_missing >= least;
        s.apart = by->apart && t->scan < FML_SCAN_ANY;
        const fml_split before = *best;
        fml_search_list(t, &s, entries + m, n_before, entries + m, n_missing - n_before, constraint, room, best);
        if (s.apart && best->proxy > before.proxy && !best->only_missing_right &&
            !fml_is_spread(tight, values, best->rank_left, best->rank_right)) {
            *best = before; /* that gap is none: once more, with a look at each */
            s.apart = 0;
            fml_search_list(t, &s, entries + m, n_before, entries + m, n_missing - n_before, constraint, room, best);
        }
    }
}
#endif
