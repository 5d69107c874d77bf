/* Distances to the own centre and sums over clusters, added up in scikit-learn's order.  Template, see typed.h. */

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
