/* C side of plusplus.pyx: squared distances of all samples to a few candidates, in float64 whatever the samples' type.
 *
 * A distance is  max(0, (-2 x.c + |c|^2) + |x|^2)  in this order, with x.c as tile_impl.h computes it: scikit-learn's own bits for dense
 * samples. Most of them are spared by an estimate from a copy of the samples in float, whose error has a bound. */
#ifndef FML_PLUSPLUS_H
#define FML_PLUSPLUS_H
#include <stdint.h>
#include "lanes.h"

#define FML_TRIALS 16                /* candidates at most: one bit each in `nearer` */
#define FML_SUM_ROWS 256             /* samples of one entry of block_sums */
#define FML_SEED_ROWS 2048           /* samples of a chunk */

#define FML_IMPL "tile_impl.h"
#include "typed.h"
#define FML_IMPL "distance_impl.h"
#include "typed.h"
#include "narrow.h"
#define FML_LANES ((int)(sizeof(vf64) / sizeof(double)))
#define FML_WIDE (FML_VECTORS * FML_LANES)   /* samples of a float64 tile */

typedef struct {
    const void *X;                   /* (n, d), or (n_entries,) of CSR   in */
    const int32_t *indices, *indptr; /* (n_entries,), (n + 1,)           in     CSR; NULL: dense */
    const double *x_norms;           /* (n,)              in     squared norms */
    const double *weights;           /* (n,)              in     NULL: all 1 */
    const double *candidates;        /* (n_trials, d), for CSR transposed (d, FML_TRIALS)  in */
    const double *c_norms;           /* (n_trials,)       in */
    const float *tiles;              /* (chunks, tiles of a chunk, d, FML_NARROW)  in  the samples as floats; NULL: none */
    const float *narrow_norms;       /* (n,)              in     their squared norms */
    const float *narrow_candidates, *narrow_c_norms;  /* (n_trials, d), (n_trials,)  in  the candidates likewise */
    const double *origin;            /* (d,)              in     which they are counted from */
    double noise;                    /*                   in     rounding that a squared distance may carry */
    double *closest;                 /* (n,)              inout  squared distance to the nearest chosen centre */
    uint16_t *nearer;                /* (n,)              inout  bit c: candidate c may be nearer still */
    double *block_sums;              /* (blocks,)         out    sums of weight x closest */
    int64_t *opened;                 /* (chunks,)         out    samples whose distances were computed */
    double *gains;                   /* (chunks, FML_TRIALS)  out  what each candidate takes off the potential, at most if estimated */
    double *excess;                  /* (chunks,)         out    how much less any of them may take */
    float *rounded;                  /* (n_trials, n)     out    smaller of `closest_rounded` and the rounded distance */
    const float *closest_rounded;    /* (n,)              in     NULL: the distance itself */
    double *scratch;                 /* (n_threads, scratch_size) */
    ptrdiff_t n, d, scratch_size;
    int n_trials, is_f32;
    int bits;                        /* the candidates in question: samples with one of these bits in `nearer`; 0: all samples */
} fml_seed;

/* Are these FML_WIDE samples in a row? */
FML_INLINE int fml_in_a_row(const int32_t *rows, int n_rows) { return n_rows == FML_WIDE && rows[n_rows - 1] - rows[0] == FML_WIDE - 1; }

/* x.c of up to FML_WIDE CSR samples with the candidates. */
static void fml_seed_csr_dots(const fml_seed *t, const int32_t *rows, ptrdiff_t start, int n_rows, double *dot) {
    memset(dot, 0, t->n_trials * FML_WIDE * sizeof *dot);  /* lanes without a sample, too */
    for (int s = 0; s < n_rows; s++) {
        const ptrdiff_t i = start + rows[s];
        double sum[FML_TRIALS] = {0};
        for (ptrdiff_t p = t->indptr[i]; p < t->indptr[i + 1]; p++) {
            const double x = t->is_f32 ? ((const float *)t->X)[p] : ((const double *)t->X)[p];
            const double *const c = t->candidates + (ptrdiff_t)t->indices[p] * FML_TRIALS;
            for (int j = 0; j < FML_TRIALS; j++) sum[j] += c[j] * x;
        }
        for (int j = 0; j < t->n_trials; j++) dot[j * FML_WIDE + s] = sum[j];
    }
}

