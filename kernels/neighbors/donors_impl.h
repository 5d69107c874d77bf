/* scikit-learn's distances between samples with missing entries, to the bit.  Template, see typed.h.
 *
 * It takes |x|^2 + |y|^2 - 2 x.y of rows with zeros where an entry is missing, and from that what only one of the two has; scaled by the
 * share of the entries that both have.  Its products add up in chains of fused operations (kmeans/gemm.py); float32 rows are multiplied
 * in double, then all is float.
 */

/* FML_TOGETHER donors side by side, lanes (2, d, FML_TOGETHER): their entries; 1 where one is missing. */
static void NAME(fml_gather)(const fml_imputation *t, const int64_t *donors, T *restrict lanes) {
    const ptrdiff_t d = t->d;
    for (int s = 0; s < FML_TOGETHER; s++) {
        const T *const y = (const T *)t->donors.X + donors[s] * d;
        const uint8_t *const missing = t->donors.missing + donors[s] * d;
        for (ptrdiff_t f = 0; f < d; f++)
            lanes[f * FML_TOGETHER + s] = y[f], lanes[(d + f) * FML_TOGETHER + s] = missing[f];
    }
}

/* Distances of a receiver from donors that were gathered, out (FML_TOGETHER,); NaN where no entry is common. */
static void NAME(fml_distances)(const fml_imputation *t, ptrdiff_t row, const int64_t *donors, const T *restrict lanes, double *out) {
    const ptrdiff_t d = t->d;
    const T *const x = (const T *)t->receivers.X + row * d, *const missing = lanes + d * FML_TOGETHER;
    const uint8_t *const gaps = t->receivers.missing + row * d;
    double dot[FML_TOGETHER] = {0};
    T ours[FML_TOGETHER] = {0}, theirs[FML_TOGETHER] = {0}, common[FML_TOGETHER] = {0};
    for (ptrdiff_t c = 0, f = 0; c < t->n_chains; c++) {
        double chain[FML_TOGETHER] = {0};
        for (; f < t->ends[c]; f++)
            for (int s = 0; s < FML_TOGETHER; s++) chain[s] = fma((double)x[f], (double)lanes[f * FML_TOGETHER + s], chain[s]);
        for (int s = 0; s < FML_TOGETHER; s++) dot[s] += chain[s];
    }
    for (ptrdiff_t c = 0, f = 0; c < t->n_gap_chains; c++) {
        T chain_x[FML_TOGETHER] = {0}, chain_y[FML_TOGETHER] = {0};
        for (; f < t->gap_ends[c]; f++) {
            const T square = x[f] * x[f], *const y = lanes + f * FML_TOGETHER, *const without = missing + f * FML_TOGETHER;
            if (gaps[f])
                for (int s = 0; s < FML_TOGETHER; s++) chain_y[s] += y[s] * y[s];
            else
                for (int s = 0; s < FML_TOGETHER; s++) chain_x[s] += without[s] * square, common[s] += 1 - without[s];
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

/* All distances of the receivers from `begin` to `end`: rows of `distances`. */
static void NAME(fml_measure_rows)(const fml_imputation *t, ptrdiff_t begin, ptrdiff_t end, T *lanes) {
    for (ptrdiff_t first = 0; first < t->donors.n; first += FML_TOGETHER) {
        const ptrdiff_t n = t->donors.n - first < FML_TOGETHER ? t->donors.n - first : FML_TOGETHER;
        int64_t donors[FML_TOGETHER];
        double distance[FML_TOGETHER];
        for (int s = 0; s < FML_TOGETHER; s++) donors[s] = s < n ? first + s : first;
        NAME(fml_gather)(t, donors, lanes);
        for (ptrdiff_t row = begin; row < end; row++) {
            NAME(fml_distances)(t, row, donors, lanes, distance);
            memcpy(t->distances + row * t->donors.n + first, distance, sizeof(double) * n);
        }
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
