/* Samples for brute force: as they were given, and block by block in float32, counted from amid them. */
#ifndef FML_BRUTE_ROWS_H
#define FML_BRUTE_ROWS_H
#include <math.h>
#include <stdint.h>
#include "narrow.h"

#define FML_BLOCKS 16                /* blocks of samples in a chunk of fml_narrow_blocks */

/* rows.py: what is told of a neighbour */
enum { FML_DISTANCE, FML_SQUARE, FML_COSINE, FML_OF_MANHATTAN, FML_OF_CHEBYSHEV, FML_OF_SQUARES, FML_OF_POWERS, FML_MAHALANOBIS, FML_HAMMING,
       FML_CANBERRA, FML_BRAY_CURTIS };

typedef struct {
    const void *X;                   /* (n, d)  T                        in */
    const double *origin;            /* (d,)                             in */
    float *blocks;                   /* (n_blocks, d, FML_NARROW)        in, out of fml_narrow_blocks:  X - origin, one sample a column; or NULL */
    float *norms;                    /* (n_blocks, FML_NARROW)           in, out  squares; beside the last sample: infinite */
    float *reach;                    /* (n_blocks,)                      in, out  the largest norm of a block, rounded up */
    const double *weights;           /* (d,) or (d, d), as the measure has them   in */
    ptrdiff_t n, d;
    int is_f32, measure, halves;     /* halves: twice the power of FML_OF_POWERS */
} fml_rows;

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
/* Features whose squares are one chain of additions where distances are cosine ones, of which errors count beside 1: of 300 features they
 * are 9e-16 in the place of 2.3e-15. */
#define FML_SLAB 32                  /* SLAB of rows.py */
typedef double fml_together __attribute__((vector_size(8 * FML_TOGETHER)));
#define FML_DEFINE_EXACT(T, S)                                                                                          \
    static void fml_exact_##S(const fml_rows *t, const int64_t *samples, const double *q, double *out) {                \
        const T *at[FML_TOGETHER];                                                                                      \
        const ptrdiff_t slab = t->measure == FML_COSINE ? FML_SLAB : t->d;                                              \
        fml_together sum = {0};                                                                                         \
        for (int s = 0; s < FML_TOGETHER; s++) at[s] = (const T *)t->X + samples[s] * t->d;                             \
        for (ptrdiff_t first = 0; first < t->d; first += slab) {                                                        \
            fml_together part = {0};                                                                                    \
            for (ptrdiff_t f = first; f < t->d && f < first + slab; f++) {                                              \
                const fml_together x = {(double)at[0][f], (double)at[1][f], (double)at[2][f], (double)at[3][f],         \
                                        (double)at[4][f], (double)at[5][f], (double)at[6][f], (double)at[7][f]};        \
                const fml_together step = q[f] - x;                                                                     \
                part += step * step;                                                                                    \
            }                                                                                                           \
            sum += part;                                                                                                \
        }                                                                                                               \
        memcpy(out, &sum, sizeof sum);                                                                                  \
    }
FML_DEFINE_EXACT(double, f64)
FML_DEFINE_EXACT(float, f32)
#undef FML_DEFINE_EXACT

FML_INLINE void fml_exact(const fml_rows *t, const int64_t *samples, const double *q, double *out) {
    if (t->is_f32) fml_exact_f32(t, samples, q, out);
    else fml_exact_f64(t, samples, q, out);
}

/* What is told of a neighbour, by the square of its distance or, of other than Euclidean ones, the key of measures.h. */
FML_INLINE double fml_told(const fml_rows *t, double key) {
    switch (t->measure) {
        case FML_DISTANCE: case FML_OF_SQUARES: case FML_MAHALANOBIS: return sqrt(key);
        case FML_COSINE: return key < 4 ? 0.5 * key : 2;
        case FML_OF_POWERS: return pow(key, 2.0 / t->halves);
        default: return key;
    }
}

/* A chunk's query counted from the origin, Q out (d,); *square and *norm of it, the norm rounded up. */
FML_INLINE void fml_narrow_query(const fml_rows *t, const double *q, float *Q, double *square, float *norm) {
    double sum = 0;
    for (ptrdiff_t f = 0; f < t->d; f++) {
        Q[f] = (float)(q[f] - t->origin[f]);
        sum += (double)Q[f] * Q[f];
    }
    *square = sum, *norm = nextafterf((float)sqrt(sum), INFINITY);
}

FML_INLINE float fml_rounded_up(double value) {
    return value < 0x1p100 ? (float)(value + fabs(value) * 0x1p-23) : INFINITY;
}
#endif
