/* Nearest centres.  Template, see typed.h; the task is described in lloyd.h. */

/* What is known of one block of samples once all centres were seen. */
typedef struct { T best[BLOCK], second[BLOCK], index[BLOCK]; } NAME(nearest);

/* The best and second-best  c_norms[j] - 2 x.c_j  of BLOCK samples; the lowest j among equal best ones.
 *
 * xt       (d, BLOCK)   in
 * centers  (k, d)       in
 * c_norms  (k,)         in
 * want_second           in    a constant: 0 leaves `second` unset
 * out                   out   index counts from 0, exact as T up to 2^24 centres */
FML_INLINE void NAME(nearest_two)(const T *restrict xt, const T *restrict centers, const T *restrict c_norms, ptrdiff_t d, ptrdiff_t k,
                                  const T *const *ahead, const int want_second, NAME(nearest) *restrict out) {
    V best[FML_VECTORS], second[FML_VECTORS], index[FML_VECTORS];
    for (int s = 0; s < FML_VECTORS; s++) best[s] = second[s] = OP(set1)(INFINITY), index[s] = OP(set1)(0);
    const V minus_two = OP(set1)(-2);
#define FINISH(n_rows)                                                                            \
    {                                                                                             \
        V acc[FML_ROWS][FML_VECTORS];                                                             \
        NAME(dots)(xt, centers + j * d, d, n_rows, j ? NULL : ahead, acc);                                        \
        for (int r = 0; r < n_rows; r++) {                                                        \
            const V norm = OP(set1)(c_norms[j + r]), number = OP(set1)((T)(j + r));               \
            for (int s = 0; s < FML_VECTORS; s++) {                                               \
                const V value = OP(fma)(acc[r][s], minus_two, norm);                              \
                if (want_second) second[s] = OP(min)(second[s], OP(max)(best[s], value));                          \
                index[s] = OP(pick_lt)(value, best[s], number, index[s]);                         \
                best[s] = OP(pick_lt)(value, best[s], value, best[s]);                            \
            }                                                                                     \
        }                                                                                         \
    }
    FML_EACH_TILE(j, k, FINISH)
#undef FINISH
    for (int s = 0; s < FML_VECTORS; s++) {
        OP(store)(out->best + s * LANES, best[s]);
        OP(store)(out->second + s * LANES, second[s]);
        OP(store)(out->index + s * LANES, index[s]);
    }
}

/* scikit-learn's own decision for one sample.  Lloyd: the smallest value of the fused chain, first of equals.  Elkan: the nearest by the
 * directly summed distance (four features at a time, no fused operations), and the present label unless another is strictly nearer. */
static int32_t NAME(decide)(const fml_assign *t, const T *x, int32_t label) {
    const T *c = t->centers, *c_norms = t->c_norms;
    T best = INFINITY;
    int32_t found = 0;
    if (t->stay && label >= 0) best = SQRT(NAME(squared_distance)(x, c + label * t->d, t->d)), found = label;
    for (ptrdiff_t j = 0; j < t->k; j++, c += t->d) {
        T value = 0;
        if (t->stay) value = SQRT(NAME(squared_distance)(x, c, t->d));
        else {
            for (ptrdiff_t f = 0; f < t->d; f++) value = FMA(x[f], c[f], value);
            value = c_norms[j] - 2 * value;
        }
        if (value < best) best = value, found = (int32_t)j;
    }
    return found;
}

/* Twice the largest error of a value  c_norm - 2 x.c,  by either way of computing it, for a sample and centres of these norms. */
FML_INLINE double NAME(doubt)(ptrdiff_t d, double x_norm, double c_norm) {
    const double reach = x_norm + c_norm;
    return 8 * ((double)d + 4) * EPS * reach * reach;
}

/* Norms of BLOCK samples, to a relative d * EPS. */
FML_INLINE void NAME(norms)(const T *xt, ptrdiff_t d, T *out) {
    for (int s = 0; s < BLOCK; s += LANES) {
        V sum = OP(set1)(0);
        for (ptrdiff_t f = 0; f < d; f++) {
            const V x = OP(load)(xt + f * BLOCK + s);
            sum = OP(fma)(x, x, sum);
        }
        OP(store)(out + s, OP(sqrt)(sum));
    }
}

