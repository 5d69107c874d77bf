/* Keys of metrics that are no product, a tile of samples by queries at a time: what neighbours are ordered by and limited to.
 *
 * Sums over the features in their order.  The key is the distance, or of FML_OF_SQUARES, FML_OF_POWERS and FML_MAHALANOBIS the sum whose
 * root it is, which fml_told (brute_rows.h) takes.
 */
#ifndef FML_MEASURES_H
#define FML_MEASURES_H
#include "brute_rows.h"
#include "kd_tree.h"

#define FML_WIDE (FML_VECTORS * FML_LANES_F64)       /* samples of a tile */

/* One more feature. */
FML_INLINE vf64 fml_add_feature(int measure, vf64 sum, vf64 q, vf64 x, double weight, int halves) {
    const vf64 step = vsub_f64(q, x);
    switch (measure) {
        case FML_OF_CHEBYSHEV: return vmax_f64(sum, fml_size(step));
        case FML_OF_SQUARES: return vadd_f64(sum, vmul_f64(vmul_f64(step, step), vset1_f64(weight)));
        case FML_OF_POWERS: return vadd_f64(sum, vmul_f64(fml_half_power(fml_size(step), halves), vset1_f64(weight)));
        case FML_HAMMING: return vadd_f64(sum, vpick_lt_f64(vset1_f64(0), fml_size(step), vset1_f64(1), vset1_f64(0)));
        case FML_CANBERRA: {
            const vf64 both = vadd_f64(fml_size(q), fml_size(x));
            return vadd_f64(sum, fml_size(step) / vpick_lt_f64(vset1_f64(0), both, both, vset1_f64(1)));
        }
        default: return vadd_f64(sum, fml_size(step));
    }
}

/* For FML_BRAY_CURTIS: the sum of the absolute values of n queries each, out (n,). */
FML_INLINE void fml_sizes_of(int measure, const double *Q, ptrdiff_t n, ptrdiff_t d, double *out) {
    for (ptrdiff_t i = 0; measure == FML_BRAY_CURTIS && i < n; i++) {
        out[i] = 0;
        for (ptrdiff_t f = 0; f < d; f++) out[i] += fabs(Q[i * d + f]);
    }
}

/* (q - x)' M (q - x) of a query; beside: scratch, (d, FML_WIDE). */
static inline void fml_form(const fml_rows *rows, const double *xt, const double *q, double *beside, vf64 sum[FML_VECTORS]) {
    const ptrdiff_t d = rows->d;
    for (ptrdiff_t f = 0; f < d; f++)
        for (int v = 0; v < FML_VECTORS; v++) {
            const ptrdiff_t at = f * FML_WIDE + v * FML_LANES_F64;
            vstore_f64(beside + at, vsub_f64(vset1_f64(q[f]), vload_f64(xt + at)));
        }
    for (int v = 0; v < FML_VECTORS; v++) sum[v] = vset1_f64(0);
    for (ptrdiff_t f = 0; f < d; f++) {
        vf64 part[FML_VECTORS];
        for (int v = 0; v < FML_VECTORS; v++) part[v] = vset1_f64(0);
        for (ptrdiff_t g = 0; g < d; g++)
            for (int v = 0; v < FML_VECTORS; v++)
                part[v] = vadd_f64(part[v], vmul_f64(vset1_f64(rows->weights[f * d + g]), vload_f64(beside + g * FML_WIDE + v * FML_LANES_F64)));
        for (int v = 0; v < FML_VECTORS; v++)
            sum[v] = vadd_f64(sum[v], vmul_f64(part[v], vload_f64(beside + f * FML_WIDE + v * FML_LANES_F64)));
    }
}

/* Divides manhattan distances by the sum of the sizes of all numbers; 0 where that is 0. */
FML_INLINE void fml_share(const double *xt, ptrdiff_t d, const double *sizes, const int n_rows, vf64 sum[FML_ROWS][FML_VECTORS]) {
    for (int v = 0; v < FML_VECTORS; v++) {
        vf64 size = vset1_f64(0);
        for (ptrdiff_t f = 0; f < d; f++) size = vadd_f64(size, fml_size(vload_f64(xt + f * FML_WIDE + v * FML_LANES_F64)));
        for (int r = 0; r < n_rows; r++) {
            const vf64 both = vadd_f64(vset1_f64(sizes[r]), size);
            sum[r][v] = sum[r][v] / vpick_lt_f64(vset1_f64(0), both, both, vset1_f64(1));
        }
    }
}

/* Keys of n_rows queries and the samples of a tile, xt (2 d, FML_WIDE) with room for as much beside; sizes: of fml_sizes_of. */
FML_INLINE void fml_keys(const fml_rows *rows, double *xt, const double *Q, const double *sizes, const int n_rows, int measure,
                         vf64 sum[FML_ROWS][FML_VECTORS]) {
    const ptrdiff_t d = rows->d;
    if (measure == FML_MAHALANOBIS) {
        for (int r = 0; r < n_rows; r++) fml_form(rows, xt, Q + r * d, xt + d * FML_WIDE, sum[r]);
        return;
    }
    for (int r = 0; r < n_rows; r++)
        for (int v = 0; v < FML_VECTORS; v++) sum[r][v] = vset1_f64(0);
    for (ptrdiff_t f = 0; f < d; f++) {
        const double weight = measure == FML_OF_SQUARES || measure == FML_OF_POWERS ? rows->weights[f] : 1;
        vf64 x[FML_VECTORS];
        for (int v = 0; v < FML_VECTORS; v++) x[v] = vload_f64(xt + f * FML_WIDE + v * FML_LANES_F64);
        for (int r = 0; r < n_rows; r++)
            for (int v = 0; v < FML_VECTORS; v++) sum[r][v] = fml_add_feature(measure, sum[r][v], vset1_f64(Q[r * d + f]), x[v], weight, rows->halves);
    }
    for (int r = 0; measure == FML_HAMMING && r < n_rows; r++)
        for (int v = 0; v < FML_VECTORS; v++) sum[r][v] = sum[r][v] / vset1_f64((double)d);
    if (measure == FML_BRAY_CURTIS) fml_share(xt, d, sizes, n_rows, sum);
}
#endif
