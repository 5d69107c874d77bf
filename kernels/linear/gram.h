/* Products of the columns of a table with each other and with targets, in one pass. See gram.pyx. */
#ifndef FASTML_GRAM_H
#define FASTML_GRAM_H

#include <math.h>
#include <stddef.h>
#include <string.h>
#include "simd.h"

#define FML_BLOCK 120     /* rows; a panel of them takes 7.7 KB, so that the four of a tile stay in L1 */
#define FML_PANEL_ROWS (FML_BLOCK + 1)  /* and the step of the mean */
#define FML_LANES 8
/* A tile fills 24 of 32 registers, or 8 of 16. Vectors wider than a register would be kept in memory. */
#ifdef __AVX512F__
#define FML_REGISTER 64
#define FML_HEIGHT 8
#define FML_WIDTH 3
#elif defined(__AVX2__)
#define FML_REGISTER 32
#define FML_HEIGHT 4
#define FML_WIDTH 1
#else
#define FML_REGISTER 16
#define FML_HEIGHT 2
#define FML_WIDTH 1
#endif
#define FML_PARTS (64 / FML_REGISTER)
typedef double fml_register __attribute__((vector_size(FML_REGISTER), aligned(8), may_alias));

typedef struct {
    const void *X;         /* n rows of p columns, steps in elements */
    ptrdiff_t n, p, row_step, column_step;
    int is_f32, is_centred;
    const double *y;       /* (n, t) */
    ptrdiff_t t;
    const double *weights; /* (n,) or NULL */
    const double *shift;   /* (p + t, up to a multiple of eight) */
    ptrdiff_t n_chunks;
    double *weight;        /* (n_chunks,) */
    double *mean;          /* (n_chunks, panels of p + t, 8) */
    double *gram;          /* (n_chunks, panels of p, panels of p + t, 8, 8) */
    double *scratch;       /* of each worker */
} fml_gram;

static inline ptrdiff_t fml_panels(ptrdiff_t n_columns) { return (n_columns + FML_LANES - 1) / FML_LANES; }

/* Doubles that a worker needs: panels, sums, roots of weights. */
static inline ptrdiff_t fml_gram_scratch(ptrdiff_t p, ptrdiff_t t) {
    return fml_panels(p + t) * FML_LANES * (FML_PANEL_ROWS + 1) + FML_BLOCK;
}

#define T double
#define FML_LOAD fml_load_f64
#include "gram_impl.h"
#undef T
#undef FML_LOAD
#define T float
#define FML_LOAD fml_load_f32
#include "gram_impl.h"
#undef T
#undef FML_LOAD

/* out[8][8] of each of `width` panels += the products of FML_HEIGHT columns of a panel, from a on, with them. */
static inline __attribute__((always_inline)) void
fml_tile(const double *restrict a, const double *restrict b, ptrdiff_t n_rows, const int width, double *restrict out) {
    fml_register sum[FML_WIDTH][FML_PARTS][FML_HEIGHT] = {{{{0}}}};
    for (ptrdiff_t r = 0; r < n_rows; r++)
#pragma GCC unroll 8
        for (int c = 0; c < width; c++)
#pragma GCC unroll 8
            for (int part = 0; part < FML_PARTS; part++) {
                const fml_register column = ((const fml_register *)(b + (c * FML_PANEL_ROWS + r) * FML_LANES))[part];
#pragma GCC unroll 8
                for (int i = 0; i < FML_HEIGHT; i++)
                    sum[c][part][i] += a[r * FML_LANES + i] * column;
            }
    for (int c = 0; c < width; c++)
        for (int part = 0; part < FML_PARTS; part++)
            for (int i = 0; i < FML_HEIGHT; i++)
                ((fml_register *)(out + (c * FML_LANES + i) * FML_LANES))[part] += sum[c][part][i];
}

