/* A tile: the distances of one block of samples (one a lane) from another, by differences.
 *
 * Each distance is one chain over the features in their order, without fused operations: it has the same bits at every level, and no
 * digits are lost to an offset of the data, as they are where the square is expanded into norms and a product. Where that can be done
 * without the loss, expanded.h does.  What a distance is, is said in these two files alone; what is done with a tile does not know it.
 */
#ifndef FML_PAIRWISE_TILE_H
#define FML_PAIRWISE_TILE_H
#include <stdint.h>
#include <string.h>
#include "../neighbors/kd_tree.h"    /* fml_farther: one more feature */

#define FML_IMPL "tile_impl.h"
#include "typed.h"

#define FML_SIDE 64                  /* SIDE of metrics.py */
#define FML_FEATURES 128             /* features at a time: both blocks of samples then lie in the second-level cache */
#define FML_WIDE (FML_VECTORS * FML_LANES_F64)      /* samples that are treated side by side; divides FML_SIDE */
#define FML_TILE_SCRATCH (3 * FML_SIDE * FML_FEATURES)
#define FML_EXPAND 8                 /* from so many features on, squares are expanded (expanded.h) */

/* Points and Metric of metrics.py */
typedef struct {
    const void *X;                   /* (n, d)  T   in */
    const double *scale;             /* (n,)        in    or NULL */
    ptrdiff_t n, d;
    int is_f32;
} fml_points;

typedef struct {
    int added, root, expand;
    double factor, most;
} fml_metric;

/* at (n_rows,) out: where the features from `first` on, n of them, of these rows are; `wide` (n_rows, n) out, where they have to be
 * converted. */
static void fml_find_rows(const fml_points *p, const int64_t *rows, int n_rows, ptrdiff_t first, ptrdiff_t n, double *wide,
                          const double **at) {
    for (int s = 0; s < n_rows; s++, wide += n) {
        const ptrdiff_t from = rows[s] * p->d + first;
        const double scale = p->scale ? p->scale[rows[s]] : 1;
        at[s] = wide;
        if (p->is_f32) for (ptrdiff_t f = 0; f < n; f++) wide[f] = scale * ((const float *)p->X)[from + f];
        else if (p->scale) for (ptrdiff_t f = 0; f < n; f++) wide[f] = scale * ((const double *)p->X)[from + f];
        else at[s] = (const double *)p->X + from;
    }
}

FML_INLINE vf64 fml_finished(const fml_metric *metric, vf64 sum) {
    return metric->root ? vsqrt_f64(sum) : vmul_f64(sum, vset1_f64(metric->factor));
}

/* Adds n features to n_rows rows of a tile, as far as the FML_WIDE lanes of xt (n, FML_WIDE) go; `last`: there are no more. */
FML_INLINE void fml_differences(const fml_metric *metric, const double *restrict xt, const double *const *y, ptrdiff_t n, const int n_rows,
                                int begins, int ends, double *restrict tile, const int added) {
    vf64 sum[FML_ROWS][FML_VECTORS];
    for (int r = 0; r < n_rows; r++)
        for (int v = 0; v < FML_VECTORS; v++)
            sum[r][v] = begins ? vset1_f64(0) : vload_f64(tile + r * FML_SIDE + v * FML_LANES_F64);
    for (ptrdiff_t f = 0; f < n; f++) {
        vf64 x[FML_VECTORS];
        for (int v = 0; v < FML_VECTORS; v++) x[v] = vload_f64(xt + f * FML_WIDE + v * FML_LANES_F64);
        for (int r = 0; r < n_rows; r++) {
            const vf64 other = vset1_f64(y[r][f]);
            for (int v = 0; v < FML_VECTORS; v++) sum[r][v] = fml_farther(added, sum[r][v], vsub_f64(x[v], other));
        }
    }
    for (int r = 0; r < n_rows; r++)
        for (int v = 0; v < FML_VECTORS; v++)
            vstore_f64(tile + r * FML_SIDE + v * FML_LANES_F64, ends ? fml_finished(metric, sum[r][v]) : sum[r][v]);
}

FML_INLINE void fml_tile_of(const fml_points *x, const int64_t *lanes, const fml_points *y, const int64_t *rows, int n_rows,
                            const fml_metric *metric, double *scratch, double *tile, const int added) {
    const ptrdiff_t d = x->d;
    double *const xt = scratch, *const wide = scratch + FML_SIDE * FML_FEATURES;
    const double *at[FML_SIDE];
    for (ptrdiff_t first = 0; first < d; first += FML_FEATURES) {
        const ptrdiff_t n = d - first < FML_FEATURES ? d - first : FML_FEATURES;
        const int begins = first == 0, ends = first + n == d;
        fml_find_rows(x, lanes, FML_SIDE, first, n, wide, at);
        for (int s = 0; s < FML_SIDE; s += FML_WIDE) transpose_f64(at + s, NULL, n, xt + s * n);
        fml_find_rows(y, rows, n_rows, first, n, wide, at);
        for (int s = 0; s < FML_SIDE; s += FML_WIDE) {
#define FML_DIFFERENCES(n_rows_) \
    fml_differences(metric, xt + s * n, at + r, n, n_rows_, begins, ends, tile + r * FML_SIDE + s, added)
            FML_EACH_TILE(r, n_rows, FML_DIFFERENCES)
#undef FML_DIFFERENCES
        }
    }
}

#include "expanded.h"

/* lanes   (FML_SIDE,)           in    samples of x, one a lane
 * rows    (n_rows,)             in    samples of y, n_rows <= FML_SIDE
 * scratch (FML_TILE_SCRATCH,)
 * tile    (n_rows, FML_SIDE)    out   distances */
static void fml_tile(const fml_points *x, const int64_t *lanes, const fml_points *y, const int64_t *rows, int n_rows,
                     const fml_metric *metric, double *scratch, double *tile) {
    if (metric->expand && x->d >= FML_EXPAND && FML_CAN_FUSE &&
        fml_tile_expanded(x, lanes, y, rows, n_rows, metric, scratch, tile)) return;
    FML_BY_METRIC(metric->added, fml_tile_of, x, lanes, y, rows, n_rows, metric, scratch, tile);
}
#endif
