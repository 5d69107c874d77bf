/* Logistic loss of a linear model, its gradient and its Hessian: chunks of blocks of rows, each block read once.
 *
 * A block is small enough for the inner caches: its predictions, the losses and their derivatives, and what they add to
 * the gradient follow each other while its rows are there. Samples of float32 are widened block by block. */
#ifndef FML_LOGISTIC_H
#define FML_LOGISTIC_H
#include "exp.h"
#include "product.h"

enum { FML_LOSS_SUM, FML_FLAT_SUM, FML_HESSIAN_SUM, FML_GRADIENT_SUM, FML_N_SUMS = 8 };

typedef struct {
    const void *X;                    /* (n, d), or the entries of sparse rows */
    const int32_t *indices, *indptr;  /* NULL: dense */
    const void *y, *weights;          /* (n,) classes 0, 1, ...; weights NULL: all 1 */
    const void *raw;                  /* (n, k) predictions, if they are known, else NULL */
    int is_f32, is_hessian;
    ptrdiff_t n, d;
    ptrdiff_t k, width;               /* outputs, 1: two classes; and rounded up to a multiple of four */
    const double *w;                  /* k 1: (d,), padded with zeros to a multiple of eight; else (d, width) */
    const double *bias;               /* (width,), -inf where there is no output */
    ptrdiff_t block, chunk;           /* rows */
    double *scratch;                  /* (workers, scratch_size) */
    ptrdiff_t scratch_size;
    double *sums;                     /* (chunks, sums_size)  the sums named above, gradient or Hessian */
    ptrdiff_t sums_size;
} fml_logistic;

/* `count` numbers as doubles, and `rest` up to a multiple of eight. */
static void fml_numbers(const void *p, int is_f32, ptrdiff_t first, ptrdiff_t count, double rest, double *to) {
    if (is_f32)
        for (ptrdiff_t i = 0; i < count; i++) to[i] = ((const float *)p)[first + i];
    else
        memcpy(to, (const double *)p + first, count * sizeof *to);
    for (ptrdiff_t i = count; i % 8; i++) to[i] = rest;
}

static const double *fml_widened(const fml_logistic *s, ptrdiff_t first, ptrdiff_t rows, double *room) {
    if (!s->is_f32) return (const double *)s->X + first * s->d;
    const float *from = (const float *)s->X + first * s->d;
    for (ptrdiff_t i = 0; i < rows * s->d; i++) room[i] = from[i];
    return room;
}

/* --- two classes ---------------------------------------------------------------------------------------------------- */

/* m[i] = bias + x_i . w, four rows at a time. */
static void fml_dot_rows(const double *X, ptrdiff_t rows, ptrdiff_t d, const double *w, double bias, double *m) {
    for (ptrdiff_t i = 0; i < rows; i += 4) {
        const double *x[4];
        for (int r = 0; r < 4; r++) x[r] = X + (i + r < rows ? i + r : rows - 1) * d;
        fml_fs sums[4] = {{0}, {0}, {0}, {0}};
        ptrdiff_t j = 0;
        for (; j + FML_WIDE <= d; j += FML_WIDE) {
            const fml_fs v = load_fs(w + j);
            for (int r = 0; r < 4; r++) sums[r] += load_fs(x[r] + j) * v;
        }
        if (j < d)
            for (int r = 0; r < 4; r++) sums[r] += first_fs(x[r] + j, d - j) * load_fs(w + j);
        for (int r = 0; r < 4; r++) m[i + r] = bias + sum_fs(sums[r]);
    }
}

/* gradient += sum of g[i] x_i.  Rows of g beyond the last, up to a multiple of four, are 0: the last row stands in. */
static void fml_add_rows(const double *X, ptrdiff_t rows, ptrdiff_t d, const double *g, double *gradient) {
    for (ptrdiff_t i = 0; i < rows; i += 4) {
        const double *x[4];
        fml_fs by[4];
        for (int r = 0; r < 4; r++) x[r] = X + (i + r < rows ? i + r : rows - 1) * d, by[r] = splat_fs(g[i + r]);
        ptrdiff_t j = 0;
        for (; j + FML_WIDE <= d; j += FML_WIDE)
            store_fs(gradient + j, (load_fs(x[0] + j) * by[0] + load_fs(x[1] + j) * by[1]) +
                                       (load_fs(x[2] + j) * by[2] + (load_fs(x[3] + j) * by[3] + load_fs(gradient + j))));
        if (j < d) {
            fml_fs sum = load_fs(gradient + j);
            for (int r = 0; r < 4; r++) sum += first_fs(x[r] + j, d - j) * by[r];
            store_fs(gradient + j, sum);
        }
    }
}

