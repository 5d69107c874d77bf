/* The one candidate of a feature with two values, from a pass over the node's samples: squared errors.
 *
 * Samples are ascending, as in a sorted list those of each value are: the sums are the same. Where all features are such, as
 * dummies of categories are, no lists are kept: parting them took most of the time. 5,000 samples of 30 dummies: a tree takes half as
 * long, and boosting's first stages two thirds.
 */
#ifndef FML_TREE_TWO_VALUES_H
#define FML_TREE_TWO_VALUES_H
#include "scan.h"

/* Whether no feature has a third value, or misses any. */
static int fml_are_two_values(const fml_growth *g) {
    ptrdiff_t f = 0;
    while (f < g->d && g->n_distinct[f] <= 2 && !g->missing[f]) f++;
    return f == g->d;
}

/* A number where a rank is 0, else 0. */
FML_INLINE_ALWAYS double fml_if_low(double x, uint32_t rank) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits &= (uint64_t)rank - 1;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* unit: all weights are 1; counted: they are the codes. */
FML_INLINE_ALWAYS void fml_scan_two(const fml_tree *t, ptrdiff_t f, int unit, int counted, fml_split *best) {
    const fml_growth *const g = t->g;
    const uint32_t *restrict ranks = g->ranks + f * g->n, *restrict samples = t->samples + t->start;
    const uint8_t *restrict codes = t->node_code + t->start;
    const double *restrict pairs = t->pairs, least = t->min_weight_leaf;
    const ptrdiff_t n = t->end - t->start, step = unit || counted ? 1 : 2;
    double wl = 0, l = 0;
    ptrdiff_t n_right = 0, count = 0;
    for (ptrdiff_t p = 0; p < n; p++) {
        const uint32_t i = samples[p], rank = ranks[i];
        n_right += rank;
        l += fml_if_low(pairs[i * step], rank);
        if (counted) count += codes[p] & (rank - 1);
        else if (!unit) wl += fml_if_low(pairs[i * step + 1], rank);
    }
    const ptrdiff_t n_left = n - n_right;
    *best = (fml_split){.proxy = -INFINITY, .second = -INFINITY};
    best->constant = n_left == 0 || n_right == 0 || !fml_is_spread(fml_tight(g, f), g->values + f * g->n, 0, 1);
    if (best->constant || n_left < g->min_leaf || n_right < g->min_leaf) return;
    if (unit || counted) wl = (double)(unit ? n_left : count);
    const double wr = t->total.weight - wl, r = t->total.sums[0] - l;
    if (wl < least || wr < least) return;
    best->proxy = l * l / wl + r * r / wr;
    fml_note_place(best, n_left, 0, 1, 0, 0);
}
#endif
