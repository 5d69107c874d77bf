/* Squared distance of two rows.  Template, see typed.h. */

/* ||x - c||^2 as scikit-learn sums it: four features at a time. No operation may be fused or reordered. */
static T NAME(squared_distance)(const T *x, const T *c, ptrdiff_t d) {
    T sum = 0;
    ptrdiff_t f = 0;
    for (; f + 4 <= d; f += 4) {
        const T a = x[f] - c[f], b = x[f + 1] - c[f + 1], e = x[f + 2] - c[f + 2], g = x[f + 3] - c[f + 3];
        sum += ((a * a + b * b) + e * e) + g * g;
    }
    for (; f < d; f++) sum += (x[f] - c[f]) * (x[f] - c[f]);
    return sum;
}

/* The same to a relative (d + 3) * EPS, in any order. */
FML_INLINE double NAME(fast_squared_distance)(const T *x, const T *c, ptrdiff_t d) {
    V sum = OP(set1)(0);
    ptrdiff_t f = 0;
    for (; f + LANES <= d; f += LANES) {
        const V e = OP(sub)(OP(load)(x + f), OP(load)(c + f));
        sum = OP(fma)(e, e, sum);
    }
    T rest = 0;
    for (; f < d; f++) rest += (x[f] - c[f]) * (x[f] - c[f]);
    return (double)OP(sum)(sum) + (double)rest;
}
