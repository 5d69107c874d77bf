/* Distances to the own centre and sums over clusters, added up in scikit-learn's order.  Template, see typed.h. */

/* The loop of add_up over samples [first, end); `width` and `weighted` are constants where that pays. */
FML_INLINE void NAME(add_some)(const fml_sums *t, ptrdiff_t first, ptrdiff_t end, ptrdiff_t k_first, ptrdiff_t k_end, ptrdiff_t f_first,
                               const ptrdiff_t width, const int weighted) {
    const T *x = (const T *)t->X + first * t->d + f_first, *const weights = t->weights;
    const int32_t *const labels = t->labels;
    const unsigned char *const touched = t->touched;
    T *const sums = (T *)t->sums + f_first, *const totals = t->totals;
    const ptrdiff_t d = t->d;
    for (ptrdiff_t i = first; i < end; i++, x += d) {
        const ptrdiff_t j = labels[i];
        if (j < k_first || j >= k_end || (touched && !touched[j])) continue;
        T *const to = sums + j * d;
        const T w = weighted ? weights[i] : 1;
        for (ptrdiff_t f = 0; f < width; f++) to[f] += weighted ? x[f] * w : x[f];
        if (!f_first) totals[j] += w;
    }
}

static void NAME(add_rows)(const fml_sums *t, ptrdiff_t first, ptrdiff_t end, ptrdiff_t k_first, ptrdiff_t k_end, ptrdiff_t f_first,
                           ptrdiff_t width) {
#define ADD(width_) \
    case width_: NAME(add_some)(t, first, end, k_first, k_end, f_first, width_, 0); return;
    if (!t->weights) switch (width) { ADD(1) ADD(2) ADD(3) ADD(4) ADD(5) ADD(6) ADD(7) ADD(8) }
#undef ADD
    NAME(add_some)(t, first, end, k_first, k_end, f_first, width, t->weights != NULL);
}

/* Sums of the samples of each touched cluster in [k_first, k_end), over the features [f_first, f_end), in the order of the samples. */
static void NAME(add_up)(const fml_sums *t, ptrdiff_t k_first, ptrdiff_t k_end, ptrdiff_t f_first, ptrdiff_t f_end) {
    for (ptrdiff_t j = k_first; j < k_end; j++)
        if (!t->touched || t->touched[j]) {
            memset((T *)t->sums + j * t->d + f_first, 0, (f_end - f_first) * sizeof(T));
            if (!f_first) ((T *)t->totals)[j] = 0;
        }
    NAME(add_rows)(t, 0, t->n, k_first, k_end, f_first, f_end - f_first);
}

/* Weighted squared distances to the own centre. */
static void NAME(own_distances)(const fml_sums *t, ptrdiff_t first, ptrdiff_t end) {
    const T *const X = t->X, *const weights = t->weights, *const centers = t->centers;
    T *const values = t->values;
    for (ptrdiff_t i = first; i < end; i++) {
        const T value = NAME(squared_distance)(X + i * t->d, centers + t->labels[i] * t->d, t->d);
        values[i] = weights ? value * weights[i] : value;
    }
}
