/* The k nearest samples of queries: a walk through the k-d tree, nearest child first. */
#ifndef FML_NEAREST_H
#define FML_NEAREST_H
#include "kd_tree.h"
#include "pairs.h"
#include "simd.h"
#include "votes.h"

/* Up to so many neighbours are kept in a sorted list, more in a heap. */
#define FML_LIST_VECTORS 4
#define FML_LIST (8 * FML_LIST_VECTORS)
/* Queries of a chunk. They are neighbours of each other, and find the nodes of the last one in the cache. */
#define FML_QUERIES 64
/* How many queries ahead memory is asked for: in 2-D a tenth of the time. */
#define FML_AHEAD 4

typedef struct {
    fml_kd tree;                     /* in */
    const double *X;                 /* (n_queries, d)  in */
    const int64_t *sequence;         /* (n_queries,)    in     which query comes when; NULL: in their order */
    double *distances;               /* (n_queries, k - selves)  out    or NULL */
    int64_t *indices;                /* (n_queries, k - selves)  out    or NULL */
    fml_votes *votes;                /* out    or NULL */
    fml_pair *scratch;               /* (n_threads, k)  for k > FML_LIST */
    ptrdiff_t n_queries, k;
    int metric, selves;              /* selves: query i is sample i, which is left out of its k: fml_left_out */
} fml_nearest;

typedef struct {
    double bound;                    /* reduced distance of the box */
    int32_t child;
    int32_t below;                   /* height of the pile below it and its siblings, which are no nearer */
} fml_waiting;

/* The k nearest so far.  A list lies at the end of n_vectors vectors, whose first places hold what comes before everything: so the
 * last of the k is always the last lane, and a new one is put in its place without a branch.  n_vectors is a constant wherever this
 * is used, 0 for a heap. */
typedef struct {
    f64x8 key[FML_LIST_VECTORS];
    i64x8 index[FML_LIST_VECTORS];
    fml_pair *heap;                  /* (k,) */
    ptrdiff_t k;
} fml_found;

FML_INLINE i64x8 fml_pick(i64x8 mask, i64x8 yes, i64x8 no) { return (yes & mask) | (no & ~mask); }
FML_INLINE i64x8 fml_splat(int64_t a) { return (i64x8){0} + a; }

/* By vectors: stores of single lanes would have to leave the store buffer before the first load, a seventh of the time in 2-D. */
FML_INLINE void fml_clear(fml_found *found, int n_vectors) {
    for (int v = 0; v < n_vectors; v++) {
        const i64x8 place = fml_splat(8 * (v - n_vectors)) + (i64x8){0, 1, 2, 3, 4, 5, 6, 7};
        const i64x8 before = (i64x8)(place < fml_splat(-found->k));
        found->key[v] = (f64x8)fml_pick(before, (i64x8)splat_f64x8(-INFINITY), (i64x8)splat_f64x8(INFINITY));
        found->index[v] = fml_pick(before, fml_splat(-1), fml_splat(INT64_MAX));
    }
    for (ptrdiff_t j = 0; !n_vectors && j < found->k; j++) found->heap[j] = (fml_pair){INFINITY, INT64_MAX};
}

/* The reduced distance of the last of the k. */
FML_INLINE double fml_last(const fml_found *found, int n_vectors) {
    return n_vectors ? found->key[n_vectors ? n_vectors - 1 : 0][7] : found->heap[0].key;
}

/* Whether a reduced distance is in the list already: only then indices are compared. */
FML_INLINE int fml_is_there(const fml_found *found, int n_vectors, double key) {
    unsigned equal = 0;
    for (int v = 0; v < n_vectors; v++)
        for (int part = 0; part < 8 / FML_LANES_F64; part++) {
            vf64 keys;
            memcpy(&keys, (const char *)&found->key[v] + part * sizeof keys, sizeof keys);
            equal |= fml_eq_bits(keys, vset1_f64(key));
        }
    return equal != 0;
}

