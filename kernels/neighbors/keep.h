/* The k nearest so far of one query: up to FML_ORDERED in order, more in a heap with the last on top. */
#ifndef FML_KEEP_H
#define FML_KEEP_H
#include <math.h>
#include "pairs.h"

#define FML_ORDERED 32

FML_INLINE void fml_keep_none(fml_pair *found, ptrdiff_t k) {
    for (ptrdiff_t j = 0; j < k; j++) found[j] = (fml_pair){INFINITY, INT64_MAX};
}

FML_INLINE const fml_pair *fml_last_of(const fml_pair *found, ptrdiff_t k) { return k > FML_ORDERED ? found : found + k - 1; }

/* In the place of the last, if it comes before it. */
FML_INLINE void fml_keep(fml_pair *found, ptrdiff_t k, fml_pair kept) {
    if (!fml_before(kept, *fml_last_of(found, k))) return;
    if (k > FML_ORDERED) {
        found[0] = kept;
        fml_sink(found, 0, k);
        return;
    }
    ptrdiff_t at = k - 1;
    for (; at > 0 && fml_before(kept, found[at - 1]); at--) found[at] = found[at - 1];
    found[at] = kept;
}
#endif
