/* The nearest of sparse samples, or those within a radius, by comparing every query with every sample.
 *
 * The products of a query and a block of samples are added up column by column: of each feature that the query has, over the samples that
 * have it too.  With the sizes of both they tell the square of the distance, |q|^2 + |x|^2 - 2 q.x, or 1 - q.x between rows of length 1, or
 * the manhattan distance, to which features that only one of the two has add no more than their size.  What has lost digits is computed by
 * differences (FML_LOST); so are all manhattan distances that may count, as they are in scikit-learn.  Each pair's sum is one chain in the
 * order of the features, in slabs, at every instruction set level and whichever way it is added up, so its bits hang on the pair alone.
 */
#ifndef FML_SPARSE_H
#define FML_SPARSE_H
#include "answers.h"
#include "hits.h"
#include "sparse_rows.h"

#define FML_SAMPLES 4096             /* of a block: what is added up for them, 32 KB, stays in the first-level cache */
/* Queries of a chunk, which pass over the samples together: a block's columns stay in the cache. */
#define FML_SPARSE_ASKED 32
#define FML_SIDE_BY_SIDE 8           /* queries that pass over the rows together where there are no columns */
/* Additions in the longest chain of a row of n entries. */
#define FML_CHAIN(n) (((n) < FML_SLAB_ENTRIES ? (n) : FML_SLAB_ENTRIES) + (n) / FML_SLAB_ENTRIES)
/* A key, from chains of m additions, errs by less than (2 m + 6) 2^-53 of the sizes of both rows; FML_ERROR is twice as much. */
#define FML_ERROR(m) (4 * ((double)(m) + 4) * 0x1p-53)
/* A square less than this share of |q|^2 + |x|^2 may err by more than 1e-12 of itself: the distance by more than half of that. */
#define FML_LOST(m) (((double)(m) + 4) * 0x1p-53 / 5e-13)

typedef struct {
    fml_entries X, Q;                /* in */
    const fml_columns *columns;      /* in    of X; NULL: few queries, each meets the rows of X */
    fml_answers answers;
    const double *limits;            /* (n_queries,)     in    largest key; NULL: the nearest are searched */
    int64_t *counts;                 /* (n_queries,)     out   in the first pass, of two; NULL in the second */
    const int64_t *indptr;           /* (n_queries + 1,) in    where a query's row begins */
    int64_t *members;                /* (n_found,)       out */
    double *distances;               /* (n_found,)       out   or NULL */
    double *sums;                    /* (n_threads, room), without columns (n_threads, asked, room)  zeros before and after */
    double *slabs;                   /* (n_threads, room)     zeros before and after; room: a block's samples, or all */
    double *spread;                  /* (n_threads, d, asked) zeros before and after; without columns */
    int64_t *cursors;                /* (n_threads, most entries of a chunk)   with columns */
    fml_pair *found;                 /* (n_threads, asked, k) */
    ptrdiff_t asked, room, n_cursors, longest;  /* longest: entries of a row of X */
} fml_sparse;

/* What is known of a query. */
typedef struct {
    ptrdiff_t at;
    double size, error, lost;
} fml_sparse_query;

FML_INLINE fml_sparse_query fml_sparse_ask(const fml_sparse *t, ptrdiff_t i) {
    const int64_t n = t->Q.indptr[i + 1] - t->Q.indptr[i], longest = n > t->longest ? n : t->longest;
    const double lost = t->Q.measure == FML_ABSOLUTE ? INFINITY : FML_LOST(FML_CHAIN(longest));
    return (fml_sparse_query){i, t->Q.sizes[i], FML_ERROR(FML_CHAIN(longest)), lost};
}

/* Adds up what n entries of the query from `e` on share with the samples from `first` to `end`, out (end - first,). */
FML_INLINE void fml_add_columns(const fml_sparse *t, int64_t e, int64_t n, int64_t *cursor, ptrdiff_t first, ptrdiff_t end, double scale,
                                const int absolute, double *restrict out) {
    const fml_columns *const c = t->columns;
    for (int64_t j = 0; j < n; j++) {
        const int32_t f = t->Q.indices[e + j];
        const double q = t->Q.data[e + j] * scale;
        if (c->place[f] >= 0) {
            const double *restrict x = c->full + c->place[f] * t->X.n + first;
            for (ptrdiff_t s = 0; s < end - first; s++) out[s] += fml_shared(q, x[s], absolute);
            continue;
        }
        const fml_entry *x = c->members + cursor[j], *const stop = c->members + c->starts[f + 1];
#define FML_ADD(at_) out[(at_).row - first] += fml_shared(q, (at_).value, absolute)
        for (; x + 4 <= stop && x[3].row < end; x += 4) FML_ADD(x[0]), FML_ADD(x[1]), FML_ADD(x[2]), FML_ADD(x[3]);
        for (; x < stop && x->row < end; x++) FML_ADD(*x);
#undef FML_ADD
        cursor[j] = x - c->members;
    }
}

/* Adds up what all entries of `width` queries from `first` on share with each sample, row by row, out (width, room).
 * spread (d, width): zeros before and after. */
