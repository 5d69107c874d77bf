/* Brute force by metrics that are no product: in double from the start, so that nothing is in doubt.
 *
 * A tile of samples by queries as in brute.h, one sample a lane. Features are added up one after the other, manhattan and chebyshev
 * distances with the bits of the k-d tree's.  Samples are transposed anew for every chunk of queries, some hundredth of the work.
 */
#ifndef FML_BRUTE_METRIC_H
#define FML_BRUTE_METRIC_H
#include "brute_within.h"
#include "measures.h"

/* Runs BODY(measure) with the measure as a constant. */
#define FML_BY_MEASURE(measure, BODY)                       \
    switch (measure) {                                      \
        case FML_OF_MANHATTAN: BODY(FML_OF_MANHATTAN); break;     \
        case FML_OF_CHEBYSHEV: BODY(FML_OF_CHEBYSHEV); break;     \
        case FML_OF_SQUARES: BODY(FML_OF_SQUARES); break;         \
        case FML_OF_POWERS: BODY(FML_OF_POWERS); break;           \
        case FML_MAHALANOBIS: BODY(FML_MAHALANOBIS); break;       \
        case FML_HAMMING: BODY(FML_HAMMING); break;               \
        case FML_CANBERRA: BODY(FML_CANBERRA); break;             \
        default: BODY(FML_BRAY_CURTIS);                           \
    }

/* One sample a column, xt out (d, FML_WIDE); beside the last sample: the last. */
static inline void fml_turn(const fml_rows *rows, ptrdiff_t block, double *xt) {
    const double *at[FML_WIDE];
    for (int s = 0; s < FML_WIDE; s++) {
        const ptrdiff_t sample = block * FML_WIDE + s;
        at[s] = (const double *)rows->X + (sample < rows->n ? sample : rows->n - 1) * rows->d;
    }
    transpose_f64(at, NULL, rows->d, xt);
}

/* Runs TAKE(key, sample) with those of a query's vectors of sums that are at most `most`, which it may change, by their index. */
#define FML_EACH_HIT(t, block, sums, most, TAKE)                                                                     \
    for (int v = 0; v < FML_VECTORS; v++) {                                                                          \
        unsigned bits = fml_le_bits(sums[v], vset1_f64(most));                                                       \
        double key[FML_LANES_F64];                                                                                   \
        if (bits) vstore_f64(key, sums[v]);                                                                          \
        for (; bits; bits &= bits - 1) {                                                                             \
            const int s = __builtin_ctz(bits);                                                                       \
            const ptrdiff_t sample = (block) * FML_WIDE + v * FML_LANES_F64 + s;                                     \
            if (sample < (t)->rows.n) TAKE(key[s], sample);                                                          \
        }                                                                                                            \
    }

FML_INLINE void fml_nearest_by(const fml_brute *t, ptrdiff_t first, ptrdiff_t n, double *xt, fml_pair *found, int measure) {
    const ptrdiff_t d = t->rows.d, k = t->k;
    double sizes[FML_ASKED];
    fml_sizes_of(measure, t->Q + first * d, n, d, sizes);
    for (ptrdiff_t b = 0; b < (t->rows.n + FML_WIDE - 1) / FML_WIDE; b++) {
        fml_turn(&t->rows, b, xt);
#define FML_COMPARE(n_rows_)                                                                                         \
        {                                                                                                            \
            vf64 sum[FML_ROWS][FML_VECTORS];                                                                         \
            fml_keys(&t->rows, xt, t->Q + (first + i) * d, sizes + i, n_rows_, measure, sum);                        \
            for (int r = 0; r < n_rows_; r++) {                                                                      \
                fml_pair *const mine = found + (i + r) * k;                                                          \
                FML_EACH_HIT(t, b, sum[r], fml_last_of(mine, k)->key, FML_KEEP)                                      \
            }                                                                                                        \
        }
#define FML_KEEP(key, sample) fml_keep(mine, k, (fml_pair){key, sample})
        FML_EACH_TILE(i, n, FML_COMPARE)
#undef FML_KEEP
#undef FML_COMPARE
    }
}

FML_INLINE void fml_within_by(const fml_brute_within *t, ptrdiff_t first, ptrdiff_t n, double *xt, int64_t *length, int measure) {
    const ptrdiff_t d = t->rows.d;
    double sizes[FML_ASKED];
    fml_sizes_of(measure, t->Q + first * d, n, d, sizes);
    for (ptrdiff_t b = 0; b < (t->rows.n + FML_WIDE - 1) / FML_WIDE; b++) {
        fml_turn(&t->rows, b, xt);
#define FML_COMPARE(n_rows_)                                                                                         \
        {                                                                                                            \
            vf64 sum[FML_ROWS][FML_VECTORS];                                                                         \
            fml_keys(&t->rows, xt, t->Q + (first + i) * d, sizes + i, n_rows_, measure, sum);                        \
            for (int r = 0; r < n_rows_; r++) {                                                                      \
                const ptrdiff_t query = first + i + r;                                                               \
                FML_EACH_HIT(t, b, sum[r], t->limits[query], FML_COUNT)                                              \
            }                                                                                                        \
        }
#define FML_COUNT(key, sample) if (!(t->selves && sample == query)) fml_count_one(t, query, length + i + r, sample, key)
        FML_EACH_TILE(i, n, FML_COMPARE)
#undef FML_COUNT
#undef FML_COMPARE
    }
}

static inline void fml_metric_chunk(void *task, ptrdiff_t chunk, int worker) {
    const fml_brute *t = task;
    const ptrdiff_t first = chunk * t->asked, n = t->n_queries - first < t->asked ? t->n_queries - first : t->asked;
    double *const xt = t->turned + worker * t->rows.d * 2 * FML_WIDE;
    fml_pair *const found = t->found + worker * t->asked * t->k;
    fml_keep_none(found, n * t->k);
#define FML_SEARCH(measure) fml_nearest_by(t, first, n, xt, found, measure)
    FML_BY_MEASURE(t->rows.measure, FML_SEARCH)
#undef FML_SEARCH
    for (ptrdiff_t i = 0; i < n; i++) fml_write_nearest(t, first + i, worker, found + i * t->k);
}

static inline void fml_metric_within_chunk(void *task, ptrdiff_t chunk, int worker) {
    const fml_brute_within *t = task;
    const ptrdiff_t first = chunk * t->asked, n = t->n_queries - first < t->asked ? t->n_queries - first : t->asked;
    double *const xt = t->turned + worker * t->rows.d * 2 * FML_WIDE;
    int64_t length[FML_ASKED] = {0};
#define FML_SEARCH(measure) fml_within_by(t, first, n, xt, length, measure)
    FML_BY_MEASURE(t->rows.measure, FML_SEARCH)
#undef FML_SEARCH
    for (ptrdiff_t i = 0; i < n; i++) fml_finish_row(t, first + i, worker, length[i]);
}
#endif
