/* exp(x) for x <= 0 and log(1 + x) for 0 <= x <= 1, within 2 ulp; NaN gives NaN.  Vectors as wide as registers are (of
 * 64 bytes at every level they took twice as long at v3, where gcc 12 keeps them in memory).
 *
 * exp: x = n log 2 + r with |r| <= log(2) / 2, and Taylor's series up to r^13, whose rest is below 1e-17. Results that
 * are no normal numbers (x < -708) are 0. log1p: 2 atanh(s) with s = x / (2 + x), where x > sqrt(2) - 1 is halved as
 * 1 + x = 2 (1 + (x - 1) / 2): so |s| <= 0.172, and the series to s^23 leaves a rest below 1e-18. */
#ifndef FML_EXP_H
#define FML_EXP_H
#include "lanes.h"
#include "simd.h"

#if defined(__AVX512F__) && defined(__AVX512VL__)
#define FML_WIDE 8
#elif defined(__AVX2__)
#define FML_WIDE 4
#else
#define FML_WIDE 2
#endif
typedef double fml_fs __attribute__((vector_size(8 * FML_WIDE), aligned(8), may_alias));
typedef int64_t fml_is __attribute__((vector_size(8 * FML_WIDE), aligned(8), may_alias));

FML_INLINE fml_fs load_fs(const double *p) { return *(const fml_fs *)p; }
FML_INLINE void store_fs(double *p, fml_fs v) { *(fml_fs *)p = v; }
FML_INLINE fml_fs splat_fs(double x) { return x - (fml_fs){0}; }
FML_INLINE double sum_fs(fml_fs v) {
    double sum = 0;
    for (int i = 0; i < FML_WIDE; i++) sum += v[i];
    return sum;
}
/* The first `count` numbers, fewer than a vector has; the rest is 0, and not read. */
FML_INLINE fml_fs first_fs(const double *p, ptrdiff_t count) {
#if FML_WIDE == 8
    return (fml_fs)_mm512_maskz_loadu_pd((__mmask8)((1u << count) - 1), p);
#elif FML_WIDE == 4
    static const int64_t masks[8] = {-1, -1, -1, -1};
    return (fml_fs)_mm256_maskload_pd(p, _mm256_loadu_si256((const __m256i *)(masks + 4 - count)));
#else
    return (fml_fs){count ? *p : 0.0, 0.0};
#endif
}

FML_INLINE fml_fs pick_fs(fml_is mask, fml_fs yes, fml_fs no) {
    return (fml_fs)(((fml_is)yes & mask) | ((fml_is)no & ~mask));
}

FML_INLINE fml_fs exp_fs(fml_fs x) {
    const fml_is is_tiny = (fml_is)(x < -708.0);
    const fml_fs shift = splat_fs(0x1.8p52); /* adding it rounds to whole numbers, which its last bits then hold */
    const fml_fs t = x * 0x1.71547652b82fep0 + shift, n = t - shift;
    const fml_fs r = x - n * 0x1.62e42feep-1 - n * 0x1.a39ef35793c76p-33; /* n times the first is exact */
    fml_fs p = splat_fs(1.0 / 6227020800);
    p = p * r + 1.0 / 479001600;
    p = p * r + 1.0 / 39916800;
    p = p * r + 1.0 / 3628800;
    p = p * r + 1.0 / 362880;
    p = p * r + 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 0.5;
    p = p * (r * r) + r + 1.0;
    const fml_fs power = (fml_fs)(((fml_is)t - (fml_is)shift + 1023) << 52);
    return (fml_fs)((fml_is)(p * power) & ~is_tiny);
}

FML_INLINE fml_fs log1p_fs(fml_fs x) {
    const fml_is is_large = (fml_is)(x > 0x1.a827999fcef32p-2);
    const fml_fs s = pick_fs(is_large, x - 1.0, x) / pick_fs(is_large, x + 3.0, x + 2.0), z = s * s;
    fml_fs p = splat_fs(1.0 / 23);
    p = p * z + 1.0 / 21;
    p = p * z + 1.0 / 19;
    p = p * z + 1.0 / 17;
    p = p * z + 1.0 / 15;
    p = p * z + 1.0 / 13;
    p = p * z + 1.0 / 11;
    p = p * z + 1.0 / 9;
    p = p * z + 1.0 / 7;
    p = p * z + 1.0 / 5;
    p = p * z + 1.0 / 3;
    const fml_fs halved = (s + s) + (s + s) * z * p;
    return halved + (fml_fs)((fml_is)splat_fs(0x1.62e42fefa39efp-1) & is_large);
}
#endif
