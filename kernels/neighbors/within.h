/* The samples within a radius of queries: counted, and then written into rows of that length. */
#ifndef FML_WITHIN_H
#define FML_WITHIN_H
#include "kd_tree.h"
#include "pairs.h"

#define FML_BALLS 64                 /* queries of a chunk */

typedef struct {
    fml_kd tree;                     /* in */
    const double *X;                 /* (n_queries, d)  in */
    const double *radii;             /* (n_queries,)    in */
    const int64_t *sequence;         /* (n_queries,)    in     which query comes when; NULL: in their order */
    int64_t *counts;                 /* (n_queries,)    out    in the first pass; NULL in the second */
    const int64_t *indptr;           /* (n_queries + 1,)  in   where a query's row begins */
    int64_t *indices;                /* (n_found,)      out */
    double *distances;               /* (n_found,)      out    or NULL */
    fml_pair *scratch;               /* (n_threads, longest)   for sorting; NULL: rows in the order of the tree */
    ptrdiff_t n_queries, longest;
    int metric, selves;              /* selves: query i is sample i, and not its own neighbour */
} fml_within;

typedef struct {
    int32_t child;                   /* as in `children` */
    int32_t first, end;              /* its leaves */
    int inside;                      /* all of its samples are near enough */
} fml_part_of_ball;

/* Where the next sample goes. */
typedef struct {
    int64_t *index;                  /* NULL: only counted */
    double *distance;                /* or NULL */
    int64_t n, self;
} fml_row;

/* A leaf of which all samples are near enough, and none is the query itself. */
FML_INLINE void fml_take_leaf(const int64_t *order, const double *distance, fml_row *row, int metric) {
    if (row->index)
        for (int s = 0; s < FML_LEAF; s++) row->index[row->n + s] = order[s];
    if (row->distance)
        for (int s = 0; s < FML_LEAF; s++) row->distance[row->n + s] = fml_restore(metric, distance[s]);
    row->n += FML_LEAF;
}

/* On the sphere: the bits of the samples that are near enough, and their reduced distances if those are asked for. */
FML_INLINE unsigned fml_settle_ball(const fml_kd *tree, ptrdiff_t leaf, const double *x, double most, int asked, unsigned bits, double *distance) {
    if (asked) return fml_settle_angles(tree, leaf, x, most, bits, distance);
    unsigned sure = 0;
    for (int s = 0; s < FML_LEAF; s++) sure |= (unsigned)(distance[s] <= fml_sums_within(FML_HAVERSINE, most)) << s;
    return (bits & sure) | fml_settle_angles(tree, leaf, x, most, bits & ~sure, distance);
}

FML_INLINE void fml_scan_ball(const fml_kd *tree, ptrdiff_t leaf, const double *x, double most, fml_row *row, int metric) {
    double distance[FML_LEAF];
    const int64_t *const order = tree->order + leaf * FML_LEAF;
    unsigned bits = fml_leaf_distances(tree, metric, leaf, x, fml_sums_up_to(metric, most), distance);
    if (leaf == tree->n_leaves - 1) bits &= (1u << (tree->n - leaf * FML_LEAF)) - 1;
    if (metric == FML_HAVERSINE) bits = fml_settle_ball(tree, leaf, x, most, row->distance != NULL, bits, distance);
    if (bits == (1u << FML_LEAF) - 1 && (row->self < order[0] || row->self > order[FML_LEAF - 1])) {
        fml_take_leaf(order, distance, row, metric);
        return;
    }
    if (!row->index && row->self < 0) {
        row->n += __builtin_popcount(bits);
        return;
    }
    for (; bits; bits &= bits - 1) {
        const int s = __builtin_ctz(bits);
        const int64_t index = order[s];
        if (index == row->self) continue;
        if (row->index) row->index[row->n] = index;
        if (row->distance) row->distance[row->n] = fml_restore(metric, distance[s]);
        row->n++;
    }
}

/* All samples of some leaves. */
FML_INLINE void fml_take_leaves(const fml_kd *tree, ptrdiff_t first, ptrdiff_t end, fml_row *row) {
    const ptrdiff_t last = end * FML_LEAF < tree->n ? end * FML_LEAF : tree->n;
    for (ptrdiff_t p = first * FML_LEAF; p < last; p++)
        if (tree->order[p] != row->self) {
            if (row->index) row->index[row->n] = tree->order[p];
            row->n++;
        }
}

FML_INLINE void fml_find_within(const fml_kd *tree, const double *x, double most, fml_row *row, int metric) {
    fml_part_of_ball waiting[FML_STACK];
    int n_waiting = 1;
    waiting[0] = (fml_part_of_ball){0, 0, (int32_t)tree->n_leaves, 0};
    while (n_waiting) {
        const fml_part_of_ball here = waiting[--n_waiting];
        if (here.inside && !row->distance) {
            fml_take_leaves(tree, here.first, here.end, row);
            continue;
        }
        if (here.child < 0) {
            fml_scan_ball(tree, ~here.child, x, most, row, metric);
            continue;
        }
        double bound[FML_WIDTH];
        const unsigned bits = fml_nearest_corners(tree, metric, here.child, x, fml_sums_up_to(metric, most), bound);
        const unsigned inside = bits && !row->distance ? fml_boxes_within(tree, metric, here.child, x, fml_sums_within(metric, most)) : 0;
        const int32_t *const children = tree->children + (ptrdiff_t)here.child * FML_WIDTH;
        const int32_t *const starts = tree->starts + (ptrdiff_t)here.child * (FML_WIDTH + 1);
        for (int c = FML_WIDTH; c-- > 0;)
            if (bits >> c & 1)
                waiting[n_waiting++] = (fml_part_of_ball){children[c], starts[c], starts[c + 1], inside >> c & 1};
    }
}

static inline void fml_sort_row(int64_t *index, double *distance, ptrdiff_t n, fml_pair *pairs) {
    for (ptrdiff_t j = 0; j < n; j++) pairs[j].key = distance[j], pairs[j].index = index[j];
    fml_sort_pairs(pairs, n);
    for (ptrdiff_t j = 0; j < n; j++) distance[j] = pairs[j].key, index[j] = pairs[j].index;
}

FML_INLINE void fml_within_of_chunk(const fml_within *t, ptrdiff_t chunk, int worker, int metric) {
    const ptrdiff_t first = chunk * FML_BALLS, end = first + FML_BALLS < t->n_queries ? first + FML_BALLS : t->n_queries;
    for (ptrdiff_t p = first; p < end; p++) {
        const ptrdiff_t i = t->sequence ? t->sequence[p] : p;
        const double most = t->radii[i] < 0 ? -1 : fml_reduce(metric, t->radii[i]);
        fml_row row = {NULL, NULL, 0, t->selves ? i : -1};
        if (!t->counts) {
            row.index = t->indices + t->indptr[i];
            row.distance = t->distances ? t->distances + t->indptr[i] : NULL;
        }
        fml_find_within(&t->tree, t->X + i * t->tree.d, most, &row, metric);
        if (t->counts) t->counts[i] = row.n;
        else if (t->scratch) fml_sort_row(row.index, row.distance, row.n, t->scratch + worker * t->longest);
    }
}

static inline void fml_within_chunk(void *task, ptrdiff_t chunk, int worker) {
    const fml_within *t = task;
    FML_BY_METRIC_OR_POWER(t->metric, fml_within_of_chunk, t, chunk, worker);
}
#endif
