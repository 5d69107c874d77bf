/* C side of lloyd.pyx: the tasks that a chunk of samples is, for both types. */
#ifndef FML_LLOYD_H
#define FML_LLOYD_H
#include <float.h>
#include <stdint.h>
#include <stdlib.h>
#include "lanes.h"

#define FML_BLOCK_ROWS 256           /* rows that share one entry of block_norms */
#define FML_CHUNK_ROWS 2048          /* at most, and always whole blocks */
#define FML_TILE_BYTES (FML_VECTORS * sizeof(vf64))  /* a tile's share of one feature: its scratch has d times as much */

/* What the sums over clusters read and write. */
typedef struct {
    const void *X;                   /* (n, d)  T   in */
    const void *weights;             /* (n,)    T   in     NULL: all 1 */
    const int32_t *labels;           /* (n,)        in */
    const unsigned char *touched;    /* (k,)        in     clusters to add up anew; NULL: all */
    const void *centers;             /* (k, d)  T   in     for the distances */
    void *sums, *totals;             /* (k, d), (k,)  T  out */
    void *values;                    /* (n,)    T   out    weighted squared distances to the own centre */
    ptrdiff_t n, d, k, chunk_rows;
    ptrdiff_t k_parts, f_parts;      /* how the clusters and the features are divided */
    int is_f32;
} fml_sums;

/* What the assignment of samples to centres reads and writes.  T is double or float, by `is_f32`. */
typedef struct {
    const void *X;                   /* (n, d)  T   in */
    const void *centers;             /* (k, d)  T   in */
    const void *c_norms;             /* (k,)    T   in     squared norms, as the caller's rule wants them rounded */
    ptrdiff_t n, d, k, chunk_rows;
    ptrdiff_t small_from;            /*             in     from this sample on, scikit-learn's GEMM is the one for small matrices: gemm.py */
    const uint8_t *kinds;            /* (2, 256)    in     kinds of the samples of whole chunks of it, and of the last one; NULL: all 0 */
    const uint8_t *side_chains;      /* (n_kinds, k)  in   how many chains such samples meet the centres in; 1 for kind 0: gemm.py */
    const int32_t *chain_ends;       /* (n_chains,) in     where its chains of fused operations end; one: d */
    int n_chains;
    int32_t *labels;                 /* (n,)        inout  -1 where there is none yet */
    float *upper, *lower;            /* (n,)        inout  bounds of the distances to the own and to any other centre; NULL: none kept */
    float *block_norms;              /* (ceil(n / 256),) inout  largest norm of each block of rows */
    const float *moved, *others_moved;  /* (k,)     in     how far the centre, and any other centre, moved since the bounds were written */
    const float *nearest_other;      /* (k,)        in     lower bound of the distance to the nearest other centre */
    const void *mover_centers, *mover_norms;  /* (n_movers, d), (n_movers,)  T  in  centres that moved most, in ascending order */
    const int32_t *movers;           /* (n_movers,) in     their numbers */
    const int32_t *mover_at;         /* (k,)        in     place of a centre among the movers, -1: none */
    ptrdiff_t n_movers;
    const double *origin;            /* (d,)        in     of the float copies below, near the samples */
    const float *narrow_centers, *narrow_norms;  /* (k, d), (k,)  in  the centres from there, for a screen in float; NULL: none */
    const float *narrow_movers, *narrow_mover_norms;  /* (n_movers, d), (n_movers,)  in */
    double origin_norm, narrow_norm_max;
    float quiet_moved;               /*             in     how far any other centre moved */
    unsigned char *touched;          /* (k,)        out    1: a sample left or joined the cluster */
    const fml_sums *sums;            /*             in     sums that each chunk is added to once it has its labels; NULL: none */
    unsigned char *done;             /* (n_chunks,) zeros  with `sums`: the chunk has its labels */
    ptrdiff_t n_chunks, next;        /*             inout  chunks before `next` are added up */
    int adding;                      /*             0      a thread is adding up */
    void *scratch;                   /* (n_threads, scratch_size) */
    ptrdiff_t scratch_size;
    double c_norm_max;               /* largest norm of a centre */
    int64_t n_changed, n_evaluated;  /*             out    samples with a new label; samples whose distances were all computed */
    const void *halves;              /* (k + 1, k)  T   in     with `elkan`: see elkan.py; NULL: all centres are looked at */
    unsigned char *unsure;           /* (n,)        out    with `elkan`: 1 where the past may have its say */
    int is_f32;
    int elkan;                       /* Elkan's rule for close calls instead of Lloyd's */
    int known;                       /* the bounds hold something: use them; else write all */
} fml_assign;

