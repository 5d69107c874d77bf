/* Queries in the order of the leaves that they are nearest to, by way of the nearest child of each node. */
#ifndef FML_ARRANGE_H
#define FML_ARRANGE_H
#include "kd_tree.h"

#define FML_HOMES 1024               /* queries of a chunk */

typedef struct {
    fml_kd tree;                     /* in */
    const double *X;                 /* (n_queries, d)  in */
    int32_t *homes;                  /* (n_queries,)    out */
    ptrdiff_t n_queries;
    int metric;
} fml_homes;

FML_INLINE int32_t fml_home(const fml_kd *tree, const double *x, int metric) {
    int32_t node = 0;
    do {
        double bound[FML_WIDTH];
        fml_nearest_corners(tree, metric, node, x, 0, bound);
        int nearest = 0;             /* is always there */
        for (int c = 1; c < FML_WIDTH; c++)
            if (bound[c] < bound[nearest]) nearest = c;
        node = tree->children[(ptrdiff_t)node * FML_WIDTH + nearest];
    } while (node >= 0);
    return ~node;
}

FML_INLINE void fml_homes_of_chunk(const fml_homes *t, ptrdiff_t first, ptrdiff_t end, int metric) {
    for (ptrdiff_t i = first; i < end; i++) t->homes[i] = fml_home(&t->tree, t->X + i * t->tree.d, metric);
}

static inline void fml_find_homes(void *task, ptrdiff_t chunk, int worker) {
    const fml_homes *t = task;
    const ptrdiff_t first = chunk * FML_HOMES, end = first + FML_HOMES < t->n_queries ? first + FML_HOMES : t->n_queries;
    FML_BY_METRIC_OR_POWER(t->metric, fml_homes_of_chunk, t, first, end);
}

/* begins (n_leaves + 1,)  scratch */
static inline void fml_sort_homes(const fml_homes *t, int64_t *begins, int64_t *sequence) {
    for (ptrdiff_t leaf = 0; leaf <= t->tree.n_leaves; leaf++) begins[leaf] = 0;
    for (ptrdiff_t i = 0; i < t->n_queries; i++) begins[t->homes[i] + 1]++;
    for (ptrdiff_t leaf = 0; leaf < t->tree.n_leaves; leaf++) begins[leaf + 1] += begins[leaf];
    for (ptrdiff_t i = 0; i < t->n_queries; i++) sequence[begins[t->homes[i]]++] = i;
}
#endif