FML_INLINE void NAME(relabel)(fml_assign *t, ptrdiff_t i, int32_t label, int64_t *n_changed) {
    const int32_t old = t->labels[i];
    if (label == old) return;
    ++*n_changed;
    t->labels[i] = label;
    if (!t->touched) return;
    if (old >= 0) __atomic_store_n(t->touched + old, 1, __ATOMIC_RELAXED);
    __atomic_store_n(t->touched + label, 1, __ATOMIC_RELAXED);
}

/* Labels of up to BLOCK samples where the tile's decision is final. */
static void NAME(label_block)(fml_assign *t, const T *const *at, const T *const *next, ptrdiff_t first, int n_rows, T *xt, int64_t *n_changed) {
    NAME(transpose)(at, t->d, xt);
    NAME(nearest) found;
    NAME(nearest_two)(xt, t->centers, t->c_norms, t->d, t->k, next, 0, &found);
    int32_t labels[BLOCK], differ = 0;
    for (int s = 0; s < BLOCK; s++) labels[s] = (int32_t)found.index[s];
    for (int s = 0; s < n_rows; s++) differ |= labels[s] ^ t->labels[first + s];
    if (differ)
        for (int s = 0; s < n_rows; s++) NAME(relabel)(t, first + s, labels[s], n_changed);
}

/* Labels of up to BLOCK samples where close calls are decided again, and their bounds.
 *
 * rows   (n_rows,)  in   their numbers, counted from `start` */
static void NAME(bound_block)(fml_assign *t, const T *const *at, const T *const *next, const int32_t *rows, ptrdiff_t start,
                              int n_rows, T *xt, int64_t *n_changed) {
    NAME(transpose)(at, t->d, xt);
    NAME(nearest) found;
    NAME(nearest_two)(xt, t->centers, t->c_norms, t->d, t->k, next, 1, &found);
    T norm[BLOCK];
    NAME(norms)(xt, t->d, norm);
    for (int s = 0; s < n_rows; s++) {
        const ptrdiff_t i = start + rows[s];
        const double doubt = NAME(doubt)(t->d, norm[s], t->c_norm_max), norm2 = (double)norm[s] * norm[s];
        int32_t label = (int32_t)found.index[s];
        if (fml_decides_again(t) && !((double)found.second[s] - (double)found.best[s] > doubt)) label = NAME(decide)(t, at[s], t->labels[i]);
        if (t->upper) {
            const double near2 = found.best[s] + norm2 + doubt, next2 = found.second[s] + norm2 - doubt;
            t->upper[i] = (float)sqrt(near2 > 0 ? near2 : 0) * (1 + 0x1p-20f) + 0x1p-120f;
            t->lower[i] = (float)sqrt(next2 > 0 ? next2 : 0) * (1 - 0x1p-20f);
            float *const largest = t->block_norms + i / FML_BLOCK_ROWS;
            if (!(norm[s] <= *largest)) *largest = (float)norm[s] * (1 + 0x1p-20f);
        }
        NAME(relabel)(t, i, label, n_changed);
    }
}

/* The samples of a block of rows that the bounds cannot settle; the bounds follow the centres' movement.  Returns how many.
 *
 * rows   (n_rows,)  out   their numbers, counted from `start` */
