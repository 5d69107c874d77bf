/* Is every element finite? One pass, at the speed of memory.
 *
 * An element is infinite or NaN when all bits of its exponent are set. Adding one to the lowest of them then carries
 * into the sign bit, which was masked away: three one-cycle instructions per vector at every level, and no compare.
 */
#ifndef FASTML_FINITE_H
#define FASTML_FINITE_H

#include "simd.h"

#include <string.h>

#define FINITE(T, U, V, LANES, ONE)                                                          \
    static inline int all_finite_##T(const T *x, ptrdiff_t n) {                              \
        const U magnitude = (U)~(U)0 >> 1, sign = ~magnitude;                                \
        ptrdiff_t i = 0;                                                                     \
        U seen = 0;                                                                          \
        while (n - i >= 4 * LANES) { /* leaves between blocks of 16 KiB at the latest */     \
            V a = {0}, b = {0}, c = {0}, d = {0};                                            \
            for (int k = 0; k < 64 && n - i >= 4 * LANES; k++, i += 4 * LANES) {             \
                const V *p = (const V *)(x + i);                                             \
                a |= (p[0] & magnitude) + ONE;                                               \
                b |= (p[1] & magnitude) + ONE;                                               \
                c |= (p[2] & magnitude) + ONE;                                               \
                d |= (p[3] & magnitude) + ONE;                                               \
            }                                                                                \
            a |= b | c | d;                                                                  \
            for (int lane = 0; lane < LANES; lane++) seen |= a[lane];                        \
            if (seen & sign) return 0;                                                       \
        }                                                                                    \
        for (; i < n; i++) {                                                                 \
            U bits;                                                                          \
            memcpy(&bits, x + i, sizeof bits);                                               \
            seen |= (bits & magnitude) + ONE;                                                \
        }                                                                                    \
        return !(seen & sign);                                                               \
    }
FINITE(double, uint64_t, u64x8, 8, (UINT64_C(1) << 52))
FINITE(float, uint32_t, u32x16, 16, (UINT32_C(1) << 23))
#undef FINITE

#endif
