/* The k nearest samples by comparing every query with every sample.
 *
 * A tile of floats (runtime/tile_impl.h), on samples counted from amid them, gives |x|^2 - 2 x.q for a block of samples and six queries at
 * a time, and with a bound on its error (narrow.h) tells which samples may be nearer than the k-th so far: a handful of
 * k log(n / k).  Those are computed by direct differences in double, feature by feature, and only these decide: the answer has the
 * bits of the k-d tree's, whatever the tile's width.  What a float cannot tell apart costs time and changes nothing.
 */
#ifndef FML_BRUTE_H
#define FML_BRUTE_H
#include <math.h>
#include <stdint.h>
#include "hits.h"
#include "narrow.h"
#include "pairs.h"

#define FML_IMPL "tile_impl.h"
#include "typed.h"
/* Queries of a chunk: with a block of samples they stay in the cache while all samples pass. */
#define FML_ASKED 96
/* Neighbours of a chunk's queries together; with more a chunk has fewer queries. */
#define FML_KEPT 65536
/* Up to so many neighbours are kept in order, more in a heap. */
#define FML_ORDERED 32
#define FML_BLOCKS 16                /* blocks of samples in a chunk of fml_narrow_blocks */

typedef struct {
    const void *X;                   /* (n, d)  T                        in */
    const double *origin;            /* (d,)                             in */
    float *blocks;                   /* (n_blocks, d, FML_NARROW)        in, out of fml_narrow_blocks:  X - origin, one sample a column; or NULL */
    float *norms;                    /* (n_blocks, FML_NARROW)           in, out  squares; beside the last sample: infinite */
    float *reach;                    /* (n_blocks,)                      in, out  the largest norm of a block, rounded up */
    ptrdiff_t n, d;
    int is_f32;
} fml_rows;

typedef struct {
    fml_rows rows;                   /* in */
    const double *Q;                 /* (n_queries, d)   in */
    double *distances;               /* (n_queries, k - selves)   out    or NULL */
    int64_t *indices;                /* (n_queries, k - selves)   out */
    float *scratch;                  /* (n_threads, asked, d) queries counted from the origin */
    fml_pair *found;                 /* (n_threads, asked, k) */
    ptrdiff_t n_queries, k, asked;   /* asked: queries of a chunk */
    int selves;                      /* query i is sample i, which is left out of its k: fml_left_out */
} fml_brute;

static inline void fml_narrow_block(const fml_rows *t, ptrdiff_t b) {
    const ptrdiff_t d = t->d, first = b * FML_NARROW;
    const double *rows64[FML_NARROW];
    const float *rows32[FML_NARROW];
    for (int s = 0; s < FML_NARROW; s++) {
        const ptrdiff_t i = first + s < t->n ? first + s : t->n - 1;
        rows64[s] = (const double *)t->X + i * d, rows32[s] = (const float *)t->X + i * d;
    }
    float *const xt = t->blocks + b * d * FML_NARROW, *const norms = t->norms + b * FML_NARROW;
    if (t->is_f32) fml_narrow_f32(rows32, rows32, t->origin, d, xt);
    else fml_narrow_f64(rows64, rows64, t->origin, d, xt);
    double squares[FML_NARROW], largest = 0;
    for (int s = 0; s < FML_NARROW; s++) squares[s] = 0;
    for (ptrdiff_t f = 0; f < d; f++)
        for (int s = 0; s < FML_NARROW; s++) squares[s] += (double)xt[f * FML_NARROW + s] * xt[f * FML_NARROW + s];
    for (int s = 0; s < FML_NARROW; s++) {
        norms[s] = first + s < t->n ? (float)squares[s] : INFINITY;
        largest = squares[s] > largest ? squares[s] : largest;
    }
    t->reach[b] = nextafterf((float)sqrt(largest), INFINITY);
}

