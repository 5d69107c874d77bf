/* Distances of every sample from every cluster, each pair of samples once and in O(n) memory.
 *
 * The samples lie in the order of their clusters, in blocks of FML_SIDE. In round s the blocks I and J with I + J = s (mod n_blocks) meet:
 * each takes part in one pair only, so the pairs of a round run side by side and write to places of their own, and block J meets all
 * others in their order, from block  -J mod n_blocks  on and around.  It so meets the clusters one after the other, and for each of its
 * samples keeps one sum; when the last block of a cluster has been met, the mean is compared with the least so far.  Only the cluster
 * that the first block met lies in may be met in two parts, the first of which waits in `begun`.
 *
 * A sum is added up by blocks, within a block in an order that its place gives: no bit depends on threads or levels.
 */
#ifndef FML_SILHOUETTE_H
#define FML_SILHOUETTE_H
#include <math.h>
#include "simd.h"
#include "tile.h"

typedef struct {
    fml_points points;               /* in */
    fml_metric metric;               /* in */
    const int64_t *order;            /* (n,)              in    samples in the order of their clusters */
    const int64_t *starts;           /* (n_clusters + 1,) in    the places where clusters begin */
    double *own;                     /* (n,)              out   sums of distances within the own cluster, by place */
    double *nearest;                 /* (n,)              out   least mean distances from another cluster, by place */
    int32_t *cluster;                /* (n,)              scratch, of a place */
    double *sum, *begun;             /* (n_blocks * FML_SIDE,)  scratch, begins with zeros */
    double *scratch;                 /* (n_threads, FML_MEET_SCRATCH) */
    ptrdiff_t n, n_blocks, round;
} fml_silhouette;

#define FML_MEET_SCRATCH (FML_TILE_SCRATCH + FML_SIDE * FML_SIDE)

/* sum[s] += sum of the rows first..end-1 of the tile in column s */
static void fml_add_rows(const double *restrict tile, ptrdiff_t first, ptrdiff_t end, double *restrict sum) {
    for (int s = 0; s < FML_SIDE; s += FML_WIDE) {
        vf64 part[FML_VECTORS];
        for (int v = 0; v < FML_VECTORS; v++) part[v] = vset1_f64(0);
        for (ptrdiff_t r = first; r < end; r++)
            for (int v = 0; v < FML_VECTORS; v++)
                part[v] = vadd_f64(part[v], vload_f64(tile + r * FML_SIDE + s + v * FML_LANES_F64));
        for (int v = 0; v < FML_VECTORS; v++) {
            double *const at = sum + s + v * FML_LANES_F64;
            vstore_f64(at, vadd_f64(vload_f64(at), part[v]));
        }
    }
}

/* sum[r] += sum of the columns first..end-1 of the tile in row r */
static void fml_add_lanes(const double *restrict tile, ptrdiff_t first, ptrdiff_t end, double *restrict sum) {
    for (int r = 0; r < FML_SIDE; r++, tile += FML_SIDE) {
        f64x8 part = {0};
        double rest = 0;
        ptrdiff_t s = first;
        for (; s + 8 <= end; s += 8) part += load_f64x8(tile + s);
        for (; s < end; s++) rest += tile[s];
        sum[r] += hsum_f64x8(part) + rest;
    }
}

/* nearest = least of itself and sum / size */
static void fml_compare(const double *restrict sum, ptrdiff_t n, double size, double *restrict nearest) {
    for (ptrdiff_t i = 0; i < n; i++) {
        const double mean = sum[i] / size;
        nearest[i] = mean < nearest[i] ? mean : nearest[i];
    }
}

FML_INLINE ptrdiff_t fml_clip(ptrdiff_t at, ptrdiff_t low, ptrdiff_t high) { return at < low ? low : at > high ? high : at; }

/* All distances of block `who` from cluster c are in `sum`: they are taken into account, and the sums begin anew. */
static void fml_close(const fml_silhouette *t, ptrdiff_t who, ptrdiff_t c, double *sum) {
    const ptrdiff_t first = who * FML_SIDE, end = first + FML_SIDE < t->n ? first + FML_SIDE : t->n;
    const ptrdiff_t begin = fml_clip(t->starts[c], first, end), stop = fml_clip(t->starts[c + 1], first, end);
    const double size = (double)(t->starts[c + 1] - t->starts[c]);
    fml_compare(sum, begin - first, size, t->nearest + first);
    for (ptrdiff_t i = begin; i < stop; i++) t->own[i] = sum[i - first];
    fml_compare(sum + (stop - first), end - stop, size, t->nearest + stop);
    memset(sum, 0, FML_SIDE * sizeof *sum);
}

/* Block `who` meets block `met`; across: it is in the rows of the tile, not in its lanes. */
static void fml_take_in(const fml_silhouette *t, ptrdiff_t who, ptrdiff_t met, const double *tile, int across) {
    const ptrdiff_t first = met * FML_SIDE, end = first + FML_SIDE < t->n ? first + FML_SIDE : t->n;
    const ptrdiff_t turn = (t->n_blocks - who) % t->n_blocks;      /* the block met first */
    double *const sum = t->sum + who * FML_SIDE, *const begun = t->begun + who * FML_SIDE;
    for (ptrdiff_t j = first, stop; j < end; j = stop) {
        const ptrdiff_t c = t->cluster[j], last = t->starts[c + 1];
        stop = last < end ? last : end;
        (across ? fml_add_lanes : fml_add_rows)(tile, j - first, stop - first, sum);
        if (stop == last && met >= turn && t->starts[c] < turn * FML_SIDE) {
            memcpy(begun, sum, FML_SIDE * sizeof *sum);
            memset(sum, 0, FML_SIDE * sizeof *sum);
        } else if (stop == last) fml_close(t, who, c, sum);
        else if (stop == end && t->round == t->n_blocks - 1) {     /* the other part of the cluster that was met first */
            for (int i = 0; i < FML_SIDE; i++) sum[i] += begun[i];
            fml_close(t, who, c, sum);
        }
    }
}

/* Pairs of a round: I + J = round, and I + J = round + n_blocks, with I <= J. */
static inline ptrdiff_t fml_pairs_of(ptrdiff_t round, ptrdiff_t n_blocks) { return round / 2 + 1 + (round + n_blocks) / 2 - round; }

static inline void fml_meet(void *task, ptrdiff_t pair, int worker) {
    const fml_silhouette *t = task;
    const ptrdiff_t low = t->round / 2 + 1, one = pair < low ? pair : t->round + 1 + (pair - low);
    const ptrdiff_t other = t->round - one + (pair < low ? 0 : t->n_blocks);
    double *const scratch = t->scratch + worker * FML_MEET_SCRATCH, *const tile = scratch + FML_TILE_SCRATCH;
    int64_t lanes[FML_SIDE], rows[FML_SIDE];
    for (ptrdiff_t s = 0; s < FML_SIDE; s++) {                     /* beside the last sample: the last */
        const ptrdiff_t i = one * FML_SIDE + s, j = other * FML_SIDE + s;
        lanes[s] = t->order[i < t->n ? i : t->n - 1], rows[s] = t->order[j < t->n ? j : t->n - 1];
    }
    fml_tile(&t->points, lanes, &t->points, rows, FML_SIDE, &t->metric, scratch, tile);
    fml_take_in(t, one, other, tile, 0);
    if (one != other) fml_take_in(t, other, one, tile, 1);
}
#endif
