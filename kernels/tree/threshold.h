/* A random threshold for one feature: the splitter of extremely randomised trees.
 *
 * Geurts, Ernst and Wehenkel, Extremely randomized trees, Machine Learning 63 (2006).
 */
#ifndef FML_TREE_THRESHOLD_H
#define FML_TREE_THRESHOLD_H
#include "lanes.h"
#include "criteria.h"
#include "median.h"

/* Nodes of fewer samples read the features by sample. */
#define FML_BY_SAMPLE 4096

static inline uint32_t fml_draw(fml_tree *t) { return xorshift(&t->random_state); }

/* The largest float32 that is not above a float64: comparisons of float32 numbers with both are the same. */
static inline float fml_round_down(double x) {
    float y = (float)x;
    uint32_t bits;
    if (!(y > x)) return y;
    memcpy(&bits, &y, sizeof bits); /* nextafterf is a call */
    bits = y > 0 ? bits - 1 : y < 0 ? bits + 1 : 0x80000001u;
    memcpy(&y, &bits, sizeof y);
    return y;
}

#if defined(__AVX512F__)
static inline __mmask16 fml_first_lanes(ptrdiff_t n) { return n < 16 ? (__mmask16)((1u << n) - 1) : 0xffff; }
#else
#define FML_FLOATS ((int)(sizeof(vf32) / sizeof(float)))
#endif

/* The node's values of feature f, side by side in x; small nodes read them by sample, so that all features of one lie
 * in the same lines of the cache. Returns how many are missing; *lowest and *highest: the range of the others.
 * AVX-512 gathers and compares at once: extra-trees of 50,000 samples took 1.2 times as long without it and fml_add_codes'. */
static ptrdiff_t fml_gather(const fml_tree *t, ptrdiff_t f, float *restrict x, float *lowest, float *highest) {
    const fml_growth *g = t->g;
    const ptrdiff_t n = t->end - t->start;
    const uint32_t *restrict samples = t->samples + t->start;
    const int by_sample = g->rows && (n < FML_BY_SAMPLE || !g->columns);
    const float *const from = by_sample ? g->rows + f : g->columns + f * g->n;
    const ptrdiff_t step = by_sample ? g->d : 1;
    float low = INFINITY, high = -INFINITY;
    ptrdiff_t n_missing = 0, p = 0;
#if defined(__AVX512F__)
    if (n >= 16 && g->n * step <= INT32_MAX) {
        __m512 l = _mm512_set1_ps(INFINITY), h = _mm512_set1_ps(-INFINITY);
        const __m512i steps = _mm512_set1_epi32((int)step);
        for (; p < n; p += 16) {
            const __mmask16 here = fml_first_lanes(n - p);
            const __m512i at = _mm512_mullo_epi32(_mm512_maskz_loadu_epi32(here, samples + p), steps);
            const __m512 values = _mm512_mask_i32gather_ps(_mm512_setzero_ps(), here, at, from, 4);
            _mm512_mask_storeu_ps(x + p, here, values);
            l = _mm512_mask_min_ps(l, here, values, l); /* the second one where the first is NaN */
            h = _mm512_mask_max_ps(h, here, values, h);
        }
        low = _mm512_reduce_min_ps(l);
        high = _mm512_reduce_max_ps(h);
    }
#else
    if (n >= 2 * FML_FLOATS) {
        float lows[FML_FLOATS], highs[FML_FLOATS];
        if (by_sample)
            for (; p < n; p++) x[p] = from[samples[p] * step];
        else
            for (; p < n; p++) x[p] = from[samples[p]];
        const vf32 last = vload_f32(x + n - FML_FLOATS); /* some of it twice */
        vf32 l = vmin_f32(last, vset1_f32(INFINITY)), h = vmax_f32(last, vset1_f32(-INFINITY));
        for (p = 0; p + FML_FLOATS <= n; p += FML_FLOATS) {
            l = vmin_f32(vload_f32(x + p), l);
            h = vmax_f32(vload_f32(x + p), h);
        }
        p = n;
        vstore_f32(lows, l);
        vstore_f32(highs, h);
        for (int j = 0; j < FML_FLOATS; j++) {
            low = lows[j] < low ? lows[j] : low;
            high = highs[j] > high ? highs[j] : high;
        }
    }
#endif
    for (; p < n; p++) {
        const float value = from[samples[p] * step];
        x[p] = value;
        low = value < low ? value : low;
        high = value > high ? value : high;
    }
    if (low == 0 && high == 0) { /* zeros of both signs: the first one, whatever the instruction set has met first */
        for (p = 0; x[p] != 0;) p++;
        low = high = x[p];
    }
    *lowest = low;
    *highest = high;
    if (g->missing[f])
        for (p = 0; p < n; p++) n_missing += isnan(x[p]) != 0;
    return n_missing;
}

/* Whether what the samples of a node add is gathered once for all its features: one output, no signs to mind. */
static inline int fml_gathers_shares(const fml_tree *t) {
    const int is_simple = (t->scan >= FML_SCAN_MSE && t->scan <= FML_SCAN_ENTROPY) || t->scan == FML_SCAN_POISSON;
    return t->g->random && (t->scan == FML_SCAN_GINI || is_simple);
}

