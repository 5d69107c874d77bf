/* The samples within a radius of queries by comparing every query with every sample: counted, and then written into rows of that length.
 *
 * The tile of brute.h tells which samples may lie within the radius, and which surely do. The others, and all whose distances are asked
 * for, are computed by differences in double.
 */
#ifndef FML_BRUTE_WITHIN_H
#define FML_BRUTE_WITHIN_H
#include "brute.h"

typedef struct {
    fml_rows rows;                   /* in */
    const double *Q;                 /* (n_queries, d)   in */
    const double *limits;            /* (n_queries,)     in    largest square of a distance */
    int64_t *counts;                 /* (n_queries,)     out   in the first pass; NULL in the second */
    const int64_t *indptr;           /* (n_queries + 1,) in    where a query's row begins */
    int64_t *indices;                /* (n_found,)       out */
    double *distances;               /* (n_found,)       out   or NULL */
    float *scratch;                  /* (n_threads, asked, d) queries counted from the origin */
    double *turned;                  /* (n_threads, 2 d, FML_WIDE)  samples, one a column, and room: measures.h */
    fml_pair *pairs;                 /* (n_threads, longest)   for sorting; NULL: rows in the order of the samples */
    fml_asked *known;                /* (n_threads,) */
    ptrdiff_t n_queries, asked, longest;
    int selves;                      /* query i is sample i, and not its own neighbour */
} fml_brute_within;

FML_INLINE void fml_count_one(const fml_brute_within *t, ptrdiff_t query, int64_t *length, int64_t sample, double square) {
    if (t->indices) {
        t->indices[t->indptr[query] + *length] = sample;
        if (t->distances) t->distances[t->indptr[query] + *length] = fml_told(&t->rows, square);
    }
    ++*length;
}

/* Judges what waits for the chunk's query i, in the order in which it came. */
static void fml_judge(const fml_brute_within *t, ptrdiff_t query, fml_asked *asked, ptrdiff_t i, int64_t *length) {
    int64_t open[FML_WAITING + FML_TOGETHER];
    double square[FML_WAITING + FML_TOGETHER];
    const int n = asked->n_waiting[i];
    int n_open = 0;
    for (int s = 0; s < n; s++)
        if (asked->waiting[i][s].low > -INFINITY) open[n_open++] = asked->waiting[i][s].sample;
    for (int s = n_open; n_open && s < n_open + FML_TOGETHER; s++) open[s] = open[0];
    for (int s = 0; s < n_open; s += FML_TOGETHER) fml_exact(&t->rows, open + s, t->Q + query * t->rows.d, square + s);
    for (int s = 0, at = 0; s < n; s++) {
        const int sure = !(asked->waiting[i][s].low > -INFINITY);
        const double own = sure ? 0 : square[at++];
        if (sure || own <= t->limits[query]) fml_count_one(t, query, length, asked->waiting[i][s].sample, own);
    }
    asked->n_waiting[i] = 0;
}

FML_INLINE void fml_sift_within(const fml_brute_within *t, ptrdiff_t block, const vf32 *tile, ptrdiff_t query, fml_asked *asked, ptrdiff_t i,
                                int64_t *length) {
    const float *const norms = t->rows.norms + block * FML_NARROW;
    const float bound = fml_rounded_up(t->limits[query] - asked->square[i]), half = asked->half_doubt[i];
    const int judged = t->indices && t->distances;
    for (int v = 0; v < FML_VECTORS; v++) {
        const vf32 value = vfma_f32(tile[v], vset1_f32(-2), vload_f32(norms + v * FML_LANES_F32));
        unsigned bits = fml_not_above(value, vset1_f32(bound + half));
        if (!bits) continue;
        float values[FML_LANES_F32];
        vstore_f32(values, value);
        for (; bits; bits &= bits - 1) {
            const int s = __builtin_ctz(bits);
            const int64_t sample = block * FML_NARROW + v * FML_LANES_F32 + s;
            if (sample >= t->rows.n || (t->selves && sample == query)) continue;
            /* 2 halves below: one for the tile, and one, far more than enough, for what `bound` was rounded up by */
            const int sure = !judged && values[s] < bound - 2 * half - 0x1p-20f * fabsf(bound);
            asked->waiting[i][asked->n_waiting[i]++] = (fml_candidate){sure ? -INFINITY : 0, sample};
            if (asked->n_waiting[i] == FML_WAITING) fml_judge(t, query, asked, i, length);
        }
    }
}

static inline void fml_finish_row(const fml_brute_within *t, ptrdiff_t query, int worker, int64_t length) {
    if (t->counts) t->counts[query] = length;
    if (!t->pairs) return;
    fml_pair *const pairs = t->pairs + worker * t->longest;
    int64_t *const indices = t->indices + t->indptr[query];
    double *const distances = t->distances + t->indptr[query];
    for (int64_t j = 0; j < length; j++) pairs[j] = (fml_pair){distances[j], indices[j]};
    fml_sort_pairs(pairs, length);
    for (int64_t j = 0; j < length; j++) distances[j] = pairs[j].key, indices[j] = pairs[j].index;
}

/* Without blocks: every sample is computed. */
static inline void fml_direct_within_chunk(void *task, ptrdiff_t query, int worker) {
    const fml_brute_within *t = task;
    int64_t length = 0;
    for (ptrdiff_t first = 0; first < t->rows.n; first += FML_TOGETHER) {
        int64_t samples[FML_TOGETHER];
        double square[FML_TOGETHER];
        for (int s = 0; s < FML_TOGETHER; s++) samples[s] = first + s < t->rows.n ? first + s : first;
        fml_exact(&t->rows, samples, t->Q + query * t->rows.d, square);
        for (int s = 0; s < FML_TOGETHER && first + s < t->rows.n; s++)
            if (square[s] <= t->limits[query] && !(t->selves && first + s == query)) fml_count_one(t, query, &length, first + s, square[s]);
    }
    fml_finish_row(t, query, worker, length);
}

static inline void fml_brute_within_chunk(void *task, ptrdiff_t chunk, int worker) {
    const fml_brute_within *t = task;
    const ptrdiff_t d = t->rows.d, first = chunk * t->asked, n = t->n_queries - first < t->asked ? t->n_queries - first : t->asked;
    float *const Q = t->scratch + worker * t->asked * d;
    fml_asked *const asked = t->known + worker;
    int64_t length[FML_ASKED] = {0};
    fml_ask(&t->rows, t->Q, first, n, Q, asked);
    for (ptrdiff_t b = 0; b < (t->rows.n + FML_NARROW - 1) / FML_NARROW; b++) {
        fml_reach(&t->rows, t->rows.reach[b], n, asked);
#define FML_COMPARE(n_rows_)                                                                                      \
        {                                                                                                         \
            vf32 tile[FML_ROWS][FML_VECTORS];                                                                     \
            dots_f32(t->rows.blocks + b * d * FML_NARROW, Q + i * d, d, d, n_rows_, NULL, tile);                  \
            for (int r = 0; r < n_rows_; r++) fml_sift_within(t, b, tile[r], first + i + r, asked, i + r, length + i + r); \
        }
        FML_EACH_TILE(i, n, FML_COMPARE)
#undef FML_COMPARE
    }
    for (ptrdiff_t i = 0; i < n; i++) {
        fml_judge(t, first + i, asked, i, length + i);
        fml_finish_row(t, first + i, worker, length[i]);
    }
}
#endif
