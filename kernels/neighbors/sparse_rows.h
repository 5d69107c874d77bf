/* Sparse rows: their sizes, the same by columns, and the distance of two by differences. */
#ifndef FML_SPARSE_ROWS_H
#define FML_SPARSE_ROWS_H
#include <math.h>
#include <stdint.h>
#include "lanes.h"

#define FML_SLAB_ENTRIES 256         /* SLAB of entries.py */
enum { FML_APART, FML_TURNED = 2, FML_ABSOLUTE };  /* rows.py: DISTANCE, COSINE, MANHATTAN */

typedef struct {
    const double *data;              /* (n_entries,)     in */
    const int32_t *indices;          /* (n_entries,)     in   ascending in each row */
    const int64_t *indptr;           /* (n + 1,)         in */
    double *sizes;                   /* (n,)             out of fml_measure_rows; then in: entries.py */
    ptrdiff_t n, d, n_entries;
    int measure;
} fml_entries;

typedef struct {
    double value;
    int64_t row;
} fml_entry;

typedef struct {
    const int64_t *starts;           /* (d + 1,)         in */
    fml_entry *members;              /* (n_entries,)     out of fml_turn */
    const int32_t *place;            /* (d,)             in   which of `full`; -1: none; -2: the column is left out */
    double *full;                    /* (n_full, n)      out of fml_turn; zeros in */
} fml_columns;

/* Fills in the sizes.  1: some row is not in ascending order, or has a feature twice; 2: there are no such rows or features. */
static inline int fml_measure_rows(const fml_entries *t) {
    for (ptrdiff_t i = 0; i < t->n; i++) {
        if (t->indptr[i] < 0 || t->indptr[i + 1] < t->indptr[i] || t->indptr[i + 1] > t->n_entries) return 2;
        double sum = 0, part = 0;
        int32_t before = -1, descends = 0, largest = 0;
        for (int64_t e = t->indptr[i]; e < t->indptr[i + 1]; e++) {
            const double x = t->data[e];
            descends |= t->indices[e] <= before;
            largest = t->indices[e] > largest ? t->indices[e] : largest;
            before = t->indices[e];
            part += t->measure == FML_ABSOLUTE ? fabs(x) : x * x;
            if ((e - t->indptr[i]) % FML_SLAB_ENTRIES == FML_SLAB_ENTRIES - 1) sum += part, part = 0;
        }
        t->sizes[i] = sum + part;
        if (largest >= t->d && t->indptr[i + 1] > t->indptr[i]) return 2;
        if (descends) return 1;
    }
    return 0;
}

/* Writes the rows down by columns.  next (d,): scratch, where a column goes on, or of a full one -2 - place. */
static inline void fml_turn(const fml_entries *t, const fml_columns *columns, int64_t *next) {
    for (ptrdiff_t f = 0; f < t->d; f++) next[f] = columns->place[f] == -1 ? columns->starts[f] : -2 - (int64_t)columns->place[f];
    for (ptrdiff_t i = 0; i < t->n; i++)
        for (int64_t e = t->indptr[i]; e < t->indptr[i + 1]; e++) {
            const int32_t f = t->indices[e];
            if (columns->place[f] == -2) continue;
            if (next[f] < 0) columns->full[(-2 - next[f]) * t->n + i] = t->data[e];
            else columns->members[next[f]++] = (fml_entry){t->data[e], i};
        }
}

/* What a feature that two rows share adds: to their product, or to what their magnitudes exceed the manhattan distance by. */
FML_INLINE double fml_shared(double q, double x, const int absolute) { return absolute ? fabs(q - x) - fabs(q) - fabs(x) : q * x; }

/* Row i of Q and row j of X by differences: the square of their distance, half of it between unit rows, or the manhattan distance. */
static double fml_by_differences(const fml_entries *Q, ptrdiff_t i, const fml_entries *X, ptrdiff_t j) {
    const int measure = Q->measure;
    const double q_scale = measure == FML_TURNED ? Q->sizes[i] : 1, x_scale = measure == FML_TURNED ? X->sizes[j] : 1;
    int64_t a = Q->indptr[i], b = X->indptr[j];
    const int64_t a_end = Q->indptr[i + 1], b_end = X->indptr[j + 1];
    double sum = 0;
    while (a < a_end || b < b_end) {
        double part = 0;
        for (int n = 0; n < FML_SLAB_ENTRIES && (a < a_end || b < b_end); n++) {
            const int64_t f = a < a_end ? Q->indices[a] : INT64_MAX, g = b < b_end ? X->indices[b] : INT64_MAX;
            const double q = f <= g ? Q->data[a] * q_scale : 0, x = g <= f ? X->data[b] * x_scale : 0;
            a += f <= g, b += g <= f;
            part += measure == FML_ABSOLUTE ? fabs(q - x) : (q - x) * (q - x);
        }
        sum += part;
    }
    return measure == FML_TURNED ? 0.5 * sum : sum;
}
#endif