/* Takes a sample in, which may come after all of the k. */
FML_INLINE void fml_take(fml_found *found, int n_vectors, double key, int64_t index) {
    if (!n_vectors) {
        const fml_pair taken = {key, index};
        if (!fml_before(taken, found->heap[0])) return;
        found->heap[0] = taken;
        fml_sink(found->heap, 0, found->k);
        return;
    }
    const int tied = fml_is_there(found, n_vectors, key);
    for (int v = n_vectors - 1; v >= 0; v--) {
        const f64x8 low_key = v ? found->key[v ? v - 1 : 0] : splat_f64x8(-INFINITY);
        const i64x8 low_index = v ? found->index[v ? v - 1 : 0] : fml_splat(-1);
        const f64x8 moved_key = __builtin_shufflevector(low_key, found->key[v], 7, 8, 9, 10, 11, 12, 13, 14);
        const i64x8 moved_index = __builtin_shufflevector(low_index, found->index[v], 7, 8, 9, 10, 11, 12, 13, 14);
        i64x8 stays = (i64x8)(found->key[v] < key), before = (i64x8)(moved_key < key);
        if (__builtin_expect(tied, 0)) {
            stays |= (i64x8)(found->key[v] == key) & (i64x8)(found->index[v] < index);
            before |= (i64x8)(moved_key == key) & (i64x8)(moved_index < index);
        }
        const i64x8 new_key = fml_pick(before, (i64x8)splat_f64x8(key), (i64x8)moved_key);
        found->key[v] = (f64x8)fml_pick(stays, (i64x8)found->key[v], new_key);
        found->index[v] = fml_pick(stays, found->index[v], fml_pick(before, fml_splat(index), moved_index));
    }
}

FML_INLINE void fml_scan_leaf(const fml_kd *tree, int metric, ptrdiff_t leaf, const double *x, fml_found *found, int n_vectors) {
    double distance[FML_LEAF];
    const double most = fml_last(found, n_vectors);
    unsigned bits = fml_leaf_distances(tree, metric, leaf, x, fml_sums_up_to(metric, most), distance);
    if (leaf == tree->n_leaves - 1) bits &= (1u << (tree->n - leaf * FML_LEAF)) - 1;
    if (metric == FML_HAVERSINE) bits = fml_settle_angles(tree, leaf, x, most, bits, distance);
    for (; bits; bits &= bits - 1) {
        const int s = __builtin_ctz(bits);
        fml_take(found, n_vectors, distance[s], tree->order[leaf * FML_LEAF + s]);
    }
}

/* Puts the children whose bits are set on the pile, the nearest on top: by ranks, whose computation has no branch either.
 * Bounds are compared but for their last bits, which hold the child's number.  Returns the new height. */
FML_INLINE int fml_pile_up(fml_waiting *waiting, int n_waiting, const double *bound, const int32_t *children, unsigned bits) {
    const i64x8 lanes = {0, 1, 2, 3, 4, 5, 6, 7};
    const i64x8 put = (i64x8)((fml_splat(bits) & (i64x8){1, 2, 4, 8, 16, 32, 64, 128}) != 0);
    const i64x8 key = fml_pick(put, (*(const i64x8 *)bound & ~(int64_t)7) | lanes, fml_splat(INT64_MAX));
    i64x8 rank = {0};
#define FML_AFTER(a, b, c, d, e, f, g, h) rank -= (i64x8)(__builtin_shufflevector(key, key, a, b, c, d, e, f, g, h) < key)
    FML_AFTER(1, 2, 3, 4, 5, 6, 7, 0);
    FML_AFTER(2, 3, 4, 5, 6, 7, 0, 1);
    FML_AFTER(3, 4, 5, 6, 7, 0, 1, 2);
    FML_AFTER(4, 5, 6, 7, 0, 1, 2, 3);
    FML_AFTER(5, 6, 7, 0, 1, 2, 3, 4);
    FML_AFTER(6, 7, 0, 1, 2, 3, 4, 5);
    FML_AFTER(7, 0, 1, 2, 3, 4, 5, 6);
#undef FML_AFTER
    const int n_new = __builtin_popcount(bits);
    int64_t place[8];                /* those left out come to lie above the top */
    *(i64x8 *)place = (fml_splat(n_new - 1) - rank) & 15;
    for (int c = 0; c < FML_WIDTH; c++) waiting[n_waiting + place[c]] = (fml_waiting){bound[c], children[c], n_waiting};
    return n_waiting + n_new;
}

FML_INLINE double fml_without_last_bits(double bound) {
    int64_t bits;
    memcpy(&bits, &bound, sizeof bits);
    bits &= ~(int64_t)7;
    memcpy(&bound, &bits, sizeof bound);
    return bound;
}

FML_INLINE void fml_find_nearest(const fml_kd *tree, const double *x, fml_found *found, int n_vectors, int metric) {
    fml_waiting waiting[FML_STACK];
    int n_waiting = 1;
    waiting[0] = (fml_waiting){0, 0, 0};
    fml_clear(found, n_vectors);
    while (n_waiting) {
        const fml_waiting here = waiting[--n_waiting];
        const double most = fml_sums_up_to(metric, fml_last(found, n_vectors));
        if (here.bound > most) { /* so are those below, unless they were put there by bits that were not compared */
            if (fml_without_last_bits(here.bound) > most) n_waiting = here.below;
            continue;
        }
        if (here.child < 0) {
            fml_scan_leaf(tree, metric, ~here.child, x, found, n_vectors);
            continue;
        }
        double bound[FML_WIDTH];
        const unsigned bits = fml_nearest_corners(tree, metric, here.child, x, most, bound);
        n_waiting = fml_pile_up(waiting, n_waiting, bound, tree->children + (ptrdiff_t)here.child * FML_WIDTH, bits);
    }
}

