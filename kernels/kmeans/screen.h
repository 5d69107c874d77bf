/* A screen in float for samples in double: it settles all but the close calls, at twice the speed.
 *
 * Distances do not depend on the origin, so floats count from one amid the centres: their rounding is relative to the spread of the data,
 * not to their distance from zero. */
#ifndef FML_SCREEN_H
#define FML_SCREEN_H
#include "narrow.h"

/* How far apart two values must be for their order to be that of the exact tile, and of whatever decides where that one is in doubt. */
FML_INLINE void fml_screen_doubts(const fml_assign *t, const float *norm, float *doubt) {
    const float c_norm = (float)t->narrow_norm_max, far = (float)((t->origin_norm + t->c_norm_max) * (1 + 0x1p-20));
    const float exact = (float)doubt_f64(t->d, 1, 0) * (1 + 0x1p-20f);
    for (int s = 0; s < FML_NARROW; s++)
        doubt[s] = fml_narrow_doubt(t->d, norm[s], c_norm) + reaching_f32(exact, norm[s], far);
}

/* Up to FML_NARROW samples; the movers alone are in question, or all centres.
 *
 * rows    (n_rows,)   in     their numbers, counted from `start`
 * left    (n_rows,)   out    those that are not settled; may be `rows`.  Returns how many. */
static int fml_screen_block(fml_assign *t, const double *const *at, const double *const *ahead, const int32_t *rows, ptrdiff_t start,
                            int n_rows, int movers, float *xt, int32_t *left, int64_t *n_changed) {
    nearest_f32 found;
    float norm[FML_NARROW], own[FML_NARROW], doubt[FML_NARROW], near2[FML_NARROW], next2[FML_NARROW];
    int32_t sure[FML_NARROW], label[FML_NARROW];
    fml_narrow_f64(at, ahead, t->origin, t->d, xt);
    if (movers) nearest_two_f32(xt, t->narrow_movers, t->narrow_mover_norms, t->d, t->n_movers, t->chain_ends, t->n_chains, NULL, 1, &found);
    else nearest_two_f32(xt, t->narrow_centers, t->narrow_norms, t->d, t->k, t->chain_ends, t->n_chains, NULL, 1, &found);
    norms_f32(xt, t->d, norm);
    if (movers) {
        own_values_f32(t, t->narrow_centers, t->narrow_norms, t->labels + start, rows, n_rows, xt, own);
        for (int s = 0; s < n_rows; s++) label[s] = with_own_f32(t, start + rows[s], own[s], s, &found);
    } else for (int s = 0; s < FML_NARROW; s++) label[s] = (int32_t)found.index[s];
    fml_screen_doubts(t, norm, doubt);
    for (int s = 0; s < FML_NARROW; s++) {
        sure[s] = found.second[s] - found.best[s] > doubt[s];
        near2[s] = found.best[s] + norm[s] * norm[s] + doubt[s];
        next2[s] = found.second[s] + norm[s] * norm[s] - doubt[s];
        norm[s] += (float)(t->origin_norm * (1 + 0x1p-20));
    }
    return fml_keep_sure(t, start, rows, n_rows, sure, label, norm, near2, next2, movers, left, n_changed);
}

/* Settles what it can of listed samples.  Returns how many are left in the list.  Where that is every fourth, it does not go on. */
static int fml_screen_rows(fml_assign *t, ptrdiff_t start, int32_t *rows, int n, int movers, float *xt, int64_t *n_changed) {
    const double *const X = (const double *)t->X + start * t->d, *at[2][FML_NARROW];
    int left = 0, s = -FML_NARROW;
    for (; s < n && left <= FML_NARROW / 2 + s / 4; s += FML_NARROW) {
        const int turn = s / FML_NARROW & 1, n_rows = n - s < FML_NARROW ? n - s : FML_NARROW;
        for (int r = 0; r < FML_NARROW && n; r++) at[!turn][r] = X + rows[s + FML_NARROW + r < n ? s + FML_NARROW + r : n - 1] * t->d;
        if (s >= 0) left += fml_screen_block(t, at[turn], at[!turn], rows + s, start, n_rows, movers, xt, rows + left, n_changed);
    }
    if (s < n) {
        memmove(rows + left, rows + s, (n - s) * sizeof *rows);
        left += n - s;
    }
    return left;
}

static void fml_screen(fml_assign *t, ptrdiff_t start, fml_open *open, float *xt) {
    open->n_all = fml_screen_rows(t, start, open->all, open->n_all, 0, xt, &open->n_changed);
    open->n_few = fml_screen_rows(t, start, open->few, open->n_few, 1, xt, &open->n_changed);
}

/* Centres as floats from an origin amid them.
 *
 * centers  (k, d)   in
 * origin   (d,)     inout   with `choose` the mean of the centres is written
 * narrow   (k, d)   out
 * norms    (k,)     out     squared norms
 * Returns the largest norm. */
static inline double fml_narrow_centers(const double *centers, ptrdiff_t k, ptrdiff_t d, int choose, double *origin, float *narrow,
                                        float *norms) {
    double largest = 0;
    if (choose) {
        for (ptrdiff_t f = 0; f < d; f++) origin[f] = 0;
        for (ptrdiff_t j = 0; j < k; j++)
            for (ptrdiff_t f = 0; f < d; f++) origin[f] += centers[j * d + f] / (double)k;
    }
    for (ptrdiff_t j = 0; j < k; j++) {
        double sum = 0;
        for (ptrdiff_t f = 0; f < d; f++) {
            const float c = narrow[j * d + f] = (float)(centers[j * d + f] - origin[f]);
            sum += (double)c * c;
        }
        norms[j] = (float)sum;
        largest = sum > largest ? sum : largest;
    }
    return sqrt(largest) * (1 + 0x1p-20);
}
#endif
