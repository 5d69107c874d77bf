/* The k-d tree's arrays (trees.py), and how near a query is to a leaf's samples and to boxes.
 *
 * All are sums over the features in their order, without fused operations: a distance has the same bits at every level, and those that
 * scikit-learn's tree computes.  Rounding is monotonic, so a box is never farther, as computed, than a sample in it as
 * computed: leaving boxes out by their distances never leaves out a sample that would have counted.
 *
 * "Reduced" distances are compared: of the Euclidean one the square, of a minkowski distance the sum of the powers.
 *
 * On the sphere (FML_HAVERSINE) samples have six features: a unit vector, by which they are parted and put into boxes, and the point.  Squares
 * of chords say which samples may count (fml_sums_up_to), and these are computed by scikit-learn's formula (fml_settle_angles), which alone decides.
 */
#ifndef FML_KD_TREE_H
#define FML_KD_TREE_H
#include <math.h>
#include "haversine.h"
#include "hits.h"

#define FML_LEAF 16
#define FML_WIDTH 8
#define FML_ABSENT INT32_MIN
enum { FML_HAVERSINE = -1, FML_EUCLIDEAN, FML_MANHATTAN, FML_CHEBYSHEV };           /* FML_CHEBYSHEV + h: minkowski of the power h / 2 */
#define FML_LEAF_VECTORS (FML_LEAF / FML_LANES_F64)
#define FML_WIDTH_VECTORS (FML_WIDTH / FML_LANES_F64)
/* Children that wait on a walk: seven a level at most, and a level for every factor of 8 of the leaves. */
#define FML_STACK 128

typedef struct {
    double *points;                  /* (n_leaves, d, FML_LEAF) */
    int64_t *order;                  /* (n_leaves * FML_LEAF,) */
    double *boxes;                   /* (n_nodes, s, 2, FML_WIDTH) */
    int32_t *children;               /* (n_nodes, FML_WIDTH) */
    int32_t *starts;                 /* (n_nodes, FML_WIDTH + 1) */
    ptrdiff_t n, d, n_leaves;
    ptrdiff_t s;                     /* features that boxes are about: the first */
} fml_kd;

FML_INLINE vf64 fml_size(vf64 t) { return vmax_f64(t, vsub_f64(vset1_f64(0), t)); }

/* x^(halves / 2), x not negative: by products of x and, if halves is odd, its root, each of which rounds monotonically. */
FML_INLINE vf64 fml_half_power(vf64 x, int halves) {
    vf64 made = halves & 1 ? vsqrt_f64(x) : vset1_f64(1);
    for (int n = halves >> 1; n; n >>= 1) {
        if (n & 1) made = vmul_f64(made, x);
        if (n > 1) x = vmul_f64(x, x);
    }
    return made;
}

/* One more feature, in which something is `t` (not negative, or a signed difference) away. */
FML_INLINE vf64 fml_farther(int metric, vf64 sum, vf64 t) {
    if (metric <= FML_EUCLIDEAN) return vadd_f64(sum, vmul_f64(t, t));
    t = fml_size(t);
    if (metric > FML_CHEBYSHEV) return vadd_f64(sum, fml_half_power(t, metric - FML_CHEBYSHEV));
    return metric == FML_MANHATTAN ? vadd_f64(sum, t) : vmax_f64(sum, t);
}

FML_INLINE double fml_reduce(int metric, double distance) {
    if (metric > FML_CHEBYSHEV) return pow(distance, 0.5 * (metric - FML_CHEBYSHEV));
    if (metric == FML_HAVERSINE) return fml_half_chord(distance);
    return metric == FML_EUCLIDEAN ? distance * distance : distance;
}

FML_INLINE double fml_restore(int metric, double reduced) {
    if (metric > FML_CHEBYSHEV) return pow(reduced, 2.0 / (metric - FML_CHEBYSHEV));
    if (metric == FML_HAVERSINE) return fml_arc(reduced);
    return metric == FML_EUCLIDEAN ? sqrt(reduced) : reduced;
}

/* What the sums above are at most for a reduced distance of `most`, and what they are at most for it to be surely no larger. */
FML_INLINE double fml_sums_up_to(int metric, double most) { return metric == FML_HAVERSINE ? (4 + FML_REACH) * most + FML_SPECK : most; }
FML_INLINE double fml_sums_within(int metric, double most) { return metric == FML_HAVERSINE ? (4 - FML_REACH) * most - FML_SPECK : most; }

/* Sums for x and the samples of a leaf, out (FML_LEAF,); returns a bit for each that is at most `most`. */
FML_INLINE unsigned fml_leaf_distances(const fml_kd *tree, int metric, ptrdiff_t leaf, const double *x, double most, double *out) {
    const double *at = tree->points + leaf * tree->d * FML_LEAF;
    vf64 sum[FML_LEAF_VECTORS];
    for (int v = 0; v < FML_LEAF_VECTORS; v++) sum[v] = vset1_f64(0);
    for (ptrdiff_t f = 0; f < tree->s; f++, at += FML_LEAF)
        for (int v = 0; v < FML_LEAF_VECTORS; v++)
            sum[v] = fml_farther(metric, sum[v], vsub_f64(vset1_f64(x[f]), vload_f64(at + v * FML_LANES_F64)));
    unsigned bits = 0;
    for (int v = 0; v < FML_LEAF_VECTORS; v++) {
        vstore_f64(out + v * FML_LANES_F64, sum[v]);
        bits |= fml_le_bits(sum[v], vset1_f64(most)) << v * FML_LANES_F64;
    }
    return bits;
}