FML_INLINE void fml_add_rows(const fml_sparse *t, ptrdiff_t first, const int width, const int absolute, double *restrict spread,
                             double *restrict sums) {
    const fml_entries *const Q = &t->Q;
    for (int64_t slab = 0, left = 1; left; slab += FML_SLAB_ENTRIES) {
        left = 0;
        for (int clears = 0; clears < 2; clears++) {
            for (ptrdiff_t i = first; i < first + width && i < Q->n; i++) {
                const int64_t e = Q->indptr[i] + slab, end = Q->indptr[i + 1];
                const double scale = Q->measure == FML_TURNED ? Q->sizes[i] : 1;
                for (int64_t j = e; j < end && j < e + FML_SLAB_ENTRIES; j++)
                    spread[Q->indices[j] * width + (i - first)] = clears ? 0 : Q->data[j] * scale;
                left |= end > e + FML_SLAB_ENTRIES;
            }
            for (ptrdiff_t s = 0; !clears && s < t->X.n; s++) {
                double part[FML_SIDE_BY_SIDE] = {0};
                for (int64_t j = t->X.indptr[s]; j < t->X.indptr[s + 1]; j++)
                    for (int l = 0; l < width; l++) part[l] += fml_shared(spread[t->X.indices[j] * width + l], t->X.data[j], absolute);
                for (int l = 0; l < width; l++) sums[l * t->room + s] += part[l];
            }
        }
    }
}

/* The key of a pair whose shared features add up to `sum`: what neighbours are ordered by.  Larger than `most`, it is not exact. */
FML_INLINE double fml_sparse_key(const fml_sparse *t, fml_sparse_query q, ptrdiff_t sample, double sum, double most) {
    const int measure = t->Q.measure;
    const double size = t->X.sizes[sample], both = measure == FML_TURNED ? 1 : q.size + size;
    const double key = measure == FML_TURNED ? 1 - sum * size : measure == FML_ABSOLUTE ? both + sum : both - (sum + sum);
    if (key > q.lost * both || key > most + both * q.error) return key;
    return fml_by_differences(&t->Q, q.at, &t->X, sample);
}

FML_INLINE double fml_sparse_told(const fml_sparse *t, double key) {
    return t->Q.measure == FML_APART ? sqrt(key) : t->Q.measure == FML_TURNED && key > 2 ? 2 : key;
}

/* Notes a sample within the radius, of which there are *length so far. */
FML_INLINE void fml_sparse_note(const fml_sparse *t, fml_sparse_query q, ptrdiff_t sample, double sum, int64_t *length) {
    const double most = t->limits[q.at], key = fml_sparse_key(t, q, sample, sum, most);
    if (!(key <= most) || (t->answers.selves && sample == q.at)) return;
    if (t->members) {
        t->members[t->indptr[q.at] + *length] = sample;
        if (t->distances) t->distances[t->indptr[q.at] + *length] = fml_sparse_told(t, key);
    }
    ++*length;
}

FML_INLINE void fml_sparse_keep(const fml_sparse *t, fml_sparse_query q, ptrdiff_t sample, double sum, fml_pair *found) {
    const ptrdiff_t k = t->answers.k;
    fml_keep(found, k, (fml_pair){fml_sparse_key(t, q, sample, sum, fml_last_of(found, k)->key), sample});
}

/* Looks through n samples from `first` on for the nearest of the query, or for those within its radius, and clears their sums. */
FML_INLINE void fml_sparse_sift(const fml_sparse *t, fml_sparse_query q, ptrdiff_t first, ptrdiff_t n, double *sums, fml_pair *found,
                                int64_t *length, const int within) {
    const int measure = t->Q.measure;
    const double *const sizes = t->X.sizes + first;
    for (ptrdiff_t s = 0; s < n; s += FML_LANES_F64) {
        const double last = within ? t->limits[q.at] : fml_last_of(found, t->answers.k)->key;
        double most = last;
        if (!within && last == 0) {  /* as near, but later, nothing comes before it: all rows may be equal */
            for (ptrdiff_t at = s; at < n; at++) sums[at] = 0;
            return;
        }
        unsigned bits = (1u << (n - s < FML_LANES_F64 ? n - s : FML_LANES_F64)) - 1;
        if (n - s >= FML_LANES_F64) {
            const vf64 sum = vload_f64(sums + s), size = vload_f64(sizes + s);
            vf64 low;
            if (measure == FML_TURNED) {
                low = vsub_f64(vset1_f64(1), vmul_f64(sum, size));
                if (last <= q.lost + q.error) most = last + q.error;
                /* as near as the last, but later, none comes before it: where all are at distance 1, they are many */
                else if (!within) most = nextafter(last, -INFINITY);
            } else {
                const vf64 both = vmul_f64(vadd_f64(vset1_f64(q.size), size), vset1_f64(1 - q.error));
                low = measure == FML_ABSOLUTE ? vadd_f64(both, sum) : vsub_f64(both, vadd_f64(sum, sum));
            }
            bits = fml_le_bits(low, vset1_f64(most));
        }
        for (; bits; bits &= bits - 1) {
            const ptrdiff_t at = s + __builtin_ctz(bits);
            if (within) fml_sparse_note(t, q, first + at, sums[at], length);
            else fml_sparse_keep(t, q, first + at, sums[at], found);
        }
        for (ptrdiff_t at = s; at < n && at < s + FML_LANES_F64; at++) sums[at] = 0;
    }
}