/* Add the products of all columns of a block with those on their right. */
static void fml_add_products(const fml_gram *task, const double *panels, ptrdiff_t n_rows, double *gram) {
    const ptrdiff_t n_left = fml_panels(task->p), n_all = fml_panels(task->p + task->t);
    for (ptrdiff_t i = 0; i < n_left; i++)
        for (ptrdiff_t j = i; j < n_all; j += FML_WIDTH) {
            const double *a = panels + i * FML_PANEL_ROWS * FML_LANES, *b = panels + j * FML_PANEL_ROWS * FML_LANES;
            double *out = gram + (i * n_all + j) * FML_LANES * FML_LANES;
            for (int first = 0; first < FML_LANES; first += FML_HEIGHT) {
                double *to = out + first * FML_LANES;
                if (n_all - j >= FML_WIDTH)
                    fml_tile(a + first, b, n_rows, FML_WIDTH, to);
                else if (n_all - j == 2)
                    fml_tile(a + first, b, n_rows, FML_WIDTH < 2 ? FML_WIDTH : 2, to);
                else
                    fml_tile(a + first, b, n_rows, 1, to);
            }
        }
}

/* Subtract the block's mean and add, as one more row, what its distance from the mean so far adds (Chan et al. 1983). */
static ptrdiff_t fml_centre(double *panels, ptrdiff_t n_panels, ptrdiff_t n_rows, const double *sums, double added,
                            double *weight, double *mean) {
    const double share = added / (*weight + added), root = sqrt(*weight * share);
    for (ptrdiff_t c = 0; c < n_panels; c++) {
        double *panel = panels + c * FML_PANEL_ROWS * FML_LANES;
        const f64x8 own = load_f64x8(sums + c * FML_LANES) / added;
        for (ptrdiff_t r = 0; r < n_rows; r++)
            store_f64x8(panel + r * FML_LANES, load_f64x8(panel + r * FML_LANES) - own);
        const f64x8 step = own - load_f64x8(mean + c * FML_LANES);
        store_f64x8(panel + n_rows * FML_LANES, root * step);
        store_f64x8(mean + c * FML_LANES, load_f64x8(mean + c * FML_LANES) + share * step);
    }
    *weight += added;
    return n_rows + 1;
}

static void fml_scale(double *panels, ptrdiff_t n_panels, ptrdiff_t n_rows, const double *roots) {
    for (ptrdiff_t c = 0; c < n_panels; c++)
        for (ptrdiff_t r = 0; r < n_rows; r++) {
            double *row = panels + (c * FML_PANEL_ROWS + r) * FML_LANES;
            store_f64x8(row, load_f64x8(row) * roots[r]);
        }
}

/* Chunk i: its blocks of rows one after the other. NaN and infinity reach the diagonal of the products or the mean. */
static void fml_gram_chunk(fml_gram *task, ptrdiff_t chunk, int worker) {
    const ptrdiff_t n_left = fml_panels(task->p), n_all = fml_panels(task->p + task->t);
    const ptrdiff_t n_blocks = (task->n + FML_BLOCK - 1) / FML_BLOCK;
    const ptrdiff_t first = n_blocks * chunk / task->n_chunks * FML_BLOCK;
    const ptrdiff_t end = n_blocks * (chunk + 1) / task->n_chunks * FML_BLOCK;
    double *panels = task->scratch + worker * fml_gram_scratch(task->p, task->t);
    double *sums = panels + n_all * FML_LANES * FML_PANEL_ROWS, *roots = sums + n_all * FML_LANES;
    double *weight = task->weight + chunk, *mean = task->mean + chunk * n_all * FML_LANES;
    double *gram = task->gram + chunk * n_left * n_all * FML_LANES * FML_LANES;

    for (ptrdiff_t row = first; row < end && row < task->n; row += FML_BLOCK) {
        const ptrdiff_t here = task->n - row < FML_BLOCK ? task->n - row : FML_BLOCK;
        ptrdiff_t n_rows = here;
        double added = here;
        memset(sums, 0, sizeof(double) * n_all * FML_LANES);
        if (task->is_f32)
            fml_load_f32(task, row, here, panels, sums);
        else
            fml_load_f64(task, row, here, panels, sums);
        if (task->weights) {
            added = 0;
            for (ptrdiff_t r = 0; r < here; r++) {
                added += task->weights[row + r];
                roots[r] = sqrt(task->weights[row + r]);
            }
        }
        if (!task->is_centred)
            *weight += added;
        else if (added > 0)
            n_rows = fml_centre(panels, n_all, here, sums, added, weight, mean);
        if (task->weights)
            fml_scale(panels, n_all, here, roots);
        fml_add_products(task, panels, n_rows, gram);
    }
}

#endif