/* The same of dense samples; those of `next` are sent for. */
static void fml_seed_dense_dots(const fml_seed *t, const int32_t *rows, ptrdiff_t start, int n_rows, const int32_t *next, int n_next,
                                double *xt, double *dot) {
    const ptrdiff_t d = t->d;
    const double *at[FML_WIDE], *ahead[FML_WIDE];
    double *const wide = xt + d * FML_WIDE;          /* float samples as double */
    if (t->is_f32)
        for (int s = 0; s < FML_WIDE; s++) {
            const float *const x = (const float *)t->X + (start + rows[s < n_rows ? s : n_rows - 1]) * d;
            for (ptrdiff_t f = 0; f < d; f++) wide[s * d + f] = x[f];
            at[s] = ahead[s] = wide + s * d;
        }
    else
        for (int s = 0; s < FML_WIDE; s++) {
            at[s] = (const double *)t->X + (start + rows[s < n_rows ? s : n_rows - 1]) * d;
            ahead[s] = (const double *)t->X + (start + next[s < n_next ? s : n_next - 1]) * d;
        }
    transpose_f64(at, t->is_f32 ? NULL : ahead, d, xt);
#define STORE(n_rows_)                                                                                        \
    {                                                                                                         \
        vf64 acc[FML_ROWS][FML_VECTORS];                                                                      \
        dots_f64(xt, t->candidates + j * d, d, d, n_rows_, j ? NULL : ahead, acc);                            \
        for (int r = 0; r < n_rows_; r++)                                                                     \
            for (int s = 0; s < FML_VECTORS; s++)                                                             \
                vstore_f64(dot + (j + r) * FML_WIDE + s * FML_LANES, acc[r][s]);                              \
    }
    FML_EACH_TILE(j, t->n_trials, STORE)
#undef STORE
}

/* distance (n_trials, FML_WIDE) of up to FML_WIDE samples, given by their numbers from `start` on; those of `next` come next. */
static void fml_seed_distances(const fml_seed *t, const int32_t *rows, ptrdiff_t start, int n_rows, const int32_t *next, int n_next,
                               double *xt, double *restrict distance) {
    double norm[FML_WIDE];
    if (t->indptr) fml_seed_csr_dots(t, rows, start, n_rows, distance);
    else fml_seed_dense_dots(t, rows, start, n_rows, next, n_next, xt, distance);
    if (fml_in_a_row(rows, n_rows)) memcpy(norm, t->x_norms + start + rows[0], sizeof norm);
    else for (int s = 0; s < FML_WIDE; s++) norm[s] = t->x_norms[start + rows[s < n_rows ? s : n_rows - 1]];
    for (int j = 0; j < t->n_trials; j++) {
        const vf64 c_norm = vset1_f64(t->c_norms[j]);
        for (int s = 0; s < FML_WIDE; s += FML_LANES) {
            double *const at = distance + j * FML_WIDE + s;
            const vf64 value = vadd_f64(vadd_f64(vmul_f64(vset1_f64(-2), vload_f64(at)), c_norm), vload_f64(norm + s));
            vstore_f64(at, vmax_f64(value, vset1_f64(0)));
        }
    }
}

/* Samples of a chunk to look at, counted from its first.  Returns how many. */
static int fml_seed_open(const fml_seed *t, ptrdiff_t chunk, int32_t *rows) {
    const ptrdiff_t start = chunk * FML_SEED_ROWS;
    const int n_rows = t->n - start < FML_SEED_ROWS ? (int)(t->n - start) : FML_SEED_ROWS;
    int n = 0;
    for (int r = 0; r < n_rows; r++) {
        rows[n] = r;
        n += !t->bits || t->nearer[start + r] & t->bits;
    }
    if (t->opened) t->opened[chunk] = n;
    return n;
}