/* Distances between the centres. */
typedef struct {
    const void *centers, *c_norms;   /* (k, d), (k,)  T   in */
    ptrdiff_t d, k;
    float *nearest_other;            /* (k,)    out    lower bound of the distance to the nearest other centre */
    void *scratch;
    ptrdiff_t scratch_size;
    double c_norm_max;
    int is_f32;
} fml_gaps;

/* Squares below this are not told apart in float, and no sample is settled by them. */
#define FML_LEAST 0x1p-100f

/* Is every other centre farther away than the own one, by more than rounding could hide?
 * `doubt` is the difference of squared distances that it could; the other centre's distance is at least `lower`,
 * and at least what the triangle inequality leaves of the distance between the centres. */
FML_INLINE int fml_settled(float upper, float lower, float nearest_other, float doubt) {
    const float apart = nearest_other - upper, other = lower > apart ? lower : apart;
    return (other - upper) * (other + upper) > doubt;
}

#define FML_GEMM_ROWS 256            /* samples of one call of GEMM in scikit-learn */
#define FML_CHAINS 8                 /* chains of fused operations that run side by side, to hide their latency */

/* Kinds of sample i and of those after it in the chunk that scikit-learn's GEMM is called for. */
FML_INLINE const uint8_t *fml_kinds(const fml_assign *t, ptrdiff_t i) {
    return t->kinds + (i >= t->n - t->n % FML_GEMM_ROWS) * FML_GEMM_ROWS + i % FML_GEMM_ROWS;
}
FML_INLINE int fml_kind(const fml_assign *t, ptrdiff_t i) { return t->kinds ? *fml_kinds(t, i) : 0; }

/* Is a close call of the tile not final for sample i?  A tile of fused operations takes the decisions of the packed GEMM itself. */
FML_INLINE int fml_decides_again(const fml_assign *t, ptrdiff_t i) { return t->elkan || !FML_HAS_FMA || i >= t->small_from || fml_kind(t, i); }

/* Is any of these samples, of one chunk, of a kind with chains side by side? */
FML_INLINE int fml_any_kind(const fml_assign *t, ptrdiff_t first, int n_rows) {
    if (!t->kinds) return 0;
    const uint8_t *const kinds = fml_kinds(t, first);
    uint8_t any = 0;
    for (int s = 0; s < n_rows; s++) any |= kinds[s];
    return any;
}

FML_INLINE void fml_relabel(fml_assign *t, ptrdiff_t i, int32_t label, int64_t *n_changed) {
    const int32_t old = t->labels[i];
    if (label == old) return;
    ++*n_changed;
    t->labels[i] = label;
    if (!t->touched) return;
    if (old >= 0) __atomic_store_n(t->touched + old, 1, __ATOMIC_RELAXED);
    __atomic_store_n(t->touched + label, 1, __ATOMIC_RELAXED);
}

/* The same for many, those in a row eight at a time: mostly nothing changes. */
FML_INLINE void fml_relabel_run(fml_assign *t, ptrdiff_t first, const int32_t *labels, int n_rows, int64_t *n_changed) {
    if (!t->touched) {
        int32_t differ = 0;
        for (int s = 0; s < n_rows; s++) differ += labels[s] != t->labels[first + s];
        *n_changed += differ;
        memcpy(t->labels + first, labels, n_rows * sizeof *labels);
        return;
    }
    for (int s = 0; s < n_rows; s += 8) {
        const int32_t *const old = t->labels + first + s, end = n_rows - s < 8 ? n_rows - s : 8;
        int32_t differ = 0;
        if (end == 8) for (int r = 0; r < 8; r++) differ |= labels[s + r] ^ old[r];
        if (differ || end < 8)
            for (int r = 0; r < end; r++) fml_relabel(t, first + s + r, labels[s + r], n_changed);
    }
}

FML_INLINE void fml_relabel_rows(fml_assign *t, ptrdiff_t start, const int32_t *rows, const int32_t *labels, int n_rows, int64_t *n_changed) {
    if (rows[n_rows - 1] - rows[0] == n_rows - 1) fml_relabel_run(t, start + rows[0], labels, n_rows, n_changed);
    else for (int s = 0; s < n_rows; s++) fml_relabel(t, start + rows[s], labels[s], n_changed);
}

