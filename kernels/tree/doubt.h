/* Whether rounding may decide: a tree whose sums run in another order than scikit-learn's is given up where it may.
 *
 * Sums of n numbers x are wrong by at most u n sum |x|, u = 2^-53; of many numbers, whose errors cancel, they are taken to
 * be so by u 64 sqrt(n) sum |x|. If P is the best proxy of a node, no sum of a side of weight w exceeds sqrt(P w), whatever
 * the feature. Targets may be wrong by g->doubt each, all in the same direction.
 *
 * Higham and Mary, A new approach to probabilistic rounding error analysis, SIAM J. Sci. Comput. 41 (2019).
 */
#ifndef FML_TREE_DOUBT_H
#define FML_TREE_DOUBT_H
#include "criteria.h"

#define FML_ROUNDING 1.1102230246251565e-16
#define FML_SAFE 4 /* how many times such an error is allowed for */

static inline double fml_errors_of(double n) { return FML_SAFE * FML_ROUNDING * (n < 4096 ? n : 64 * sqrt(n)); }

static inline int fml_is_wary(const fml_tree *t) { return t->g->doubt >= 0 && t->scan == FML_SCAN_MSE && !t->g->arranged; }

/* Error of a mean of squares, from the sum of squares of the samples that it was a part of. */
static inline double fml_doubt_of_squares(const fml_tree *t, double n, double squares, double weight) {
    const double mean = squares / weight, doubt = t->g->doubt;
    return fml_errors_of(n) * mean + 4 * doubt * sqrt(mean) + 2 * doubt * doubt;
}

/* Error of the difference between the proxies of the best candidate and another one. */
static double fml_doubt_of_proxy(const fml_tree *t, const fml_split *best) {
    const double n = t->end - t->start, doubt = t->g->doubt, weight = t->total.weight;
    const double fewer = best->n_left < n - best->n_left ? best->n_left : n - best->n_left;
    const double of_sum = fml_errors_of(n) * sqrt(weight * t->total.squares), side = weight * fewer / n;
    return 2 * (sqrt(best->proxy / side) + of_sum / side) * of_sum + 2 * (3 * sqrt(best->proxy * weight) + doubt * weight) * doubt;
}

/* The next best proxy after one more feature was looked at, before its own best one counts. */
static inline double fml_second(const fml_split *best, const fml_split *split, double second) {
    const double lower = split->proxy > best->proxy ? best->proxy : split->proxy, higher = lower > second ? lower : second;
    return split->second > higher ? split->second : higher;
}

/* Give the tree up if another candidate may be better than the best one. */
static void fml_doubt_split(fml_tree *t, const fml_split *best, double second) {
    if (!t->failed && second >= best->proxy - fml_doubt_of_proxy(t, best)) t->failed = FML_CLOSE_CALL;
}

/* Give the tree up if rounding decides between two impurities or improvements. */
static inline void fml_doubt_order(fml_tree *t, double a, double b, double error) {
    if (fml_is_wary(t) && !t->failed && fabs(a - b) <= error) t->failed = FML_CLOSE_CALL;
}
#endif
