/* C side of sgd.pyx: one linear model, sample after sample, as scikit-learn's loop does it.
 *
 * Sums within a row are added up in eight lanes; all else is in scikit-learn's order. A run may be left and entered again
 * between any two samples: its state is all in fml_sgd. */
#ifndef FML_SGD_H
#define FML_SGD_H
#include "eights.h"
#include "loss.h"
#include "random.h"

enum { FML_NO_PENALTY, FML_L1, FML_L2, FML_ELASTICNET };
enum { FML_CONSTANT = 1, FML_OPTIMAL, FML_INVSCALING, FML_ADAPTIVE, FML_PA1, FML_PA2 };
enum { FML_RUNNING, FML_WAITING, FML_DONE, FML_OVERFLOW }; /* FML_WAITING: for the score of the epoch */

typedef struct {
    /* samples, in */
    const void *X;                   /* (n, d) or (n_entries,)  T */
    const int32_t *indices, *indptr; /* (n_entries,), (n + 1,)  of CSR; NULL: dense */
    const void *y;                   /* (n,)  T        targets; NULL: codes */
    const int32_t *codes;            /* (n,)           classes; the model's own is `positive`, whose target is 1 */
    const void *weights;             /* (n,)  T        NULL: all 1 */
    const uint8_t *held_out;         /* (n,)           1: not learnt from; NULL: none */
    int is_watched;                  /*                1: samples may hold NaN or infinity; then `is_doubtful` is out */
    ptrdiff_t n, d;
    int is_f32, positive;
    double negative;                 /*                target of the other classes */
    /* how to learn, in */
    int loss, penalty, schedule, fit_intercept, shuffle, one_class, is_scored, n_iter_no_change;
    double bound, alpha, l1_ratio, eta0, power_t, tol, intercept_decay, average, weight_pos, weight_neg;
    int64_t max_iter, fused;         /*                fused: see `fold` in sgd_impl.h */
    uint32_t seed;
    /* the model, inout */
    void *w, *mean_w;                /* (d,)  T        zeros follow, up to a multiple of 8, if dense; mean_w NULL: no average */
    double intercept, mean_intercept, t;
    /* state */
    void *q;                         /* (d,)  T        the penalty that each weight has had; NULL without l1 */
    int32_t *order;                  /* (n,)           of the samples in this epoch */
    uint32_t stream;
    ptrdiff_t at, drawn;             /*                next sample; how many of this epoch are drawn */
    double scale, square, size;      /*                of w: its factor, its squared length and its sum of magnitudes */
    double reach;                    /*                largest magnitude of a prediction */
    double mean_a, mean_b, u, eta, optimal_init, objective, best;
    int64_t epoch, no_improvement;
    int state, is_doubtful;
} fml_sgd;

#define FML_AHEAD 8                  /* rows that are fetched before their turn */
#define FML_LINES 16                 /* cache lines of a row that are fetched; then the CPU does it */
#define FML_FAR (1 << 14)            /* weights that are not all in the nearest cache */

/* The next sample of the epoch, by Fisher and Yates: once drawn, its place is final. */
FML_INLINE void fml_sgd_draw(fml_sgd *s, int32_t *order) {
    const ptrdiff_t i = s->drawn++;
    if (s->shuffle && i < s->n - 1) {
        const ptrdiff_t j = i + xorshift(&s->stream) % (uint32_t)(s->n - i);
        const int32_t other = order[j];
        order[j] = order[i];
        order[i] = other;
    }
}

/* Has the first lines of so many bytes fetched, and no line beside them: a core waits for memory here. Into the last cache: on
 * its way into the first one a line takes up a place longer (200,000 rows of 50: 60 against 67 ns a row). */
FML_INLINE void fml_fetch(const void *start, ptrdiff_t n_bytes) {
    const char *line = (const char *)((uintptr_t)start & ~(uintptr_t)63), *end = (const char *)start + n_bytes;
    if (end > line + 64 * FML_LINES) end = line + 64 * FML_LINES;
    for (; line < end; line += 64) __builtin_prefetch(line, 0, 1);
}

static inline void fml_sgd_begin_epoch(fml_sgd *s) {
    s->at = s->drawn = 0;
    s->stream = s->seed;
    s->objective = 0;
}

/* Whether the objective decides when to stop. */
FML_INLINE int is_judged(const fml_sgd *s) { return !s->is_scored && s->tol > -INFINITY && s->max_iter > 1; }

/* What an epoch has come to, once it is scored where that is asked for: better is less. */
static inline void fml_sgd_judge(fml_sgd *s, double value, double limit) {
    if (s->tol > -INFINITY && value > limit) s->no_improvement++;
    else s->no_improvement = 0;
    if (value < s->best) s->best = value;
    s->state = FML_RUNNING;
    s->epoch++;
    if (s->no_improvement >= s->n_iter_no_change) {
        if (s->schedule == FML_ADAPTIVE && s->eta > 1e-6) {
            s->eta = s->eta / 5;
            s->no_improvement = 0;
        } else s->state = FML_DONE;
    }
    if (s->epoch >= s->max_iter) s->state = FML_DONE;
    if (s->state == FML_RUNNING) fml_sgd_begin_epoch(s);
}

static inline void fml_sgd_scored(fml_sgd *s, double score) { fml_sgd_judge(s, -score, s->best - s->tol); }

#define FML_IMPL "rows_impl.h"
#include "typed.h"
#define FML_IMPL "sgd_impl.h"
#include "typed.h"

static inline void fml_sgd_begin(fml_sgd *s) {
    if (s->is_f32) begin_f32(s);
    else begin_f64(s);
}

/* Learns from so many samples, or up to the next end of an epoch that is to be scored, or to the end. */
static inline void fml_sgd_run(fml_sgd *s, ptrdiff_t n_rows) {
    if (s->is_f32) run_f32(s, n_rows);
    else run_f64(s, n_rows);
}

static inline void fml_sgd_end(fml_sgd *s) {
    if (s->is_f32) fold_f32(s);
    else fold_f64(s);
}

typedef struct {
    fml_sgd **models;
    ptrdiff_t n_rows;
} fml_sgd_slice;

static inline void fml_sgd_run_slice(void *task, ptrdiff_t i) {
    const fml_sgd_slice *slice = task;
    fml_sgd_run(slice->models[i], slice->n_rows);
}
#endif