/* The chunk as floats, and their squared norms; the last sample fills up the last tile. */
static void fml_seed_narrow(void *task, ptrdiff_t chunk, int worker) {
    fml_seed *t = task;
    const ptrdiff_t start = chunk * FML_SEED_ROWS, end = start + FML_SEED_ROWS < t->n ? start + FML_SEED_ROWS : t->n, d = t->d;
    const int lanes = sizeof(vf32) / sizeof(float);
    float *tile = (float *)t->tiles + start * d;
    (void)worker;
#define NARROW(T, S)                                                                                         \
    {                                                                                                        \
        const T *at[FML_NARROW], *const X = (const T *)t->X;                                                 \
        for (int s = 0; s < FML_NARROW; s++) at[s] = X + (first + s < end ? first + s : end - 1) * d;        \
        fml_narrow_##S(at, at, t->origin, d, tile);                                                          \
    }
    for (ptrdiff_t first = start; first < end; first += FML_NARROW, tile += d * FML_NARROW) {
        float norm[FML_NARROW];
        if (t->is_f32) NARROW(float, f32)
        else NARROW(double, f64)
        for (int s = 0; s < FML_NARROW; s += lanes) {
            vf32 sum = vset1_f32(0);
            for (ptrdiff_t f = 0; f < d; f++) {
                const vf32 x = vload_f32(tile + f * FML_NARROW + s);
                sum = vfma_f32(x, x, sum);
            }
            vstore_f32(norm + s, sum);
        }
        for (int s = 0; s < FML_NARROW && first + s < end; s++) ((float *)t->narrow_norms)[first + s] = norm[s];
    }
#undef NARROW
}

/* What each candidate would gain at most, how much less it may be, and which samples it may be nearer to.
 *
 * Two squared distances in float, compared, err by less than  fml_narrow_doubt(|x|, |c|) <= relative (|x|^2 + |c|^2) / 2.  Where one is
 * above  closest + slack  the candidate is no nearer; below it the difference is the gain, or too much by at most twice the slack. */
static void fml_seed_estimate(void *task, ptrdiff_t chunk, int worker) {
    fml_seed *t = task;
    enum { LANES32 = sizeof(vf32) / sizeof(float) };
    const ptrdiff_t start = chunk * FML_SEED_ROWS, end = start + FML_SEED_ROWS < t->n ? start + FML_SEED_ROWS : t->n, d = t->d;
    const float *tile = t->tiles + start * d;
    const vf32 zero = vset1_f32(0);
    vf32 gains[FML_TRIALS], excess = zero;
    float c_norm_max = 0;
    (void)worker;
    for (int j = 0; j < t->n_trials; j++) {
        gains[j] = zero;
        if (!(t->narrow_c_norms[j] <= c_norm_max)) c_norm_max = t->narrow_c_norms[j];
    }
    const float relative = 2 * fml_narrow_doubt(d, 1, 0);
    const vf32 absolute = vset1_f32(relative * c_norm_max + 2 * (float)t->noise + (float)d * 0x1p-120f);
    for (ptrdiff_t first = start; first < end; first += FML_NARROW, tile += d * FML_NARROW) {
        float closest[FML_NARROW] = {0}, norm[FML_NARROW] = {0}, weight[FML_NARROW], bits[FML_NARROW] = {0};
        const int n_rows = end - first < FML_NARROW ? (int)(end - first) : FML_NARROW;
        for (int s = 0; s < FML_NARROW; s++) weight[s] = s < n_rows;
        if (t->closest_rounded) memcpy(closest, t->closest_rounded + first, n_rows * sizeof *closest);
        else for (int s = 0; s < n_rows; s++) closest[s] = (float)t->closest[first + s];
        if (t->weights) for (int s = 0; s < n_rows; s++) weight[s] = (float)t->weights[first + s];
        memcpy(norm, t->narrow_norms + first, n_rows * sizeof *norm);
#define ESTIMATE(n_rows_)                                                                                                       \
        {                                                                                                                       \
            vf32 acc[FML_ROWS][FML_VECTORS];                                                                                    \
            dots_f32(tile, t->narrow_candidates + j * d, d, d, n_rows_, NULL, acc);                                             \
            for (int s = 0; s < FML_VECTORS; s++) {                                                                             \
                const vf32 norms = vload_f32(norm + s * LANES32), near = vload_f32(closest + s * LANES32);                      \
                const vf32 w = vload_f32(weight + s * LANES32);                                                                 \
                const vf32 slack = vfma_f32(near, vset1_f32(0x1p-21f), vfma_f32(norms, vset1_f32(relative), absolute));         \
                const vf32 ceiling = vsub_f32(vadd_f32(near, slack), norms);    /* of  |c|^2 - 2 x.c */                         \
                vf32 found = zero;                                                                                              \
                for (int c = 0; c < n_rows_; c++) {                                                                             \
                    const vf32 value = vfma_f32(acc[c][s], vset1_f32(-2), vset1_f32(t->narrow_c_norms[j + c]));                 \
                    const vf32 less = vmax_f32(vsub_f32(ceiling, value), zero);                                                 \
                    gains[j + c] = vfma_f32(less, w, gains[j + c]);                                                             \
                    found = vadd_f32(found, vpick_lt_f32(ceiling, value, zero, vset1_f32((float)(1 << (j + c)))));              \
                }                                                                                                               \
                excess = vfma_f32(w, vpick_lt_f32(zero, found, vadd_f32(slack, slack), zero), excess);                          \
                vstore_f32(bits + s * LANES32, vadd_f32(vload_f32(bits + s * LANES32), found));                                 \
            }                                                                                                                   \
        }
        FML_EACH_TILE(j, t->n_trials, ESTIMATE)
#undef ESTIMATE
        if (n_rows == FML_NARROW) for (int s = 0; s < FML_NARROW; s++) t->nearer[first + s] = (uint16_t)(int32_t)bits[s];
        else for (int s = 0; s < n_rows; s++) t->nearer[first + s] = (uint16_t)(int32_t)bits[s];
    }
    /* at most 512 additions of positive numbers a lane, and the rounding of weights */
    float lanes[LANES32];
    double total = 0, sum = 0, largest = 0;
    vstore_f32(lanes, excess);
    for (int s = 0; s < LANES32; s++) total += lanes[s];
    for (int j = 0; j < t->n_trials; j++, sum = 0) {
        vstore_f32(lanes, gains[j]);
        for (int s = 0; s < LANES32; s++) sum += lanes[s];
        t->gains[chunk * FML_TRIALS + j] = sum * (1 + 4e-5);
        largest = sum > largest ? sum : largest;
    }
    t->excess[chunk] = total * (1 + 4e-5) + largest * 8e-5;
}

