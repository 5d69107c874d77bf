/* Vectors as wide as the instruction set level has them, for kernels that work one lane a sample (or one lane a cluster).
 *
 * Each lane carries an independent chain of operations, so a result does not depend on the width: v2, v3, v4 and NEON agree bit for bit
 * as long as each operation does.  `vfma` is the exception: where the level has no fused multiply-add (FML_HAS_FMA 0), it
 * rounds twice, and a kernel that promises more must decide close calls with `fma()` of the C library (always fused, slow).
 *
 * vmin and vmax give the second operand where one is NaN, as x86 does.
 *
 * For each type T in f64, f32:  vT, vT_lanes,  vload vstore vset1 vadd vsub vmul vfma vmin vmax vsqrt vpick_lt  and  vsum: of a vector's
 * lanes, in the level's own order.
 */
#ifndef FML_LANES_H
#define FML_LANES_H
#include <math.h>
#include <stddef.h>
#include <string.h>

#define FML_INLINE static inline __attribute__((always_inline))

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#include <immintrin.h>
#define FML_HAS_FMA 1
#define FML_VECTORS 4               /* vectors of samples in a tile: 4 x 6 accumulators + 4 operands of 32 registers */
typedef __m512d vf64;
typedef __m512 vf32;
#define FML_DEFINE_LANES(T, S, V, suffix, mask, PS)                                                       \
    FML_INLINE V vload_##S(const T *p) { return _mm512_loadu_##PS(p); }                                   \
    FML_INLINE void vstore_##S(T *p, V a) { _mm512_storeu_##PS(p, a); }                                   \
    FML_INLINE V vset1_##S(T a) { return _mm512_set1_##PS(a); }                                           \
    FML_INLINE V vadd_##S(V a, V b) { return _mm512_add_##PS(a, b); }                                     \
    FML_INLINE V vsub_##S(V a, V b) { return _mm512_sub_##PS(a, b); }                                     \
    FML_INLINE V vmul_##S(V a, V b) { return _mm512_mul_##PS(a, b); }                                     \
    FML_INLINE V vfma_##S(V a, V b, V c) { return _mm512_fmadd_##PS(a, b, c); }                           \
    FML_INLINE V vmin_##S(V a, V b) { return _mm512_min_##PS(a, b); }                                     \
    FML_INLINE V vmax_##S(V a, V b) { return _mm512_max_##PS(a, b); }                                     \
    FML_INLINE V vsqrt_##S(V a) { return _mm512_sqrt_##PS(a); }                                           \
    FML_INLINE V vpick_lt_##S(V a, V b, V yes, V no) {                                                    \
        return _mm512_mask_blend_##PS(_mm512_cmp_##PS##_mask(a, b, _CMP_LT_OQ), no, yes);                 \
    }                                                                                                     \
    FML_INLINE T vsum_##S(V a) { return _mm512_reduce_add_##PS(a); }
FML_DEFINE_LANES(double, f64, vf64, d, __mmask8, pd)
FML_DEFINE_LANES(float, f32, vf32, s, __mmask16, ps)

/* A mask as a number, in a register of numbers at once: gcc 12 puts one aside in 16 bits, and where it is counted after a call reads 32,
 * with what lies beside (seen in the build for the thread sanitizer: one lane too many). */
FML_INLINE unsigned vmask_bits(__mmask16 mask) {
    unsigned bits = mask;
    __asm__("" : "+r"(bits));
    return bits;
}

