/* Searches by a metric of the user's: a C function that gives the distances of one vector from many, made by metric.py.
 *
 * By brute force the nearest are kept in a heap.  In scikit-learn's ball tree a query goes scikit-learn's way, child by child and sample by
 * sample: its function need not be a metric, and then what is found hangs on the order of that way.
 * A query is marked open where the compiled values do not settle it: some are not finite (as after an exception in the function), two are as
 * near, or, if the function is only nearly the compiled one, nearer to each other than `doubt` times their size and `least`.
 */
#ifndef FML_CALLABLE_H
#define FML_CALLABLE_H
#include <math.h>
#include <stdint.h>
#include "pairs.h"

#define FML_SEEN 256                 /* distances at a time */

/* out[s] = metric(x, row s), both of d numbers, NaN where it raises.  slots: its parameters, see metric.py. */
typedef void (*fml_metric)(const void *x, const void *rows, ptrdiff_t n, ptrdiff_t d, const int64_t *slots, double *out);

typedef struct {
    fml_metric metric;               /* in */
    const int64_t *slots;            /* in */
    const char *Q, *X;               /* (n_queries, d), (n, d)   in   of the types that the metric was compiled for; trees: X in their order */
    ptrdiff_t n_queries, n, d;
    ptrdiff_t q_bytes, x_bytes;      /* of a row */
    double doubt, least;             /* in     0: the values are those of the function itself */
    int narrow;                      /* in     distances are rounded to float32 */
    uint8_t *open;                   /* (n_queries,)     out */
} fml_callable;

typedef struct {
    const double *centroids;         /* (n_nodes, d)   in */
    const double *radii;             /* (n_nodes,)     in */
    const int64_t *starts, *ends;    /* (n_nodes,)     in   places of its samples */
    const uint8_t *leaf;             /* (n_nodes,)     in */
    const int64_t *order;            /* (n,)           in   which sample lies in that place */
} fml_ball;

FML_INLINE void fml_call(const fml_callable *t, ptrdiff_t query, const void *rows, ptrdiff_t n, double *out) {
    t->metric(t->Q + query * t->q_bytes, rows, n, t->d, t->slots, out);
    if (t->narrow)
        for (ptrdiff_t s = 0; s < n; s++) out[s] = (float)out[s];
    for (ptrdiff_t s = 0; s < n; s++)
        if (!(fabs(out[s]) < INFINITY)) t->open[query] = 1;
}

/* Marks a query whose answer hangs on which of two values is larger, if that is in doubt. */
FML_INLINE void fml_compare(const fml_callable *t, ptrdiff_t query, double a, double b) {
    if (t->least > 0 && fabs(b) < INFINITY && fabs(a - b) <= t->doubt * fabs(b) + t->least) t->open[query] = 1;
}

/* All distances of a query, out (n,). */
FML_INLINE void fml_distances_of(const fml_callable *t, ptrdiff_t query, double *out) {
    for (ptrdiff_t s = 0; s < t->n; s += FML_SEEN)
        fml_call(t, query, t->X + s * t->x_bytes, t->n - s < FML_SEEN ? t->n - s : FML_SEEN, out + s);
}

/* The k nearest of a query, nearest first.  heap: scratch, (most,) with most = min(k + 1, n), one more than k to see whether that is as near. */
static inline void fml_nearest_of(const fml_callable *t, ptrdiff_t query, ptrdiff_t k, ptrdiff_t most, fml_pair *heap, double *distances, int64_t *indices) {
    double seen[FML_SEEN];
    for (ptrdiff_t j = 0; j < most; j++) heap[j] = (fml_pair){INFINITY, INT64_MAX};
    for (ptrdiff_t first = 0; first < t->n; first += FML_SEEN) {
        const ptrdiff_t n = t->n - first < FML_SEEN ? t->n - first : FML_SEEN;
        fml_call(t, query, t->X + first * t->x_bytes, n, seen);
        for (ptrdiff_t s = 0; s < n; s++)
            if (seen[s] < heap[0].key) {
                heap[0] = (fml_pair){seen[s], first + s};
                fml_sink(heap, 0, most);
            }
    }
    fml_sort_heap(heap, most);
    for (ptrdiff_t j = 1; j < most; j++) {
        if (!(heap[j - 1].key < heap[j].key)) t->open[query] = 1;
        fml_compare(t, query, heap[j - 1].key, heap[j].key);
    }
    for (ptrdiff_t j = 0; j < k; j++) {
        if (distances) distances[j] = heap[j].key;
        indices[j] = heap[j].index;
    }
}