/* What each candidate would gain, and which samples it is nearer to. */
static void fml_seed_evaluate(void *task, ptrdiff_t chunk, int worker) {
    fml_seed *t = task;
    double *const xt = t->scratch + worker * t->scratch_size, distance[FML_TRIALS * FML_WIDE];
    double gain[FML_TRIALS] = {0}, gains[FML_TRIALS][FML_WIDE] = {{0}};
    const ptrdiff_t start = chunk * FML_SEED_ROWS;
    int32_t rows[FML_SEED_ROWS];
    const int n = fml_seed_open(t, chunk, rows);
    for (int first = 0; first < n; first += FML_WIDE) {
        const int n_rows = n - first < FML_WIDE ? n - first : FML_WIDE, left = n - first - n_rows;
        fml_seed_distances(t, rows + first, start, n_rows, rows + first + (left ? n_rows : 0), left ? left : n_rows, xt, distance);
        double closest[FML_WIDE] = {0}, weight[FML_WIDE], nearer[FML_WIDE];
        const ptrdiff_t i = start + rows[first];
        const int in_a_row = fml_in_a_row(rows + first, n_rows);
        if (in_a_row) memcpy(closest, t->closest + i, sizeof closest);
        else for (int s = 0; s < n_rows; s++) closest[s] = t->closest[start + rows[first + s]];
        for (int s = 0; s < FML_WIDE; s++) weight[s] = t->weights && s < n_rows ? t->weights[start + rows[first + s]] : 1;
        for (int s = 0; s < FML_WIDE; s += FML_LANES) {
            const vf64 before = vload_f64(closest + s), w = vload_f64(weight + s), zero = vset1_f64(0);
            vf64 bits = zero;                        /* a sum of distinct powers of two */
            for (int j = 0; j < t->n_trials; j++) {
                const vf64 less = vsub_f64(before, vload_f64(distance + j * FML_WIDE + s));
                vstore_f64(gains[j] + s, vadd_f64(vload_f64(gains[j] + s), vmul_f64(vmax_f64(less, zero), w)));
                bits = vadd_f64(bits, vpick_lt_f64(zero, less, vset1_f64(1 << j), zero));
            }
            vstore_f64(nearer + s, bits);
        }
        if (in_a_row) for (int s = 0; s < FML_WIDE; s++) t->nearer[i + s] = (uint16_t)(int32_t)nearer[s];
        else for (int s = 0; s < n_rows; s++) t->nearer[start + rows[first + s]] = (uint16_t)(int32_t)nearer[s];
    }
    for (int j = 0; j < t->n_trials; j++)
        for (int s = 0; s < FML_WIDE; s++) gain[j] += gains[j][s];
    memcpy(t->gains + chunk * FML_TRIALS, gain, sizeof gain);
}

