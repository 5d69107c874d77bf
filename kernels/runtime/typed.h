/* Includes FML_IMPL twice: for double (names end in _f64) and for float (_f32).
 *
 *     #define FML_IMPL "lloyd_impl.h"
 *     #include "typed.h"
 *
 * Inside:  T the scalar, V its vector (lanes.h), NAME(f) the typed name of our function f, OP(f) the typed vector operation vf,
 * FMA(a, b, c) the C library's fused multiply-add, EPS half an ulp of 1, TINY more than any sum loses for being too small.
 */
#define FML_JOIN_(a, b) a##_##b
#define FML_JOIN(a, b) FML_JOIN_(a, b)
#define NAME(f) FML_JOIN(f, TYPE)
#define OP(f) FML_JOIN(v##f, TYPE)
#define LANES ((int)(sizeof(V) / sizeof(T)))
#define BLOCK (FML_VECTORS * LANES)          /* samples that a tile treats side by side */
#define GROUP FML_JOIN(FML_GROUP, TYPE)      /* rows that are transposed together */

#define T double
#define V vf64
#define TYPE f64
#define FMA fma
#define SQRT sqrt
#define EPS 0x1p-53
#define TINY 0x1p-1000
#include FML_IMPL
#undef T
#undef V
#undef TYPE
#undef FMA
#undef SQRT
#undef EPS
#undef TINY

#define T float
#define V vf32
#define TYPE f32
#define FMA fmaf
#define SQRT sqrtf
#define EPS 0x1p-24f
#define TINY 0x1p-100f
#include FML_IMPL
#undef T
#undef V
#undef TYPE
#undef FMA
#undef SQRT
#undef EPS
#undef TINY

#undef NAME
#undef OP
#undef LANES
#undef BLOCK
#undef GROUP
#undef FML_JOIN
#undef FML_JOIN_
#undef FML_IMPL
