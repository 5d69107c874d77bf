/* Distances to the own centre and sums over clusters, added up in scikit-learn's order.  Template, see typed.h. */

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
    T lanes[LANES], rest = 0;
    OP(store)(lanes, sum);
    for (int step = LANES / 2; step; step /= 2)
        for (int s = 0; s < step; s++) lanes[s] += lanes[s + step];
    for (; f < d; f++) rest += (x[f] - c[f]) * (x[f] - c[f]);
    return (double)lanes[0] + (double)rest;
}

/* Sums of the samples of each touched cluster in [k_first, k_end), over the features [f_first, f_end), in the order of the samples. */
static void NAME(add_up)(const fml_sums *t, ptrdiff_t k_first, ptrdiff_t k_end, ptrdiff_t f_first, ptrdiff_t f_end) {
    const T *x = t->X, *const weights = t->weights;
    T *const sums = t->sums, *const totals = t->totals;
    const ptrdiff_t d = t->d, width = f_end - f_first;
    for (ptrdiff_t j = k_first; j < k_end; j++)
        if (!t->touched || t->touched[j]) {
            memset(sums + j * d + f_first, 0, width * sizeof(T));
            if (!f_first) totals[j] = 0;
        }
    for (ptrdiff_t i = 0; i < t->n; i++, x += d) {
        const ptrdiff_t j = t->labels[i];
        if (j < k_first || j >= k_end || (t->touched && !t->touched[j])) continue;
        const T *const from = x + f_first;
        T *const to = sums + j * d + f_first;
        if (weights) {
            const T w = weights[i];
            for (ptrdiff_t f = 0; f < width; f++) to[f] += from[f] * w;
            if (!f_first) totals[j] += w;
        } else {
            for (ptrdiff_t f = 0; f < width; f++) to[f] += from[f];
            if (!f_first) totals[j] += 1;
        }
    }
}

/* Weighted squared distances to the own centre, added up sample by sample. */
static double NAME(add_up_distances)(const fml_sums *t, ptrdiff_t first, ptrdiff_t end) {
    const T *const X = t->X, *const weights = t->weights, *const centers = t->centers;
    T sum = 0;
    for (ptrdiff_t i = first; i < end; i++) {
        const T value = NAME(squared_distance)(X + i * t->d, centers + t->labels[i] * t->d, t->d);
        sum += weights ? value * weights[i] : value;
    }
    return sum;
}