/* On the sphere: reduced distances in the place of the sums that bits are set for; returns bits for those that are at most `most`. */
FML_INLINE unsigned fml_settle_angles(const fml_kd *tree, ptrdiff_t leaf, const double *x, double most, unsigned bits, double *out) {
    const double *const points = tree->points + (leaf * tree->d + 3) * FML_LEAF;
    unsigned near = 0;
    for (; bits; bits &= bits - 1) {
        const int s = __builtin_ctz(bits);
        const double point[3] = {points[s], points[FML_LEAF + s], points[2 * FML_LEAF + s]};
        out[s] = fml_haversine(x + 3, point);
        near |= (unsigned)(out[s] <= most) << s;
    }
    return near;
}

/* Sums for x and the nearest points of the children's boxes, out (FML_WIDTH,); returns a bit for each at most `most`.
 * An absent child's corners are NaN, which vmax hands on as its second operand, and which is never at most anything. */
FML_INLINE unsigned fml_nearest_corners(const fml_kd *tree, int metric, ptrdiff_t node, const double *x, double most, double *out) {
    const double *at = tree->boxes + node * tree->s * 2 * FML_WIDTH;
    vf64 sum[FML_WIDTH_VECTORS];
    for (int v = 0; v < FML_WIDTH_VECTORS; v++) sum[v] = vset1_f64(0);
    for (ptrdiff_t f = 0; f < tree->s; f++, at += 2 * FML_WIDTH)
        for (int v = 0; v < FML_WIDTH_VECTORS; v++) {
            const vf64 below = vsub_f64(vload_f64(at + v * FML_LANES_F64), vset1_f64(x[f]));
            const vf64 above = vsub_f64(vset1_f64(x[f]), vload_f64(at + FML_WIDTH + v * FML_LANES_F64));
            sum[v] = fml_farther(metric, sum[v], vmax_f64(vset1_f64(0), vmax_f64(below, above)));
        }
    unsigned bits = 0;
    for (int v = 0; v < FML_WIDTH_VECTORS; v++) {
        vstore_f64(out + v * FML_LANES_F64, sum[v]);
        bits |= fml_le_bits(sum[v], vset1_f64(most)) << v * FML_LANES_F64;
    }
    return bits;
}

/* A bit for each child whose box lies within the sum `most` of x, its farthest corner too. */
FML_INLINE unsigned fml_boxes_within(const fml_kd *tree, int metric, ptrdiff_t node, const double *x, double most) {
    const double *at = tree->boxes + node * tree->s * 2 * FML_WIDTH;
    vf64 sum[FML_WIDTH_VECTORS];
    for (int v = 0; v < FML_WIDTH_VECTORS; v++) sum[v] = vset1_f64(0);
    for (ptrdiff_t f = 0; f < tree->s; f++, at += 2 * FML_WIDTH)
        for (int v = 0; v < FML_WIDTH_VECTORS; v++) {
            const vf64 from_low = vsub_f64(vset1_f64(x[f]), vload_f64(at + v * FML_LANES_F64));
            const vf64 from_high = vsub_f64(vload_f64(at + FML_WIDTH + v * FML_LANES_F64), vset1_f64(x[f]));
            sum[v] = fml_farther(metric, sum[v], vmax_f64(from_low, from_high));
        }
    unsigned bits = 0;
    for (int v = 0; v < FML_WIDTH_VECTORS; v++) bits |= fml_le_bits(sum[v], vset1_f64(most)) << v * FML_LANES_F64;
    return bits;
}

/* call(..., metric) with the metric as a constant, for which the loops over the features are compiled apart. */
#define FML_BY_METRIC(metric, call, ...)                                          \
    do {                                                                          \
        if ((metric) == FML_EUCLIDEAN) call(__VA_ARGS__, FML_EUCLIDEAN);          \
        else if ((metric) == FML_MANHATTAN) call(__VA_ARGS__, FML_MANHATTAN);     \
        else call(__VA_ARGS__, FML_CHEBYSHEV);                                    \
    } while (0)

/* The same, with minkowski distances and those on the sphere too. */
#define FML_BY_METRIC_OR_POWER(metric, call, ...)                                 \
    do {                                                                          \
        if ((metric) > FML_CHEBYSHEV) {                                           \
            const int power = (metric);                                           \
            call(__VA_ARGS__, power);                                             \
        }                                                                         \
        else if ((metric) == FML_HAVERSINE) call(__VA_ARGS__, FML_HAVERSINE);     \
        else FML_BY_METRIC(metric, call, __VA_ARGS__);                            \
    } while (0)
#endif
