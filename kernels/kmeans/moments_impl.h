/* Column sums in the order of the rows, as NumPy adds along axis 0.  Template, see typed.h. */

/* sums (d,) += x over the columns [first, end). */
static void NAME(add_columns)(const T *X, ptrdiff_t n, ptrdiff_t d, ptrdiff_t first, ptrdiff_t end, T *restrict sums) {
    for (ptrdiff_t i = 0; i < n; i++)
        for (ptrdiff_t f = first; f < end; f++) sums[f] += X[i * d + f];
}

/* out = X - means, and squares (d,) += out * out, over the columns [first, end).  out may be X. */
static void NAME(subtract_columns)(const T *X, ptrdiff_t n, ptrdiff_t d, ptrdiff_t first, ptrdiff_t end, const T *restrict means,
                                   T *out, T *restrict squares) {
    for (ptrdiff_t i = 0; i < n; i++)
#pragma GCC ivdep
        for (ptrdiff_t f = first; f < end; f++) {
            const T x = X[i * d + f] - means[f];
            out[i * d + f] = x;
            squares[f] += x * x;
        }
}
