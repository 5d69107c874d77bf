/* Donors for the missing entries of samples: for each the k nearest that have an entry in its column.
 *
 * scikit-learn's own distances decide (donors_impl.h), so that the same donors are taken.  A register tile (runtime/tile_impl.h) of
 * three products a feature, one of those of |p y x - p x y|^2 where p tells what is there, says with a bound on all roundings which donors
 * may count: a handful of k log(n / k).  Where the last donor is as near as the next one, scikit-learn's choice hangs on its partition of
 * all distances: such entries are left open.
 */
#ifndef FML_DONORS_H
#define FML_DONORS_H
#include <math.h>
#include <stdint.h>
#include "hits.h"
#include "pairs.h"

#define FML_TOGETHER 8               /* donors whose distances are computed side by side */
#define FML_WIDE ((int)(FML_VECTORS * sizeof(vf64) / sizeof(double)))   /* donors of a block */
#define FML_ASKED 96                 /* receivers of a chunk: with a block of donors they stay in the cache */
#define FML_KEPT 65536               /* donors kept for a chunk's entries together; with more a chunk has fewer receivers */
#define FML_ORDERED 32               /* up to so many donors of an entry are kept in order, more in a heap */
#define FML_MEASURED 32              /* receivers of a chunk of fml_measure */
#define FML_BLOCKS 16                /* blocks of the table in a chunk of fml_fill */
enum { FML_ALIKE, FML_BY_DISTANCE, FML_BY_CALLER };
enum { FML_DECIDED, FML_OPEN, FML_ALONE };

typedef struct {
    const void *X;                   /* (n, d)  T        in    0 where missing */
    const uint8_t *missing;          /* (n, d)           in */
    const double *norms;             /* (n,)             in    squares */
    ptrdiff_t n;
} fml_incomplete;

typedef struct {
    fml_incomplete donors, receivers;
    double *table;                   /* (n_blocks, 3 d + 1, FML_WIDE)    in, out of fml_fill;  or NULL */
    const int64_t *starts;           /* (n_receivers + 1,)               in */
    const int32_t *columns;          /* (n_entries,)                     in */
    const int64_t *supply;           /* (d,)                             in    donors of a column */
    const int64_t *ends, *gap_ends;  /* (n_chains,), (n_gap_chains,)     in */
    double *values;                  /* (n_entries,)     out */
    uint8_t *states;                 /* (n_entries,)     out */
    int64_t *given;                  /* (n_entries, k)   out   or NULL */
    double *distances;               /* (n_entries, k)   out   or NULL;  of fml_measure: (n_receivers, n_donors) */
    double *scratch;                 /* (n_threads, asked, 3 d + 1) */
    double *lanes;                   /* (n_threads, 2, d, FML_TOGETHER)  T */
    fml_pair *found;                 /* (n_threads, room) */
    ptrdiff_t d, k, asked, room, certain, n_chains, n_gap_chains;
    int weights, is_f32;
} fml_imputation;

#define FML_IMPL "tile_impl.h"
#include "typed.h"
#define FML_IMPL "donors_impl.h"
#include "typed.h"

/* Distances of a receiver from any FML_TOGETHER donors. */
FML_INLINE void fml_distances(const fml_imputation *t, ptrdiff_t row, const int64_t *donors, void *lanes, double *out) {
    if (t->is_f32) fml_gather_f32(t, donors, lanes), fml_distances_f32(t, row, donors, lanes, out);
    else fml_gather_f64(t, donors, lanes), fml_distances_f64(t, row, donors, lanes, out);
}

static inline void fml_fill(void *task, ptrdiff_t chunk, int worker) {
    const fml_imputation *t = task;
    const ptrdiff_t n_blocks = (t->donors.n + FML_WIDE - 1) / FML_WIDE, first = chunk * FML_BLOCKS;
    for (ptrdiff_t b = first; b < first + FML_BLOCKS && b < n_blocks; b++) {
        if (t->is_f32) fml_fill_block_f32(t, b);
        else fml_fill_block_f64(t, b);
    }
}

static inline void fml_measure(void *task, ptrdiff_t chunk, int worker) {
    const fml_imputation *t = task;
    const ptrdiff_t begin = chunk * FML_MEASURED;
    const ptrdiff_t end = begin + FML_MEASURED < t->receivers.n ? begin + FML_MEASURED : t->receivers.n;
    void *const lanes = t->lanes + worker * 2 * t->d * FML_TOGETHER;
    if (t->is_f32) fml_measure_rows_f32(t, begin, end, lanes);
    else fml_measure_rows_f64(t, begin, end, lanes);
}

