/* C side of plusplus.pyx: squared distances of all samples to a few candidates, in float64 whatever the samples' type.
 *
 * A distance is  max(0, (-2 x.c + |c|^2) + |x|^2)  in this order, with x.c as tile_impl.h computes it: scikit-learn's own bits for dense
 * samples. Two bounds spare most samples of it: the candidate c may be so far from the sample's centre a that  |c - a| >= 2 |x - a|, or
 * too far already by a sketch: m coordinates in a rotated space and the norm of the rest, whose distance is never more than |x - c|. */
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
#define FML_LANES ((int)(sizeof(vf64) / sizeof(double)))
#define FML_WIDE (FML_VECTORS * FML_LANES)   /* samples of a float64 tile */
#define FML_NARROW (2 * FML_WIDE)            /* samples of a float32 tile, of which sketches are */

typedef struct {
    const void *X;                   /* (n, d), or (n_entries,) of CSR   in */
    const int32_t *indices, *indptr; /* (n_entries,), (n + 1,)           in     CSR; NULL: dense */
    const double *x_norms;           /* (n,)              in     squared norms */
    const double *weights;           /* (n,)              in     NULL: all 1 */
    const double *candidates;        /* (n_trials, d), for CSR transposed (d, FML_TRIALS)  in */
    const double *c_norms;           /* (n_trials,)       in */
    const double *reach;             /* (n_chosen,)       in     samples no farther from this centre cannot gain; NULL: look at all */
    const float *sketch;             /* (chunks, tiles, width, FML_NARROW)  in  a few coordinates of each sample; NULL: none */
    const float *c_sketch;           /* (n_trials, width) in     those of the candidates */
    double *closest;                 /* (n,)              inout  squared distance to the nearest chosen centre */
    int32_t *owner;                  /* (n,)              inout  which one that is */
    uint16_t *nearer;                /* (n,)              out    bit c: candidate c is nearer still */
    double *block_sums;              /* (blocks,)         out    sums of weight x closest */
    int64_t *opened;                 /* (chunks,)         out    samples whose distances were computed */
    double *gains;                   /* (chunks, FML_TRIALS)  out  what each candidate takes off the potential */
    float *rounded;                  /* (n_trials, n)     out    smaller of `closest_rounded` and the rounded distance */
    const float *closest_rounded;    /* (n,)              in     NULL: the distance itself */
    double *scratch;                 /* (n_threads, scratch_size) */
    ptrdiff_t n, d, scratch_size;
    int sketch_width;                /* m + 1 */
    int n_trials, is_f32, chosen, take;  /* take: the candidate that becomes centre number `chosen` */
} fml_seed;

/* Are these FML_WIDE samples in a row? */
FML_INLINE int fml_in_a_row(const int32_t *rows, int n_rows) { return n_rows == FML_WIDE && rows[n_rows - 1] - rows[0] == FML_WIDE - 1; }