/* On the sphere reduced: scikit-learn lets NumPy take the arc sines, which are not the C library's, and so does the driver. */
FML_INLINE double fml_tell(int metric, double reduced) { return metric == FML_HAVERSINE ? reduced : fml_restore(metric, reduced); }

/* A place left empty by NaN among the samples, which is possible where nobody checked them, is sample 0 at infinity. */
FML_INLINE void fml_write_found(const fml_nearest *t, ptrdiff_t i, int worker, const fml_found *found, int n_vectors, int metric) {
    const ptrdiff_t k = t->k, first = 8 * n_vectors - k;
    double key[FML_LIST];
    int64_t index[FML_LIST], left_out = -1;
    for (int j = 0; j < 8 * n_vectors; j++) {
        key[j] = fml_tell(metric, found->key[j / 8][j % 8]);
        index[j] = found->index[j / 8][j % 8] == INT64_MAX ? 0 : found->index[j / 8][j % 8];
    }
    int64_t *indices = t->votes ? t->votes->indices + worker * (k - t->selves) : t->indices + i * (k - t->selves);
    double *distances = t->votes ? fml_booth(t->votes, worker) : t->distances ? t->distances + i * (k - t->selves) : NULL;
    if (t->selves) left_out = n_vectors ? fml_left_out(index + first, 1, k, i) : fml_left_out(&found->heap->index, 2, k, i);
    for (ptrdiff_t j = 0; j < k; j++)
        if (j != left_out) *indices++ = n_vectors ? index[first + j] : found->heap[j].index == INT64_MAX ? 0 : found->heap[j].index;
    for (ptrdiff_t j = 0; distances && j < k; j++)
        if (j != left_out) *distances++ = n_vectors ? key[first + j] : fml_tell(metric, found->heap[j].key);
    if (t->votes) fml_vote(t->votes, i, worker);
}

/* Where a query lies and where its answer goes, which is anywhere. */
FML_INLINE void fml_fetch(const fml_nearest *t, ptrdiff_t i) {
    __builtin_prefetch(t->X + i * t->tree.d);
    if (t->indices) __builtin_prefetch(t->indices + i * (t->k - t->selves), 1);
    if (t->distances) __builtin_prefetch(t->distances + i * (t->k - t->selves), 1);
}

FML_INLINE void fml_nearest_of_chunk(const fml_nearest *t, ptrdiff_t chunk, int worker, fml_pair *heap, int n_vectors, int metric) {
    const ptrdiff_t first = chunk * FML_QUERIES, end = first + FML_QUERIES < t->n_queries ? first + FML_QUERIES : t->n_queries;
    for (ptrdiff_t p = first; p < end; p++) {
        const ptrdiff_t i = t->sequence ? t->sequence[p] : p;
        if (t->sequence && p + FML_AHEAD < end) fml_fetch(t, t->sequence[p + FML_AHEAD]);
        fml_found found;
        found.heap = heap, found.k = t->k;
        fml_find_nearest(&t->tree, t->X + i * t->tree.d, &found, n_vectors, metric);
        if (!n_vectors) fml_sort_heap(heap, t->k);
        fml_write_found(t, i, worker, &found, n_vectors, metric);
    }
}

static inline void fml_nearest_chunk(void *task, ptrdiff_t chunk, int worker) {
    const fml_nearest *t = task;
    fml_pair *const heap = t->scratch + worker * t->k;
    switch (t->k > FML_LIST ? 0 : (t->k + 7) / 8) {
        case 0: FML_BY_METRIC_OR_POWER(t->metric, fml_nearest_of_chunk, t, chunk, worker, heap, 0); break;
        case 1: FML_BY_METRIC_OR_POWER(t->metric, fml_nearest_of_chunk, t, chunk, worker, NULL, 1); break;
        case 2: FML_BY_METRIC_OR_POWER(t->metric, fml_nearest_of_chunk, t, chunk, worker, NULL, 2); break;
        case 3: FML_BY_METRIC_OR_POWER(t->metric, fml_nearest_of_chunk, t, chunk, worker, NULL, 3); break;
        default: FML_BY_METRIC_OR_POWER(t->metric, fml_nearest_of_chunk, t, chunk, worker, NULL, 4);
    }
}
#endif
