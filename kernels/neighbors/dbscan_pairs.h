/* Which pairs of points are neighbours, for scikit-learn.
 *
 * Squared distances are sums in the order of the features without fused operations, as its trees compute them. Between `inside` and
 * `outside` the answer may hang on how scikit-learn rounds, and on which node of its tree a point lies in: a node is left out or taken as
 * a whole by bounds of its own. There a pair is judged as its tree judges it, where that tree is at hand (`places`), and is open otherwise.
 * A tree may find b from a and not a from b.
 *
 * Of haversine distances (FML_SPHERE) the features are unit vectors. Between `inside` and `outside`, which allow for their rounding, a pair is
 * judged by scikit-learn's formula, and where its ball tree might round otherwise, by that.
 */
#ifndef FML_DBSCAN_PAIRS_H
#define FML_DBSCAN_PAIRS_H
#include <math.h>
#include <string.h>
#include "haversine.h"
#include "lanes.h"
#include "simd.h"
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#define FML_LANES 8
#define FML_MANY 6                  /* features */

/* Points by place: those near each other in space are near each other here. */
typedef struct {
    double *values;                 /* (d, stride)    out    infinity behind the last place */
    int32_t *order;                 /* (n,)           out    sample of a place */
    ptrdiff_t n, d, stride;         /* stride: at least n + 8 */
} fml_points;

enum { FML_OUT = 0, FML_IN = 1, FML_OPEN = 2 };
enum { FML_BRUTE = 0, FML_KD_TREE = 1, FML_BALL_TREE = 2, FML_SPHERE = 3 };

typedef struct {
    double eps, square;             /* eps * eps as floats round it; FML_SPHERE: the reduced distance */
    double root_square;             /* the largest number whose root is eps, for the C library's pow */
    double inside, outside;         /* squared distances up to `inside`, and beyond `outside`, leave no question */
    double two, half;               /* exponents, which the compiler must not know: it would replace pow */
    int search;                     /* FML_BRUTE ... */
    const double *on_sphere;        /* (n, 3)  in    FML_SPHERE: latitude, longitude and cosine of the latitude of the samples */
    double near, far;               /* reduced distances up to `near`, and beyond `far`, leave no question */
    /* scikit-learn's tree; places is NULL where it is not at hand */
    const int32_t *places;          /* (n,)  in    of the samples in its order */
    const int64_t *ends;            /* (n_nodes,)  in    of the places of a node */
    const double *radii;            /* (n_nodes,)  in    of balls */
    const double *low, *high;       /* (n_nodes, d)  in    bounds of boxes; centres of balls */
    ptrdiff_t n_nodes;
} fml_limits;

/* Bit s of the result: whether lane s is at most the bound. */
static inline uint32_t fml_at_most(f64x8 x, double bound) {
#if defined(__AVX512F__)
    return vmask_bits(_mm512_cmp_pd_mask((__m512d)x, _mm512_set1_pd(bound), _CMP_LE_OQ));
#elif defined(__AVX2__)
    __m256d half[2];
    memcpy(half, &x, sizeof half);
    const __m256d b = _mm256_set1_pd(bound);
    return (uint32_t)_mm256_movemask_pd(_mm256_cmp_pd(half[0], b, _CMP_LE_OQ)) |
           (uint32_t)_mm256_movemask_pd(_mm256_cmp_pd(half[1], b, _CMP_LE_OQ)) << 4;
#else
    uint32_t bits = 0;
    for (int s = 0; s < FML_LANES; s++) bits |= (uint32_t)(x[s] <= bound) << s;
    return bits;
#endif
}

static inline f64x8 fml_square(const double *values, ptrdiff_t place, ptrdiff_t first) {
    const f64x8 difference = splat_f64x8(values[place]) - load_f64x8(values + first);
    return difference * difference;
}
/* Squared distances of the point at a place from the eight at `first` and behind. Of many features only half are added up if that takes
 * all eight beyond a bound already. */
