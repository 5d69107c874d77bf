/* Features in integers: every feature sorted once, its values replaced by their dense ranks.
 *
 * An entry is one sample in a feature's sorted list:  rank << 36 | sample << 8 | code.  A tree fills in the code (class
 * and weight); lists are ordered by rank, then by sample. Missing values (NaN) have the rank n_distinct and come last.
 */
#ifndef FML_TREE_RANKS_H
#define FML_TREE_RANKS_H
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FML_RANK_SHIFT 36
#define FML_SAMPLE_SHIFT 8
#define FML_SAMPLE_MASK 0xfffffffu /* 28 bits: fewer than 2^28 samples */
#define FML_CODE_MASK 0xffu
#define FML_MAX_SAMPLES ((ptrdiff_t)FML_SAMPLE_MASK)

/* scikit-learn takes values for equal that are not farther apart, in float32 arithmetic. */
static const float fml_too_close = 1e-7f;

static inline uint32_t fml_rank(uint64_t entry) { return (uint32_t)(entry >> FML_RANK_SHIFT); }
static inline uint32_t fml_sample(uint64_t entry) { return (uint32_t)(entry >> FML_SAMPLE_SHIFT) & FML_SAMPLE_MASK; }

#define FML_DIGIT 8

/* Sort by the bits [from, to): equal ones keep their order. The result is in a. b: room for n.
 *
 * A radix sort by bytes: 256 write streams stay in the first cache, 2,048 do not. Digits that all share cost nothing. */
static inline void fml_sort(uint64_t *a, uint64_t *b, ptrdiff_t n, int from, int to) {
    if (n < 32) {
        for (ptrdiff_t i = 1; i < n; i++) {
            const uint64_t e = a[i], key = e >> from;
            ptrdiff_t j = i;
            for (; j > 0 && a[j - 1] >> from > key; j--) a[j] = a[j - 1];
            a[j] = e;
        }
        return;
    }
    uint32_t counts[4][1 << FML_DIGIT];
    const int n_digits = (to - from + FML_DIGIT - 1) / FML_DIGIT;
    const uint64_t mask = (1u << FML_DIGIT) - 1;
    uint64_t *in = a, *out = b;
    memset(counts, 0, n_digits * sizeof counts[0]);
    for (ptrdiff_t i = 0; i < n; i++)
        for (int d = 0; d < n_digits; d++) counts[d][a[i] >> (from + d * FML_DIGIT) & mask]++;
    for (int d = 0; d < n_digits; d++) {
        const int shift = from + d * FML_DIGIT;
        uint32_t *const at = counts[d], sum = 0;
        if (at[in[0] >> shift & mask] == (uint32_t)n) continue;
        for (uint64_t digit = 0; digit <= mask; digit++) {
            const uint32_t count = at[digit];
            at[digit] = sum;
            sum += count;
        }
        for (ptrdiff_t i = 0; i < n; i++) out[at[in[i] >> shift & mask]++] = in[i];
        uint64_t *const swap = in;
        in = out;
        out = swap;
    }
    if (in != a) memcpy(a, in, n * sizeof *a);
}

/* Sort by the bits [32, 64) where they have at most two values; returns whether. The result is in a. b: room for n. */
static inline int fml_sort_two_values(uint64_t *a, uint64_t *b, ptrdiff_t n) {
    uint64_t low = n ? a[0] >> 32 : 0, high = low;
    for (ptrdiff_t i = 1; i < n; i++) {
        const uint64_t value = a[i] >> 32;
        if (value == low || value == high) continue;
        if (low != high) return 0;
        if (value < low) low = value;
        else high = value;
    }
    ptrdiff_t left = 0, right = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        const uint64_t e = a[i];
        const int is_left = e >> 32 == low;
        a[left] = b[right] = e;
        left += is_left;
        right += !is_left;
    }
    memcpy(a + left, b, right * sizeof *a);
    return 1;
}

