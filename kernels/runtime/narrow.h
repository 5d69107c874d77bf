/* Float tiles of samples: twice the lanes, for what can be decided with a bound on the rounding. */
#ifndef FML_NARROW_H
#define FML_NARROW_H
#include "lanes.h"

#define FML_NARROW ((int)(FML_VECTORS * sizeof(vf32) / sizeof(float)))  /* samples of a tile */

/* xt[f][s] = (float)(rows[s][f] - origin[f]),  a cache line of xt at a time as in tile_impl.h.
 *
 * rows    FML_NARROW pointers to d values  in
 * ahead   FML_NARROW pointers to d values  in    rows wanted next, sent for meanwhile
 * origin  (d,)                             in
 * xt      (d, FML_NARROW)                  out */
#define FML_DEFINE_NARROW(T, S, quad)                                                                                  \
    FML_INLINE fml_f32x4 fml_narrow_four_##S(const T *x, const double *origin) {                                       \
        quad values;                                                                                                   \
        fml_f64x4 from;                                                                                                \
        memcpy(&values, x, sizeof values), memcpy(&from, origin, sizeof from);                                         \
        return __builtin_convertvector(__builtin_convertvector(values, fml_f64x4) - from, fml_f32x4);                  \
    }                                                                                                                  \
    FML_INLINE void fml_narrow_##S(const T *const *rows, const T *const *ahead, const double *origin, ptrdiff_t d,     \
                                   float *restrict xt) {                                                               \
        const int line = 16 < FML_NARROW ? 16 : FML_NARROW;                                                            \
        const ptrdiff_t in_line = 64 / sizeof(T);                                                                      \
        for (int s0 = 0; s0 < FML_NARROW; s0 += line) {                                                                \
            ptrdiff_t f = 0;                                                                                           \
            for (; f + 4 <= d; f += 4)                                                                                 \
                for (int s = s0; s < s0 + line; s += 8) {                                                              \
                    fml_f32x4 four[8];                                                                                 \
                    for (int r = 0; r < 8; r++) four[r] = fml_narrow_four_##S(rows[s + r] + f, origin + f);            \
                    fml_columns_f32(four, xt + f * FML_NARROW + s, FML_NARROW);                                        \
                    if (f % in_line == 0)                                                                              \
                        for (int r = 0; r < 8; r++) __builtin_prefetch(ahead[s + r] + f, 0, 2);                        \
                }                                                                                                      \
            for (; f < d; f++)                                                                                         \
                for (int s = s0; s < s0 + line; s++) xt[f * FML_NARROW + s] = (float)(rows[s][f] - origin[f]);         \
        }                                                                                                              \
    }
FML_DEFINE_NARROW(double, f64, fml_f64x4)
FML_DEFINE_NARROW(float, f32, fml_f32x4)
#undef FML_DEFINE_NARROW

/* Twice the largest error of  |c|^2 - 2 x.c  by a tile of floats, for exact x and c of these norms, plus that of  |x|^2. Infinite where
 * floats may overflow. Each product of the dot product errs by d + 3 roundings at most: two of the factors, d (twice without fused
 * operations) of the chain, and the term 2^-126 is for what floats cannot hold. */
FML_INLINE float fml_narrow_doubt(ptrdiff_t d, float x_norm, float c_norm) {
    const float reach = x_norm + c_norm, doubt = 4 * ((float)d + 8) * 0x1p-24f * reach * reach + (float)d * 0x1p-120f;
    return doubt < 0x1p100f ? doubt : INFINITY;
}
#endif
