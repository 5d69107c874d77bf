/* scikit-learn's distances between samples with missing entries, to the bit.  Template, see typed.h.
 *
 * It takes |x|^2 + |y|^2 - 2 x.y of rows with zeros where an entry is missing, and from that what only one of the two has; scaled by the
 * share of the entries that both have.  Its products add up in chains of fused operations (kmeans/gemm.py); float32 rows are multiplied
 * in double, then all is float.
 */

/* Distances of a receiver from FML_TOGETHER donors, out (FML_TOGETHER,); NaN where no entry is common. */
static void NAME(fml_distances)(const fml_imputation *t, ptrdiff_t row, const int64_t *donors, double *out) {
    const ptrdiff_t d = t->d;
    const T *const x = (const T *)t->receivers.X + row * d;
    const uint8_t *const gaps = t->receivers.missing + row * d;
    const T *y[FML_TOGETHER];
    const uint8_t *missing[FML_TOGETHER];
    double dot[FML_TOGETHER] = {0};
    T ours[FML_TOGETHER] = {0}, theirs[FML_TOGETHER] = {0};
    int64_t common[FML_TOGETHER] = {0};
    for (int s = 0; s < FML_TOGETHER; s++)
        y[s] = (const T *)t->donors.X + donors[s] * d, missing[s] = t->donors.missing + donors[s] * d;
    for (ptrdiff_t c = 0, f = 0; c < t->n_chains; c++) {
        double chain[FML_TOGETHER] = {0};
        for (; f < t->ends[c]; f++)
            for (int s = 0; s < FML_TOGETHER; s++) chain[s] = fma((double)x[f], (double)y[s][f], chain[s]);
        for (int s = 0; s < FML_TOGETHER; s++) dot[s] += chain[s];
    }
    for (ptrdiff_t c = 0, f = 0; c < t->n_gap_chains; c++) {
        T chain_x[FML_TOGETHER] = {0}, chain_y[FML_TOGETHER] = {0};
        for (; f < t->gap_ends[c]; f++) {
            const T square = x[f] * x[f];
            if (gaps[f])
                for (int s = 0; s < FML_TOGETHER; s++) chain_y[s] += y[s][f] * y[s][f];
            else
                for (int s = 0; s < FML_TOGETHER; s++)
                    chain_x[s] += missing[s][f] ? square : 0, common[s] += !missing[s][f];
        }
        for (int s = 0; s < FML_TOGETHER; s++) ours[s] += chain_x[s], theirs[s] += chain_y[s];
    }
    for (int s = 0; s < FML_TOGETHER; s++) {
        T square = (T)(-2 * dot[s] + t->receivers.norms[row] + t->donors.norms[donors[s]]);
        square = square > 0 ? square : 0;
        square = square - ours[s] - theirs[s];
        square = square > 0 ? square : 0;
        square = (T)((double)square / (double)(common[s] ? common[s] : 1)) * (T)d;
        out[s] = common[s] ? (double)SQRT(square) : (double)NAN;
    }
}

/* The mean of the first n of an entry's donors. */
static double NAME(fml_mean)(const fml_imputation *t, const fml_pair *found, ptrdiff_t n, ptrdiff_t column) {
    const T *const y = (const T *)t->donors.X + column;
    double sum = 0, total = 0;
    for (ptrdiff_t j = 0; j < n; j++) {
        T weight = 1;
        if (t->weights == FML_BY_DISTANCE)
            weight = isinf(1 / (T)found[0].key) ? (T)(isinf(1 / (T)found[j].key) ? 1 : 0) : 1 / (T)found[j].key;
        sum += (double)weight * (double)y[found[j].index * t->d], total += (double)weight;
    }
    return sum / total;
}

/* A block of the table: of each donor which entries it has, 1 or 0, the entries, their squares, and their sum. */
static void NAME(fml_fill_block)(const fml_imputation *t, ptrdiff_t block) {
    const ptrdiff_t d = t->d, first = block * FML_WIDE;
    double *const rows = t->table + block * (3 * d + 1) * FML_WIDE;
    for (int s = 0; s < FML_WIDE; s++) {
        const ptrdiff_t i = first + s;
        const T *const y = (const T *)t->donors.X + i * d;
        for (ptrdiff_t f = 0; f < d; f++) {
            const double value = i < t->donors.n ? (double)y[f] : 0;
            rows[f * FML_WIDE + s] = i < t->donors.n && !t->donors.missing[i * d + f];
            rows[(d + f) * FML_WIDE + s] = value;
            rows[(2 * d + f) * FML_WIDE + s] = value * value;
        }
        rows[3 * d * FML_WIDE + s] = i < t->donors.n ? t->donors.norms[i] : 0;
    }
}