/* Bounds of samples from squared distances: at most near2 to the own centre, at least next2 to the others looked at; with `movers` those
 * are not all, and what the bounds said of the rest still holds.  Squares may be more than a float holds (X of 1e19 and more), or, where
 * they overflowed, no number: then nothing is known. */
FML_INLINE void fml_set_bounds(fml_assign *t, ptrdiff_t start, const int32_t *rows, int n_rows, const float *norm, const float *near2,
                               const float *next2, int movers) {
    float upper[FML_BLOCK_ROWS], lower[FML_BLOCK_ROWS], largest = 0;
    for (int s = 0; s < n_rows; s++) {
        const float far2 = next2[s] > FLT_MAX ? FLT_MAX : next2[s];
        upper[s] = near2[s] >= 0 ? sqrtf(near2[s]) * (1 + 0x1p-20f) + 0x1p-60f : INFINITY;  /* what squares lose below 2^-120 */
        lower[s] = sqrtf(far2 > 0 ? far2 : 0) * (1 - 0x1p-20f);
    }
    for (int s = 0; s < n_rows; s++)
        if (!(norm[s] <= largest)) largest = norm[s];
    for (ptrdiff_t b = (start + rows[0]) / FML_BLOCK_ROWS; b <= (start + rows[n_rows - 1]) / FML_BLOCK_ROWS; b++)
        if (!(largest <= t->block_norms[b])) t->block_norms[b] = largest * (1 + 0x1p-20f);
    if (!movers && rows[n_rows - 1] - rows[0] == n_rows - 1) {
        memcpy(t->upper + start + rows[0], upper, n_rows * sizeof *upper);
        memcpy(t->lower + start + rows[0], lower, n_rows * sizeof *lower);
        return;
    }
    for (int s = 0; s < n_rows; s++) {
        const ptrdiff_t i = start + rows[s];
        const float rest = movers ? t->lower[i] - t->quiet_moved : INFINITY;
        t->upper[i] = upper[s];
        t->lower[i] = lower[s] < rest ? lower[s] : rest;
    }
}

/* Samples of a chunk that the bounds do not settle, counted from its first. */
typedef struct {
    int32_t all[FML_CHUNK_ROWS], few[FML_CHUNK_ROWS];  /* all centres are in question; only the movers and the own one */
    int n_all, n_few;
    int64_t n_changed;               /* labels */
} fml_open;

/* Takes over the labels and bounds of samples that are sure; lists the others, whose bounds will be written anew.  Returns how many.
 *
 * left   (n_rows,)   out   may be `rows` */
FML_INLINE int fml_keep_sure(fml_assign *t, ptrdiff_t start, const int32_t *rows, int n_rows, const int32_t *sure, const int32_t *label,
                             const float *norm, const float *near2, const float *next2, int movers, int32_t *left, int64_t *n_changed) {
    int all_sure = 1, n_left = 0;
    for (int s = 0; s < n_rows; s++) all_sure &= sure[s];
    if (t->upper) fml_set_bounds(t, start, rows, n_rows, norm, near2, next2, movers);
    if (all_sure) fml_relabel_rows(t, start, rows, label, n_rows, n_changed);
    else for (int s = 0; s < n_rows; s++)
        if (sure[s]) fml_relabel(t, start + rows[s], label[s], n_changed);
        else left[n_left++] = rows[s];
    return n_left;
}

#define FML_TIGHTENED 9              /* clusters from which a look at the own centre costs less than one at all of them */
#define FML_FEW 4                    /* clusters up to which samples are read once, without a tile, if they are */
#define FML_LONG 256                 /* so many bytes long (2000 x 784, k=2: 766 to 300 us) */
FML_INLINE int fml_few(const fml_assign *t) {
    return t->k <= FML_FEW && t->d * (t->is_f32 ? sizeof(float) : sizeof(double)) >= FML_LONG;
}

#define FML_IMPL "tile_impl.h"
#include "typed.h"
#define FML_IMPL "distance_impl.h"
#include "typed.h"
#define FML_IMPL "sums_impl.h"
#include "typed.h"
#define FML_IMPL "lloyd_impl.h"
#include "typed.h"

#include "screen.h"

