/* Eight numbers at a time, float or double, and the first few of eight: for rows whose length is no multiple of 8.
 *
 * Lanes are the same at every instruction set level, and nothing is contracted: so are sums. For each type S in f64, f32:
 * load8_S, first8_S (lanes from `count` on are 0, and not read), store8_S, and widen_S, narrow_S: to and from eight doubles. */
#ifndef FML_EIGHTS_H
#define FML_EIGHTS_H
#include "lanes.h"
#include "simd.h"

typedef float f32x8u __attribute__((vector_size(32), aligned(4), may_alias));

FML_INLINE f64x8 load8_f64(const double *p) { return *(const f64x8 *)p; }
FML_INLINE f32x8u load8_f32(const float *p) { return *(const f32x8u *)p; }
FML_INLINE void store8_f64(double *p, f64x8 v) { *(f64x8 *)p = v; }
FML_INLINE void store8_f32(float *p, f32x8u v) { *(f32x8u *)p = v; }
FML_INLINE f64x8 widen_f64(f64x8 v) { return v; }
FML_INLINE f64x8 widen_f32(f32x8u v) { return __builtin_convertvector(v, f64x8); }
FML_INLINE f64x8 narrow_f64(f64x8 v) { return v; }
FML_INLINE f32x8u narrow_f32(f64x8 v) { return __builtin_convertvector(v, f32x8u); }

FML_INLINE f64x8 keep_first8(f64x8 v, ptrdiff_t count) {
    const i64x8 lanes = {0, 1, 2, 3, 4, 5, 6, 7};
    return (f64x8)((i64x8)v & (i64x8)(lanes < (int64_t)count));
}

#if defined(__AVX512F__) && defined(__AVX512VL__)
FML_INLINE f64x8 first8_f64(const double *p, ptrdiff_t count) {
    return (f64x8)_mm512_maskz_loadu_pd((__mmask8)((1u << count) - 1), p);
}
FML_INLINE f32x8u first8_f32(const float *p, ptrdiff_t count) {
    return (f32x8u)_mm256_maskz_loadu_ps((__mmask8)((1u << count) - 1), p);
}
#elif defined(__AVX2__)
static const int64_t fml_masks64[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
static const int32_t fml_masks32[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
FML_INLINE f64x8 first8_f64(const double *p, ptrdiff_t count) {
    const __m256i *mask = (const __m256i *)(fml_masks64 + 8 - count);
    const f64x4 low = (f64x4)_mm256_maskload_pd(p, _mm256_loadu_si256(mask));
    const f64x4 high = (f64x4)_mm256_maskload_pd(p + 4, _mm256_loadu_si256(mask + 1));
    return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7);
}
FML_INLINE f32x8u first8_f32(const float *p, ptrdiff_t count) {
    return (f32x8u)_mm256_maskload_ps(p, _mm256_loadu_si256((const __m256i *)(fml_masks32 + 8 - count)));
}
#else
FML_INLINE f64x8 first8_f64(const double *p, ptrdiff_t count) {
    double lanes[8] = {0};
    for (ptrdiff_t j = 0; j < count; j++) lanes[j] = p[j];
    return load8_f64(lanes);
}
FML_INLINE f32x8u first8_f32(const float *p, ptrdiff_t count) {
    float lanes[8] = {0};
    for (ptrdiff_t j = 0; j < count; j++) lanes[j] = p[j];
    return load8_f32(lanes);
}
#endif
#endif