static inline void fml_narrow_blocks(void *task, ptrdiff_t chunk, int worker) {
    const fml_rows *t = task;
    const ptrdiff_t n_blocks = (t->n + FML_NARROW - 1) / FML_NARROW, first = chunk * FML_BLOCKS;
    for (ptrdiff_t b = first; b < first + FML_BLOCKS && b < n_blocks; b++) fml_narrow_block(t, b);
}

/* The squares of a query's distances from FML_TOGETHER samples, by differences, out (FML_TOGETHER,): one sample a lane, because the
 * chain of additions of one alone would take four times as long as its operations. */
#define FML_TOGETHER 8
typedef double fml_together __attribute__((vector_size(8 * FML_TOGETHER)));
#define FML_DEFINE_EXACT(T, S)                                                                                          \
    static void fml_exact_##S(const fml_rows *t, const int64_t *samples, const double *q, double *out) {                \
        const T *at[FML_TOGETHER];                                                                                      \
        fml_together sum = {0};                                                                                         \
        for (int s = 0; s < FML_TOGETHER; s++) at[s] = (const T *)t->X + samples[s] * t->d;                             \
        for (ptrdiff_t f = 0; f < t->d; f++) {                                                                          \
            const fml_together x = {(double)at[0][f], (double)at[1][f], (double)at[2][f], (double)at[3][f],             \
                                    (double)at[4][f], (double)at[5][f], (double)at[6][f], (double)at[7][f]};            \
            const fml_together step = q[f] - x;                                                                         \
            sum += step * step;                                                                                         \
        }                                                                                                               \
        memcpy(out, &sum, sizeof sum);                                                                                  \
    }
FML_DEFINE_EXACT(double, f64)
FML_DEFINE_EXACT(float, f32)
#undef FML_DEFINE_EXACT

FML_INLINE const fml_pair *fml_last_of(const fml_pair *found, ptrdiff_t k) { return k > FML_ORDERED ? found : found + k - 1; }

FML_INLINE void fml_keep(fml_pair *found, ptrdiff_t k, fml_pair kept) {
    if (k > FML_ORDERED) {
        found[0] = kept;
        fml_sink(found, 0, k);
        return;
    }
    ptrdiff_t at = k - 1;
    for (; at > 0 && fml_before(kept, found[at - 1]); at--) found[at] = found[at - 1];
    found[at] = kept;
}

/* What is known of the queries of a chunk. */
typedef struct {
    double square[FML_ASKED];        /* |q|^2, counted from the origin */
    float norm[FML_ASKED];           /* |q|, rounded up */
    float most[FML_ASKED];           /* what a tile's value is at most for a sample that counts */
    float reach;                     /* the norms of samples for which `most` holds */
    int n_waiting[FML_ASKED];
    int64_t waiting[FML_ASKED][FML_TOGETHER];        /* samples to be computed */
} fml_asked;

FML_INLINE float fml_most(const fml_brute *t, const fml_asked *asked, const fml_pair *found, ptrdiff_t i) {
    const double doubt = fml_narrow_doubt(t->rows.d, asked->reach, asked->norm[i]);
    const double most = fml_last_of(found + i * t->k, t->k)->key - asked->square[i] + doubt;
    return most < 0x1p100 ? (float)(most + fabs(most) * 0x1p-23) : INFINITY;      /* rounded up */
}

/* Computes what waits for the chunk's query i. */
static void fml_settle(const fml_brute *t, const double *q, fml_asked *asked, ptrdiff_t i, fml_pair *found) {
    fml_pair *const mine = found + i * t->k;
    int64_t *const waiting = asked->waiting[i];
    const int n = asked->n_waiting[i];
    double square[FML_TOGETHER];
    if (!n) return;
    for (int s = n; s < FML_TOGETHER; s++) waiting[s] = waiting[0];
    if (t->rows.is_f32) fml_exact_f32(&t->rows, waiting, q, square);
    else fml_exact_f64(&t->rows, waiting, q, square);
    for (int s = 0; s < n; s++) {
        const fml_pair candidate = {square[s], waiting[s]};
        if (fml_before(candidate, *fml_last_of(mine, t->k))) fml_keep(mine, t->k, candidate);
    }
    asked->n_waiting[i] = 0;
    asked->most[i] = fml_most(t, asked, found, i);
}

