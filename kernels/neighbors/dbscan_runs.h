/* What a point has to do with a run of places: counting its neighbours there, joining them, learning their cluster.
 *
 * The grid and the tree only differ in the runs that they look at.
 */
#ifndef FML_DBSCAN_RUNS_H
#define FML_DBSCAN_RUNS_H
#include "dbscan_pairs.h"

typedef struct {
    fml_points points;
    fml_limits limits;
    const double *weights;          /* (n,)           in     of the samples; NULL: all 1 */
    double min_samples;
    double weight_doubt;            /* rounding of a sum of weights: this times their number times their sizes; 0: sums are exact */
    int may_shrink;                 /* whether a weight is negative: no sum is settled before its end */
    int only_check;                 /* join: look for pairs in doubt between components, and join none */
    uint8_t *core;                  /* (n + 8,)       out    by place; 0 behind the last */
    int32_t *parents;               /* (n,)           out    by place, the forest of what is joined */
    int32_t *numbers;               /* (n,)           out    cluster of a core point, by place */
    int64_t *labels;                /* (n,)           out    of the samples */
    int64_t open;                   /* decisions that a pair in doubt, or a sum of weights, leaves open */
    int32_t any_doubt;              /* whether joining met such a pair */
} fml_dbscan;

static inline void fml_leave_open(fml_dbscan *t) { __atomic_fetch_add(&t->open, 1, __ATOMIC_RELAXED); }

/* The lanes of a vector at `first` that lie before `end`. */
static inline uint32_t fml_lanes(ptrdiff_t first, ptrdiff_t end) {
    return end - first < FML_LANES ? (1u << (end - first)) - 1 : (1u << FML_LANES) - 1;
}
/* The lanes that are core: the product moves the lowest bit of byte s to bit 56 + s. */
static inline uint32_t fml_core_lanes(const fml_dbscan *t, ptrdiff_t first) {
    uint64_t bytes;
    memcpy(&bytes, t->core + first, sizeof bytes);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bytes = __builtin_bswap64(bytes);
#endif
    return (uint32_t)(bytes * 0x0102040810204080u >> 56);
}

