/* Squares of Euclidean distances as  |x|^2 + |y|^2 - 2 x.y:  one fused operation a feature instead of three, where that keeps the digits.
 *
 * Both blocks are counted from the mean of the lanes, so an offset of the data costs nothing. A square below FML_DOUBTFUL times
 * |x|^2 + |y|^2 may have lost digits (the bound is below) and is computed by differences; with more than FML_DOUBTS of these the whole
 * tile is.  The chains are fused at every level, at the lowest by the C library, so the bits are the same.  A CPU that has no fused
 * operations runs only that level; the library is slow there, and all squares are computed by differences.
 */
#ifndef FML_PAIRWISE_EXPANDED_H
#define FML_PAIRWISE_EXPANDED_H
#include <math.h>
#include "simd.h"

#define FML_DOUBTS 1024               /* about as many as take as long as the tile by differences */
/* The square errs by at most (2 d + 8) 2^-53 (|x|^2 + |y|^2), the coordinates' own rounding included; its root by half of that. So far it
 * is 5e-13 of the distance: what is made of two distances keeps 1e-12. */
#define FML_DOUBTFUL(d) (((double)(d) + 4) * 0x1p-53 / 5e-13)

#if FML_HAS_FMA
#define FML_CAN_FUSE 1
#elif defined(__x86_64__)
#define FML_CAN_FUSE __builtin_cpu_supports("fma")
#else
#define FML_CAN_FUSE 0
#endif

FML_INLINE vf64 fml_fused(vf64 a, vf64 b, vf64 c) {
#if FML_HAS_FMA
    return vfma_f64(a, b, c);
#else
    for (int i = 0; i < FML_LANES_F64; i++) c[i] = fma(a[i], b[i], c[i]);
    return c;
#endif
}

/* Squares that wait for their roots: the first `n` vectors, FML_VECTORS a row.  Roots take long and nothing else of the processor, so
 * they are taken one by one beside the products of the next rows. */
typedef struct {
    double *at;
    int n, done;
} fml_waiting;

FML_INLINE void fml_next_root(fml_waiting *w) {
    double *const at = w->at + w->done / FML_VECTORS * FML_SIDE + w->done % FML_VECTORS * FML_LANES_F64;
    vstore_f64(at, vsqrt_f64(vload_f64(at)));
    w->done++;
}

typedef struct {
    const fml_metric *metric;
    double doubtful;
    double x_square[FML_SIDE], y_square[FML_SIDE];
    fml_waiting waiting;
    int n_doubts;
    int16_t doubts[FML_DOUBTS];      /* places in the tile */
} fml_expansion;

/* n features more of the dot products of n_rows rows from `row` on with the lanes from `lane` on; `ends`: distances are made of them. */
FML_INLINE void fml_products(fml_expansion *e, const double *restrict xt, const double *restrict y, ptrdiff_t n, int row, int lane,
                             const int n_rows, int begins, int ends, double *tile) {
    vf64 dot[FML_ROWS][FML_VECTORS];
    double *const out = tile + row * FML_SIDE + lane;
    for (int r = 0; r < n_rows; r++)
        for (int v = 0; v < FML_VECTORS; v++)
            dot[r][v] = begins ? vset1_f64(0) : vload_f64(out + r * FML_SIDE + v * FML_LANES_F64);
    for (ptrdiff_t f = 0; f < n; f++) {
        vf64 x[FML_VECTORS];
        for (int v = 0; v < FML_VECTORS; v++) x[v] = vload_f64(xt + f * FML_WIDE + v * FML_LANES_F64);
        for (int r = 0; r < n_rows; r++) {
            const vf64 other = vset1_f64(y[r * n + f]);
            for (int v = 0; v < FML_VECTORS; v++) dot[r][v] = fml_fused(x[v], other, dot[r][v]);
        }
        if (e->waiting.done < e->waiting.n) fml_next_root(&e->waiting);
    }
    while (e->waiting.done < e->waiting.n) fml_next_root(&e->waiting);
    for (int r = 0; r < n_rows; r++)
        for (int v = 0; v < FML_VECTORS; v++) {
            double *const at = out + r * FML_SIDE + v * FML_LANES_F64;
            if (!ends) {
                vstore_f64(at, dot[r][v]);
                continue;
            }
            const vf64 both = vadd_f64(vload_f64(e->x_square + lane + v * FML_LANES_F64), vset1_f64(e->y_square[row + r]));
            const vf64 square = vsub_f64(both, vadd_f64(dot[r][v], dot[r][v]));
            unsigned bits = fml_le_bits(square, vmul_f64(both, vset1_f64(e->doubtful)));
            for (; bits; bits &= bits - 1, e->n_doubts++)
                if (e->n_doubts < FML_DOUBTS) e->doubts[e->n_doubts] = (int16_t)(at - tile + __builtin_ctz(bits));
            vstore_f64(at, e->metric->root ? square : vmul_f64(square, vset1_f64(e->metric->factor)));
        }
    if (ends && e->metric->root) e->waiting = (fml_waiting){out, n_rows * FML_VECTORS, 0};
}