#define FML_DEFINE_SPARSE(T, S)                                                                                        \
    static double fml_dot_entries_##S(const fml_logistic *s, ptrdiff_t i) {                                            \
        const T *restrict x = (const T *)s->X;                                                                         \
        const double *restrict w = s->w;                                                                               \
        const int32_t *restrict at = s->indices;                                                                       \
        double a = 0, b = 0, c = 0, e = 0;                                                                             \
        ptrdiff_t p = s->indptr[i];                                                                                    \
        const ptrdiff_t end = s->indptr[i + 1];                                                                        \
        for (; p + 4 <= end; p += 4) {                                                                                 \
            a += w[at[p]] * x[p], b += w[at[p + 1]] * x[p + 1];                                                        \
            c += w[at[p + 2]] * x[p + 2], e += w[at[p + 3]] * x[p + 3];                                                \
        }                                                                                                              \
        for (; p < end; p++) a += w[at[p]] * x[p];                                                                     \
        return (a + b) + (c + e);                                                                                      \
    }                                                                                                                  \
    static void fml_add_entries_##S(const fml_logistic *s, ptrdiff_t i, double g, double *restrict gradient) {         \
        const T *restrict x = (const T *)s->X;                                                                         \
        const int32_t *restrict at = s->indices;                                                                       \
        const ptrdiff_t end = s->indptr[i + 1];                                                                        \
        for (ptrdiff_t p = s->indptr[i]; p < end; p++) gradient[at[p]] += g * x[p];                                    \
    }                                                                                                                  \
    /* to += the sum of x_j from[j]: rows of `width` numbers, four of them at a time */                                \
    static void fml_gather_##S(const fml_logistic *s, ptrdiff_t i, const double *restrict from, double *restrict to) { \
        const T *restrict x = (const T *)s->X;                                                                         \
        const int32_t *restrict at = s->indices;                                                                       \
        const ptrdiff_t first = s->indptr[i], end = s->indptr[i + 1], width = s->width;                                \
        for (ptrdiff_t c = 0; c < width; c += 4) {                                                                     \
            f64x4u even = *(const f64x4u *)(to + c), odd = {0};                                                        \
            ptrdiff_t p = first;                                                                                       \
            for (; p + 2 <= end; p += 2) {                                                                             \
                even += *(const f64x4u *)(from + at[p] * width + c) * (double)x[p];                                    \
                odd += *(const f64x4u *)(from + at[p + 1] * width + c) * (double)x[p + 1];                             \
            }                                                                                                          \
            if (p < end) even += *(const f64x4u *)(from + at[p] * width + c) * (double)x[p];                           \
            *(f64x4u *)(to + c) = even + odd;                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    /* to[j] += x_j from */                                                                                            \
    static void fml_scatter_##S(const fml_logistic *s, ptrdiff_t i, const double *restrict from, double *restrict to) { \
        const T *restrict x = (const T *)s->X;                                                                         \
        const int32_t *restrict at = s->indices;                                                                       \
        const ptrdiff_t first = s->indptr[i], end = s->indptr[i + 1], width = s->width;                                \
        for (ptrdiff_t c = 0; c < width; c += 4) {                                                                     \
            const f64x4u added = *(const f64x4u *)(from + c);                                                          \
            for (ptrdiff_t p = first; p < end; p++) *(f64x4u *)(to + at[p] * width + c) += added * (double)x[p];       \
        }                                                                                                              \
    }
FML_DEFINE_SPARSE(double, f64)
FML_DEFINE_SPARSE(float, f32)
#undef FML_DEFINE_SPARSE

/* Predictions m give way to the derivatives of the losses; h: second derivatives, if they are asked for.
 *
 * With e = exp(-|m|) nothing overflows or cancels, whatever the sign of m. */