/* What the squared distances, times the share of common entries, of donors may differ by from the tile's: this times both squares. */
FML_INLINE double fml_unit(const fml_imputation *t) { return (16 * (double)t->d + 64) * (t->is_f32 ? 0x1p-24 : 0x1p-53); }

/* How many of an entry's donors are kept: one more than are taken, to see ties. */
FML_INLINE ptrdiff_t fml_kept_of(const fml_imputation *t, ptrdiff_t entry) {
    const int64_t supply = t->supply[t->columns[entry]];
    return supply < t->k + 1 ? supply : t->k + 1;
}

FML_INLINE double fml_worst(const fml_pair *found, ptrdiff_t kept) { return found[kept > FML_ORDERED ? 0 : kept - 1].key; }

static inline void fml_admit(fml_pair *found, ptrdiff_t kept, fml_pair donor) {
    ptrdiff_t at = kept > FML_ORDERED ? 0 : kept - 1;
    if (!fml_before(donor, found[at])) return;
    if (kept > FML_ORDERED) {
        found[0] = donor;
        fml_sink(found, 0, kept);
        return;
    }
    for (; at > 0 && fml_before(donor, found[at - 1]); at--) found[at] = found[at - 1];
    found[at] = donor;
}

/* A receiver of a chunk. */
typedef struct {
    ptrdiff_t row;
    fml_pair *found;                 /* (entries of the row, k + 1) */
    void *lanes;                     /* (2, d, FML_TOGETHER) */
    double most, doubt;              /* a donor counts if its tile is at most  most * common + doubt */
    int n_waiting;
    int64_t waiting[FML_TOGETHER];
} fml_receiver;

/* Computes what waits, and offers it to the entries of the row. */
static void fml_settle(const fml_imputation *t, fml_receiver *r) {
    double distance[FML_TOGETHER], worst = 0;
    if (!r->n_waiting) return;
    for (int s = r->n_waiting; s < FML_TOGETHER; s++) r->waiting[s] = r->waiting[0];
    fml_distances(t, r->row, r->waiting, r->lanes, distance);
    for (ptrdiff_t e = t->starts[r->row]; e < t->starts[r->row + 1]; e++) {
        fml_pair *const found = r->found + (e - t->starts[r->row]) * (t->k + 1);
        const ptrdiff_t kept = fml_kept_of(t, e);
        for (int s = 0; s < r->n_waiting; s++)
            if (!isnan(distance[s]) && !t->donors.missing[r->waiting[s] * t->d + t->columns[e]])
                fml_admit(found, kept, (fml_pair){distance[s], r->waiting[s]});
        worst = fmax(worst, fml_worst(found, kept));
    }
    r->most = worst * worst / (double)t->d * (1 + 0x1p-20);
    r->n_waiting = 0;
}

FML_INLINE void fml_let_wait(const fml_imputation *t, fml_receiver *r, int64_t donor) {
    r->waiting[r->n_waiting++] = donor;
    if (r->n_waiting == FML_TOGETHER) fml_settle(t, r);
}

/* Tells whether rounding may decide which donors of a row are the first `taken`, or what their weights are to six digits. */
FML_INLINE int fml_in_doubt(const fml_imputation *t, ptrdiff_t row, const fml_pair *found, ptrdiff_t taken, ptrdiff_t n_found) {
    double norm = 0;
    if (row < t->certain) return n_found > taken && found[taken - 1].key == found[taken].key;
    for (ptrdiff_t j = 0; j < n_found; j++) norm = fmax(norm, t->donors.norms[found[j].index]);
    const double doubt = 4 * fml_unit(t) * (norm + t->receivers.norms[row]) * (double)t->d + 0x1p-1000;
    if (t->weights != FML_ALIKE && found[0].key * found[0].key <= 0x1p20 * doubt) return 1;
    return n_found > taken && found[taken].key * found[taken].key - found[taken - 1].key * found[taken - 1].key <= doubt;
}

static void fml_give(const fml_imputation *t, ptrdiff_t row, ptrdiff_t e, fml_pair *found) {
    const ptrdiff_t kept = fml_kept_of(t, e);
    ptrdiff_t n_found = 0;
    if (kept > FML_ORDERED) fml_sort_heap(found, kept);
    while (n_found < kept && found[n_found].key < INFINITY) n_found++;
    const ptrdiff_t taken = n_found < t->k ? n_found : t->k;
    t->values[e] = 0;
    t->states[e] = !n_found ? FML_ALONE : fml_in_doubt(t, row, found, taken, n_found) ? FML_OPEN : FML_DECIDED;
    if (t->states[e] == FML_DECIDED && t->weights != FML_BY_CALLER)
        t->values[e] = t->is_f32 ? fml_mean_f32(t, found, taken, t->columns[e]) : fml_mean_f64(t, found, taken, t->columns[e]);
    if (t->given == NULL) return;
    for (ptrdiff_t j = 0; j < t->k; j++) {
        t->given[e * t->k + j] = j < taken ? found[j].index : -1;
        t->distances[e * t->k + j] = j < taken ? found[j].key : NAN;
    }
}

