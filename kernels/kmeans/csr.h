/* C side of lloyd_csr.pyx. */
#ifndef FML_CSR_H
#define FML_CSR_H
#include <stdint.h>
#include "lanes.h"

/* One task for all steps; each uses what it needs.  T is double or float, by `is_f32`. */
typedef struct {
    const void *data;                /* (n_entries,)  T   in */
    const int32_t *indices, *indptr; /* (n_entries,), (n + 1,)  in */
    const void *weights;             /* (n,)    T   in     NULL: all 1 */
    const void *centers, *c_norms;   /* (k, d), (k,)  T  in */
    const void *packed;              /* (d, width)  T  in  the centres, transposed */
    int32_t *labels;                 /* (n,)        inout */
    unsigned char *touched;          /* (k,)        out    1: a sample left or joined; in for the sums; may be NULL */
    void *sums, *totals;             /* (k, d), (k,)  T  out */
    void *values;                    /* (n,)    T   out    weighted squared distances to the own centre */
    void *scratch;                   /* (n_threads, scratch_size) */
    ptrdiff_t scratch_size, n, d, k, width, chunk_rows, parts;
    int64_t n_changed;
    const void *halves;              /* (k + 1, k)  T  in  with `elkan`: see elkan.py; NULL: all centres are looked at */
    unsigned char *unsure;           /* (n,)        out    with `elkan` */
    double c_norm_max;               /*             in     with `elkan`: largest norm of a centre */
    int is_f32, elkan;
} fml_csr;

#define FML_IMPL "csr_impl.h"
#include "typed.h"

static inline ptrdiff_t fml_csr_width(ptrdiff_t k, int is_f32) {
    const ptrdiff_t lanes = is_f32 ? sizeof(vf32) / sizeof(float) : sizeof(vf64) / sizeof(double);
    return (k + lanes - 1) / lanes * lanes;
}

static inline void fml_csr_pack(const fml_csr *t, void *packed) {
    if (t->is_f32) pack_f32(t->centers, t->d, t->k, t->width, packed);
    else pack_f64(t->centers, t->d, t->k, t->width, packed);
}

static inline void fml_csr_assign_chunk(void *task, ptrdiff_t i, int worker) {
    fml_csr *t = task;
    if (t->is_f32) csr_assign_chunk_f32(t, i, worker);
    else csr_assign_chunk_f64(t, i, worker);
}

static inline void fml_csr_sums_part(void *task, ptrdiff_t i) {
    const fml_csr *t = task;
    const ptrdiff_t first = t->k * i / t->parts, end = t->k * (i + 1) / t->parts;
    if (t->is_f32) csr_add_up_f32(t, first, end);
    else csr_add_up_f64(t, first, end);
}

static inline void fml_csr_inertia_chunk(void *task, ptrdiff_t i) {
    const fml_csr *t = task;
    const ptrdiff_t first = i * t->chunk_rows, end = first + t->chunk_rows < t->n ? first + t->chunk_rows : t->n;
    if (t->is_f32) csr_own_distances_f32(t, first, end);
    else csr_own_distances_f64(t, first, end);
}
#endif
