/* Impurities and proxies by their definitions, in scikit-learn's order of operations.
 *
 * Breiman, Friedman, Olshen and Stone, Classification and Regression Trees (1984).
 */
#ifndef FML_TREE_CRITERIA_H
#define FML_TREE_CRITERIA_H
#include "growth.h"

#define FML_LEAF_IMPURITY 2.220446049250313e-16
#define FML_POISSON_ZERO (10 * FML_LEAF_IMPURITY)

static inline double fml_log2(double x) { return log(x) / log(2.0); }

static inline void fml_clear(const fml_tree *t, fml_sums *s) {
    memset(s->sums, 0, t->g->stride * sizeof *s->sums);
    s->weight = s->squares = 0;
}

/* Add one sample, or with sign -1 take it away. */
FML_INLINE_ALWAYS void fml_add(const fml_tree *t, fml_sums *s, uint32_t i, double sign) {
    const fml_growth *g = t->g;
    const double w = sign * fml_weight(t, i);
    for (ptrdiff_t k = 0; k < g->n_outputs; k++) {
        if (g->codes) s->sums[k * g->max_n_classes + g->codes[i * g->n_outputs + k]] += w;
        else {
            const double y = g->y[i * g->n_outputs + k], wy = w * y;
            s->sums[k] += wy;
            s->squares += wy * y;
        }
    }
    s->weight += w;
}

/* The sums of samples[start:end]. Whole weights of classes are in the samples' codes. */
static void fml_add_up(const fml_tree *t, fml_sums *s, ptrdiff_t start, ptrdiff_t end) {
    const int shift = t->class_bits;
    const uint32_t class_mask = (1u << shift) - 1;
    fml_clear(t, s);
    if (t->scan == FML_SCAN_GINI2) {
        uint64_t weight = 0, ones = 0;
        for (ptrdiff_t p = start; p < end; p++) {
            const uint32_t w = t->node_code[p] >> shift;
            weight += w;
            ones += t->node_code[p] & 1 ? w : 0;
        }
        s->weight = (double)weight;
        s->sums[0] = (double)(weight - ones);
        if (t->g->stride > 1) s->sums[1] = (double)ones;
    } else if (t->scan == FML_SCAN_GINI)
        for (ptrdiff_t p = start; p < end; p++) {
            const double w = t->unit ? 1.0 : t->node_code[p] >> shift;
            s->sums[t->node_code[p] & class_mask] += w;
            s->weight += w;
        }
    else
        for (ptrdiff_t p = start; p < end; p++) fml_add(t, s, t->samples[p], 1);
}

/* The sums of the node's samples before pos, from the nearer end as scikit-learn takes them: where all targets beyond are
 * zero nothing is left of them, which Poisson's criterion asks for. */
static void fml_add_up_left(const fml_tree *t, fml_sums *s, ptrdiff_t pos) {
    if ((t->scan < FML_SCAN_ANY && !t->g->arranged) || pos - t->start <= t->end - pos) {
        fml_add_up(t, s, t->start, pos);
        return;
    }
    double squares = 0;
    memcpy(s->sums, t->total.sums, t->g->stride * sizeof *s->sums);
    s->weight = t->total.weight;
    for (ptrdiff_t p = t->end; p-- > pos;) fml_add(t, s, t->samples[p], -1);
    for (ptrdiff_t p = t->start; p < pos && !t->g->codes; p++)
        for (ptrdiff_t k = 0; k < t->g->n_outputs; k++) {
            const double y = t->g->y[t->samples[p] * t->g->n_outputs + k];
            squares += fml_weight(t, t->samples[p]) * y * y;
        }
    s->squares = squares;
}

static inline double fml_gini(const fml_growth *g, const double *sums, double weight) {
    double total = 0;
    if (g->stride == 2 && g->n_outputs == 1) return 1.0 - (sums[0] * sums[0] + sums[1] * sums[1]) / (weight * weight);
    for (ptrdiff_t k = 0; k < g->n_outputs; k++) {
        double squares = 0;
        for (ptrdiff_t c = 0; c < g->n_classes[k]; c++) squares += sums[k * g->max_n_classes + c] * sums[k * g->max_n_classes + c];
        total += 1.0 - squares / (weight * weight);
    }
    return total / g->n_outputs;
}

static double fml_entropy(const fml_growth *g, const double *sums, double weight) {
    double total = 0;
    for (ptrdiff_t k = 0; k < g->n_outputs; k++)
        for (ptrdiff_t c = 0; c < g->n_classes[k]; c++) {
            double share = sums[k * g->max_n_classes + c];
            if (share > 0.0) {
                share /= weight;
                total -= share * fml_log2(share);
            }
        }
    return total / g->n_outputs;
}

static double fml_variance(const fml_growth *g, const double *sums, double weight, double squares) {
    double impurity = squares / weight;
    for (ptrdiff_t k = 0; k < g->n_outputs; k++) impurity -= (sums[k] / weight) * (sums[k] / weight);
    return impurity / g->n_outputs;
}

