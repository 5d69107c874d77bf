/* The nearest of a few samples for each of many, by differences: the first of equally near ones.
 *
 * Many lie in the lanes, the few in the rows of a tile, which is looked through as soon as it is there. Squares are compared, so that no
 * rounding of roots makes two of them equal.
 */
#ifndef FML_PAIRWISE_NEAREST_H
#define FML_PAIRWISE_NEAREST_H
#include <math.h>
#include "tile.h"

typedef struct {
    fml_points x, y;                 /* in */
    fml_metric metric;               /* in */
    double *least;                   /* (x.n,)   out  or NULL */
    int64_t *at;                     /* (x.n,)   out */
    double *scratch;                 /* (n_threads, FML_NEAREST_SCRATCH) */
} fml_nearest;

#define FML_NEAREST_SCRATCH (FML_TILE_SCRATCH + FML_SIDE * FML_SIDE)

static inline void fml_find(void *task, ptrdiff_t block, int worker) {
    const fml_nearest *t = task;
    double *const scratch = t->scratch + worker * FML_NEAREST_SCRATCH, *const tile = scratch + FML_TILE_SCRATCH;
    const ptrdiff_t first = block * FML_SIDE, n = t->x.n - first < FML_SIDE ? t->x.n - first : FML_SIDE;
    const fml_metric metric = {t->metric.added, 0, 0, t->metric.root ? 1 : t->metric.factor, INFINITY};
    int64_t lanes[FML_SIDE], rows[FML_SIDE], at[FML_SIDE] = {0};
    double least[FML_SIDE];
    for (int s = 0; s < FML_SIDE; s++) lanes[s] = s < n ? first + s : t->x.n - 1, least[s] = INFINITY;
    for (ptrdiff_t j = 0; j < t->y.n; j += FML_SIDE) {
        const int n_rows = t->y.n - j < FML_SIDE ? (int)(t->y.n - j) : FML_SIDE;
        for (int r = 0; r < n_rows; r++) rows[r] = j + r;
        fml_tile(&t->x, lanes, &t->y, rows, n_rows, &metric, scratch, tile);
        for (int r = 0; r < n_rows; r++)
            for (int s = 0; s < FML_SIDE; s++) {
                const double near = tile[r * FML_SIDE + s];
                at[s] = near < least[s] ? j + r : at[s];
                least[s] = near < least[s] ? near : least[s];
            }
    }
    memcpy(t->at + first, at, n * sizeof *at);
    for (ptrdiff_t s = 0; t->least && s < n; s++)
        t->least[first + s] = t->metric.root ? sqrt(least[s]) : least[s] < t->metric.most ? least[s] : t->metric.most;
}
#endif