static inline f64x8 fml_squares(const fml_points *p, ptrdiff_t place, ptrdiff_t first, double bound) {
    const double *const values = p->values;
    f64x8 sum = fml_square(values, place, first);
    if (p->d == 2) return sum + fml_square(values + p->stride, place, first);      /* no loop: a tenth less for all of DBSCAN */
    ptrdiff_t f = 1;
    if (p->d >= FML_MANY) {
        for (; f < p->d / 2; f++) sum += fml_square(values + f * p->stride, place, first);
        if (!fml_at_most(sum, bound)) return sum;
    }
    for (; f < p->d; f++) sum += fml_square(values + f * p->stride, place, first);
    return sum;
}

/* A ball of scikit-learn's tree as it measures its distance on the sphere. */
static double fml_arc_to_ball(const fml_limits *l, const double *from, ptrdiff_t node) {
    const double *const low = l->low + node * 2, centre[3] = {low[0], low[1], cos(low[0])};
    return fml_arc(fml_haversine(from, centre));
}

/* The way of scikit-learn's radius query from its root towards one point. */
static int fml_walk(const fml_points *p, const fml_limits *l, ptrdiff_t from, ptrdiff_t to, double square) {
    const int sphere = l->search == FML_SPHERE;
    const ptrdiff_t d = p->d, place = l->places[p->order[to]];
    for (ptrdiff_t node = 0;;) {
        double least = 0, largest = 0;
        const double *const low = l->low + node * d, *const high = l->high + node * d;
        for (ptrdiff_t f = 0; !sphere && f < d; f++) {
            const double x = p->values[f * p->stride + from];
            if (l->search == FML_BALL_TREE) {
                least += (x - low[f]) * (x - low[f]);
                continue;
            }
            const double below = low[f] - x, above = x - high[f];
            const double gap = (below + fabs(below)) + (above + fabs(above));
            least += pow(0.5 * gap, l->two);
            largest += pow(fmax(fabs(below), fabs(above)), l->two);
        }
        if (sphere || l->search == FML_BALL_TREE) {
            const double distance = sphere ? fml_arc_to_ball(l, l->on_sphere + 3 * (ptrdiff_t)p->order[from], node) : sqrt(least);
            least = fmax(0, distance - l->radii[node]), largest = distance + l->radii[node];
        } else least = pow(least, l->half), largest = pow(largest, l->half);
        if (least > l->eps) return FML_OUT;
        if (largest <= l->eps) return FML_IN;
        if (2 * node + 1 >= l->n_nodes) return square <= l->square ? FML_IN : FML_OUT;
        node = 2 * node + 1 + (place >= l->ends[2 * node + 1]);
    }
}

static int fml_judge_on_sphere(const fml_points *p, const fml_limits *l, ptrdiff_t from, ptrdiff_t to) {
    const double reduced = fml_haversine(l->on_sphere + 3 * (ptrdiff_t)p->order[from], l->on_sphere + 3 * (ptrdiff_t)p->order[to]);
    if (reduced <= l->near) return FML_IN;
    if (reduced > l->far) return FML_OUT;
    return l->places ? fml_walk(p, l, from, to, reduced) : FML_OPEN;
}

/* Whether scikit-learn's search finds the point at place `to` from the one at `from`. */
static int fml_judge(const fml_points *p, const fml_limits *l, ptrdiff_t from, ptrdiff_t to) {
    if (l->search == FML_SPHERE) return fml_judge_on_sphere(p, l, from, to);
    double square = 0, powers = 0;
    int exact = 1;
    for (ptrdiff_t f = 0; f < p->d; f++) {
        const double x = p->values[f * p->stride + from] - p->values[f * p->stride + to], s = x * x;
        square += s;
        exact &= fma(x, x, -s) == 0;
    }
    if (square <= l->inside) return FML_IN;
    if (square > l->outside) return FML_OUT;
    if (l->search == FML_KD_TREE) {
        /* The bounds of its boxes are sums of pow(x, 2), which may differ from x * x in the last bit where that is not exact. They are
         * no larger than this sum, or no smaller, and are compared as roots. */
        if (exact) powers = square;
        else for (ptrdiff_t f = 0; f < p->d; f++) powers += pow(fabs(p->values[f * p->stride + from] - p->values[f * p->stride + to]), l->two);
        if (square <= l->square && powers <= l->root_square) return FML_IN;
        if (square > l->square && powers > l->root_square) return FML_OUT;
    }
    return l->places ? fml_walk(p, l, from, to, square) : FML_OPEN;
}
#endif
