/* The k nearest samples by comparing every query with every sample.
 *
 * A tile of floats (runtime/tile_impl.h), on samples counted from amid them, gives |x|^2 - 2 x.q for a block of samples and six queries at
 * a time, each right to half of a bound (narrow.h).  The k smallest upper ends so far tell which samples may still be among the k nearest:
 * a handful of k log(n / k).  These wait with their lower ends until there are many, and then those that still may count are computed by
 * direct differences in double, feature by feature, and only these decide: the answer has the bits of the k-d tree's, whatever the
 * tile's width.  What a float cannot tell apart costs time and changes nothing.
 */
#ifndef FML_BRUTE_H
#define FML_BRUTE_H
#include "answers.h"
#include "brute_rows.h"
#include "hits.h"

#define FML_IMPL "tile_impl.h"
#include "typed.h"
/* Queries of a chunk: with a block of samples they stay in the cache while all samples pass. */
#define FML_ASKED 96
/* Neighbours of a chunk's queries together; with more a chunk has fewer queries. */
#define FML_KEPT 65536
/* Samples of a query that wait; when there are more, they are settled. */
#define FML_WAITING 48
/* The first blocks are looked through twice: first for a bound, or of 1,800 samples the search for five would let 34 wait, not 12,
 * which takes as long as all products (digits, 64 features: 2.7 ms of 5.4). */
#define FML_FIRST 8
#define FML_BEFORE 8                 /* floats before the bounds of a query, the last of them minus infinity */
#define FML_LANES_F32 ((int)(sizeof(vf32) / sizeof(float)))

typedef struct {
    float low;                       /* its |x|^2 - 2 x.q is at least that */
    int64_t sample;
} fml_candidate;

/* What is known of the queries of a chunk. */
typedef struct {
    double square[FML_ASKED];        /* |q|^2, counted from the origin */
    float norm[FML_ASKED];           /* |q|, rounded up */
    float bound[FML_ASKED];          /* the k-th nearest's |x|^2 - 2 x.q is at most that */
    float half_doubt[FML_ASKED];     /* what the tile may be wrong by */
    float reach;                     /* the norms of samples for which `half_doubt` holds */
    int n_waiting[FML_ASKED];
    float upper[FML_ASKED][FML_BEFORE + FML_ORDERED];              /* the k smallest upper ends, ascending, where k is no more */
    fml_candidate waiting[FML_ASKED][FML_WAITING];
} fml_asked;

typedef struct {
    fml_rows rows;                   /* in */
    const double *Q;                 /* (n_queries, d)   in */
    double *distances;               /* (n_queries, k - selves)   out    or NULL */
    int64_t *indices;                /* (n_queries, k - selves)   out    or NULL */
    fml_votes *votes;                /* out   or NULL */
    float *scratch;                  /* (n_threads, asked, d) queries counted from the origin */
    double *turned;                  /* (n_threads, 2 d, FML_WIDE)  samples, one a column, and room: measures.h */
    fml_pair *found;                 /* (n_threads, asked, k) */
    fml_asked *known;                /* (n_threads,) */
    ptrdiff_t n_queries, k, asked;   /* asked: queries of a chunk */
    int selves;                      /* query i is sample i, which is left out of its k: fml_left_out */
} fml_brute;

/* Computes those that wait for the chunk's query i and may still count. */
static void fml_settle(const fml_brute *t, const double *q, fml_asked *asked, ptrdiff_t i, fml_pair *found) {
    fml_pair *const mine = found + i * t->k;
    const fml_candidate *const waiting = asked->waiting[i];
    int64_t samples[FML_WAITING + FML_TOGETHER];
    int n = 0;
    for (int s = 0; s < asked->n_waiting[i]; s++)
        if (!(waiting[s].low > asked->bound[i])) samples[n++] = waiting[s].sample;
    asked->n_waiting[i] = 0;
    for (int s = n; n && s < n + FML_TOGETHER; s++) samples[s] = samples[0];
    for (int s = 0; s < n; s += FML_TOGETHER) {
        double square[FML_TOGETHER];
        fml_exact(&t->rows, samples + s, q, square);
        for (int r = 0; r < FML_TOGETHER && s + r < n; r++) fml_keep(mine, t->k, (fml_pair){square[r], samples[s + r]});
    }
    const float bound = fml_rounded_up(fml_last_of(mine, t->k)->key - asked->square[i]) + asked->half_doubt[i];
    asked->bound[i] = bound < asked->bound[i] ? bound : asked->bound[i];
}

/* Notes that some sample's value is at most this: what is larger moves on by one.  No branch, as there is nothing to predict. */
FML_INLINE void fml_bound(float *upper, ptrdiff_t k, float value) {
    for (ptrdiff_t at = (k - 1) / FML_LANES_F32 * FML_LANES_F32; at >= 0; at -= FML_LANES_F32) {
        const vf32 here = vload_f32(upper + at), before = vload_f32(upper + at - 1);
        vstore_f32(upper + at, vmin_f32(here, vmax_f32(before, vset1_f32(value))));
    }
}

