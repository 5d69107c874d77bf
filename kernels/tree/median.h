/* absolute_error: deviations from the median of all first and all last samples of an order, by Fenwick trees.
 *
 * Fenwick, A new data structure for cumulative frequency tables (1994). O(n log n) for an order of n samples.
 */
#ifndef FML_TREE_MEDIAN_H
#define FML_TREE_MEDIAN_H
#include "growth.h"

typedef struct {
    const uint32_t *y_ranks;            /* (n_outputs, n)  dense ranks of the targets, of all trees of the call */
    uint32_t *place;                    /* (n_outputs, n)  of the node's samples among them by target */
    double *sorted;                     /* (n_outputs, n_used)  targets of the node, ascending */
    uint32_t *order;                    /* (n_used,)  the order that is looked at */
    double *weights, *products;         /* (n_used + 1,)  Fenwick trees of w and w * y */
    double *first_error, *last_error;   /* (n_used,)  sum of w |y - median| of order[:p + 1], of order[p:] */
    double *first_median, *last_median; /* (n_used,) */
    uint64_t *keys, *room;              /* (n_used,) */
} fml_median;

/* Give the samples of the node their places by target. */
static void fml_place(fml_tree *t) {
    const fml_growth *g = t->g;
    fml_median *m = t->median;
    const ptrdiff_t n = t->end - t->start;
    for (ptrdiff_t k = 0; k < g->n_outputs; k++) {
        for (ptrdiff_t p = 0; p < n; p++) {
            const uint32_t i = t->samples[t->start + p];
            m->keys[p] = (uint64_t)m->y_ranks[k * g->n + i] << 32 | i;
        }
        fml_sort(m->keys, m->room, n, 32, 64);
        for (ptrdiff_t p = 0; p < n; p++) {
            const uint32_t i = (uint32_t)m->keys[p];
            m->place[k * g->n + i] = (uint32_t)p;
            m->sorted[k * t->n_used + p] = g->y[i * g->n_outputs + k];
        }
    }
}

/* Where the cumulated weight passes half of it; *before: the place with exactly half up to it, else the same. */
static ptrdiff_t fml_half(const fml_median *m, ptrdiff_t n, ptrdiff_t highest, double half, double *w, double *wy, ptrdiff_t *before) {
    ptrdiff_t at = 0, bit = highest;
    *w = *wy = 0;
    for (; bit; bit >>= 1) {
        const ptrdiff_t next = at + bit;
        if (next > n) continue;
        if (half == m->weights[next]) break;
        if (half > m->weights[next]) {
            half -= m->weights[next];
            *w += m->weights[next];
            *wy += m->products[next];
            at = next;
        }
    }
    *before = at;
    const double rest = half;
    for (ptrdiff_t b = bit; b; b >>= 1) { /* the last place whose cumulated weight is below half */
        const ptrdiff_t next = *before + b;
        if (next <= n && half > m->weights[next]) {
            half -= m->weights[next];
            *before = next;
        }
    }
    half = rest;
    for (; bit; bit >>= 1) { /* the last one whose cumulated weight is not above it */
        const ptrdiff_t next = at + bit;
        if (next <= n && half >= m->weights[next]) {
            half -= m->weights[next];
            *w += m->weights[next];
            *wy += m->products[next];
            at = next;
        }
    }
    return at;
}

/* One pass over the order, from its beginning or from its end: errors are added to, medians written. */
static void fml_errors_pass(const fml_tree *t, ptrdiff_t n, ptrdiff_t k, int from_end, double *errors, double *medians) {
    const fml_median *m = t->median;
    const double *sorted = m->sorted + k * t->n_used;
    ptrdiff_t highest = 1, before;
    double all_w = 0, all_wy = 0, w_low, wy_low;
    while (highest * 2 <= n) highest *= 2;
    memset(m->weights, 0, (n + 1) * sizeof(double));
    memset(m->products, 0, (n + 1) * sizeof(double));
    for (ptrdiff_t q = 0; q < n; q++) {
        const ptrdiff_t p = from_end ? n - 1 - q : q;
        const uint32_t i = m->order[p];
        const ptrdiff_t place = m->place[k * t->g->n + i];
        const double w = fml_weight(t, i), wy = w * sorted[place];
        for (ptrdiff_t b = place + 1; b <= n; b += b & -b) {
            m->weights[b] += w;
            m->products[b] += wy;
        }
        all_w += w;
        all_wy += wy;
        const ptrdiff_t at = fml_half(m, n, highest, 0.5 * all_w, &w_low, &wy_low, &before);
        const double median = at != before ? (sorted[before] + sorted[at]) / 2 : sorted[at];
        medians[p] = median;
        errors[p] += (all_wy - wy_low - median * (all_w - w_low)) + (median * w_low - wy_low);
    }
}

/* Errors and medians of all beginnings and ends of the order; the samples must have their places. */
static void fml_errors(const fml_tree *t, ptrdiff_t n) {
    const fml_median *m = t->median;
    memset(m->first_error, 0, n * sizeof(double));
    memset(m->last_error, 0, n * sizeof(double));
    for (ptrdiff_t k = 0; k < t->g->n_outputs; k++) {
        fml_errors_pass(t, n, k, 0, m->first_error, m->first_median);
        fml_errors_pass(t, n, k, 1, m->last_error, m->last_median);
    }
}
#endif
