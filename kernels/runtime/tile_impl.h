/* The register tile: dot products of BLOCK samples with FML_ROWS rows at a time, one lane a sample.  Template, see typed.h.
 *
 * Every dot product is one chain of fused multiply-adds over the features in ascending order.  This is, bit for bit, what OpenBLAS's
 * packed GEMM kernels for Haswell and later compute (measured: all shapes with d < 32, and with n * k >= 2,000 up to the d at which they cut
 * their chains: kmeans/gemm.py), so a kernel that finishes a tile as scikit-learn finishes its GEMM takes scikit-learn's own decisions, ties included.
 */
#ifndef FML_ROWS
#define FML_ROWS 6
#endif

/* rows  BLOCK pointers to d values   in
 * ahead BLOCK pointers               in    rows wanted next, or NULL.  Of 128 to 1024 bytes they are sent for here and once more by `dots`:
 *                                          with few centres that is too short for it to keep up with memory (n = 1M, k = 2, float32:
 *                                          9.1 to 6.1 ns a sample at d = 32, 19 to 9 at d = 48; in a cache up to 0.6 ns are lost)
 * xt    (d, BLOCK)                   out   the same values, one sample a column
 *
 * A cache line of xt at a time, row by row: what reads the rows ahead from memory follows a few streams, not BLOCK of them. */
FML_INLINE void NAME(transpose)(const T *const *rows, const T *const *ahead, ptrdiff_t d, T *restrict xt) {
    const int line = 64 / sizeof(T) < BLOCK ? 64 / sizeof(T) : BLOCK;
    const ptrdiff_t in_line = 64 / sizeof(T);
    if (d < 2 * in_line || d > 16 * in_line) ahead = NULL;
    for (int s0 = 0; s0 < BLOCK; s0 += line) {
        ptrdiff_t f = 0;
        for (; f + 4 <= d; f += 4)
            for (int s = s0; s < s0 + line; s += GROUP) {
                OP(transpose4)(rows + s, f, xt + f * BLOCK + s, BLOCK);
                if (ahead && f % in_line == 0)
                    for (int r = 0; r < GROUP; r++) __builtin_prefetch(ahead[s + r] + f, 0, 2);
            }
        for (; f < d; f++)
            for (int s = s0; s < s0 + line; s++) xt[f * BLOCK + s] = rows[s][f];
    }
}

/* The same of samples in a row, each of at most three features. */
FML_INLINE void NAME(transpose_run)(const T *restrict rows, ptrdiff_t d, T *restrict xt) {
    if (d == 1) for (int s = 0; s < BLOCK; s++) xt[s] = rows[s];
    else if (d == 2) for (int s = 0; s < BLOCK; s++) xt[s] = rows[2 * s], xt[BLOCK + s] = rows[2 * s + 1];
    else for (int s = 0; s < BLOCK; s++)
        xt[s] = rows[3 * s], xt[BLOCK + s] = rows[3 * s + 1], xt[2 * BLOCK + s] = rows[3 * s + 2];
}

/* xt    (d, BLOCK)                   in
 * y     (n_rows, d)                  in    n_rows <= FML_ROWS, a constant where this is inlined; `stride` from row to row
 * ahead BLOCK pointers               in    rows wanted next: each of their cache lines is sent for once, spread over the loop
 *                                          (in one go they would stall it: 39 against 26 ns a sample at d = 32, k = 8); or NULL
 * acc   (n_rows, FML_VECTORS)        out   lane by lane  sum_f xt[f] * y[f]  as one chain */
FML_INLINE void NAME(dots)(const T *restrict xt, const T *restrict y, ptrdiff_t d, ptrdiff_t stride, const int n_rows,
                           const T *const *ahead, V acc[FML_ROWS][FML_VECTORS]) {
    const int line = 64 / sizeof(T) < BLOCK ? 64 / sizeof(T) : BLOCK;
    for (int j = 0; j < n_rows; j++)
        for (int s = 0; s < FML_VECTORS; s++) acc[j][s] = OP(set1)(0);
    for (ptrdiff_t f = 0; f < d; f++) {
        V x[FML_VECTORS];
        for (int s = 0; s < FML_VECTORS; s++) x[s] = OP(load)(xt + f * BLOCK + s * LANES);
        if (ahead)
            for (int s = 0; s < BLOCK; s += line) __builtin_prefetch(ahead[s + f % line] + (f - f % line), 0, 2);
        for (int j = 0; j < n_rows; j++) {
            const V c = OP(set1)(y[j * stride + f]);
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