FML_INLINE void fml_let_wait(const fml_brute *t, int64_t sample, ptrdiff_t query, fml_asked *asked, ptrdiff_t i, fml_pair *found) {
    if (sample >= t->rows.n) return;
    asked->waiting[i][asked->n_waiting[i]++] = sample;
    if (asked->n_waiting[i] == FML_TOGETHER) fml_settle(t, t->Q + query * t->rows.d, asked, i, found);
}

/* Lets those samples of a block through that the tile (FML_VECTORS vectors) of the chunk's query i does not put above `most`: NaN
 * too, where floats overflow. */
FML_INLINE void fml_sift(const fml_brute *t, ptrdiff_t block, const vf32 *tile, ptrdiff_t query, fml_asked *asked, ptrdiff_t i, fml_pair *found) {
    const int lanes = (int)(sizeof(vf32) / sizeof(float));
    const float *const norms = t->rows.norms + block * FML_NARROW;
    unsigned bits[FML_VECTORS], any = 0;
    for (int v = 0; v < FML_VECTORS; v++) {
        const vf32 value = vfma_f32(tile[v], vset1_f32(-2), vload_f32(norms + v * lanes));
        any |= bits[v] = fml_not_above(value, vset1_f32(asked->most[i]));
    }
    if (!any) return;
    for (int v = 0; v < FML_VECTORS; v++)
        for (; bits[v]; bits[v] &= bits[v] - 1)
            fml_let_wait(t, block * FML_NARROW + v * lanes + __builtin_ctz(bits[v]), query, asked, i, found);
}

/* The first block: the k-th smallest value of the tile, and twice what it may be wrong by, leave about k samples to compute. */
FML_INLINE void fml_begin(const fml_brute *t, const vf32 *tile, ptrdiff_t query, fml_asked *asked, ptrdiff_t i, fml_pair *found) {
    const int lanes = (int)(sizeof(vf32) / sizeof(float)), n = (int)(t->rows.n < FML_NARROW ? t->rows.n : FML_NARROW);
    float value[FML_NARROW], smallest[FML_NARROW], most = INFINITY;
    int n_smallest = 0;
    for (int v = 0; v < FML_VECTORS; v++)
        vstore_f32(value + v * lanes, vfma_f32(tile[v], vset1_f32(-2), vload_f32(t->rows.norms + v * lanes)));
    if (t->k < n) {
        for (int s = 0; s < n; s++) {
            int at = n_smallest < t->k ? n_smallest++ : (int)t->k;
            for (; at > 0 && value[s] < smallest[at - 1]; at--)
                if (at < t->k) smallest[at] = smallest[at - 1];
            if (at < t->k) smallest[at] = value[s];
        }
        most = smallest[t->k - 1];
        most += fml_narrow_doubt(t->rows.d, asked->reach, asked->norm[i]) + 0x1p-20f * fabsf(most);
    }
    for (int s = 0; s < n; s++)
        if (!(value[s] > most)) fml_let_wait(t, s, query, asked, i, found);
    fml_settle(t, t->Q + query * t->rows.d, asked, i, found);
}

static inline void fml_write_nearest(const fml_brute *t, ptrdiff_t query, fml_pair *found) {
    if (t->k > FML_ORDERED) fml_sort_heap(found, t->k);
    const ptrdiff_t left_out = t->selves ? fml_left_out(&found->index, 2, t->k, query) : -1;
    ptrdiff_t at = query * (t->k - t->selves);
    for (ptrdiff_t j = 0; j < t->k; j++) {
        if (j == left_out) continue;
        t->indices[at] = found[j].index == INT64_MAX ? 0 : found[j].index;
        if (t->distances) t->distances[at] = sqrt(found[j].key);
        at++;
    }
}

