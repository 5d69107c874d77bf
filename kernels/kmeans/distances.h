/* C side of distances.pyx: Euclidean distances of samples to centres, computed in float64 whatever their type, as scikit-learn does. */
#ifndef FML_DISTANCES_H
#define FML_DISTANCES_H
#include <stdint.h>
#include "lanes.h"

#define FML_IMPL "tile_impl.h"
#include "typed.h"
#define FML_LANES ((int)(sizeof(vf64) / sizeof(double)))
#define FML_WIDE (FML_VECTORS * FML_LANES)   /* samples of a float64 tile */
#define FML_COLUMNS 24                       /* centres whose distances wait to be written row by row */
#define FML_DISTANCE_ROWS 256                /* samples of a chunk */

typedef struct {
    const void *X;                   /* (n, d), or (n_entries,) of CSR  T  in */
    const int32_t *indices, *indptr; /* (n_entries,), (n + 1,)  in     CSR; NULL: dense */
    const double *centers;           /* (k, d), for CSR transposed (d, k)  in */
    const double *c_norms;           /* (k,)            in */
    void *out;                       /* (n, k)  T       out */
    double *scratch;                 /* (n_threads, scratch_size) */
    ptrdiff_t n, d, k, scratch_size;
    int is_f32;
} fml_distances;

FML_INLINE double fml_root(double square) { return sqrt(square < 0 ? 0 : square); }
/* float32 is rounded before the root, as scikit-learn rounds it */
FML_INLINE float fml_root_f32(double square) {
    const float rounded = (float)square;
    return sqrtf(rounded < 0 ? 0 : rounded);
}

static void fml_distances_csr(const fml_distances *t, ptrdiff_t first, ptrdiff_t end, double *sum) {
    for (ptrdiff_t i = first; i < end; i++) {
        double norm = 0;
        for (ptrdiff_t j = 0; j < t->k; j++) sum[j] = 0;
        for (ptrdiff_t p = t->indptr[i]; p < t->indptr[i + 1]; p++) {
            const double x = t->is_f32 ? ((const float *)t->X)[p] : ((const double *)t->X)[p];
            const double *const c = t->centers + t->indices[p] * t->k;
            norm += x * x;
            for (ptrdiff_t j = 0; j < t->k; j++) sum[j] += c[j] * x;
        }
        for (ptrdiff_t j = 0; j < t->k; j++) {
            const double square = (-2 * sum[j] + norm) + t->c_norms[j];
            if (t->is_f32) ((float *)t->out)[i * t->k + j] = fml_root_f32(square);
            else ((double *)t->out)[i * t->k + j] = fml_root(square);
        }
    }
}

/* Writes the distances of n_rows samples, square (n_columns, FML_WIDE) one sample a column, to columns j.. of the rows from i on. */
#define FML_WRITE(T, S, PER, root)                                                                                                     \
    static void fml_write_##S(const fml_distances *t, const double *square, ptrdiff_t i, int n_rows, ptrdiff_t j, int n_columns) {     \
        T value[FML_COLUMNS * FML_WIDE], *const out = (T *)t->out + i * t->k + j;                                                      \
        const T *at[FML_COLUMNS];                                                                                                      \
        for (int c = 0; c < n_columns * FML_WIDE; c++) value[c] = root(square[c]);                                                     \
        for (int c = 0; c < n_columns; c++) at[c] = value + c * FML_WIDE;                                                              \
        int c = 0;                                                                                                                     \
        if (n_rows == FML_WIDE)                                                                                                        \
            for (; c + PER <= n_columns; c += PER)                                                                                     \
                for (int s = 0; s < FML_WIDE; s += 4) vtranspose4_##S(at + c, s, out + s * t->k + c, t->k);                            \
        for (; c < n_columns; c++)                                                                                                     \
            for (int s = 0; s < n_rows; s++) out[s * t->k + c] = at[c][s];                                                             \
    }
FML_WRITE(double, f64, FML_GROUP_f64, fml_root)
FML_WRITE(float, f32, FML_GROUP_f32, fml_root_f32)
#undef FML_WRITE

static void fml_distances_dense(const fml_distances *t, ptrdiff_t first, ptrdiff_t end, double *xt) {
    const ptrdiff_t d = t->d;
    double *const wide = xt + d * FML_WIDE, square[FML_COLUMNS * FML_WIDE];
    for (ptrdiff_t i = first; i < end; i += FML_WIDE) {
        const int n_rows = (int)(end - i < FML_WIDE ? end - i : FML_WIDE);
        const double *at[FML_WIDE];
        for (int s = 0; s < FML_WIDE; s++) {
            const ptrdiff_t row = i + (s < n_rows ? s : n_rows - 1);
            if (t->is_f32) {
                for (ptrdiff_t f = 0; f < d; f++) wide[s * d + f] = ((const float *)t->X)[row * d + f];
                at[s] = wide + s * d;
            } else at[s] = (const double *)t->X + row * d;
        }
        transpose_f64(at, NULL, d, xt);
        vf64 norm[FML_VECTORS];
        for (int s = 0; s < FML_VECTORS; s++) {
            norm[s] = vset1_f64(0);
            for (ptrdiff_t f = 0; f < d; f++) {
                const vf64 x = vload_f64(xt + f * FML_WIDE + s * FML_LANES);
                norm[s] = vfma_f64(x, x, norm[s]);
            }
        }
        for (ptrdiff_t first_column = 0; first_column < t->k; first_column += FML_COLUMNS) {
            const ptrdiff_t n_columns = t->k - first_column < FML_COLUMNS ? t->k - first_column : FML_COLUMNS;
#define SQUARE(n_rows_)                                                                                               \
            {                                                                                                         \
                vf64 acc[FML_ROWS][FML_VECTORS];                                                                      \
                dots_f64(xt, t->centers + (first_column + j) * d, d, d, n_rows_, NULL, acc);                          \
                for (int r = 0; r < n_rows_; r++)                                                                     \
                    for (int s = 0; s < FML_VECTORS; s++)                                                             \
                        vstore_f64(square + (j + r) * FML_WIDE + s * FML_LANES,                                       \
                                   vadd_f64(vfma_f64(acc[r][s], vset1_f64(-2), norm[s]),                              \
                                            vset1_f64(t->c_norms[first_column + j + r])));                            \
            }
            FML_EACH_TILE(j, n_columns, SQUARE)
#undef SQUARE
            if (t->is_f32) fml_write_f32(t, square, i, n_rows, first_column, (int)n_columns);
            else fml_write_f64(t, square, i, n_rows, first_column, (int)n_columns);
        }
    }
}

static inline void fml_distances_rows(void *task, ptrdiff_t chunk, int worker) {
    const fml_distances *t = task;
    const ptrdiff_t first = chunk * FML_DISTANCE_ROWS, end = first + FML_DISTANCE_ROWS < t->n ? first + FML_DISTANCE_ROWS : t->n;
    if (t->indptr) fml_distances_csr(t, first, end, t->scratch + worker * t->scratch_size);
    else fml_distances_dense(t, first, end, t->scratch + worker * t->scratch_size);
}
#endif