static int NAME(unsettled)(fml_assign *t, ptrdiff_t start, ptrdiff_t first, int n_rows, int32_t *rows) {
    const T *const X = t->X, *const centers = t->centers;
    const float doubt = (float)(1.0001 * NAME(doubt)(t->d, t->block_norms[first / FML_BLOCK_ROWS], t->c_norm_max));
    const double slack = 1 + 2 * ((double)t->d + 4) * EPS;
    int n = 0;
    for (ptrdiff_t i = first; i < first + n_rows; i++) {
        const int32_t label = t->labels[i];
        const float upper = (t->upper[i] + t->moved[label]) * (1 + 0x1p-21f);
        const float lower = t->lower[i] * (1 - 0x1p-21f) - t->others_moved[label];
        t->upper[i] = upper, t->lower[i] = lower;
        rows[n] = (int32_t)(i - start);
        n += !fml_settled(upper, lower, t->nearest_other[label], doubt);
    }
    int left = 0;
    for (int s = 0; s < n; s++) {
        const ptrdiff_t i = start + rows[s];
        const int32_t label = t->labels[i];
        const double near2 = NAME(fast_squared_distance)(X + i * t->d, centers + label * t->d, t->d);
        const float upper = (float)(sqrt(near2) * slack) * (1 + 0x1p-20f) + 0x1p-120f;
        t->upper[i] = upper;
        rows[left] = rows[s];
        left += !fml_settled(upper, t->lower[i], t->nearest_other[label], doubt);
    }
    return left;
}

static void NAME(assign_chunk)(fml_assign *t, ptrdiff_t chunk, int worker) {
    T *const xt = (T *)((char *)t->scratch + worker * t->scratch_size);
    const ptrdiff_t start = chunk * t->chunk_rows, end = start + t->chunk_rows < t->n ? start + t->chunk_rows : t->n;
    const T *const X = (const T *)t->X + start * t->d;
    int32_t rows[FML_CHUNK_ROWS];
    int n = 0;
    int64_t n_changed = 0;
    for (ptrdiff_t first = start; first < end; first += FML_BLOCK_ROWS) {
        const int n_rows = (int)(end - first < FML_BLOCK_ROWS ? end - first : FML_BLOCK_ROWS);
        if (t->known) n += NAME(unsettled)(t, start, first, n_rows, rows + n);
        else for (int s = 0; s < n_rows; s++, n++) rows[n] = n;
        if (t->upper && !t->known) t->block_norms[first / FML_BLOCK_ROWS] = 0;
    }
    const T *at[2][BLOCK];                          /* this block's rows and the next one's */
    for (int s = -BLOCK; s < n; s += BLOCK) {
        const int turn = s / BLOCK & 1, n_rows = n - s < BLOCK ? n - s : BLOCK;
        const int32_t *const ahead = rows + (s + BLOCK < n ? s + BLOCK : 0);
        const int last = (n - (int)(ahead - rows) < BLOCK ? n - (int)(ahead - rows) : BLOCK) - 1;
        for (int r = 0; r < BLOCK; r++) at[!turn][r] = X + ahead[r < last ? r : last] * t->d;
        if (s < 0) continue;
        if (t->upper || fml_decides_again(t)) NAME(bound_block)(t, at[turn], at[!turn], rows + s, start, n_rows, xt, &n_changed);
        else NAME(label_block)(t, at[turn], at[!turn], start + s, n_rows, xt, &n_changed);
    }
    __atomic_fetch_add(&t->n_changed, n_changed, __ATOMIC_RELAXED);
    __atomic_fetch_add(&t->n_evaluated, n, __ATOMIC_RELAXED);
}

/* Block i of the centres: how far the nearest other one is at least. */
static void NAME(gaps_block)(const fml_gaps *t, ptrdiff_t i, int worker) {
    T *const xt = (T *)((char *)t->scratch + worker * t->scratch_size), norm[BLOCK];
    const T *at[BLOCK];
    for (int s = 0; s < BLOCK; s++)
        at[s] = (const T *)t->centers + (i * BLOCK + s < t->k ? i * BLOCK + s : t->k - 1) * t->d;
    NAME(transpose)(at, t->d, xt);
    NAME(norms)(xt, t->d, norm);
    NAME(nearest) found;                            /* the best is the centre itself, or one equal to it */
    NAME(nearest_two)(xt, t->centers, t->c_norms, t->d, t->k, NULL, 1, &found);
    for (int s = 0; s < BLOCK && i * BLOCK + s < t->k; s++) {
        const double gap2 = found.second[s] + (double)norm[s] * norm[s] - NAME(doubt)(t->d, norm[s], t->c_norm_max);
        t->nearest_other[i * BLOCK + s] = (float)sqrt(gap2 > 0 ? gap2 : 0) * (1 - 0x1p-20f);
    }
}