static void fml_two_classes(const fml_logistic *s, ptrdiff_t first, ptrdiff_t rows, double *m, double *h, double *y,
                            double *weights, double *sums) {
    fml_fs losses = {0}, flats = {0}, slopes = {0}, bends = {0};
    for (ptrdiff_t i = rows; i % 8; i++) m[i] = 0;
    fml_numbers(s->y, s->is_f32, first, rows, 0, y);
    if (s->weights)
        fml_numbers(s->weights, s->is_f32, first, rows, 0, weights);
    else
        for (ptrdiff_t i = 0; i < rows || i % 8; i++) weights[i] = i < rows;
    for (ptrdiff_t i = 0; i < rows; i += FML_WIDE) {
        const fml_fs raw = load_fs(m + i), is_one = load_fs(y + i), weight = load_fs(weights + i);
        const fml_is is_positive = (fml_is)(raw > 0.0);
        const fml_fs size = (fml_fs)((fml_is)raw & INT64_MAX), e = exp_fs(-size), near = 1.0 / (1.0 + e), far = e * near;
        const fml_fs p = pick_fs(is_positive, near, far), q = pick_fs(is_positive, far, near);
        const fml_fs wrong = pick_fs(is_positive, 1.0 - is_one, is_one); /* 1: not the class of the larger probability */
        const fml_fs slope = ((1.0 - is_one) * p - is_one * q) * weight;
        losses += (wrong * size + log1p_fs(e)) * weight;
        slopes += slope;
        store_fs(m + i, slope);
        if (s->is_hessian) {
            const fml_fs bend = p * q * weight, upright = (fml_fs)((fml_is)bend & INT64_MAX);
            flats += (fml_fs)((fml_is)weight & (fml_is)(bend <= 0.0));
            bends += upright;
            store_fs(h + i, upright);
        }
    }
    for (ptrdiff_t i = rows; i % 8; i++) m[i] = 0;
    sums[FML_LOSS_SUM] += sum_fs(losses);
    sums[FML_FLAT_SUM] += sum_fs(flats);
    sums[FML_GRADIENT_SUM] += sum_fs(slopes);
    sums[FML_HESSIAN_SUM] += sum_fs(bends);
}

/* out (d, d + 2 rounded up) += X' [h X, h, g], where the columns of X' h X left of the tile on the diagonal are not. */
static void fml_add_hessian(const fml_logistic *s, const double *X, ptrdiff_t rows, const double *h, const double *g,
                            double *room, double *out) {
    const ptrdiff_t d = s->d, width = (d + 5) / 4 * 4;
    for (ptrdiff_t b = 0; b < width; b += FML_PANEL) {
        const ptrdiff_t here = width - b < FML_PANEL ? width - b : FML_PANEL;
        const ptrdiff_t of_X = d - b < 0 ? 0 : d - b < here ? d - b : here;
        if (of_X == FML_PANEL)
            for (ptrdiff_t i = 0; i < rows; i++)
                for (ptrdiff_t c = 0; c < FML_PANEL; c += 4)
                    *(f64x4u *)(room + i * FML_PANEL + c) = *(const f64x4u *)(X + i * d + b + c) * h[i];
        for (ptrdiff_t i = 0; i < rows && of_X < FML_PANEL; i++) {
            double *to = room + i * here;
            for (ptrdiff_t c = 0; c < of_X; c++) to[c] = h[i] * X[i * d + b + c];
            for (ptrdiff_t c = of_X; c < here; c++) to[c] = b + c == d ? h[i] : b + c == d + 1 ? g[i] : 0.0;
        }
        const ptrdiff_t height = b + here < d ? b + here : d;
        fml_add_panel(here, height, rows, X, d, 1, room, here, out + b, width);
    }
}

static void fml_block_of_two(const fml_logistic *s, ptrdiff_t first, ptrdiff_t rows, double *room, double *sums) {
    const ptrdiff_t padded = (s->block + 7) / 8 * 8;
    double *m = room, *h = m + padded, *y = h + padded, *weights = y + padded;
    double *panel = weights + padded, *wide = panel + FML_PANEL * padded;
    const double *X = s->indptr ? NULL : fml_widened(s, first, rows, wide);
    if (s->raw)
        fml_numbers(s->raw, s->is_f32, first, rows, 0, m);
    else if (X)
        fml_dot_rows(X, rows, s->d, s->w, *s->bias, m);
    else
        for (ptrdiff_t i = 0; i < rows; i++)
            m[i] = *s->bias + (s->is_f32 ? fml_dot_entries_f32(s, first + i) : fml_dot_entries_f64(s, first + i));
    fml_two_classes(s, first, rows, m, h, y, weights, sums);
    if (s->is_hessian)
        fml_add_hessian(s, X, rows, h, m, panel, sums + FML_N_SUMS);
    else if (X)
        fml_add_rows(X, rows, s->d, m, sums + FML_N_SUMS);
    else if (s->is_f32)
        for (ptrdiff_t i = 0; i < rows; i++) fml_add_entries_f32(s, first + i, m[i], sums + FML_N_SUMS);
    else
        for (ptrdiff_t i = 0; i < rows; i++) fml_add_entries_f64(s, first + i, m[i], sums + FML_N_SUMS);
}