static double fml_poisson(const fml_tree *t, const double *sums, double weight, ptrdiff_t start, ptrdiff_t end) {
    const fml_growth *g = t->g;
    double loss = 0;
    for (ptrdiff_t k = 0; k < g->n_outputs; k++) {
        if (sums[k] <= FML_POISSON_ZERO) return INFINITY;
        const double mean = sums[k] / weight;
        for (ptrdiff_t p = start; p < end; p++) {
            const uint32_t i = t->samples[p];
            const double y = g->y[i * g->n_outputs + k], ratio = y / mean;
            loss += fml_weight(t, i) * (y == 0 && !isnan(ratio) ? 0.0 : y * log(ratio));
        }
    }
    return loss / (weight * g->n_outputs);
}

/* A criterion of the user's: of the weights by class, or of the sums of w, w * y and w * y * y. */
static double fml_user(const fml_growth *g, const fml_sums *s) {
    if (!g->codes) {
        const double sums[3] = {s->weight, s->sums[0], s->squares};
        return g->user(sums, 3);
    }
    double total = 0;
    for (ptrdiff_t k = 0; k < g->n_outputs; k++) total += g->user(s->sums + k * g->max_n_classes, g->n_classes[k]);
    return total / g->n_outputs;
}

/* Impurity of samples[start:end], whose sums are s. */
static double fml_impurity(const fml_tree *t, const fml_sums *s, ptrdiff_t start, ptrdiff_t end) {
    const fml_growth *g = t->g;
    if (g->criterion == FML_GINI) return fml_gini(g, s->sums, s->weight);
    if (g->criterion == FML_ENTROPY) return fml_entropy(g, s->sums, s->weight);
    if (g->criterion == FML_MSE) return fml_variance(g, s->sums, s->weight, s->squares);
    if (g->criterion == FML_USER) return fml_user(g, s);
    return fml_poisson(t, s->sums, s->weight, start, end);
}

/* Poisson's proxy of one output. What rounding leaves of sums of zeros counts as zero: such sides are forbidden. */
static inline double fml_poisson_proxy(double sl, double wl, double sr, double wr) {
    return sl <= FML_POISSON_ZERO || sr <= FML_POISSON_ZERO ? -INFINITY : sl * fml_log2(sl / wl) + sr * fml_log2(sr / wr);
}

/* What a split is chosen by: the larger the better. */
static double fml_proxy(const fml_tree *t, const fml_sums *left, const fml_sums *right) {
    const fml_growth *g = t->g;
    const double wl = left->weight, wr = right->weight, *sl = left->sums, *sr = right->sums;
    double l = 0, r = 0;
    if (g->criterion == FML_MSE) {
        for (ptrdiff_t k = 0; k < g->n_outputs; k++) {
            l += sl[k] * sl[k];
            r += sr[k] * sr[k];
        }
        return l / wl + r / wr;
    }
    if (g->criterion == FML_POISSON) {
        for (ptrdiff_t k = 0; k < g->n_outputs; k++) {
            if (sl[k] <= FML_POISSON_ZERO || sr[k] <= FML_POISSON_ZERO) return -INFINITY;
            l -= sl[k] * fml_log2(sl[k] / wl);
            r -= sr[k] * fml_log2(sr[k] / wr);
        }
        return -l - r;
    }
    if (g->criterion == FML_GINI) { /* both sides at once: each is a chain of additions */
        for (ptrdiff_t k = 0; k < g->n_outputs; k++, sl += g->max_n_classes, sr += g->max_n_classes) {
            double squares_left = 0, squares_right = 0;
            for (ptrdiff_t c = 0; c < g->n_classes[k]; c++) {
                squares_left += sl[c] * sl[c];
                squares_right += sr[c] * sr[c];
            }
            l += 1.0 - squares_left / (wl * wl);
            r += 1.0 - squares_right / (wr * wr);
        }
        return -wr * (r / g->n_outputs) - wl * (l / g->n_outputs);
    }
    return -wr * fml_impurity(t, right, 0, 0) - wl * fml_impurity(t, left, 0, 0);
}

static inline double fml_improvement(const fml_tree *t, double parent, double left, double wl, double right, double wr) {
    const double w = t->total.weight;
    return w / t->total_weight * (parent - (wr / w * right) - (wl / w * left));
}

/* Whether the values of both children keep to the constraint and to the bounds of the node. */
static inline int fml_keeps_order(const fml_tree *t, int constraint, double left, double right) {
    return left >= t->lower && right >= t->lower && left <= t->upper && right <= t->upper && (left - right) * constraint <= 0;
}

/* The sums that are left of the node's when some are taken away. */
static inline void fml_rest(const fml_tree *t, const fml_sums *part, fml_sums *rest) {
    for (ptrdiff_t j = 0; j < t->g->stride; j++) rest->sums[j] = t->total.sums[j] - part->sums[j];
    rest->weight = t->total.weight - part->weight;
    rest->squares = t->total.squares - part->squares;
}
#endif