/* Takes a sample in the place of the farthest, unless it is as far, and lets it sink as scikit-learn does: what is left of equally far
 * ones, and where, hangs on it. */
FML_INLINE void fml_push(double *far, int64_t *index, ptrdiff_t k, double key, int64_t sample) {
    if (key >= far[0]) return;
    ptrdiff_t at = 0;
    for (ptrdiff_t child; (child = 2 * at + 1) < k; at = child) {
        if (child + 1 < k && !(far[child] >= far[child + 1])) child++;
        if (!(far[child] > key)) break;
        far[at] = far[child], index[at] = index[child];
    }
    far[at] = key, index[at] = sample;
}

/* Walks on below a node whose samples are no nearer than `bound`.  far, index: heap of k, out unsorted. */
static void fml_ball_nearest(const fml_callable *t, const fml_ball *b, ptrdiff_t query, ptrdiff_t node, double bound, ptrdiff_t k, double *far, int64_t *index) {
    double seen[FML_SEEN];
    fml_compare(t, query, bound, far[0]);
    if (bound > far[0]) return;
    if (b->leaf[node]) {
        for (ptrdiff_t first = b->starts[node]; first < b->ends[node]; first += FML_SEEN) {
            const ptrdiff_t n = b->ends[node] - first < FML_SEEN ? b->ends[node] - first : FML_SEEN;
            fml_call(t, query, t->X + first * t->x_bytes, n, seen);
            for (ptrdiff_t s = 0; s < n; s++) {
                const double before = far[0];
                fml_compare(t, query, seen[s], before);
                fml_push(far, index, k, seen[s], b->order[first + s]);
                if (far[0] != before) fml_compare(t, query, before, far[0]);
            }
        }
        return;
    }
    const ptrdiff_t child = 2 * node + 1;
    fml_call(t, query, b->centroids + child * t->d, 2, seen);
    const double left = fmax(0, seen[0] - b->radii[child]), right = fmax(0, seen[1] - b->radii[child + 1]);
    if (left > 0 || right > 0) fml_compare(t, query, left, right);
    const int swap = !(left <= right);
    fml_ball_nearest(t, b, query, child + swap, swap ? right : left, k, far, index);
    fml_ball_nearest(t, b, query, child + !swap, swap ? left : right, k, far, index);
}

static inline void fml_ball_nearest_of(const fml_callable *t, const fml_ball *b, ptrdiff_t query, ptrdiff_t k, double *far, int64_t *index) {
    double centre;
    for (ptrdiff_t j = 0; j < k; j++) far[j] = INFINITY, index[j] = 0;
    fml_call(t, query, b->centroids, 1, &centre);
    fml_ball_nearest(t, b, query, 0, fmax(0, centre - b->radii[0]), k, far, index);
}

/* Walks on below a node for the samples within a radius; returns how many there are with the `count` before.  indices, distances: out, or
 * NULL; with_distances: those of a node that lies within the radius are computed too. */
static int64_t fml_ball_within(const fml_callable *t, const fml_ball *b, ptrdiff_t query, ptrdiff_t node, double radius, int64_t count, int64_t *indices, double *distances) {
    double seen[FML_SEEN], centre;
    fml_call(t, query, b->centroids + node * t->d, 1, &centre);
    const double least = fmax(0, centre - b->radii[node]), most = centre + b->radii[node];
    fml_compare(t, query, least, radius);
    fml_compare(t, query, most, radius);
    if (least > radius) return count;
    const int inside = most <= radius;
    if (!inside && !b->leaf[node]) {
        count = fml_ball_within(t, b, query, 2 * node + 1, radius, count, indices, distances);
        return fml_ball_within(t, b, query, 2 * node + 2, radius, count, indices, distances);
    }
    for (ptrdiff_t first = b->starts[node]; first < b->ends[node]; first += FML_SEEN) {
        const ptrdiff_t n = b->ends[node] - first < FML_SEEN ? b->ends[node] - first : FML_SEEN;
        if (!inside || distances) fml_call(t, query, t->X + first * t->x_bytes, n, seen);
        for (ptrdiff_t s = 0; s < n; s++) {
            if (!inside) fml_compare(t, query, seen[s], radius);
            if (!inside && !(seen[s] <= radius)) continue;
            if (indices) indices[count] = b->order[first + s];
            if (distances) distances[count] = seen[s];
            count++;
        }
    }
    return count;
}
#endif