/* --- several classes ------------------------------------------------------------------------------------------------ */

/* Predictions m (rows, width) give way to the derivatives of the losses. */
static void fml_classes(const fml_logistic *s, ptrdiff_t first, ptrdiff_t rows, double *m, double *sums) {
    const ptrdiff_t width = s->width;
    double loss = 0;
    for (ptrdiff_t i = 0; i < rows; i++) {
        double *raw = m + i * width, most = raw[0];
        for (ptrdiff_t c = 1; c < s->k; c++) most = raw[c] > most ? raw[c] : most;
        for (ptrdiff_t c = 0; c < width; c += 4) *(f64x4u *)(raw + c) -= most;
    }
    for (ptrdiff_t i = 0; i < rows; i++) {
        const ptrdiff_t at = first + i;
        const ptrdiff_t own = (ptrdiff_t)(s->is_f32 ? ((const float *)s->y)[at] : ((const double *)s->y)[at]);
        const double weight = !s->weights ? 1 : s->is_f32 ? ((const float *)s->weights)[at] : ((const double *)s->weights)[at];
        double *raw = m + i * width, sum = 0;
        const double of_own = raw[own];
        for (ptrdiff_t c = 0; c < width; c += FML_WIDE)
            if (FML_WIDE <= 4 || c + FML_WIDE <= width) {
                store_fs(raw + c, exp_fs(load_fs(raw + c)));
            } else {
                const fml_fs e = exp_fs(first_fs(raw + c, width - c));
                memcpy(raw + c, &e, (width - c) * sizeof *raw);
            }
        for (ptrdiff_t c = 0; c < s->k; c++) sum += raw[c];
        loss += (log(sum) - of_own) * weight;
        const double factor = weight / sum;
        for (ptrdiff_t c = 0; c < width; c += 4) *(f64x4u *)(raw + c) *= factor;
        raw[own] -= weight;
    }
    sums[FML_LOSS_SUM] += loss;
}

static void fml_block_of_several(const fml_logistic *s, ptrdiff_t first, ptrdiff_t rows, double *room, double *sums) {
    const ptrdiff_t width = s->width, d = s->d;
    double *m = room, *gradient = sums + FML_N_SUMS, *intercepts = gradient + d * width;
    const double *X = s->indptr ? NULL : fml_widened(s, first, rows, room + s->block * width);
    for (ptrdiff_t i = 0; i < rows; i++) {
        memcpy(m + i * width, s->bias, width * sizeof *m);
        if (s->raw)
            for (ptrdiff_t c = 0; c < s->k; c++) {
                const ptrdiff_t at = (first + i) * s->k + c;
                m[i * width + c] = s->is_f32 ? ((const float *)s->raw)[at] : ((const double *)s->raw)[at];
            }
        else if (!X && s->is_f32)
            fml_gather_f32(s, first + i, s->w, m + i * width);
        else if (!X)
            fml_gather_f64(s, first + i, s->w, m + i * width);
    }
    if (X && !s->raw) fml_add_product(width, rows, d, X, 1, d, s->w, m);
    fml_classes(s, first, rows, m, sums);
    if (X) fml_add_product(width, d, rows, X, d, 1, m, gradient);
    for (ptrdiff_t i = 0; i < rows; i++) {
        if (!X && s->is_f32) fml_scatter_f32(s, first + i, m + i * width, gradient);
        if (!X && !s->is_f32) fml_scatter_f64(s, first + i, m + i * width, gradient);
        for (ptrdiff_t c = 0; c < width; c += 4) *(f64x4u *)(intercepts + c) += *(const f64x4u *)(m + i * width + c);
    }
}

/* The sums of chunk c. */
static void fml_logistic_chunk(const void *task, ptrdiff_t c, int worker) {
    const fml_logistic *s = (const fml_logistic *)task;
    double *room = s->scratch + worker * s->scratch_size, *sums = s->sums + c * s->sums_size;
    const ptrdiff_t end = (c + 1) * s->chunk < s->n ? (c + 1) * s->chunk : s->n;
    for (ptrdiff_t first = c * s->chunk; first < end; first += s->block) {
        const ptrdiff_t rows = end - first < s->block ? end - first : s->block;
        (s->k == 1 ? fml_block_of_two : fml_block_of_several)(s, first, rows, room, sums);
    }
}
#endif