static inline void fml_sparse_finish(const fml_sparse *t, ptrdiff_t query, int worker, fml_pair *found, int64_t length) {
    if (t->limits) {
        if (t->counts) t->counts[query] = length;
        return;
    }
    if (t->answers.k > FML_ORDERED) fml_sort_heap(found, t->answers.k);
    for (ptrdiff_t j = 0; j < t->answers.k; j++) found[j].key = fml_sparse_told(t, found[j].key);
    fml_write_answers(&t->answers, query, worker, found);
}

/* Without columns: FML_SIDE_BY_SIDE queries, or one. */
static inline void fml_sparse_row_chunk(void *task, ptrdiff_t chunk, int worker) {
    const fml_sparse *t = task;
    const ptrdiff_t first = chunk * t->asked;
    fml_pair *const found = t->found + worker * t->answers.k;
    double *const sums = t->sums + worker * t->asked * t->room, *const spread = t->spread + worker * t->asked * t->Q.d;
    const int absolute = t->Q.measure == FML_ABSOLUTE;
    if (t->asked == 1 && absolute) fml_add_rows(t, first, 1, 1, spread, sums);
    else if (t->asked == 1) fml_add_rows(t, first, 1, 0, spread, sums);
    else if (absolute) fml_add_rows(t, first, FML_SIDE_BY_SIDE, 1, spread, sums);
    else fml_add_rows(t, first, FML_SIDE_BY_SIDE, 0, spread, sums);
    for (ptrdiff_t i = first; i < first + t->asked && i < t->Q.n; i++) {
        double *const own = sums + (i - first) * t->room;
        int64_t length = 0;
        fml_keep_none(found, t->answers.k);
        if (t->limits) fml_sparse_sift(t, fml_sparse_ask(t, i), 0, t->X.n, own, found, &length, 1);
        else fml_sparse_sift(t, fml_sparse_ask(t, i), 0, t->X.n, own, found, &length, 0);
        fml_sparse_finish(t, i, worker, found, length);
    }
}

/* What query i shares with a block of samples; returns where it is. */
static double *fml_sparse_sums(const fml_sparse *t, ptrdiff_t i, int64_t *cursor, ptrdiff_t first, ptrdiff_t end, int worker) {
    double *const sums = t->sums + worker * t->room, *const slab = t->slabs + worker * t->room;
    const int64_t begin = t->Q.indptr[i], n = t->Q.indptr[i + 1] - begin;
    const double scale = t->Q.measure == FML_TURNED ? t->Q.sizes[i] : 1;
    for (int64_t e = 0; e < n; e += FML_SLAB_ENTRIES) {
        const int64_t some = n - e < FML_SLAB_ENTRIES ? n - e : FML_SLAB_ENTRIES;
        double *const out = n > FML_SLAB_ENTRIES ? slab : sums;
        if (t->Q.measure == FML_ABSOLUTE) fml_add_columns(t, begin + e, some, cursor + e, first, end, scale, 1, out);
        else fml_add_columns(t, begin + e, some, cursor + e, first, end, scale, 0, out);
        for (ptrdiff_t s = 0; out == slab && s < end - first; s++) sums[s] += slab[s], slab[s] = 0;
    }
    return sums;
}

static inline void fml_sparse_chunk(void *task, ptrdiff_t chunk, int worker) {
    const fml_sparse *t = task;
    const ptrdiff_t first = chunk * t->asked, n = t->Q.n - first < t->asked ? t->Q.n - first : t->asked;
    const int64_t begin = t->Q.indptr[first];
    int64_t *const cursors = t->cursors + worker * t->n_cursors, length[FML_SPARSE_ASKED] = {0};
    fml_pair *const found = t->found + worker * t->asked * t->answers.k;
    for (int64_t e = begin; e < t->Q.indptr[first + n]; e++) cursors[e - begin] = t->columns->starts[t->Q.indices[e]];
    fml_keep_none(found, n * t->answers.k);
    for (ptrdiff_t block = 0; block < t->X.n; block += FML_SAMPLES) {
        const ptrdiff_t end = block + FML_SAMPLES < t->X.n ? block + FML_SAMPLES : t->X.n;
        for (ptrdiff_t i = 0; i < n; i++) {
            double *const sums = fml_sparse_sums(t, first + i, cursors + t->Q.indptr[first + i] - begin, block, end, worker);
            const fml_sparse_query q = fml_sparse_ask(t, first + i);
            if (t->limits) fml_sparse_sift(t, q, block, end - block, sums, found, length + i, 1);
            else fml_sparse_sift(t, q, block, end - block, sums, found + i * t->answers.k, length + i, 0);
        }
    }
    for (ptrdiff_t i = 0; i < n; i++) fml_sparse_finish(t, first + i, worker, found + i * t->answers.k, length[i]);
}
#endif
