/* C side of minibatch.pyx and minibatch_csr.pyx. */
#ifndef FML_MINIBATCH_H
#define FML_MINIBATCH_H
#include <stdint.h>
#include "lanes.h"

typedef struct {
    const void *X;                   /* (n, d), or (n_entries,) of CSR  T  in */
    const int32_t *indices, *indptr; /* (n_entries,), (n + 1,)  in     CSR; NULL: dense */
    const void *weights;             /* (n,)    T   in     NULL: all 1 */
    const int32_t *labels;           /* (n,)        in */
    const void *centers_old;         /* (k, d)  T   in     may be `centers` */
    void *centers, *seen;            /* (k, d), (k,)  T  out, inout */
    void *joined;                    /* (k,)    T   scratch */
    ptrdiff_t n, d, k;
} fml_minibatch;

#define FML_IMPL "minibatch_impl.h"
#include "typed.h"
#endif
