/* Who goes left: the samples of a node, and what is kept of them in order, are parted by its split. */
#ifndef FML_TREE_PART_H
#define FML_TREE_PART_H
#include "unranked.h"
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

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
    } else if (!g->values) {
        const float threshold = fml_round_down(s->threshold);
        float *restrict x = g->random ? t->scratch->best_column : t->scratch->column;
        for (ptrdiff_t p = 0; p < n && !g->random; p++) x[p] = fml_given(g, samples[p], f);
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
    ptrdiff_t p = 0, left = 0, right = 0;
#if defined(__AVX512F__)
    for (; p + 16 <= n; p += 16) { /* as in fml_part_list */
        const __m512i sample = _mm512_loadu_si512(samples + p), code = _mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)(codes + p)));
        const unsigned bits = vmask_bits(_mm_cmpneq_epi8_mask(_mm_loadu_si128((const void *)(sides + p)), _mm_setzero_si128()));
        const __mmask16 is_left = (__mmask16)bits, is_right = (__mmask16)~bits;
        const int n_left = __builtin_popcount(bits);
        _mm512_storeu_si512(samples + left, _mm512_maskz_compress_epi32(is_left, sample));
        _mm512_storeu_si512(moved + right, _mm512_maskz_compress_epi32(is_right, sample));
        _mm_storeu_si128((void *)(codes + left), _mm512_cvtepi32_epi8(_mm512_maskz_compress_epi32(is_left, code)));
        _mm_storeu_si128((void *)(moved_codes + right), _mm512_cvtepi32_epi8(_mm512_maskz_compress_epi32(is_right, code)));
        left += n_left;
        right += 16 - n_left;
    }
#endif
    for (; p < n; p++) {
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
FML_INLINE_ALWAYS unsigned fml_sides(const fml_tree *t, __m512i entries) {
    const __m512i sample = _mm512_and_si512(_mm512_srli_epi64(entries, FML_SAMPLE_SHIFT), _mm512_set1_epi64(FML_SAMPLE_MASK));
    const __m512i words = _mm512_i64gather_epi64(_mm512_srli_epi64(sample, 6), (const void *)t->left_side, 8);
    const __m512i bit = _mm512_sllv_epi64(_mm512_set1_epi64(1), _mm512_and_si512(sample, _mm512_set1_epi64(63)));
    return vmask_bits(_mm512_test_epi64_mask(words, bit));
}
#endif

/* Stable partition of a feature's list, of which a child that stays a leaf needs nothing. */
static void fml_part_list(fml_tree *t, ptrdiff_t f, int worker, int keep_left, int keep_right) {
    uint64_t *const e = t->lists + f * t->n_used + t->start, *const aside = t->aside + worker * (t->n_used + 8);
    const ptrdiff_t n = t->end - t->start;
    ptrdiff_t p = 0, left = 0, right = 0;
    if (n <= 8) { /* most lists are short: no call that copies */
        uint64_t others[8];
        for (; p < n; p++) {
            const uint64_t entry = e[p];
            const int is_left = fml_is_left(t, fml_sample(entry));
            e[left] = entry;
            others[right] = entry;
            left += is_left;
            right += !is_left;
        }
        for (p = 0; p < right; p++) e[left + p] = others[p];
        return;
    }
    if (!keep_left) {
        for (ptrdiff_t to = p = n; p-- > 0;) {
            const uint64_t entry = e[p];
            e[to - 1] = entry;
            to -= !fml_is_left(t, fml_sample(entry));
        }
        return;
    }
#if defined(__AVX512F__)
    /* compressed in a register: to memory is microcode on some CPUs. A store never reaches beyond what was read; what
     * lies behind the node may be another thread's. */
    for (; p + 8 <= n; p += 8) {
        const __m512i entries = _mm512_loadu_si512(e + p);
        const unsigned sides = fml_sides(t, entries);
        const int n_left = __builtin_popcount(sides);
        _mm512_storeu_si512(e + left, _mm512_maskz_compress_epi64((__mmask8)sides, entries));
        if (keep_right) _mm512_storeu_si512(aside + right, _mm512_maskz_compress_epi64((__mmask8)~sides, entries));
        left += n_left;
        right += 8 - n_left;
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