/* Lets the sample with this value of the tile wait, if it may count. */
FML_INLINE void fml_let_wait(const fml_brute *t, int64_t sample, float value, ptrdiff_t query, fml_asked *asked, ptrdiff_t i, fml_pair *found) {
    const float low = value - asked->half_doubt[i], high = value + asked->half_doubt[i];
    if (low > asked->bound[i] || sample >= t->rows.n) return;
    if (t->k <= FML_ORDERED && high < INFINITY) {
        float *const upper = asked->upper[i] + FML_BEFORE;
        fml_bound(upper, t->k, high);
        asked->bound[i] = upper[t->k - 1] < asked->bound[i] ? upper[t->k - 1] : asked->bound[i];
    }
    asked->waiting[i][asked->n_waiting[i]++] = (fml_candidate){low, sample};
    if (asked->n_waiting[i] == (t->k <= FML_ORDERED ? FML_WAITING : FML_TOGETHER)) fml_settle(t, t->Q + query * t->rows.d, asked, i, found);
}

/* Lets those samples of a block through whose values, by the tile, are not above the bound of the chunk's query i: NaN too, where floats
 * overflow. */
FML_INLINE void fml_sift(const fml_brute *t, ptrdiff_t block, const vf32 *value, ptrdiff_t query, fml_asked *asked, ptrdiff_t i, fml_pair *found) {
    unsigned bits[FML_VECTORS], any = 0;
    const vf32 most = vset1_f32(asked->bound[i] + asked->half_doubt[i]);
    for (int v = 0; v < FML_VECTORS; v++) any |= bits[v] = fml_not_above(value[v], most);
    if (!any) return;
    float values[FML_NARROW];
    for (int v = 0; v < FML_VECTORS; v++) vstore_f32(values + v * FML_LANES_F32, value[v]);
    for (int v = 0; v < FML_VECTORS; v++)
        for (; bits[v]; bits[v] &= bits[v] - 1) {
            const int s = v * FML_LANES_F32 + __builtin_ctz(bits[v]);
            fml_let_wait(t, block * FML_NARROW + s, values[s], query, asked, i, found);
        }
}

/* |x|^2 - 2 x.q of a block, by its products. */
FML_INLINE void fml_values(const fml_rows *rows, ptrdiff_t block, const vf32 *products, vf32 *value) {
    for (int v = 0; v < FML_VECTORS; v++)
        value[v] = vfma_f32(products[v], vset1_f32(-2), vload_f32(rows->norms + block * FML_NARROW + v * FML_LANES_F32));
}

/* The k-th smallest of the lanes, infinite if there is none (NaN among them): for each the number of those not above it. */
FML_INLINE float fml_kth_of_lanes(vf32 lanes, ptrdiff_t k) {
    float lane[FML_LANES_F32], kth = INFINITY;
    vstore_f32(lane, lanes);
    for (int s = 0; s < FML_LANES_F32; s++) {
        const int n = __builtin_popcount(fml_not_above(lanes, vset1_f32(lane[s])));
        kth = n >= k && lane[s] < kth ? lane[s] : kth;
    }
    return kth;
}

/* The first blocks, for n_rows queries from the chunk's i on.  The k-th smallest of the lanes' minima bounds the k-th smallest of all. */
FML_INLINE void fml_begin(const fml_brute *t, const float *Q, ptrdiff_t first, fml_asked *asked, ptrdiff_t i, const int n_rows, ptrdiff_t n_blocks,
                          fml_pair *found) {
    const ptrdiff_t d = t->rows.d;
    vf32 value[FML_FIRST][FML_ROWS][FML_VECTORS], least[FML_ROWS];
    for (int r = 0; r < n_rows; r++) least[r] = vset1_f32(INFINITY);
    for (ptrdiff_t b = 0; b < n_blocks; b++) {
        vf32 tile[FML_ROWS][FML_VECTORS];
        dots_f32(t->rows.blocks + b * d * FML_NARROW, Q + i * d, d, d, n_rows, NULL, tile);
        for (int r = 0; r < n_rows; r++) {
            fml_values(&t->rows, b, tile[r], value[b][r]);
            for (int v = 0; v < FML_VECTORS; v++) least[r] = vmin_f32(value[b][r][v], least[r]);
        }
    }
    for (int r = 0; r < n_rows; r++) {
        if (t->k <= FML_LANES_F32) asked->bound[i + r] = fml_kth_of_lanes(least[r], t->k) + asked->half_doubt[i + r];
        for (ptrdiff_t b = 0; b < n_blocks; b++) fml_sift(t, b, value[b][r], first + i + r, asked, i + r, found);
    }
}