/* What each sample of the node adds to the sums: its weight, unless all are 1, and weight * y, or its class. */
static void fml_gather_shares(const fml_tree *t) {
    const fml_growth *g = t->g;
    const ptrdiff_t n = t->end - t->start;
    const uint32_t *restrict samples = t->samples + t->start;
    double *restrict weights = t->scratch->weights, *restrict shares = t->scratch->shares;
    uint32_t *restrict classes = t->scratch->classes;
    for (ptrdiff_t p = 0; p < n && !t->unit; p++) weights[p] = fml_weight(t, samples[p]);
    if (!g->codes)
        for (ptrdiff_t p = 0; p < n; p++) shares[p] = fml_weight(t, samples[p]) * g->y[samples[p]];
    else if (g->stride == 2)
        for (ptrdiff_t p = 0; p < n; p++) shares[p] = g->codes[samples[p]] ? fml_weight(t, samples[p]) : 0;
    else
        for (ptrdiff_t p = 0; p < n; p++) classes[p] = (uint32_t)g->codes[samples[p]];
}

/* Add up what goes left, in eight chains whatever the instruction set, and count it. */
static uint32_t fml_add_shares(const fml_tree *t, const float *restrict x, ptrdiff_t n, float threshold, int missing_left, fml_sums *left) {
    const double *restrict weights = t->scratch->weights, *restrict shares = t->scratch->shares;
    const uint32_t *restrict classes = t->scratch->classes;
    float *restrict sides = t->scratch->left_sides;
    const int by_class = t->g->codes != NULL;
    uint32_t n_left = 0;
    for (ptrdiff_t p = 0; p < n; p++) {
        const int is_left = missing_left ? !(x[p] > threshold) : x[p] <= threshold;
        n_left += is_left;
        sides[p] = (float)is_left; /* the sums are of products: a choice by it took 1.2 to 1.4 times as long */
    }
    if (by_class && t->g->stride != 2) {
        for (ptrdiff_t p = 0; p < n; p++) left->sums[classes[p]] += t->unit ? sides[p] : sides[p] * weights[p];
        for (ptrdiff_t c = 0; c < t->g->stride; c++) left->weight += left->sums[c];
        return n_left;
    }
    double sum[8] = {0}, weight[8] = {0}, rest[8] = {0}; /* rest: of the first class of two */
    for (ptrdiff_t p = 0; p < n; p += 8)
        for (int l = 0; l < (n - p < 8 ? n - p : 8); l++) sum[l] += sides[p + l] * shares[p + l];
    for (int l = 0; l < 8; l++) left->sums[by_class] += sum[l];
    if (t->unit) {
        left->weight = n_left;
        if (by_class) left->sums[0] = n_left - left->sums[1];
        return n_left;
    }
    for (ptrdiff_t p = 0; p < n; p += 8)
        for (int l = 0; l < (n - p < 8 ? n - p : 8); l++) {
            weight[l] += sides[p + l] * weights[p + l];
            rest[l] += sides[p + l] * (weights[p + l] - shares[p + l]);
        }
    for (int l = 0; l < 8; l++) {
        left->weight += weight[l];
        if (by_class) left->sums[0] += rest[l];
    }
    return n_left;
}

/* The same where two classes and whole weights lie in the codes. */
static uint32_t fml_add_codes(const fml_tree *t, const float *restrict x, ptrdiff_t n, float threshold, fml_sums *left) {
    const uint8_t *restrict codes = t->node_code + t->start;
    uint32_t n_left = 0, weight = 0, ones = 0;
    ptrdiff_t p = 0;
#if defined(__AVX512F__)
    for (; p < n && t->unit; p += 16) {
        const __mmask16 here = fml_first_lanes(n - p);
        const __m512 values = _mm512_maskz_loadu_ps(here, x + p);
        const __mmask16 is_left = _mm512_mask_cmp_ps_mask(here, values, _mm512_set1_ps(threshold), _CMP_LE_OQ);
        const __mmask16 is_one = _mm_mask_test_epi8_mask(is_left, _mm_maskz_loadu_epi8(here, codes + p), _mm_set1_epi8(1));
        n_left += (uint32_t)__builtin_popcount(vmask_bits(is_left));
        ones += (uint32_t)__builtin_popcount(vmask_bits(is_one));
    }
    weight = n_left;
#endif
    for (; p < n; p++) {
        const uint32_t is_left = x[p] <= threshold, code = codes[p] & -is_left, w = code >> 1;
        n_left += is_left;
        weight += w;
        ones += w & -(code & 1);
    }
    left->weight = weight;
    left->sums[0] = weight - ones;
    if (t->g->stride > 1) left->sums[1] = ones;
    return n_left;
}

/* Weigh up the samples that go left; returns the proxy, and notes how many go left. */
static double fml_weigh(fml_tree *t, const float *restrict x, ptrdiff_t n, int constraint, fml_scratch *room, fml_split *s) {
    const fml_growth *g = t->g;
    const float threshold = fml_round_down(s->threshold);
    const uint32_t *const samples = t->samples + t->start;
    const int missing_left = s->missing_left;
    fml_sums left = {room->left, 0, 0}, right = {room->right, 0, 0};
    fml_median *m = t->median;
    double value_left, value_right, proxy;
    uint32_t n_left = 0;
    fml_clear(t, &left);
    if (t->scan == FML_SCAN_GINI2 && !missing_left) { /* a missing value is no less than anything */
        n_left = fml_add_codes(t, x, n, threshold, &left);
    } else if (fml_gathers_shares(t)) {
        n_left = fml_add_shares(t, x, n, threshold, missing_left, &left);
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
        if (g->criterion == FML_POISSON) {
            for (ptrdiff_t k = 0; k < g->n_outputs; k++) { /* what rounding leaves of sums of zeros is zero, too */
                int any[2] = {0, 0};
                for (ptrdiff_t p = 0; p < n && !(any[0] & any[1]); p++)
                    any[isnan(x[p]) ? missing_left : x[p] <= threshold] |= g->y[samples[p] * g->n_outputs + k] > 0;
                if (!any[0]) right.sums[k] = 0;
                if (!any[1]) left.sums[k] = 0;
            }
        }
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
#endif