/* Lets those donors of a block wait that the tile does not put beyond all that are kept. */
FML_INLINE void fml_sift(const fml_imputation *t, ptrdiff_t block, const vf64 *tile, const vf64 *common, fml_receiver *r) {
    unsigned bits[FML_VECTORS], any = 0;
    for (int v = 0; v < FML_VECTORS; v++) {
        const vf64 most = vadd_f64(vmul_f64(common[v], vset1_f64(r->most)), vset1_f64(r->doubt));
        any |= bits[v] = fml_le_bits(tile[v], most) & fml_le_bits(vset1_f64(1), common[v]);
    }
    if (!any) return;
    for (int v = 0; v < FML_VECTORS; v++)
        for (; bits[v]; bits[v] &= bits[v] - 1)
            fml_let_wait(t, r, block * FML_WIDE + v * FML_LANES_F64 + __builtin_ctz(bits[v]));
}

/* q (3 d + 1,)  out   what the table is multiplied with */
static void fml_prepare_receiver(const fml_imputation *t, ptrdiff_t row, double *q) {
    const ptrdiff_t d = t->d;
    for (ptrdiff_t f = 0; f < d; f++) {
        const ptrdiff_t at = row * d + f;
        const double x = t->is_f32 ? (double)((const float *)t->receivers.X)[at] : ((const double *)t->receivers.X)[at];
        q[f] = x * x, q[d + f] = -2 * x, q[2 * d + f] = !t->receivers.missing[at];
    }
    q[3 * d] = -fml_unit(t);
}

static inline void fml_give_chunk(void *task, ptrdiff_t chunk, int worker) {
    const fml_imputation *t = task;
    const ptrdiff_t d = t->d, stride = 3 * d + 1, first = chunk * t->asked;
    const ptrdiff_t n = t->receivers.n - first < t->asked ? t->receivers.n - first : t->asked;
    const ptrdiff_t n_blocks = (t->donors.n + FML_WIDE - 1) / FML_WIDE;
    double *const Q = t->scratch + worker * t->asked * stride;
    fml_pair *const found = t->found + worker * t->room;
    fml_receiver receivers[FML_ASKED];
    for (ptrdiff_t j = 0; j < (t->starts[first + n] - t->starts[first]) * (t->k + 1); j++) found[j] = (fml_pair){INFINITY, INT64_MAX};
    for (ptrdiff_t i = 0; i < n; i++) {
        const ptrdiff_t row = first + i;
        fml_pair *const mine = found + (t->starts[row] - t->starts[first]) * (t->k + 1);
        receivers[i] = (fml_receiver){row, mine, t->lanes + worker * 2 * d * FML_TOGETHER, INFINITY};
        receivers[i].doubt = fml_unit(t) * t->receivers.norms[row] + 0x1p-1000;
        if (t->table) fml_prepare_receiver(t, row, Q + i * stride);
        else for (ptrdiff_t j = 0; j < t->donors.n; j++) fml_let_wait(t, receivers + i, j);
    }
    for (ptrdiff_t b = 0; t->table && b < n_blocks; b++) {
        const double *const rows = t->table + b * stride * FML_WIDE;
#define FML_COMPARE(n_rows_)                                                                                      \
        {                                                                                                         \
            vf64 tile[FML_ROWS][FML_VECTORS], common[FML_ROWS][FML_VECTORS];                                      \
            dots_f64(rows, Q + i * stride, stride, stride, n_rows_, NULL, tile);                                  \
            dots_f64(rows, Q + i * stride + 2 * d, d, stride, n_rows_, NULL, common);                             \
            for (int r = 0; r < n_rows_; r++) fml_sift(t, b, tile[r], common[r], receivers + i + r);              \
        }
        FML_EACH_TILE(i, n, FML_COMPARE)
#undef FML_COMPARE
    }
    for (ptrdiff_t i = 0; i < n; i++) {
        const ptrdiff_t row = first + i;
        fml_settle(t, receivers + i);
        for (ptrdiff_t e = t->starts[row]; e < t->starts[row + 1]; e++)
            fml_give(t, row, e, receivers[i].found + (e - t->starts[row]) * (t->k + 1));
    }
}
#endif