#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#define FML_HAS_FMA 1
#define FML_VECTORS 2               /* 2 x 6 accumulators + 2 operands + 1 broadcast of 16 registers */
typedef __m256d vf64;
typedef __m256 vf32;
#define FML_DEFINE_LANES(T, S, V, suffix, mask, PS)                                                       \
    FML_INLINE V vload_##S(const T *p) { return _mm256_loadu_##PS(p); }                                   \
    FML_INLINE void vstore_##S(T *p, V a) { _mm256_storeu_##PS(p, a); }                                   \
    FML_INLINE V vset1_##S(T a) { return _mm256_set1_##PS(a); }                                           \
    FML_INLINE V vadd_##S(V a, V b) { return _mm256_add_##PS(a, b); }                                     \
    FML_INLINE V vsub_##S(V a, V b) { return _mm256_sub_##PS(a, b); }                                     \
    FML_INLINE V vmul_##S(V a, V b) { return _mm256_mul_##PS(a, b); }                                     \
    FML_INLINE V vfma_##S(V a, V b, V c) { return _mm256_fmadd_##PS(a, b, c); }                           \
    FML_INLINE V vmin_##S(V a, V b) { return _mm256_min_##PS(a, b); }                                     \
    FML_INLINE V vmax_##S(V a, V b) { return _mm256_max_##PS(a, b); }                                     \
    FML_INLINE V vsqrt_##S(V a) { return _mm256_sqrt_##PS(a); }                                           \
    FML_INLINE V vpick_lt_##S(V a, V b, V yes, V no) {                                                    \
        return _mm256_blendv_##PS(no, yes, _mm256_cmp_##PS(a, b, _CMP_LT_OQ));                            \
    }
FML_DEFINE_LANES(double, f64, vf64, d, __m256d, pd)
FML_DEFINE_LANES(float, f32, vf32, s, __m256, ps)
FML_INLINE double vsum_f64(vf64 a) {
    const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(a), _mm256_extractf128_pd(a, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}
FML_INLINE float vsum_f32(vf32 a) {
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

#else                               /* SSE, NEON and anything else that GCC's 16-byte vectors reach */
#if defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#define FML_HAS_FMA 1
#define FML_VECTORS 4
#else
#define FML_HAS_FMA 0
#define FML_VECTORS 2
#endif
typedef double vf64 __attribute__((vector_size(16)));
typedef float vf32 __attribute__((vector_size(16)));
typedef long long fml_mask_f64 __attribute__((vector_size(16)));
typedef int fml_mask_f32 __attribute__((vector_size(16)));
#if FML_HAS_FMA
FML_INLINE vf64 vfma_f64(vf64 a, vf64 b, vf64 c) { return (vf64)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b); }
FML_INLINE vf32 vfma_f32(vf32 a, vf32 b, vf32 c) { return (vf32)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b); }
#else
FML_INLINE vf64 vfma_f64(vf64 a, vf64 b, vf64 c) { return a * b + c; }
FML_INLINE vf32 vfma_f32(vf32 a, vf32 b, vf32 c) { return a * b + c; }
#endif
#define FML_DEFINE_LANES(T, S, V, suffix, mask, PS)                                                       \
    FML_INLINE V vload_##S(const T *p) { V a; memcpy(&a, p, sizeof a); return a; }                        \
    FML_INLINE void vstore_##S(T *p, V a) { memcpy(p, &a, sizeof a); }                                    \
    FML_INLINE V vset1_##S(T a) { return a - (V){0}; }                                                    \
    FML_INLINE V vadd_##S(V a, V b) { return a + b; }                                                     \
    FML_INLINE V vsub_##S(V a, V b) { return a - b; }                                                     \
    FML_INLINE V vmul_##S(V a, V b) { return a * b; }                                                     \
    FML_INLINE V vpick_lt_##S(V a, V b, V yes, V no) {                                                    \
        mask m = (mask)(a < b);                                                                           \
        return (V)(((mask)yes & m) | ((mask)no & ~m));                                                    \
    }                                                                                                     \
    FML_INLINE V vmin_##S(V a, V b) { return vpick_lt_##S(a, b, a, b); }                                  \
    FML_INLINE V vmax_##S(V a, V b) { return vpick_lt_##S(b, a, a, b); }                                  \
    FML_INLINE V vsqrt_##S(V a) {                                                                         \
        for (size_t i = 0; i < sizeof a / sizeof(T); i++) a[i] = sqrt##suffix(a[i]);                      \
        return a;                                                                                         \
    }                                                                                                     \
    FML_INLINE T vsum_##S(V a) {                                                                          \
        T sum = a[0];                                                                                     \
        for (size_t i = 1; i < sizeof a / sizeof(T); i++) sum += a[i];                                    \
        return sum;                                                                                       \
    }
