/* Which lanes of a vector are at most as large as another's, or equal to them, or (NaN among them) not above, as bits of a number. */
#ifndef FML_HITS_H
#define FML_HITS_H
#include <stdint.h>
#include "lanes.h"

#define FML_LANES_F64 ((int)(sizeof(vf64) / sizeof(double)))

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
FML_INLINE unsigned fml_le_bits(vf64 a, vf64 b) { return vmask_bits(_mm512_cmp_pd_mask(a, b, _CMP_LE_OQ)); }
FML_INLINE unsigned fml_eq_bits(vf64 a, vf64 b) { return vmask_bits(_mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ)); }
FML_INLINE unsigned fml_not_above(vf32 a, vf32 b) { return vmask_bits(_mm512_cmp_ps_mask(a, b, _CMP_NGT_UQ)); }
#elif defined(__AVX2__) && defined(__FMA__)
FML_INLINE unsigned fml_le_bits(vf64 a, vf64 b) { return (unsigned)_mm256_movemask_pd(_mm256_cmp_pd(a, b, _CMP_LE_OQ)); }
FML_INLINE unsigned fml_eq_bits(vf64 a, vf64 b) { return (unsigned)_mm256_movemask_pd(_mm256_cmp_pd(a, b, _CMP_EQ_OQ)); }
FML_INLINE unsigned fml_not_above(vf32 a, vf32 b) { return (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_NGT_UQ)); }
#else
FML_INLINE unsigned fml_le_bits(vf64 a, vf64 b) {
    unsigned bits = 0;
    for (int i = 0; i < FML_LANES_F64; i++) bits |= (unsigned)(a[i] <= b[i]) << i;
    return bits;
}
FML_INLINE unsigned fml_eq_bits(vf64 a, vf64 b) {
    unsigned bits = 0;
    for (int i = 0; i < FML_LANES_F64; i++) bits |= (unsigned)(a[i] == b[i]) << i;
    return bits;
}
FML_INLINE unsigned fml_not_above(vf32 a, vf32 b) {
    unsigned bits = 0;
    for (int i = 0; i < 2 * FML_LANES_F64; i++) bits |= (unsigned)!(a[i] > b[i]) << i;
    return bits;
}
#endif
#endif