/* Without blocks: every sample is computed. */
static inline void fml_direct_chunk(void *task, ptrdiff_t chunk, int worker) {
    const fml_brute *t = task;
    fml_pair *const found = t->found + worker * t->asked * t->k;
    const double *const q = t->Q + chunk * t->rows.d;
    for (ptrdiff_t j = 0; j < t->k; j++) found[j] = (fml_pair){INFINITY, INT64_MAX};
    for (ptrdiff_t first = 0; first < t->rows.n; first += FML_TOGETHER) {
        int64_t samples[FML_TOGETHER];
        double square[FML_TOGETHER];
        for (int s = 0; s < FML_TOGETHER; s++) samples[s] = first + s < t->rows.n ? first + s : first;
        if (t->rows.is_f32) fml_exact_f32(&t->rows, samples, q, square);
        else fml_exact_f64(&t->rows, samples, q, square);
        for (int s = 0; s < FML_TOGETHER && first + s < t->rows.n; s++) {
            const fml_pair candidate = {square[s], first + s};
            if (fml_before(candidate, *fml_last_of(found, t->k))) fml_keep(found, t->k, candidate);
        }
    }
    fml_write_nearest(t, chunk, found);
}

static inline void fml_brute_chunk(void *task, ptrdiff_t chunk, int worker) {
    const fml_brute *t = task;
    const ptrdiff_t d = t->rows.d, k = t->k, first = chunk * t->asked;
    const ptrdiff_t n = t->n_queries - first < t->asked ? t->n_queries - first : t->asked;
    const ptrdiff_t n_blocks = (t->rows.n + FML_NARROW - 1) / FML_NARROW;
    float *const Q = t->scratch + worker * t->asked * d;
    fml_asked asked;
    fml_pair *const found = t->found + worker * t->asked * k;
    for (ptrdiff_t i = 0; i < n; i++) {
        asked.square[i] = 0;
        for (ptrdiff_t f = 0; f < d; f++) {
            Q[i * d + f] = (float)(t->Q[(first + i) * d + f] - t->rows.origin[f]);
            asked.square[i] += (double)Q[i * d + f] * Q[i * d + f];
        }
        asked.norm[i] = nextafterf((float)sqrt(asked.square[i]), INFINITY);
        asked.n_waiting[i] = 0;
    }
    for (ptrdiff_t j = 0; j < n * k; j++) found[j] = (fml_pair){INFINITY, INT64_MAX};
    for (ptrdiff_t b = 0; b < n_blocks; b++) {
        const float reach = t->rows.reach[b];
        if (b == 0 || reach > asked.reach || reach < 0.7f * asked.reach) {   /* else the doubt in use is at most twice as large */
            asked.reach = 1.1f * reach;
            for (ptrdiff_t i = 0; i < n; i++) asked.most[i] = fml_most(t, &asked, found, i);
        }
#define FML_COMPARE(n_rows_)                                                                                      \
        {                                                                                                         \
            vf32 tile[FML_ROWS][FML_VECTORS];                                                                     \
            dots_f32(t->rows.blocks + b * d * FML_NARROW, Q + i * d, d, d, n_rows_, NULL, tile);                  \
            for (int r = 0; r < n_rows_; r++) {                                                                   \
                if (b) fml_sift(t, b, tile[r], first + i + r, &asked, i + r, found);                              \
                else fml_begin(t, tile[r], first + i + r, &asked, i + r, found);                                  \
            }                                                                                                     \
        }
        FML_EACH_TILE(i, n, FML_COMPARE)
#undef FML_COMPARE
    }
    for (ptrdiff_t i = 0; i < n; i++) {
        fml_settle(t, t->Q + (first + i) * d, &asked, i, found);
        fml_write_nearest(t, first + i, found + i * k);
    }
}
#endif