static inline void fml_write_nearest(const fml_brute *t, ptrdiff_t query, int worker, fml_pair *found) {
    const fml_answers out = {t->distances, t->indices, t->votes, t->k, t->selves};
    if (t->k > FML_ORDERED) fml_sort_heap(found, t->k);
    for (ptrdiff_t j = 0; (t->distances || t->votes) && j < t->k; j++) found[j].key = fml_told(&t->rows, found[j].key);
    fml_write_answers(&out, query, worker, found);
}

/* Without blocks: every sample is computed. */
static inline void fml_direct_chunk(void *task, ptrdiff_t chunk, int worker) {
    const fml_brute *t = task;
    fml_pair *const found = t->found + worker * t->asked * t->k;
    fml_keep_none(found, t->k);
    for (ptrdiff_t first = 0; first < t->rows.n; first += FML_TOGETHER) {
        int64_t samples[FML_TOGETHER];
        double square[FML_TOGETHER];
        for (int s = 0; s < FML_TOGETHER; s++) samples[s] = first + s < t->rows.n ? first + s : first;
        fml_exact(&t->rows, samples, t->Q + chunk * t->rows.d, square);
        for (int s = 0; s < FML_TOGETHER && first + s < t->rows.n; s++) fml_keep(found, t->k, (fml_pair){square[s], first + s});
    }
    fml_write_nearest(t, chunk, worker, found);
}

static inline void fml_ask(const fml_rows *rows, const double *queries, ptrdiff_t first, ptrdiff_t n, float *Q, fml_asked *asked) {
    for (ptrdiff_t i = 0; i < n; i++) {
        fml_narrow_query(rows, queries + (first + i) * rows->d, Q + i * rows->d, asked->square + i, asked->norm + i);
        asked->n_waiting[i] = 0;
        asked->bound[i] = INFINITY;
        for (int j = 0; j < FML_BEFORE + FML_ORDERED; j++) asked->upper[i][j] = j < FML_BEFORE ? -INFINITY : INFINITY;
    }
    asked->reach = 0;
}

/* Sees to it that `half_doubt` holds for samples of such norms. */
FML_INLINE void fml_reach(const fml_rows *rows, float reach, ptrdiff_t n, fml_asked *asked) {
    if (asked->reach && !(reach > asked->reach) && !(reach < 0.7f * asked->reach)) return; /* the doubt in use is at most twice as large */
    asked->reach = 1.1f * reach;
    for (ptrdiff_t i = 0; i < n; i++) asked->half_doubt[i] = 0.5f * fml_narrow_doubt(rows->d, asked->reach, asked->norm[i]);
}

static inline void fml_brute_chunk(void *task, ptrdiff_t chunk, int worker) {
    const fml_brute *t = task;
    const ptrdiff_t d = t->rows.d, first = chunk * t->asked, n = t->n_queries - first < t->asked ? t->n_queries - first : t->asked;
    float *const Q = t->scratch + worker * t->asked * d;
    fml_asked *const asked = t->known + worker;
    fml_pair *const found = t->found + worker * t->asked * t->k;
    fml_ask(&t->rows, t->Q, first, n, Q, asked);
    fml_keep_none(found, n * t->k);
    const ptrdiff_t n_blocks = (t->rows.n + FML_NARROW - 1) / FML_NARROW, n_first = n_blocks < FML_FIRST ? n_blocks : FML_FIRST;
    float reach = 0;
    for (ptrdiff_t b = 0; b < n_first; b++) reach = t->rows.reach[b] > reach ? t->rows.reach[b] : reach;
    fml_reach(&t->rows, reach, n, asked);
#define FML_BEGIN(n_rows_) fml_begin(t, Q, first, asked, i, n_rows_, n_first, found)
    FML_EACH_TILE(i, n, FML_BEGIN)
#undef FML_BEGIN
    for (ptrdiff_t b = n_first; b < n_blocks; b++) {
        fml_reach(&t->rows, t->rows.reach[b], n, asked);
#define FML_COMPARE(n_rows_)                                                                                      \
        {                                                                                                         \
            vf32 tile[FML_ROWS][FML_VECTORS], value[FML_VECTORS];                                                 \
            dots_f32(t->rows.blocks + b * d * FML_NARROW, Q + i * d, d, d, n_rows_, NULL, tile);                  \
            for (int r = 0; r < n_rows_; r++) {                                                                   \
                fml_values(&t->rows, b, tile[r], value);                                                          \
                fml_sift(t, b, value, first + i + r, asked, i + r, found);                                        \
            }                                                                                                     \
        }
        FML_EACH_TILE(i, n, FML_COMPARE)
#undef FML_COMPARE
    }
    for (ptrdiff_t i = 0; i < n; i++) {
        fml_settle(t, t->Q + (first + i) * d, asked, i, found);
        fml_write_nearest(t, first + i, worker, found + i * t->k);
    }
}
#endif