#define sqrtd sqrt
#define sqrts sqrtf
FML_DEFINE_LANES(double, f64, vf64, d, fml_mask_f64, pd)
FML_DEFINE_LANES(float, f32, vf32, s, fml_mask_f32, ps)
#undef sqrtd
#undef sqrts
#endif
#undef FML_DEFINE_LANES

/* Transposition of 4 features of a few rows: out[f * stride + s] = rows[s][f].  Halves of a vector are loaded from different rows, which
 * saves every second shuffle. */
typedef double fml_f64x2 __attribute__((vector_size(16)));
typedef double fml_f64x4 __attribute__((vector_size(32)));
typedef float fml_f32x4 __attribute__((vector_size(16)));
typedef float fml_f32x8 __attribute__((vector_size(32)));
#define FML_GROUP_f64 4              /* rows */
#define FML_GROUP_f32 8

FML_INLINE fml_f64x4 fml_two_rows_f64(const double *a, const double *b) {
    fml_f64x2 low, high;
    memcpy(&low, a, sizeof low), memcpy(&high, b, sizeof high);
    return __builtin_shufflevector(low, high, 0, 1, 2, 3);
}
FML_INLINE void vtranspose4_f64(const double *const *rows, ptrdiff_t f, double *out, ptrdiff_t stride) {
    for (int half = 0; half < 2; half++, f += 2, out += 2 * stride) {
        const fml_f64x4 a = fml_two_rows_f64(rows[0] + f, rows[2] + f), b = fml_two_rows_f64(rows[1] + f, rows[3] + f);
        const fml_f64x4 even = __builtin_shufflevector(a, b, 0, 4, 2, 6), odd = __builtin_shufflevector(a, b, 1, 5, 3, 7);
        memcpy(out, &even, sizeof even), memcpy(out + stride, &odd, sizeof odd);
    }
}
/* rows[s]: 4 features of row s.  out[j * stride + s] = rows[s][j] */
FML_INLINE void fml_columns_f32(const fml_f32x4 rows[8], float *out, ptrdiff_t stride) {
    const fml_f32x8 a = __builtin_shufflevector(rows[0], rows[4], 0, 1, 2, 3, 4, 5, 6, 7);
    const fml_f32x8 b = __builtin_shufflevector(rows[1], rows[5], 0, 1, 2, 3, 4, 5, 6, 7);
    const fml_f32x8 c = __builtin_shufflevector(rows[2], rows[6], 0, 1, 2, 3, 4, 5, 6, 7);
    const fml_f32x8 e = __builtin_shufflevector(rows[3], rows[7], 0, 1, 2, 3, 4, 5, 6, 7);
    const fml_f32x8 ab = __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
    const fml_f32x8 AB = __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
    const fml_f32x8 ce = __builtin_shufflevector(c, e, 0, 8, 1, 9, 4, 12, 5, 13);
    const fml_f32x8 CE = __builtin_shufflevector(c, e, 2, 10, 3, 11, 6, 14, 7, 15);
    const fml_f32x8 column[4] = {
        __builtin_shufflevector(ab, ce, 0, 1, 8, 9, 4, 5, 12, 13), __builtin_shufflevector(ab, ce, 2, 3, 10, 11, 6, 7, 14, 15),
        __builtin_shufflevector(AB, CE, 0, 1, 8, 9, 4, 5, 12, 13), __builtin_shufflevector(AB, CE, 2, 3, 10, 11, 6, 7, 14, 15)};
    for (int j = 0; j < 4; j++) memcpy(out + j * stride, column + j, sizeof *column);
}
FML_INLINE void vtranspose4_f32(const float *const *rows, ptrdiff_t f, float *out, ptrdiff_t stride) {
    fml_f32x4 four[8];
    for (int s = 0; s < 8; s++) memcpy(four + s, rows[s] + f, sizeof *four);
    fml_columns_f32(four, out, stride);
}
#endif