/* The one candidate of the task becomes a centre; `bits` is its bit of `nearer` (0: the first centre, everybody's). */
static void fml_seed_commit(void *task, ptrdiff_t chunk, int worker) {
    fml_seed *t = task;
    double *const xt = t->scratch + worker * t->scratch_size, distance[FML_WIDE];
    const ptrdiff_t start = chunk * FML_SEED_ROWS, end = start + FML_SEED_ROWS < t->n ? start + FML_SEED_ROWS : t->n;
    int32_t rows[FML_SEED_ROWS];
    const int n = fml_seed_open(t, chunk, rows);
    if (!n) return;
    for (int first = 0; first < n; first += FML_WIDE) {
        const int n_rows = n - first < FML_WIDE ? n - first : FML_WIDE, left = n - first - n_rows;
        fml_seed_distances(t, rows + first, start, n_rows, rows + first + (left ? n_rows : 0), left ? left : n_rows, xt, distance);
        for (int s = 0; s < n_rows; s++) {
            double *const closest = t->closest + start + rows[first + s];
            if (!t->bits || distance[s] < *closest) *closest = distance[s];
        }
    }
    for (ptrdiff_t first = start; first < end; first += FML_SUM_ROWS) {
        double sum = 0;
        for (ptrdiff_t i = first; i < end && i < first + FML_SUM_ROWS; i++) sum += t->weights ? t->closest[i] * t->weights[i] : t->closest[i];
        t->block_sums[first / FML_SUM_ROWS] = sum;
    }
}

/* Distances rounded to float, no larger than before. */
static void fml_seed_round(void *task, ptrdiff_t chunk, int worker) {
    fml_seed *t = task;
    double *const xt = t->scratch + worker * t->scratch_size, distance[FML_TRIALS * FML_WIDE];
    const ptrdiff_t start = chunk * FML_SEED_ROWS, end = start + FML_SEED_ROWS < t->n ? start + FML_SEED_ROWS : t->n;
    int32_t rows[FML_SEED_ROWS];
    const int n = fml_seed_open(t, chunk, rows);
    if (t->closest_rounded)
        for (int j = 0; j < t->n_trials; j++)
            memcpy(t->rounded + j * t->n + start, t->closest_rounded + start, (end - start) * sizeof(float));
    for (int first = 0; first < n; first += FML_WIDE) {
        const int n_rows = n - first < FML_WIDE ? n - first : FML_WIDE, left = n - first - n_rows;
        fml_seed_distances(t, rows + first, start, n_rows, rows + first + (left ? n_rows : 0), left ? left : n_rows, xt, distance);
        for (int j = 0; j < t->n_trials; j++)
            for (int s = 0; s < n_rows; s++) {
                float *const out = t->rounded + j * t->n + start + rows[first + s];
                const float value = (float)distance[j * FML_WIDE + s];
                *out = t->closest_rounded && *out < value ? *out : value;
            }
    }
}

/* Samples at which the running sum of weight x closest reaches each target: the first whose sum is no less.
 * Returns 0 where a target is within `doubt` of a boundary between two samples. */
static int fml_seed_find(const double *closest, const double *weights, const double *block_sums, ptrdiff_t n, const double *targets,
                         int n_targets, double doubt, int64_t *found) {
    for (int j = 0; j < n_targets; j++) {
        double before = 0, sum = 0;
        ptrdiff_t b = 0, i;
        const ptrdiff_t blocks = (n + FML_SUM_ROWS - 1) / FML_SUM_ROWS;
        for (; b < blocks - 1 && before + block_sums[b] < targets[j]; b++) before += block_sums[b];
        for (i = b * FML_SUM_ROWS, sum = before; i < n; i++) {
            before = sum;
            sum += weights ? closest[i] * weights[i] : closest[i];
            if (sum >= targets[j]) break;
        }
        found[j] = i < n ? i : n - 1;
        if (i == n || targets[j] - before < doubt || sum - targets[j] < doubt) return 0;
    }
    return 1;
}
#endif
