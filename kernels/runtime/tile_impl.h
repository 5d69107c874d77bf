/* The register tile: dot products of BLOCK samples with FML_ROWS rows at a time, one lane a sample.  Template, see typed.h.
 *
 * Every dot product is one chain of fused multiply-adds over the features in ascending order.  This is, bit for bit, what OpenBLAS's
 * packed GEMM kernels for Haswell and later compute (measured: all shapes with d < 32, and with n * k >= 2,000 up to d = 384), so a
 * kernel that finishes a tile as scikit-learn finishes its GEMM takes scikit-learn's own decisions, ties included.
 */
#ifndef FML_ROWS
#define FML_ROWS 6
#endif
typedef T NAME(quad) __attribute__((vector_size(4 * sizeof(T))));

/* rows  BLOCK pointers to d values   in
 * xt    (d, BLOCK)                   out   the same values, one sample a column
 *
 * A cache line of xt at a time, row by row: what reads the rows ahead from memory follows a few streams, not BLOCK of them. */
FML_INLINE void NAME(transpose)(const T *const *rows, ptrdiff_t d, T *restrict xt) {
    typedef NAME(quad) Q;
    const int line = 64 / sizeof(T) < BLOCK ? 64 / sizeof(T) : BLOCK;
    for (int s0 = 0; s0 < BLOCK; s0 += line) {
        ptrdiff_t f = 0;
        for (; f + 4 <= d; f += 4)
            for (int s = s0; s < s0 + line; s += 4) {
                Q a, b, c, e;
                memcpy(&a, rows[s] + f, sizeof a), memcpy(&b, rows[s + 1] + f, sizeof b);
                memcpy(&c, rows[s + 2] + f, sizeof c), memcpy(&e, rows[s + 3] + f, sizeof e);
                const Q ab = __builtin_shufflevector(a, b, 0, 4, 2, 6), AB = __builtin_shufflevector(a, b, 1, 5, 3, 7);
                const Q ce = __builtin_shufflevector(c, e, 0, 4, 2, 6), CE = __builtin_shufflevector(c, e, 1, 5, 3, 7);
                a = __builtin_shufflevector(ab, ce, 0, 1, 4, 5), b = __builtin_shufflevector(AB, CE, 0, 1, 4, 5);
                c = __builtin_shufflevector(ab, ce, 2, 3, 6, 7), e = __builtin_shufflevector(AB, CE, 2, 3, 6, 7);
                T *out = xt + f * BLOCK + s;
                memcpy(out, &a, sizeof a), memcpy(out + BLOCK, &b, sizeof b);
                memcpy(out + 2 * BLOCK, &c, sizeof c), memcpy(out + 3 * BLOCK, &e, sizeof e);
            }
        for (; f < d; f++)
            for (int s = s0; s < s0 + line; s++) xt[f * BLOCK + s] = rows[s][f];
    }
}

/* xt    (d, BLOCK)                   in
 * y     (n_rows, d) C order          in    n_rows <= FML_ROWS, a constant where this is inlined
 * ahead BLOCK pointers               in    rows wanted next: each of their cache lines is sent for once, spread over the loop
 *                                          (in one go they would stall it: 39 against 26 ns a sample at d = 32, k = 8); or NULL
 * acc   (n_rows, FML_VECTORS)        out   lane by lane  sum_f xt[f] * y[f]  as one chain */
FML_INLINE void NAME(dots)(const T *restrict xt, const T *restrict y, ptrdiff_t d, const int n_rows, const T *const *ahead,
                           V acc[FML_ROWS][FML_VECTORS]) {
    const int line = 64 / sizeof(T) < BLOCK ? 64 / sizeof(T) : BLOCK;
    for (int j = 0; j < n_rows; j++)
        for (int s = 0; s < FML_VECTORS; s++) acc[j][s] = OP(set1)(0);
    for (ptrdiff_t f = 0; f < d; f++) {
        V x[FML_VECTORS];
        for (int s = 0; s < FML_VECTORS; s++) x[s] = OP(load)(xt + f * BLOCK + s * LANES);
        if (ahead)
            for (int s = 0; s < BLOCK; s += line) __builtin_prefetch(ahead[s + f % line] + (f - f % line), 0, 2);
        for (int j = 0; j < n_rows; j++) {
            const V c = OP(set1)(y[j * d + f]);
            for (int s = 0; s < FML_VECTORS; s++) acc[j][s] = OP(fma)(x[s], c, acc[j][s]);
        }
    }
}

/* Runs BODY(n_rows) with the largest constants that cover k rows from j on: FML_ROWS at a time, then what is left. */
#ifndef FML_EACH_TILE
#define FML_EACH_TILE(j, k, BODY)                                                   \
    for (ptrdiff_t j = 0; j < (k); j += FML_ROWS) switch ((k) - j) {                \
        case 1: BODY(1); break;                                                     \
        case 2: BODY(2); break;                                                     \
        case 3: BODY(3); break;                                                     \
        case 4: BODY(4); break;                                                     \
        case 5: BODY(5); break;                                                     \
        default: BODY(6);                                                           \
    }
#endif
