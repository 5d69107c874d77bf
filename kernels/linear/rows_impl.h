/* A row times the weights, and a row added to them.  Template, see typed.h.
 *
 * Every dense sum is that of two vectors of eight doubles, which take turns, and then of their lanes. */

#define EIGHT(f) FML_JOIN(f, TYPE)
#define PRODUCT(a, b) EIGHT(widen)((a) * (b))    /* rounded to T, added up in double */

/* w . x, of a dense row.  w is padded with zeros. */
FML_INLINE double NAME(dot)(const T *w, const T *x, ptrdiff_t d) {
    f64x8 sums[2] = {{0}, {0}};
    ptrdiff_t j = 0;
    for (; j + 16 <= d; j += 16) {
        sums[0] += PRODUCT(EIGHT(load8)(w + j), EIGHT(load8)(x + j));
        sums[1] += PRODUCT(EIGHT(load8)(w + j + 8), EIGHT(load8)(x + j + 8));
    }
    if (j + 8 <= d) {
        sums[0] += PRODUCT(EIGHT(load8)(w + j), EIGHT(load8)(x + j));
        j += 8;
    }
    if (j < d) sums[1] += PRODUCT(EIGHT(load8)(w + j), EIGHT(first8)(x + j, d - j));
    return hsum_f64x8(sums[0] + sums[1]);
}

/* w . x as scikit-learn adds it up: entry by entry.  `indices` NULL: a dense row. */
static double NAME(dot_in_order)(const T *w, const T *x, const int32_t *indices, ptrdiff_t n) {
    double sum = 0;
    for (ptrdiff_t p = 0; p < n; p++) sum += w[indices ? indices[p] : p] * x[p];
    return sum;
}

typedef struct {
    f64x8 next[2], squares[2], sizes[2];
} NAME(sums);

/* For the eight weights at `at`: w += step x; then, of the new ones, products with the next row, squares and magnitudes. */
#define ADD_EIGHT(at, row, following, k, keep)                                                       \
    do {                                                                                             \
        const __typeof__(EIGHT(load8)(w)) sum_w =                                                    \
            EIGHT(narrow)(keep(EIGHT(widen)(EIGHT(load8)(w + (at))) + EIGHT(widen)(row) * step));      \
        EIGHT(store8)(w + (at), sum_w);                                                              \
        if (next) sum.next[k] += PRODUCT(sum_w, following);                                          \
        if (norms) sum.squares[k] += PRODUCT(sum_w, sum_w);                                          \
        if (norms > 1) sum.sizes[k] += (f64x8)((i64x8)EIGHT(widen)(sum_w) & INT64_MAX);               \
    } while (0)

/* w += step x, of a dense row.  Returns w . next where `next` is not NULL; `norms` 1: sets *square, 2: and *size, of w. */
FML_INLINE double NAME(add)(T *restrict w, const T *x, double step, const T *next, ptrdiff_t d, const int norms, double *square,
                            double *size) {
    NAME(sums) sum = {{{0}}};
    ptrdiff_t j = 0;
    for (; j + 16 <= d; j += 16) {
        ADD_EIGHT(j, EIGHT(load8)(x + j), EIGHT(load8)(next + j), 0, );
        ADD_EIGHT(j + 8, EIGHT(load8)(x + j + 8), EIGHT(load8)(next + j + 8), 1, );
    }
    if (j + 8 <= d) {
        ADD_EIGHT(j, EIGHT(load8)(x + j), EIGHT(load8)(next + j), 0, );
        j += 8;
    }
#define KEEP_FIRST(v) keep_first8(v, d - j)  /* zeros times a step that overflowed are NaN */
    if (j < d) ADD_EIGHT(j, EIGHT(first8)(x + j, d - j), EIGHT(first8)(next + j, d - j), 1, KEEP_FIRST);
#undef KEEP_FIRST
    if (norms) *square = hsum_f64x8(sum.squares[0] + sum.squares[1]);
    if (norms > 1) *size = hsum_f64x8(sum.sizes[0] + sum.sizes[1]);
    return next ? hsum_f64x8(sum.next[0] + sum.next[1]) : 0;
}
#undef ADD_EIGHT

/* The same of the entries of a sparse row, its sums in four parts. */
FML_INLINE double NAME(dot_csr)(const T *w, const T *x, const int32_t *indices, ptrdiff_t n) {
    double sums[4] = {0};
    ptrdiff_t p = 0;
    for (; p + 4 <= n; p += 4)
        for (int k = 0; k < 4; k++) sums[k] += w[indices[p + k]] * x[p + k];
    for (; p < n; p++) sums[p & 3] += w[indices[p]] * x[p];
    return (sums[0] + sums[2]) + (sums[1] + sums[3]);
}

/* The norms are those of the weights of this row's entries alone, as scikit-learn has it. */
FML_INLINE void NAME(add_csr)(T *w, const T *x, const int32_t *indices, ptrdiff_t n, double step, const int norms, double *square,
                              double *size) {
    double squares[4] = {0}, sizes[4] = {0};
    for (ptrdiff_t p = 0; p < n; p++) {
        T *const weight = w + indices[p];
        *weight += x[p] * step;
        if (norms) squares[p & 3] += *weight * *weight;
        if (norms > 1) sizes[p & 3] += fabs(*weight);
    }
    if (norms) *square = (squares[0] + squares[2]) + (squares[1] + squares[3]);
    if (norms > 1) *size = (sizes[0] + sizes[2]) + (sizes[1] + sizes[3]);
}

/* Squared length of a row. */
FML_INLINE double NAME(square)(const T *x, ptrdiff_t n) {
    double sums[4] = {0};
    for (ptrdiff_t p = 0; p < n; p++) sums[p & 3] += (double)x[p] * x[p];
    return (sums[0] + sums[2]) + (sums[1] + sums[3]);
}

/* One weight under the cumulative penalty u (Tsuruoka, Tsujii and Ananiadou 2009): towards 0, but not past it. */
FML_INLINE void NAME(shrink)(T *w, T *q, double scale, double u) {
    const double z = *w;
    double shrunk = z;
    if (scale * z > 0.0) shrunk = z - (u + *q) / scale, shrunk = shrunk > 0.0 ? shrunk : 0.0;
    else if (scale * z < 0.0) shrunk = z + (u - *q) / scale, shrunk = shrunk < 0.0 ? shrunk : 0.0;
    *w = shrunk;
    *q += scale * (*w - z);
}

/* The same of all weights, both padded with zeros, which stay. */
FML_INLINE void NAME(shrink_all)(T *restrict w, T *restrict q, double scale, double u, ptrdiff_t d) {
    for (ptrdiff_t j = 0; j < d; j += 8) {
        const f64x8 z = EIGHT(widen)(EIGHT(load8)(w + j)), had = EIGHT(widen)(EIGHT(load8)(q + j));
        const i64x8 above = scale * z > 0.0, below = scale * z < 0.0;
        const f64x8 less = z - (f64x8)(((i64x8)(u + had) & above) | ((i64x8)(had - u) & ~above)) / scale;
        const i64x8 stays = (above & (less > 0.0)) | (below & (less < 0.0));   /* on its side of 0 */
        const f64x8 shrunk = (f64x8)(((i64x8)less & stays) | ((i64x8)z & ~(above | below)));
        EIGHT(store8)(w + j, EIGHT(narrow)(shrunk));
        EIGHT(store8)(q + j, EIGHT(narrow)(had + scale * (EIGHT(widen)(EIGHT(load8)(w + j)) - z)));
    }
}