/* A chunk has its labels. Chunks are added up in their order, by whichever thread comes first while the others go on: sums that do not
 * depend on the number of threads, from rows that are still in a cache. */
static inline void fml_add_in_turn(fml_assign *t, ptrdiff_t chunk) {
    __atomic_store_n(t->done + chunk, 1, __ATOMIC_SEQ_CST);
    do {
        if (__atomic_exchange_n(&t->adding, 1, __ATOMIC_SEQ_CST)) return;  /* who is at it looks again when done */
        for (; t->next < t->n_chunks && __atomic_load_n(t->done + t->next, __ATOMIC_SEQ_CST); t->next++) {
            const ptrdiff_t start = t->next * t->chunk_rows, end = start + t->chunk_rows < t->n ? start + t->chunk_rows : t->n;
            if (t->is_f32) add_rows_f32(t->sums, start, end, 0, t->k, 0, t->d);
            else add_rows_f64(t->sums, start, end, 0, t->k, 0, t->d);
        }
        chunk = t->next;
        __atomic_store_n(&t->adding, 0, __ATOMIC_SEQ_CST);
    } while (chunk < t->n_chunks && __atomic_load_n(t->done + chunk, __ATOMIC_SEQ_CST));
}

static inline void fml_assign_chunk(void *task, ptrdiff_t chunk, int worker) {
    fml_assign *t = task;
    void *const xt = (char *)t->scratch + worker * t->scratch_size;
    const ptrdiff_t start = chunk * t->chunk_rows, end = start + t->chunk_rows < t->n ? start + t->chunk_rows : t->n;
    fml_open open;
    open.n_all = open.n_few = 0, open.n_changed = 0;
    if (!t->upper && !t->narrow_centers && !fml_few(t) && !t->elkan && FML_HAS_FMA && end <= t->small_from) {
        open.n_all = (int)(end - start);
        if (t->is_f32) label_run_f32(t, start, end, xt, &open.n_changed);
        else label_run_f64(t, start, end, xt, &open.n_changed);
    } else {
        if (t->is_f32) collect_f32(t, start, end, &open);
        else collect_f64(t, start, end, &open);
        const int n_all = open.n_all;
        if (fml_few(t)) open.n_all = t->is_f32 ? screen_few_f32(t, start, &open) : screen_few_f64(t, start, &open);
        else if (t->narrow_centers) fml_screen(t, start, &open, xt);
        if (t->is_f32) close_f32(t, start, &open, xt);
        else close_f64(t, start, &open, xt);
        open.n_all = n_all;
    }
    __atomic_fetch_add(&t->n_evaluated, open.n_all, __ATOMIC_RELAXED);
    __atomic_fetch_add(&t->n_changed, open.n_changed, __ATOMIC_RELAXED);
    if (t->sums) fml_add_in_turn(t, chunk);
}

static inline void fml_gaps_block(void *task, ptrdiff_t i, int worker) {
    const fml_gaps *t = task;
    if (t->is_f32) gaps_block_f32(t, i, worker);
    else gaps_block_f64(t, i, worker);
}

static inline ptrdiff_t fml_gaps_blocks(const fml_gaps *t) {
    const ptrdiff_t rows = FML_TILE_BYTES / (t->is_f32 ? sizeof(float) : sizeof(double));
    return (t->k + rows - 1) / rows;
}

/* Part i of the clusters x features.  Each sum has one owner who meets the samples in order: no division changes a bit. */
static inline void fml_sums_part(void *task, ptrdiff_t i) {
    const fml_sums *t = task;
    const ptrdiff_t a = i % t->k_parts, b = i / t->k_parts;
    const ptrdiff_t k0 = t->k * a / t->k_parts, k1 = t->k * (a + 1) / t->k_parts;
    const ptrdiff_t f0 = t->d * b / t->f_parts, f1 = t->d * (b + 1) / t->f_parts;
    if (t->is_f32) add_up_f32(t, k0, k1, f0, f1);
    else add_up_f64(t, k0, k1, f0, f1);
}

static inline void fml_distances_chunk(void *task, ptrdiff_t i) {
    const fml_sums *t = task;
    const ptrdiff_t first = i * t->chunk_rows, end = first + t->chunk_rows < t->n ? first + t->chunk_rows : t->n;
    if (t->is_f32) own_distances_f32(t, first, end);
    else own_distances_f64(t, first, end);
}
#endif
