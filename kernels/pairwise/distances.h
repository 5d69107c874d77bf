/* All distances of one set of samples from another, tile by tile, written where they belong.
 *
 * Among one set of samples each pair of blocks is computed once and written twice, the second time across. Of so few features that this
 * takes longer than to compute it again, it is computed again, by differences. Either way the table is symmetric to the bit, with zeros in
 * its diagonal.
 */
#ifndef FML_PAIRWISE_DISTANCES_H
#define FML_PAIRWISE_DISTANCES_H
#include <math.h>
#include "simd.h"
#include "tile.h"

typedef struct {
    fml_points x, y;                 /* in    rows and columns of the table */
    fml_metric metric;               /* in */
    void *out;                       /* (x.n, y.n)  double or float   out */
    int is_f32;                      /* of out */
    int is_same, halved;             /* x is y; and half of the table is the mirror of the other */
    ptrdiff_t n_down, n_across;      /* blocks of x and of y */
    double *scratch;                 /* (n_threads, FML_FILL_SCRATCH) */
} fml_distances;

/* From so many features on it pays to write across: 5,000 samples, manhattan, 8 features 70 ms instead of 63, 32 features 101 instead of
 * 126. Below FML_EXPAND features, and by the other metrics, a distance has the same bits either way round. */
#define FML_WORTH_HALVING 12
#define FML_FILL_SCRATCH (FML_TILE_SCRATCH + FML_SIDE * FML_SIDE)

/* Writes the first n of `from` to the columns from j on of row i of the table. */
FML_INLINE void fml_write_row(const fml_distances *t, const double *restrict from, ptrdiff_t n, ptrdiff_t i, ptrdiff_t j) {
    const ptrdiff_t at = i * t->y.n + j;
    if (!t->is_f32) memcpy((double *)t->out + at, from, n * sizeof *from);
    else for (ptrdiff_t s = 0; s < n; s++) ((float *)t->out)[at + s] = (float)from[s];
}

static void fml_write(const fml_distances *t, const double *tile, ptrdiff_t n_rows, ptrdiff_t n_lanes, ptrdiff_t i, ptrdiff_t j) {
    for (ptrdiff_t r = 0; r < n_rows; r++) fml_write_row(t, tile + r * FML_SIDE, n_lanes, i + r, j);
}

/* Sends for the part of the table that is written across, while the tile is computed: each of its rows lies on other pages. */
static void fml_send_for(const fml_distances *t, ptrdiff_t n_rows, ptrdiff_t n_columns, ptrdiff_t i, ptrdiff_t j) {
    const ptrdiff_t size = t->is_f32 ? sizeof(float) : sizeof(double);
    for (ptrdiff_t r = 0; r < n_rows; r++) {
        const char *const at = (const char *)t->out + ((i + r) * t->y.n + j) * size;
        for (ptrdiff_t byte = 0; byte < n_columns * size; byte += 64) __builtin_prefetch(at + byte, 1);
    }
}