/* Counts the lanes and the rows (n_rows, n) at y_at from the mean of the lanes, xt in place and the rows to y, and adds their squares. */
static void fml_center(fml_expansion *e, const double *const *x_at, double *restrict xt, const double *const *y_at, double *restrict y,
                       int n_rows, ptrdiff_t n) {
    double origin[FML_FEATURES];
    memset(origin, 0, sizeof origin);
    for (int s = 0; s < FML_SIDE; s++)
        for (ptrdiff_t f = 0; f < n; f++) origin[f] += x_at[s][f];
    for (ptrdiff_t f = 0; f < n; f++) origin[f] *= 1.0 / FML_SIDE;
    for (int s = 0; s < FML_SIDE; s += FML_LANES_F64) {
        double *at = xt + s / FML_WIDE * FML_WIDE * n + s % FML_WIDE;
        vf64 sum = vload_f64(e->x_square + s);
        for (ptrdiff_t f = 0; f < n; f++, at += FML_WIDE) {
            const vf64 x = vsub_f64(vload_f64(at), vset1_f64(origin[f]));
            vstore_f64(at, x);
            sum = fml_fused(x, x, sum);
        }
        vstore_f64(e->x_square + s, sum);
    }
    for (int r = 0; r < n_rows; r++, y += n) {
        double part[8] = {0};
        ptrdiff_t f = 0;
        for (; f + 8 <= n; f += 8)
            for (int i = 0; i < 8; i++) {
                const double t = y_at[r][f + i] - origin[f + i];
                y[f + i] = t;
                part[i] += t * t;
            }
        for (; f < n; f++) {
            const double t = y_at[r][f] - origin[f];
            y[f] = t;
            part[0] += t * t;
        }
        e->y_square[r] += ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
    }
}

/* The distance of one pair by differences. */
static double fml_pair_apart(const fml_points *x, int64_t i, const fml_points *y, int64_t j, const fml_metric *metric, double *scratch) {
    f64x8 part = {0};
    double sum = 0;
    for (ptrdiff_t first = 0; first < x->d; first += FML_FEATURES) {
        const ptrdiff_t n = x->d - first < FML_FEATURES ? x->d - first : FML_FEATURES;
        const double *at[2];
        fml_find_rows(x, &i, 1, first, n, scratch, at);
        fml_find_rows(y, &j, 1, first, n, scratch + n, at + 1);
        ptrdiff_t f = 0;
        for (; f + 8 <= n; f += 8) {
            const f64x8 t = load_f64x8(at[0] + f) - load_f64x8(at[1] + f);
            part += t * t;
        }
        for (; f < n; f++) sum += (at[0][f] - at[1][f]) * (at[0][f] - at[1][f]);
    }
    sum += hsum_f64x8(part);
    return metric->root ? sqrt(sum) : sum * metric->factor;
}

/* As fml_tile. Returns 0, with nothing in the tile, if too many squares are in doubt. */
static int fml_tile_expanded(const fml_points *x, const int64_t *lanes, const fml_points *y, const int64_t *rows, int n_rows,
                             const fml_metric *metric, double *scratch, double *tile) {
    double *const xt = scratch, *const wide = scratch + FML_SIDE * FML_FEATURES, *const centered = wide + FML_SIDE * FML_FEATURES;
    const double *x_at[FML_SIDE], *y_at[FML_SIDE];
    fml_expansion e = {.metric = metric, .doubtful = FML_DOUBTFUL(x->d)};
    for (ptrdiff_t first = 0; first < x->d; first += FML_FEATURES) {
        const ptrdiff_t n = x->d - first < FML_FEATURES ? x->d - first : FML_FEATURES;
        const int begins = first == 0, ends = first + n == x->d;
        fml_find_rows(x, lanes, FML_SIDE, first, n, wide, x_at);
        for (int s = 0; s < FML_SIDE; s += FML_WIDE) transpose_f64(x_at + s, NULL, n, xt + s * n);
        fml_find_rows(y, rows, n_rows, first, n, centered, y_at);
        fml_center(&e, x_at, xt, y_at, centered, n_rows, n);
        for (int s = 0; s < FML_SIDE; s += FML_WIDE) {
#define FML_PRODUCTS(n_rows_) fml_products(&e, xt + s * n, centered + r * n, n, (int)r, s, n_rows_, begins, ends, tile)
            FML_EACH_TILE(r, n_rows, FML_PRODUCTS)
#undef FML_PRODUCTS
        }
    }
    while (e.waiting.done < e.waiting.n) fml_next_root(&e.waiting);
    if (e.n_doubts > FML_DOUBTS) return 0;
    for (int k = 0; k < e.n_doubts; k++) {
        const int r = e.doubts[k] / FML_SIDE, s = e.doubts[k] % FML_SIDE;
        tile[e.doubts[k]] = x == y && lanes[s] == rows[r] ? 0 : fml_pair_apart(x, lanes[s], y, rows[r], metric, wide);
    }
    return 1;
}
#endif
