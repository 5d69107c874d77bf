/* C side of moments.pyx: columns are divided among threads, so each sum has one owner and one order. */
#ifndef FML_MOMENTS_H
#define FML_MOMENTS_H
#include "lanes.h"

typedef struct {
    const void *X;                   /* (n, d)  T   in */
    const void *means;               /* (d,)    T   in     NULL: add up only */
    void *out;                       /* (n, d)  T   out */
    void *sums;                      /* (d,)    T   inout  of the columns, or of the squared differences */
    ptrdiff_t n, d, parts;
    int is_f32;
} fml_moments;

#define FML_IMPL "moments_impl.h"
#include "typed.h"

static inline void fml_moments_part(void *task, ptrdiff_t i) {
    const fml_moments *t = task;
    const ptrdiff_t first = t->d * i / t->parts, end = t->d * (i + 1) / t->parts;
    if (t->is_f32) {
        if (t->means) subtract_columns_f32(t->X, t->n, t->d, first, end, t->means, t->out, t->sums);
        else add_columns_f32(t->X, t->n, t->d, first, end, t->sums);
    } else {
        if (t->means) subtract_columns_f64(t->X, t->n, t->d, first, end, t->means, t->out, t->sums);
        else add_columns_f64(t->X, t->n, t->d, first, end, t->sums);
    }
}
#endif
