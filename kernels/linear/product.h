/* out += A' B: small products whose tiles of the result stay in registers.
 *
 * A's number (k, a) lies at A[k * next + a * lane], so that A may be a block of rows or its transpose; B and `out` have
 * rows of a multiple of four numbers. */
#ifndef FML_PRODUCT_H
#define FML_PRODUCT_H
#include "lanes.h"
#include "simd.h"

typedef double f64x4u __attribute__((vector_size(32), aligned(8), may_alias));

#define FML_PANEL 12               /* columns of a tile: three vectors of four */
#if defined(__AVX512VL__)
#define FML_TALL 8                 /* rows of a tile: 8 x 3 accumulators, 3 operands of 32 registers */
#elif defined(__AVX2__) || defined(__aarch64__)
#define FML_TALL 4
#else
#define FML_TALL 2
#endif

FML_INLINE void fml_tile(const int tall, const int wide, ptrdiff_t n, const double *A, ptrdiff_t next, ptrdiff_t lane,
                         const double *B, ptrdiff_t b_row, double *out, ptrdiff_t out_row) {
    f64x4u sums[FML_TALL][3];
    for (int a = 0; a < tall; a++)
        for (int v = 0; v < wide; v++) sums[a][v] = *(const f64x4u *)(out + a * out_row + 4 * v);
    for (ptrdiff_t k = 0; k < n; k++) {
        f64x4u b[3];
        for (int v = 0; v < wide; v++) b[v] = *(const f64x4u *)(B + k * b_row + 4 * v);
#pragma GCC unroll 8
        for (int a = 0; a < tall; a++)
            for (int v = 0; v < wide; v++) sums[a][v] += A[k * next + a * lane] * b[v];
    }
    for (int a = 0; a < tall; a++)
        for (int v = 0; v < wide; v++) *(f64x4u *)(out + a * out_row + 4 * v) = sums[a][v];
}

FML_INLINE void fml_panel(const int wide, ptrdiff_t height, ptrdiff_t n, const double *A, ptrdiff_t next, ptrdiff_t lane,
                          const double *B, ptrdiff_t b_row, double *out, ptrdiff_t out_row) {
    ptrdiff_t a = 0;
    for (; a + FML_TALL <= height; a += FML_TALL)
        fml_tile(FML_TALL, wide, n, A + a * lane, next, lane, B, b_row, out + a * out_row, out_row);
#if FML_TALL > 4
    for (; a + 4 <= height; a += 4) fml_tile(4, wide, n, A + a * lane, next, lane, B, b_row, out + a * out_row, out_row);
#endif
#if FML_TALL > 2
    for (; a + 2 <= height; a += 2) fml_tile(2, wide, n, A + a * lane, next, lane, B, b_row, out + a * out_row, out_row);
#endif
    if (a < height) fml_tile(1, wide, n, A + a * lane, next, lane, B, b_row, out + a * out_row, out_row);
}

/* `height` rows of `width` columns, at most FML_PANEL of them. */
static void fml_add_panel(ptrdiff_t width, ptrdiff_t height, ptrdiff_t n, const double *A, ptrdiff_t next, ptrdiff_t lane,
                          const double *B, ptrdiff_t b_row, double *out, ptrdiff_t out_row) {
    if (width == 12)
        fml_panel(3, height, n, A, next, lane, B, b_row, out, out_row);
    else if (width == 8)
        fml_panel(2, height, n, A, next, lane, B, b_row, out, out_row);
    else
        fml_panel(1, height, n, A, next, lane, B, b_row, out, out_row);
}

static void fml_add_product(ptrdiff_t width, ptrdiff_t height, ptrdiff_t n, const double *A, ptrdiff_t next,
                            ptrdiff_t lane, const double *B, double *out) {
    for (ptrdiff_t b = 0; b < width; b += FML_PANEL) {
        const ptrdiff_t here = width - b < FML_PANEL ? width - b : FML_PANEL;
        fml_add_panel(here, height, n, A, next, lane, B + b, width, out + b, width);
    }
}
#endif