/* x.c of up to FML_WIDE CSR samples with the candidates. */
static void fml_seed_csr_dots(const fml_seed *t, const int32_t *rows, ptrdiff_t start, int n_rows, double *dot) {
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
    transpose_f64(at, d, xt);
#define STORE(n_rows_)                                                                                        \
    {                                                                                                         \
        vf64 acc[FML_ROWS][FML_VECTORS];                                                                      \
        dots_f64(xt, t->candidates + j * d, d, n_rows_, j ? NULL : ahead, acc);                               \
        for (int r = 0; r < n_rows_; r++)                                                                     \
            for (int s = 0; s < FML_VECTORS; s++)                                                             \
                vstore_f64(dot + (j + r) * FML_WIDE + s * FML_LANES, acc[r][s]);               \
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

/* Smallest squared distance of each sample of a chunk to any candidate, at least: by the sketches, less what rounding may do. */
static void fml_seed_sketched(const fml_seed *t, ptrdiff_t chunk, ptrdiff_t n_rows, float *restrict least) {
    const int lanes = sizeof(vf32) / sizeof(float), width = t->sketch_width;
    const float *block = t->sketch + chunk * width * FML_SEED_ROWS;
    for (ptrdiff_t r = 0; r < n_rows; r += FML_NARROW, block += width * FML_NARROW) {
        vf32 low[FML_VECTORS], norm[FML_VECTORS];
        float norms[FML_NARROW];
        const double *const x_norms = t->x_norms + chunk * FML_SEED_ROWS + r;
        for (int s = 0; s < FML_NARROW; s++) norms[s] = r + s < n_rows ? (float)x_norms[s] : 0;
        for (int s = 0; s < FML_VECTORS; s++) low[s] = vset1_f32(INFINITY), norm[s] = vload_f32(norms + s * lanes);
        /* float: (m + 8) roundings of terms that add up to at most 2 (|x|^2 + |c|^2) */
#define LOWER(n_rows_)                                                                                                      \
        {                                                                                                                   \
            vf32 acc[FML_ROWS][FML_VECTORS];                                                                                \
            dots_f32(block, t->c_sketch + j * width, width, n_rows_, NULL, acc);                                            \
            for (int c = 0; c < n_rows_; c++)                                                                               \
                for (int s = 0; s < FML_VECTORS; s++) {                                                                     \
                    const vf32 sum = vadd_f32(norm[s], vset1_f32((float)t->c_norms[j + c]));                                \
                    low[s] = vmin_f32(low[s], vfma_f32(vset1_f32(-2), acc[c][s], vmul_f32(sum, vset1_f32(1 - 8e-6f))));     \
                }                                                                                                           \
        }
        FML_EACH_TILE(j, t->n_trials, LOWER)
#undef LOWER
        for (int s = 0; s < FML_VECTORS; s++) vstore_f32(least + r + s * lanes, low[s]);
    }
}

/* Samples of a chunk that may be nearer to a candidate than to their centre, counted from the chunk's first.  Returns how many. */
static int fml_seed_open(const fml_seed *t, ptrdiff_t chunk, int n_rows, int32_t *rows) {
    const ptrdiff_t start = chunk * FML_SEED_ROWS;
    float least[FML_SEED_ROWS];
    int n = 0;
    if (t->sketch) fml_seed_sketched(t, chunk, n_rows, least);
    for (int r = 0; r < n_rows; r++) {
        const double closest = t->closest_rounded ? t->closest_rounded[start + r] : t->closest[start + r];
        rows[n] = r;
        n += !(t->reach && closest <= t->reach[t->owner[start + r]]) && !(t->sketch && least[r] > closest);
    }
    if (4 * n > 3 * n_rows)                          /* whole runs of samples go faster than three quarters of them */
        for (n = 0; n < n_rows; n++) rows[n] = n;
    return n;
}

/* What each candidate would gain, and which samples it is nearer to. */
static void fml_seed_evaluate(void *task, ptrdiff_t chunk, int worker) {
    fml_seed *t = task;
    double *const xt = t->scratch + worker * t->scratch_size, distance[FML_TRIALS * FML_WIDE];
    double gain[FML_TRIALS] = {0}, gains[FML_TRIALS][FML_WIDE] = {{0}};
    const ptrdiff_t start = chunk * FML_SEED_ROWS, end = start + FML_SEED_ROWS < t->n ? start + FML_SEED_ROWS : t->n;
    int32_t rows[FML_SEED_ROWS];
    memset(t->nearer + start, 0, (end - start) * sizeof *t->nearer);
    const int n = fml_seed_open(t, chunk, (int)(end - start), rows);
    t->opened[chunk] = n;
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

/* The one candidate of the task becomes a centre; bit `take` of `nearer` says whose (chosen == 0: everybody's). */
static void fml_seed_commit(void *task, ptrdiff_t chunk, int worker) {
    fml_seed *t = task;
    double *const xt = t->scratch + worker * t->scratch_size, distance[FML_WIDE];
    const ptrdiff_t start = chunk * FML_SEED_ROWS, end = start + FML_SEED_ROWS < t->n ? start + FML_SEED_ROWS : t->n;
    int32_t rows[FML_SEED_ROWS];
    int n = 0;
    for (ptrdiff_t i = start; i < end; i++) {
        rows[n] = (int32_t)(i - start);
        n += !t->chosen || t->nearer[i] >> t->take & 1;
    }
    if (!n) return;
    for (int first = 0; first < n; first += FML_WIDE) {
        const int n_rows = n - first < FML_WIDE ? n - first : FML_WIDE, left = n - first - n_rows;
        fml_seed_distances(t, rows + first, start, n_rows, rows + first + (left ? n_rows : 0), left ? left : n_rows, xt, distance);
        for (int s = 0; s < n_rows; s++) {
            const ptrdiff_t i = start + rows[first + s];
            t->closest[i] = distance[s];
            t->owner[i] = t->chosen;
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
    int n = (int)(end - start);
    if (t->closest_rounded) {
        for (int j = 0; j < t->n_trials; j++)
            memcpy(t->rounded + j * t->n + start, t->closest_rounded + start, n * sizeof(float));
        n = fml_seed_open(t, chunk, n, rows);
        t->opened[chunk] = n;
    } else for (int r = 0; r < n; r++) rows[r] = r;
    for (int first = 0; first < n; first += FML_WIDE) {
        const int n_rows = n - first < FML_WIDE ? n - first : FML_WIDE;
        fml_seed_distances(t, rows + first, start, n_rows, rows + first, n_rows, xt, distance);
        for (int j = 0; j < t->n_trials; j++)
            for (int s = 0; s < n_rows; s++) {
                float *const out = t->rounded + j * t->n + start + rows[first + s];
                const float value = (float)distance[j * FML_WIDE + s];
                *out = t->closest_rounded && *out < value ? *out : value;
            }
    }
}

/* The sketch of a chunk: coordinates along the candidates, which are orthonormal here, and the norm of the rest. */
static void fml_seed_draw_sketch(void *task, ptrdiff_t chunk, int worker) {
    fml_seed *t = task;
    double *const xt = t->scratch + worker * t->scratch_size, dot[FML_TRIALS * FML_WIDE];
    const ptrdiff_t start = chunk * FML_SEED_ROWS, end = start + FML_SEED_ROWS < t->n ? start + FML_SEED_ROWS : t->n;
    float *const S = (float *)t->sketch + chunk * t->sketch_width * FML_SEED_ROWS;
    int32_t rows[FML_WIDE];
    for (int s = 0; s < FML_WIDE; s++) rows[s] = s;
    for (ptrdiff_t first = start; first < end; first += FML_WIDE) {
        const int n_rows = (int)(end - first < FML_WIDE ? end - first : FML_WIDE);
        fml_seed_dense_dots(t, rows, first, n_rows, rows, n_rows, xt, dot);
        float *const out = S + (first - start) / FML_NARROW * FML_NARROW * t->sketch_width + (first - start) % FML_NARROW;
        for (int s = 0; s < n_rows; s++) {
            double rest = t->x_norms[first + s];
            for (int j = 0; j < t->n_trials; j++) {
                const double x = dot[j * FML_WIDE + s];
                rest -= x * x;
                out[j * FML_NARROW + s] = (float)x;
            }
            out[t->n_trials * FML_NARROW + s] = (float)sqrt(rest > 0 ? rest : 0);
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