/* to (8, 8) = from (8, 8) turned, FML_SIDE from row to row in both */
FML_INLINE void fml_turn(const double *restrict from, double *restrict to) {
    f64x8 a[8], b[8];
    for (int r = 0; r < 8; r++) a[r] = load_f64x8(from + r * FML_SIDE);
    for (int r = 0; r < 8; r += 2) {
        b[r] = __builtin_shufflevector(a[r], a[r + 1], 0, 8, 2, 10, 4, 12, 6, 14);
        b[r + 1] = __builtin_shufflevector(a[r], a[r + 1], 1, 9, 3, 11, 5, 13, 7, 15);
    }
    for (int r = 0; r < 8; r += 4)
        for (int k = 0; k < 2; k++) {
            a[r + k] = __builtin_shufflevector(b[r + k], b[r + k + 2], 0, 1, 8, 9, 4, 5, 12, 13);
            a[r + k + 2] = __builtin_shufflevector(b[r + k], b[r + k + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        }
    for (int r = 0; r < 4; r++) {
        store_f64x8(to + r * FML_SIDE, __builtin_shufflevector(a[r], a[r + 4], 0, 1, 2, 3, 8, 9, 10, 11));
        store_f64x8(to + (r + 4) * FML_SIDE, __builtin_shufflevector(a[r], a[r + 4], 4, 5, 6, 7, 12, 13, 14, 15));
    }
}

/* The same across: a lane of the tile becomes a row of the table. `turned` (FML_SIDE, FML_SIDE): scratch. */
static void fml_write_across(const fml_distances *t, const double *tile, ptrdiff_t n_rows, ptrdiff_t n_lanes, ptrdiff_t i, ptrdiff_t j,
                             double *turned) {
    for (int r = 0; r < FML_SIDE; r += 8)
        for (int s = 0; s < FML_SIDE; s += 8) fml_turn(tile + r * FML_SIDE + s, turned + s * FML_SIDE + r);
    fml_write(t, turned, n_lanes, n_rows, j, i);
}

/* Rounding tells a pair of a block with itself from the same pair turned round: the lower half becomes the upper one's mirror. */
static void fml_mirror(double *tile) {
    for (int r = 0; r < FML_SIDE; r++)
        for (int s = 0; s < r; s++) tile[r * FML_SIDE + s] = tile[s * FML_SIDE + r];
}

/* Decides how the table is filled, and counts the tiles. */
static inline ptrdiff_t fml_plan(fml_distances *t) {
    t->n_down = (t->x.n + FML_SIDE - 1) / FML_SIDE, t->n_across = (t->y.n + FML_SIDE - 1) / FML_SIDE;
    t->halved = t->is_same && t->x.d >= (t->metric.expand ? FML_EXPAND : FML_WORTH_HALVING);
    return t->halved ? t->n_down * (t->n_down + 1) / 2 : t->n_down * t->n_across;
}

static inline void fml_fill(void *task, ptrdiff_t number, int worker) {
    const fml_distances *t = task;
    ptrdiff_t down, across;
    if (t->halved) {                 /* row by row of the lower half */
        down = (ptrdiff_t)((sqrt(8.0 * (double)number + 1) - 1) / 2);
        while (down * (down + 1) / 2 > number) down--;
        while ((down + 1) * (down + 2) / 2 <= number) down++;
        across = number - down * (down + 1) / 2;
    } else down = number / t->n_across, across = number % t->n_across;
    double *const scratch = t->scratch + worker * FML_FILL_SCRATCH, *const tile = scratch + FML_TILE_SCRATCH;
    const ptrdiff_t i = down * FML_SIDE, j = across * FML_SIDE;
    const ptrdiff_t n_rows = t->x.n - i < FML_SIDE ? t->x.n - i : FML_SIDE, n_lanes = t->y.n - j < FML_SIDE ? t->y.n - j : FML_SIDE;
    int64_t rows[FML_SIDE], lanes[FML_SIDE];
    for (ptrdiff_t s = 0; s < FML_SIDE; s++) {                     /* beside the last sample: the last */
        rows[s] = i + s < t->x.n ? i + s : t->x.n - 1;
        lanes[s] = j + s < t->y.n ? j + s : t->y.n - 1;
    }
    const fml_points *const x = t->is_same ? &t->y : &t->x;
    if (t->halved && down != across) fml_send_for(t, n_lanes, n_rows, j, i);
    fml_tile(&t->y, lanes, x, rows, (int)n_rows, &t->metric, scratch, tile);
    if (t->metric.most < INFINITY) for (ptrdiff_t s = 0; s < n_rows * FML_SIDE; s++) tile[s] = tile[s] < t->metric.most ? tile[s] : t->metric.most;
    if (t->halved && down == across) fml_mirror(tile);
    fml_write(t, tile, n_rows, n_lanes, i, j);
    if (t->halved && down != across) fml_write_across(t, tile, n_rows, n_lanes, i, j, scratch);
}
#endif