typedef struct {
    const char *X;                      /* in   (n, d)  float32 */
    ptrdiff_t n, d, row_bytes, column_bytes;
    float *columns;                     /* out  (d, n)  or NULL */
    uint32_t *ranks;                    /* out  (d, n)  or NULL */
    uint64_t *entries;                  /* out  (d, n)  or NULL */
    float *values;                      /* out  (d, n)  distinct values, the rest is undefined; or NULL */
    int64_t *n_distinct;                /* out  (d,) */
    int64_t *missing;                   /* out  (d,) */
    uint8_t *close;                     /* out  (d,) */
    uint64_t *tight;                    /* inout  (d, n / 64 + 1)  zeros before; or NULL */
    uint64_t *scratch;                  /* of each worker: n, without entries 2 * n */
} fml_prepare;

static inline float fml_at(const fml_prepare *t, ptrdiff_t i, ptrdiff_t f) {
    return *(const float *)(t->X + i * t->row_bytes + f * t->column_bytes);
}

/* Float32 as an integer of the same order, and back; -0 becomes 0, NaN is largest. */
static inline uint32_t fml_ordered_known(float value) {
    uint32_t bits;
    value += 0.0f;
    memcpy(&bits, &value, sizeof bits);
    return bits ^ (0x80000000u | -(bits >> 31));
}
static inline uint32_t fml_ordered(float value) { return isnan(value) ? UINT32_MAX : fml_ordered_known(value); }

static inline float fml_value(uint32_t ordered) {
    const uint32_t bits = ordered & 0x80000000u ? ordered & 0x7fffffffu : ~ordered;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#define FML_TRANSPOSED 256 /* samples at a time */

/* A block of samples, transposed: into columns, or in sortable form into the room of the values. */
static void fml_prepare_block(void *task, ptrdiff_t block, int worker) {
    const fml_prepare *t = task;
    const ptrdiff_t n = t->n, first = block * FML_TRANSPOSED, end = first + FML_TRANSPOSED < n ? first + FML_TRANSPOSED : n;
    (void)worker;
    for (ptrdiff_t f = 0; f < t->d; f++)
        if (t->values) {
            uint32_t *const ordered = (uint32_t *)(t->values + f * n);
            for (ptrdiff_t i = first; i < end; i++) ordered[i] = fml_ordered(fml_at(t, i, f));
        } else
            for (ptrdiff_t i = first; i < end; i++) t->columns[f * n + i] = fml_at(t, i, f);
}

/* Feature f, after all blocks: what is missing, and unless there are columns its sorted list, values and ranks. */
static void fml_prepare_feature(void *task, ptrdiff_t f, int worker) {
    const fml_prepare *t = task;
    const ptrdiff_t n = t->n;
    int64_t missing = 0;
    if (!t->values) {
        const float *const column = t->columns + f * n;
        for (ptrdiff_t i = 0; i < n; i++) missing += isnan(column[i]) != 0;
        t->missing[f] = missing;
        return;
    }
    float *const values = t->values + f * n;
    uint64_t *const room = t->scratch + worker * (t->entries ? n : 2 * n), *const keys = t->entries ? t->entries + f * n : room + n;
    uint64_t *const tight = t->tight + f * (n / 64 + 1), rank = 0, former = 0;
    uint8_t close = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        uint32_t ordered;
        memcpy(&ordered, values + i, sizeof ordered);
        missing += ordered == UINT32_MAX;
        keys[i] = (uint64_t)ordered << 32 | (uint64_t)i;
    }
    if (!fml_sort_two_values(keys, room, n)) fml_sort(keys, room, n, 32, 64);
    for (ptrdiff_t i = 0; i < n; i++) {
        const uint32_t sample = (uint32_t)keys[i];
        const uint64_t ordered = keys[i] >> 32;
        if (i == n - missing) rank += i > 0;
        else if (i < n - missing && (i == 0 || ordered != former)) {
            rank += i > 0;
            values[rank] = fml_value((uint32_t)ordered);
            if (i > 0 && values[rank] <= values[rank - 1] + fml_too_close) {
                close = 1;
                tight[(rank - 1) >> 6] |= 1ull << ((rank - 1) & 63);
            }
        }
        former = ordered;
        if (t->ranks) t->ranks[f * n + sample] = (uint32_t)rank;
        if (t->entries) t->entries[f * n + i] = rank << FML_RANK_SHIFT | (uint64_t)sample << FML_SAMPLE_SHIFT;
    }
    t->missing[f] = missing;
    t->close[f] = close;
    t->n_distinct[f] = missing == n ? 0 : (int64_t)rank + (missing == 0);
}
#endif
