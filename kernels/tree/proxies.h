/* What candidates are compared by, a block of them at a time: vectors, in scikit-learn's own order of operations. */
#ifndef FML_TREE_PROXIES_H
#define FML_TREE_PROXIES_H
#include "criteria.h"

#define FML_BLOCK 256
#define FML_MOST_CLASSES 16 /* of any weights, in blocks */

/* Sums to the left of the candidates of a block. */
typedef struct {
    double weight[FML_BLOCK], a[FML_BLOCK], b[FML_BLOCK], proxy[FML_BLOCK + 8];
    uint32_t at[FML_BLOCK];
} fml_block;

/* The first of the largest proxies of a block, where it exceeds *highest, which then becomes it; else -1. */
static inline int fml_top(fml_block *b, int k, double *highest) {
    double top[8], all = -INFINITY;
    int j;
    for (int l = 0; l < 8; l++) top[l] = b->proxy[k + l] = -INFINITY;
    for (j = 0; j < k; j += 8)
        for (int l = 0; l < 8; l++) top[l] = b->proxy[j + l] > top[l] ? b->proxy[j + l] : top[l];
    for (int l = 0; l < 8; l++) all = top[l] > all ? top[l] : all;
    if (!(all > *highest)) return -1;
    *highest = all;
    for (j = 0; b->proxy[j] != all;) j++;
    return j;
}

/* weight, a, b of each candidate: weight, squares of the left sums, squares of the right sums. */
static void fml_proxies_gini(const fml_tree *t, fml_block *restrict b, int k) {
    const double all = t->total.weight, least = t->min_weight_leaf;
    for (int j = 0; j < k; j++) {
        const double wl = b->weight[j], wr = all - wl;
        const double left = 1.0 - b->a[j] / (wl * wl), right = 1.0 - b->b[j] / (wr * wr);
        const double proxy = -wr * right - wl * left;
        b->proxy[j] = (wl < least) | (wr < least) ? -INFINITY : proxy;
    }
}

/* weight, a of each candidate: weight, weight of class 1 on the left. */
static void fml_proxies_gini2(const fml_tree *t, fml_block *restrict b, int k) {
    const double all = t->total.weight, t0 = t->total.sums[0], t1 = t->g->stride > 1 ? t->total.sums[1] : 0.0, least = t->min_weight_leaf;
    for (int j = 0; j < k; j++) {
        const double wl = b->weight[j], wr = all - wl, l1 = b->a[j], l0 = wl - l1, r1 = t1 - l1, r0 = t0 - l0;
        const double left = 1.0 - (l0 * l0 + l1 * l1) / (wl * wl), right = 1.0 - (r0 * r0 + r1 * r1) / (wr * wr);
        const double proxy = -wr * right - wl * left;
        b->proxy[j] = (wl < least) | (wr < least) ? -INFINITY : proxy;
    }
}

/* weight of each candidate; classes: weights of the classes on the left, a row a class. */
static void fml_proxies_weighted_gini(const fml_tree *t, fml_block *restrict b, double (*restrict classes)[FML_BLOCK], int k) {
    const double all = t->total.weight, least = t->min_weight_leaf;
    for (int j = 0; j < k; j++) b->a[j] = b->b[j] = 0;
    for (ptrdiff_t c = 0; c < t->g->stride; c++) {
        const double total = t->total.sums[c];
        for (int j = 0; j < k; j++) {
            const double l = classes[c][j], r = total - l;
            b->a[j] += l * l;
            b->b[j] += r * r;
        }
    }
    for (int j = 0; j < k; j++) {
        const double wl = b->weight[j], wr = all - wl;
        const double left = 1.0 - b->a[j] / (wl * wl), right = 1.0 - b->b[j] / (wr * wr);
        const double proxy = -wr * right - wl * left;
        b->proxy[j] = (wl < least) | (wr < least) ? -INFINITY : proxy;
    }
}

/* x log2(x) within 1e-10 x, by the series of the inverse hyperbolic tangent: vectors, no calls. */
static inline double fml_xlogx(double x) {
    uint64_t bits, scaled, whole;
    double m, exponent;
    memcpy(&bits, &x, sizeof bits);
    /* up: from the square root of 2 on; the exponent becomes a double as the last bits of 2^52 */
    const uint64_t mantissa = bits & 0xfffffffffffffull, up = (0x6a09e667f3bcdull - mantissa) >> 63;
    scaled = mantissa | (1023 - up) << 52;
    whole = 0x4330000000000000ull | ((bits >> 52) + up);
    memcpy(&m, &scaled, sizeof m);
    memcpy(&exponent, &whole, sizeof exponent);
    exponent -= 4503599627370496.0 + 1023;
    const double s = (m - 1) / (m + 1), q = s * s;
    const double ln = 2 * s * (1 + q * (1 / 3.0 + q * (1 / 5.0 + q * (1 / 7.0 + q * (1 / 9.0 + q * (1 / 11.0 + q / 13.0))))));
    const double product = x * (exponent + ln * 1.4426950408889634);
    return x > 0 ? product : 0.0;
}