/* The forest of what is joined. A parent lies before its child, so the roots do not depend on which thread came first. */
static inline int32_t fml_root(int32_t *parents, int32_t i) {
    for (;;) {
        const int32_t parent = __atomic_load_n(parents + i, __ATOMIC_RELAXED);
        if (parent == i) return i;
        const int32_t above = __atomic_load_n(parents + parent, __ATOMIC_RELAXED);
        if (above == parent) return parent;
        __atomic_store_n(parents + i, above, __ATOMIC_RELAXED);
        i = above;
    }
}
static inline void fml_join(int32_t *parents, int32_t a, int32_t b) {
    for (;;) {
        a = fml_root(parents, a), b = fml_root(parents, b);
        if (a == b) return;
        const int32_t above = a < b ? a : b, below = a < b ? b : a;
        int32_t expected = below;
        if (__atomic_compare_exchange_n(parents + below, &expected, above, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) return;
    }
}

typedef struct { int32_t first, end; } fml_run;     /* places, or cells */

/* Neighbours of a point: those that are ones for sure, and all that may be. */
typedef struct { ptrdiff_t surely, perhaps; } fml_count;

/* Adds those in a run, until there are enough. */
static inline void fml_count_run(const fml_dbscan *t, ptrdiff_t place, ptrdiff_t first, ptrdiff_t end, fml_count *found) {
    for (; first < end && (double)found->surely < t->min_samples; first += FML_LANES) {
        const f64x8 squares = fml_squares(&t->points, place, first, t->limits.outside);
        const uint32_t lanes = fml_lanes(first, end);
        found->surely += __builtin_popcount(fml_at_most(squares, t->limits.inside) & lanes);
        found->perhaps += __builtin_popcount(fml_at_most(squares, t->limits.outside) & lanes);
    }
}

/* What the neighbours of a point weigh: at least and at most, as pairs are open; what rounding may add or take away. */
typedef struct { double least, most, sizes, number; } fml_weight;

static inline double fml_doubt(const fml_dbscan *t, const fml_weight *found) { return t->weight_doubt * found->number * found->sizes; }
static inline int fml_is_settled(const fml_dbscan *t, const fml_weight *found) {
    return !t->may_shrink && found->least - fml_doubt(t, found) >= t->min_samples;
}

/* Adds those in a run, pairs in doubt judged one by one. */
static void fml_weigh_run(const fml_dbscan *t, ptrdiff_t place, ptrdiff_t first, ptrdiff_t end, fml_weight *found) {
    for (; first < end && !fml_is_settled(t, found); first += FML_LANES) {
        const f64x8 squares = fml_squares(&t->points, place, first, t->limits.outside);
        const uint32_t surely = fml_at_most(squares, t->limits.inside);
        for (uint32_t lanes = fml_at_most(squares, t->limits.outside) & fml_lanes(first, end); lanes; lanes &= lanes - 1) {
            const int s = __builtin_ctz(lanes);
            const int is = surely >> s & 1 ? FML_IN : fml_judge(&t->points, &t->limits, place, first + s);
            if (is == FML_OUT) continue;
            const double weight = t->weights ? t->weights[t->points.order[first + s]] : 1;
            if (is == FML_IN || weight < 0) found->least += weight;
            if (is == FML_IN || weight > 0) found->most += weight;
            found->sizes += fabs(weight), found->number++;
        }
    }
}
static inline void fml_decide(fml_dbscan *t, ptrdiff_t place, const fml_weight *found) {
    if (found->least - fml_doubt(t, found) >= t->min_samples) t->core[place] = 1;
    else if (found->most + fml_doubt(t, found) >= t->min_samples) fml_leave_open(t);
}

/* Joins a pair in doubt that finds each other; or, to check, leaves open one that might join what is apart. */
static void fml_join_doubtful(fml_dbscan *t, int32_t a, int32_t b) {
    const int there = fml_judge(&t->points, &t->limits, a, b), back = fml_judge(&t->points, &t->limits, b, a);
    if (there == FML_OUT && back == FML_OUT) return;
    if (t->only_check) {
        if (fml_root(t->parents, a) != fml_root(t->parents, b)) fml_leave_open(t);
    } else if (there == FML_IN && back == FML_IN) fml_join(t->parents, a, b);
    else __atomic_store_n(&t->any_doubt, 1, __ATOMIC_RELAXED);
}

/* Joins a core point with its core neighbours in a run; `one`: with one of them. Whether there was one. */
static inline int fml_join_run(fml_dbscan *t, ptrdiff_t place, ptrdiff_t first, ptrdiff_t end, int one) {
    int any = 0;
    for (; first < end; first += FML_LANES) {
        const f64x8 squares = fml_squares(&t->points, place, first, t->limits.outside);
        const uint32_t within = fml_at_most(squares, t->limits.outside) & fml_lanes(first, end) & fml_core_lanes(t, first);
        const uint32_t surely = fml_at_most(squares, t->limits.inside) & within;
        for (uint32_t lanes = t->only_check ? 0 : surely; lanes; lanes &= lanes - 1) {
            fml_join(t->parents, (int32_t)place, (int32_t)(first + __builtin_ctz(lanes)));
            if (one) return 1;
            any = 1;
        }
        for (uint32_t lanes = within & ~surely; lanes; lanes &= lanes - 1)
            fml_join_doubtful(t, (int32_t)place, (int32_t)(first + __builtin_ctz(lanes)));
    }
    return any;
}

/* Cells of the grid and leaves of the tree: runs of points that are mostly one component. `common` is a core place of such a run, and -1
 * where it has none or is not known to be one. The thread that has the run sets it, others may still see -1. */
static inline int32_t fml_common(const int32_t *common) { return __atomic_load_n(common, __ATOMIC_RELAXED); }

static void fml_set_common(fml_dbscan *t, fml_run run, int32_t *common) {
    int32_t found = -1, root = -1;
    for (int32_t place = run.first; place < run.end; place++) {
        if (!t->core[place]) continue;
        const int32_t its = fml_root(t->parents, place);
        if (found >= 0 && its != root) return;
        found = place, root = its;
    }
    __atomic_store_n(common, found, __ATOMIC_RELAXED);
}
/* Joins the core points of a run with each other. */
static void fml_join_within(fml_dbscan *t, fml_run run, int32_t *common) {
    *common = -1;
    for (int32_t place = run.first; place < run.end; place++)
        if (t->core[place]) fml_join_run(t, place, place + 1, run.end, 0);
    fml_set_common(t, run, common);
}
/* Whether two runs, by their `common`, are one component. */
static inline int fml_are_one(fml_dbscan *t, int32_t a, int32_t b) {
    return a >= 0 && b >= 0 && fml_root(t->parents, a) == fml_root(t->parents, b);
}
/* Joins the core points of a run with those of another one. Where each is one component, a single pair is enough. */
static void fml_join_runs(fml_dbscan *t, fml_run run, fml_run other, int32_t *common, const int32_t *its_common) {
    const int32_t a = fml_common(common), b = fml_common(its_common);
    if (fml_are_one(t, a, b)) return;
    const int whole = a >= 0 && b >= 0;
    for (int32_t place = run.first; place < run.end; place++)
        if (t->core[place] && fml_join_run(t, place, other.first, other.end, whole) && whole) return;
    if (a < 0) fml_set_common(t, run, common);
}

/* Numbers the clusters in the order of their first core samples; places (n,): scratch. All others are noise so far. */
static void fml_number(fml_dbscan *t, int32_t *places) {
    const ptrdiff_t n = t->points.n;
    int32_t n_clusters = 0;
    for (ptrdiff_t place = 0; place < n; place++) places[t->points.order[place]] = (int32_t)place, t->numbers[place] = -1;
    for (ptrdiff_t i = 0; i < n; i++) {
        const int32_t place = places[i];
        t->labels[i] = -1;
        if (!t->core[place]) continue;
        const int32_t root = fml_root(t->parents, place);
        if (t->numbers[root] < 0) t->numbers[root] = n_clusters++;
        t->labels[i] = t->numbers[place] = t->numbers[root];
    }
}

/* The first cluster whose core points find a point: of those that do for sure, and of those that may. */
typedef struct { int32_t surely, perhaps; } fml_border;

static void fml_border_run(const fml_dbscan *t, ptrdiff_t place, ptrdiff_t first, ptrdiff_t end, fml_border *found) {
    for (; first < end; first += FML_LANES) {
        const f64x8 squares = fml_squares(&t->points, place, first, t->limits.outside);
        uint32_t lanes = fml_at_most(squares, t->limits.outside) & fml_lanes(first, end);
        if (!lanes) continue;
        const uint32_t surely = fml_at_most(squares, t->limits.inside);
        for (lanes &= fml_core_lanes(t, first); lanes; lanes &= lanes - 1) {
            const int s = __builtin_ctz(lanes);
            const int32_t number = t->numbers[first + s];
            if (number >= found->surely) continue;
            const int is = surely >> s & 1 ? FML_IN : fml_judge(&t->points, &t->limits, first + s, place);
            if (is == FML_IN) found->surely = number;
            else if (is == FML_OPEN && number < found->perhaps) found->perhaps = number;
        }
    }
}
static inline void fml_label(fml_dbscan *t, ptrdiff_t place, const fml_border *found) {
    if (found->perhaps < found->surely) fml_leave_open(t);
    if (found->surely < INT32_MAX) t->labels[t->points.order[place]] = found->surely;
}
#endif
