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

/* One stable pass of a radix sort by `bits` bits from `shift` on; returns 0 and moves nothing where all agree in them. */
static inline int fml_radix_pass(const uint64_t *in, uint64_t *out, ptrdiff_t n, int shift, int bits, uint32_t *count) {
    const uint32_t mask = (1u << bits) - 1;
    memset(count, 0, sizeof(uint32_t) << bits);
    for (ptrdiff_t i = 0; i < n; i++) count[(in[i] >> shift) & mask]++;
    if (count[(in[0] >> shift) & mask] == (uint32_t)n) return 0;
    uint32_t sum = 0;
    for (uint32_t b = 0; b <= mask; b++) {
        const uint32_t c = count[b];
        count[b] = sum;
        sum += c;
    }
    for (ptrdiff_t i = 0; i < n; i++) out[count[(in[i] >> shift) & mask]++] = in[i];
    return 1;
}

#define FML_RADIX_BITS 11

/* Sort by the bits [from, to): equal ones keep their order. The result is in a. b: room for n. */
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
    uint32_t count[1 << FML_RADIX_BITS];
    const int widest = n < 2048 ? 8 : FML_RADIX_BITS, passes = (to - from + widest - 1) / widest;
    uint64_t *in = a, *out = b;
    for (int p = 0; p < passes; p++) {
        const int bits = (to - from + passes - p - 1) / (passes - p);
        if (fml_radix_pass(in, out, n, from, bits, count)) {
            uint64_t *const swap = in;
            in = out;
            out = swap;
        }
        from += bits;
    }
    if (in != a) memcpy(a, in, n * sizeof *a);
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
    uint64_t *scratch;                  /* of each worker: 2 * n */
} fml_prepare;

static inline float fml_at(const fml_prepare *t, ptrdiff_t i, ptrdiff_t f) {
    return *(const float *)(t->X + i * t->row_bytes + f * t->column_bytes);
}

/* Float32 as an integer of the same order; -0 and 0 are equal, NaN is largest. */
static inline uint32_t fml_ordered(float value) {
    uint32_t bits;
    if (isnan(value)) return UINT32_MAX;
    value += 0.0f;
    memcpy(&bits, &value, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

/* Feature f: its column, and unless the values are not wanted its sorted list, distinct values and ranks. */
static void fml_prepare_feature(void *task, ptrdiff_t f, int worker) {
    const fml_prepare *t = task;
    const ptrdiff_t n = t->n;
    int64_t missing = 0;
    if (!t->values) {
        float *const column = t->columns + f * n;
        for (ptrdiff_t i = 0; i < n; i++) {
            column[i] = fml_at(t, i, f);
            missing += isnan(column[i]) != 0;
        }
        t->missing[f] = missing;
        return;
    }
    uint64_t *const keys = t->scratch + worker * 2 * n;
    for (ptrdiff_t i = 0; i < n; i++) {
        const uint32_t bits = fml_ordered(fml_at(t, i, f));
        missing += bits == UINT32_MAX;
        keys[i] = (uint64_t)bits << 32 | (uint64_t)i;
    }
    fml_sort(keys, keys + n, n, 32, 64);
    float *const values = t->values + f * n;
    uint64_t *const tight = t->tight + f * (n / 64 + 1), rank = 0;
    uint8_t close = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        const uint32_t sample = (uint32_t)keys[i];
        const int is_missing = i >= n - missing;
        if (i == 0 || (i < n - missing && keys[i] >> 32 != keys[i - 1] >> 32)) {
            if (!is_missing) {
                rank += i > 0;
                values[rank] = fml_at(t, sample, f);
                if (i > 0 && values[rank] <= values[rank - 1] + fml_too_close) {
                    close = 1;
                    tight[(rank - 1) >> 6] |= 1ull << ((rank - 1) & 63);
                }
            }
        } else if (i == n - missing) rank++;
        if (t->ranks) t->ranks[f * n + sample] = (uint32_t)rank;
        if (t->entries) t->entries[f * n + i] = rank << FML_RANK_SHIFT | (uint64_t)sample << FML_SAMPLE_SHIFT;
    }
    t->missing[f] = missing;
    t->close[f] = close;
    t->n_distinct[f] = missing == n ? 0 : (int64_t)rank + (missing == 0);
}
#endif