/* The entropy is computed by its definition where an estimate says that it may be the largest of the block; logarithms
 * of all candidates would cost ten times as much. */
static void fml_proxies_entropy(const fml_tree *t, fml_block *restrict b, double (*restrict classes)[FML_BLOCK], fml_scratch *room, int k) {
    const double all = t->total.weight, least = t->min_weight_leaf, margin = 1e-8 * all;
    double bar = -INFINITY;
    for (int j = 0; j < k; j++) b->proxy[j] = -fml_xlogx(b->weight[j]) - fml_xlogx(all - b->weight[j]);
    for (ptrdiff_t c = 0; c < t->g->stride; c++) {
        const double total = t->total.sums[c];
        for (int j = 0; j < k; j++) b->proxy[j] += fml_xlogx(classes[c][j]) + fml_xlogx(total - classes[c][j]);
    }
    for (int j = 0; j < k; j++) {
        const double wl = b->weight[j], wr = all - wl;
        b->proxy[j] = (wl < least) | (wr < least) ? -INFINITY : b->proxy[j];
        bar = b->proxy[j] > bar ? b->proxy[j] : bar;
    }
    for (int j = 0; j < k; j++) {
        if (b->proxy[j] < bar - margin || b->proxy[j] == -INFINITY) {
            b->proxy[j] = -INFINITY;
            continue;
        }
        fml_sums left = {room->left, b->weight[j], 0}, right = {room->right, 0, 0};
        for (ptrdiff_t c = 0; c < t->g->stride; c++) left.sums[c] = classes[c][j];
        fml_rest(t, &left, &right);
        b->proxy[j] = fml_proxy(t, &left, &right);
    }
}

/* What fml_falls_short compares with: a proxy P that is there already, less what rounding may take from a proxy of P or
 * more; -inf, of which nothing falls short, where close calls are looked for.
 *
 * With u = 2^-53 and L = l * l, R = r * r as computed, a computed proxy is at most  (L / wl + R / wr) (1 + u)^2.  If it is P
 * or more,  L * wr + R * wl  is, as computed, at least  P wl wr (1 - u)^2 / (1 + u)^2,  and  wl * wr * P  as computed at most
 * P wl wr (1 + u)^2:  6 u less are enough, 16 u are taken. Within these limits, and those on tiny weights, what overflows or is
 * no number is on the left, where it does not fall short, and what underflows is far below u of the right. */
static inline double fml_bar(const fml_tree *t, double proxy) {
    const double p = proxy > t->floor ? proxy : t->floor;
    return t->g->doubt < 0 && p > 1e-150 && p < 1e150 && t->total.weight < 1e50 ? p * (1 - 0x1p-49) : -INFINITY;
}

/* Whether a candidate's proxy is less than the one of the bar, without a division. */
FML_INLINE_ALWAYS int fml_falls_short(double wl, double wr, double l, double r, double bar) {
    const double both = wl * wr;
    return (l * l * wr + r * r * wl < both * bar) & (both > 1e-100);
}

/* Whether any candidate of a block does not. Divisions took most of a block's time: without them where another feature, or
 * block, has a better candidate, trees of 20 features are grown 1.25 times as fast. */
static int fml_may_win(const fml_tree *t, const fml_block *b, int k, double bar) {
    const double all = t->total.weight, sum = t->total.sums[0];
    int64_t n_short = 0;
    if (bar == -INFINITY) return 1;
    for (int j = 0; j < k; j++) n_short += fml_falls_short(b->weight[j], all - b->weight[j], b->a[j], sum - b->a[j], bar);
    return n_short < k;
}

/* weight, a of each candidate: weight, sum on the left. */
static void fml_proxies_mse(const fml_tree *t, fml_block *restrict b, int k) {
    const double all = t->total.weight, sum = t->total.sums[0], least = t->min_weight_leaf;
    for (int j = 0; j < k; j++) {
        const double wl = b->weight[j], wr = all - wl, l = b->a[j], r = sum - l;
        const double proxy = l * l / wl + r * r / wr;
        b->proxy[j] = (wl < least) | (wr < least) ? -INFINITY : proxy;
    }
}
#endif
