/* SIMD types: 64 bytes wide at every instruction set level, where the compiler splits them into 1, 2 or 4 registers.
 *
 * The same lanes at every level give the same sums, bit for bit, as long as nothing is contracted. A narrower type
 * is not faster at the lower levels (nearest of 16 centres, d = 50: 1.9 ms at v3 with these, 2.2 ms with 32 bytes).
 * Pass vectors to static inline functions or by pointer only: the ABI of vector arguments differs between levels.
 */
#ifndef FASTML_SIMD_H
#define FASTML_SIMD_H

#include <stddef.h>
#include <stdint.h>

/* Loads need no alignment; `*(const f64x8 *)p` may read any array of double. */
typedef double f64x8 __attribute__((vector_size(64), aligned(8), may_alias));
typedef float f32x16 __attribute__((vector_size(64), aligned(4), may_alias));
typedef int64_t i64x8 __attribute__((vector_size(64), aligned(8), may_alias));
typedef int32_t i32x16 __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint64_t u64x8 __attribute__((vector_size(64), aligned(8), may_alias));
typedef uint32_t u32x16 __attribute__((vector_size(64), aligned(4), may_alias));
typedef double f64x4 __attribute__((vector_size(32)));
typedef float f32x8 __attribute__((vector_size(32)));
typedef float f32x4 __attribute__((vector_size(16)));

static inline f64x8 load_f64x8(const double *p) { return *(const f64x8 *)p; }
static inline f32x16 load_f32x16(const float *p) { return *(const f32x16 *)p; }
static inline void store_f64x8(double *p, f64x8 v) { *(f64x8 *)p = v; }
static inline void store_f32x16(float *p, f32x16 v) { *(f32x16 *)p = v; }
/* The subtraction of zero keeps the sign of -0.0. */
static inline f64x8 splat_f64x8(double x) { return x - (f64x8){0}; }
static inline f32x16 splat_f32x16(float x) { return x - (f32x16){0}; }

/* Sum of the lanes, by halves in a fixed order. Through an array or lane by lane it costs up to six times as much. */
static inline double hsum_f64x8(f64x8 v) {
    f64x4 a = __builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7);
    return (a[0] + a[2]) + (a[1] + a[3]);
}
static inline float hsum_f32x16(f32x16 v) {
    f32x8 a = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
              __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
    f32x4 b = __builtin_shufflevector(a, a, 0, 1, 2, 3) + __builtin_shufflevector(a, a, 4, 5, 6, 7);
    return (b[0] + b[2]) + (b[1] + b[3]);
}

#endif
