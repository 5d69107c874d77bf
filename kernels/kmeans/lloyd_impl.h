/* Nearest centres.  Template, see typed.h; the task is described in lloyd.h. */

/* What is known of one block of samples once all centres were seen. */
typedef struct { T best[BLOCK], second[BLOCK], index[BLOCK]; } NAME(nearest);

/* c_norms - 2 x.c  of the dot products in acc. */
FML_INLINE void NAME(values)(const T *restrict c_norms, const int n_rows, V acc[FML_ROWS][FML_VECTORS]) {
    for (int r = 0; r < n_rows; r++)
        for (int s = 0; s < FML_VECTORS; s++) acc[r][s] = OP(fma)(acc[r][s], OP(set1)(-2), OP(set1)(c_norms[r]));
}

/* What the chains after the first add to such values, one after the other: see gemm.py. */
static void NAME(more_chains)(const T *restrict xt, const T *restrict centers, ptrdiff_t d, const int32_t *ends, int n_chains, int n_rows,
                              V value[FML_ROWS][FML_VECTORS]) {
    for (int c = 1; c < n_chains; c++) {
        const ptrdiff_t start = ends[c - 1], length = ends[c] - start;
        V acc[FML_ROWS][FML_VECTORS];
#define DOTS(n_rows_) NAME(dots)(xt + start * BLOCK, centers + start, length, d, n_rows_, NULL, acc)
        FML_EACH_TILE(j, n_rows, DOTS)
#undef DOTS
        for (int r = 0; r < n_rows; r++)
            for (int s = 0; s < FML_VECTORS; s++) value[r][s] = OP(fma)(acc[r][s], OP(set1)(-2), value[r][s]);
    }
}

/* The best and second-best  c_norms[j] - 2 x.c_j  of BLOCK samples; the lowest j among equal best ones.
 *
 * xt       (d, BLOCK)   in
 * centers  (k, d)       in
 * c_norms  (k,)         in
 * ends     (n_chains,)  in    where the chains of a dot product end, the last one at d
 * want_second           in    a constant: 0 leaves `second` unset
 * out                   out   index counts from 0, exact as T up to 2^24 centres */
FML_INLINE void NAME(nearest_two)(const T *restrict xt, const T *restrict centers, const T *restrict c_norms, ptrdiff_t d, ptrdiff_t k,
                                  const int32_t *ends, int n_chains, const T *const *ahead, const int want_second,
                                  NAME(nearest) *restrict out) {
    V best[FML_VECTORS], second[FML_VECTORS], index[FML_VECTORS];
    for (int s = 0; s < FML_VECTORS; s++) best[s] = second[s] = OP(set1)(INFINITY), index[s] = OP(set1)(0);
#define FINISH(n_rows)                                                                               \
    {                                                                                                \
        V acc[FML_ROWS][FML_VECTORS];                                                                \
        if (j && n_rows == FML_ROWS) NAME(dots)(xt, centers + j * d, ends[0], d, n_rows, NULL, acc); \
        else NAME(dots)(xt, centers + j * d, ends[0], d, n_rows, j ? NULL : ahead, acc);             \
        NAME(values)(c_norms + j, n_rows, acc);                                                      \
        if (n_chains > 1) NAME(more_chains)(xt, centers + j * d, d, ends, n_chains, n_rows, acc);    \
        for (int r = 0; r < n_rows; r++) {                                                           \
            const V number = OP(set1)((T)(j + r));                                                   \
            for (int s = 0; s < FML_VECTORS; s++) {                                                  \
                const V value = acc[r][s];                                                           \
                if (want_second) second[s] = OP(min)(second[s], OP(max)(best[s], value));            \
                index[s] = OP(pick_lt)(value, best[s], number, index[s]);                            \
                best[s] = OP(pick_lt)(value, best[s], value, best[s]);                               \
            }                                                                                        \
        }                                                                                            \
    }
    FML_EACH_TILE(j, k, FINISH)
#undef FINISH
    for (int s = 0; s < FML_VECTORS; s++) {
        OP(store)(out->best + s * LANES, best[s]);
        OP(store)(out->second + s * LANES, second[s]);
        OP(store)(out->index + s * LANES, index[s]);
    }
}

/* x.c as the GEMM kernels for small matrices compute it: a fused chain a lane of 64 bytes, lanes added up by neighbours or by halves. */
static T NAME(small_dot)(const T *x, const T *c, ptrdiff_t d, int by_halves) {
    enum { WIDTH = 64 / sizeof(T) };
    T lane[WIDTH] = {0};
    for (ptrdiff_t f = 0; f < d; f++) lane[f % WIDTH] = FMA(x[f], c[f], lane[f % WIDTH]);
    if (by_halves)
        for (int half = WIDTH / 2; half; half /= 2)
            for (int s = 0; s < half; s++) lane[s] += lane[s + half];
    else
        for (int step = 1; step < WIDTH; step *= 2)
            for (int s = 0; s < WIDTH; s += 2 * step) lane[s] += lane[s + step];
    return lane[0];
}

/* x.c of features first to end - 1 in n fused chains, at most four, over whole eights: see gemm.py. */
static T NAME(side_dot)(const T *x, const T *c, ptrdiff_t first, ptrdiff_t end, int n) {
    const ptrdiff_t eights = end - (end - first) % 8;
    T chain[4] = {0};
    for (ptrdiff_t f = first; f < end; f++) {
        const ptrdiff_t r = f < eights ? (f - first) % n : 0;
        chain[r] = FMA(x[f], c[f], chain[r]);
    }
    return (chain[0] + chain[1]) + (chain[2] + chain[3]);
}

/* c_norm - 2 x.c  of sample i and centres j to j + n (at most FML_CHAINS) as scikit-learn's GEMM computes it: by fused chains, or as for small
 * matrices. The chains of several centres run side by side: one alone waits for each sum. */
static void NAME(gemm_values)(const fml_assign *t, ptrdiff_t i, ptrdiff_t j, int n, T *values) {
    const ptrdiff_t d = t->d;
    const T *const x = (const T *)t->X + i * d, *const centers = (const T *)t->centers + j * d, *const c_norms = (const T *)t->c_norms + j;
    if (i >= t->small_from) {
        const ptrdiff_t start = i - i % FML_GEMM_ROWS, n_rows = t->n - start < FML_GEMM_ROWS ? t->n - start : FML_GEMM_ROWS;
        for (int r = 0; r < n; r++) {
            const int by_halves = j + r >= (t->k & ~(ptrdiff_t)3) && i - start >= (n_rows & ~(ptrdiff_t)3);
            values[r] = c_norms[r] - 2 * NAME(small_dot)(x, centers + r * d, d, by_halves);
        }
        return;
    }
    const int kind = fml_kind(t, i);
    ptrdiff_t f = 0;
    for (int r = 0; r < n; r++) values[r] = c_norms[r];
    for (int c = 0; c < t->n_chains; c++) {
        T sum[FML_CHAINS] = {0};
        for (; f < t->chain_ends[c]; f++)
            for (int r = 0; r < FML_CHAINS; r++) sum[r] = FMA(x[f], centers[(r < n ? r : 0) * d + f], sum[r]);
        for (int r = 0; r < n && kind; r++) {
            const int side = t->side_chains[kind * t->k + j + r];
            if (side > 1) sum[r] = NAME(side_dot)(x, centers + r * d, c ? t->chain_ends[c - 1] : 0, t->chain_ends[c], side);
        }
        for (int r = 0; r < n; r++) values[r] -= 2 * sum[r];
    }
}

/* Twice the largest error of a value  c_norm - 2 x.c,  by either way of computing it, for a sample and centres of these norms. */
FML_INLINE double NAME(doubt)(ptrdiff_t d, double x_norm, double c_norm) {
    const double reach = x_norm + c_norm;
    return 8 * ((double)d + 4) * EPS * reach * reach;
}

/* Distance of a sample and centre j, directly summed. */
FML_INLINE T NAME(distance)(const fml_assign *t, const T *x, ptrdiff_t j) {
    return SQRT(NAME(squared_distance)(x, (const T *)t->centers + j * t->d, t->d));
}

/* Elkan's decision for a sample without a label: twice over all centres, as where its bounds and its first iteration meet. */
static int32_t NAME(decide_anew)(const fml_assign *t, const T *x) {
    const T *const halves = t->halves;
    const ptrdiff_t k = t->k;
    T near = NAME(distance)(t, x, 0);
    ptrdiff_t found = 0;
    for (int pass = 0; pass < 2 && !(pass && halves && halves[k * k + found] >= near); pass++)
        for (ptrdiff_t j = 0; j < k; j++)
            if (j != found && !(halves && near <= halves[found * k + j])) {
                const T value = NAME(distance)(t, x, j);
                if (value < near) near = value, found = j;
            }
    return (int32_t)found;
}

/* Elkan's decision for a sample with a label, as if its bounds were loose. Directly summed distances err by their own size, and bounds by
 * that of each movement they follow; halves of distances between centres, from norms in double, by the size of these. */
static int32_t NAME(decide_elkan)(const fml_assign *t, ptrdiff_t i) {
    const T *const x = (const T *)t->X + i * t->d;
    int32_t found = t->labels[i];
    if (found < 0) return NAME(decide_anew)(t, x);
    T near = NAME(distance)(t, x, found), before = INFINITY;
    for (ptrdiff_t j = 0; j < t->k; j++) {
        const T value = NAME(distance)(t, x, j);
        if (value < near) before = near, near = value, found = (int32_t)j;
    }
    const double own = 16 * ((double)t->d + 8) * EPS * near * near, halves = doubt_f64(t->d, near + t->c_norm_max, t->c_norm_max);
    if ((before - near) * (before + near) <= own + halves) t->unsure[i] = 1;
    return found;
}

/* scikit-learn's own decision for sample i.  Lloyd: the smallest value by its GEMM, first of equals.  Elkan: the nearest by the directly
 * summed distance (four features at a time, no fused operations), and the present label unless another is strictly nearer. */
static int32_t NAME(decide)(const fml_assign *t, ptrdiff_t i) {
    if (t->elkan) return NAME(decide_elkan)(t, i);
    T best = INFINITY;
    int32_t found = 0;
    for (ptrdiff_t j = 0; j < t->k; j += FML_CHAINS) {
        const int n = t->k - j < FML_CHAINS ? (int)(t->k - j) : FML_CHAINS;
        T values[FML_CHAINS];
        NAME(gemm_values)(t, i, j, n, values);
        for (int r = 0; r < n; r++)
            if (values[r] < best) best = values[r], found = (int32_t)(j + r);
    }
    return found;
}

/* Such an error by its unit, for reach 1.  Infinite where squares overflow. */
FML_INLINE T NAME(reaching)(T unit, T x_norm, T c_norm) { return unit * ((x_norm + c_norm) * (x_norm + c_norm)); }

/* Norms of BLOCK samples, to a relative d * EPS. All chains at a time: one alone waits for each sum. */
FML_INLINE void NAME(norms)(const T *xt, ptrdiff_t d, T *out) {
    V sum[FML_VECTORS];
    for (int s = 0; s < FML_VECTORS; s++) sum[s] = OP(set1)(0);
    for (ptrdiff_t f = 0; f < d; f++)
        for (int s = 0; s < FML_VECTORS; s++) {
            const V x = OP(load)(xt + f * BLOCK + s * LANES);
            sum[s] = OP(fma)(x, x, sum[s]);
        }
    for (int s = 0; s < FML_VECTORS; s++) OP(store)(out + s * LANES, OP(sqrt)(sum[s]));
}

/* Addresses of BLOCK samples in a row; the last of n_rows stands for those beyond. */
FML_INLINE void NAME(point)(const T *X, ptrdiff_t d, ptrdiff_t n_rows, const T **at) {
    for (int s = 0; s < BLOCK; s++) at[s] = X + (s < n_rows ? s : n_rows - 1) * d;
}

/* Labels and bounds of up to BLOCK samples from the best two values of the centres in question.
 *
 * label   (n_rows,)  inout   the nearest of these centres; what decides close calls may change it
 * movers             in      they are the movers and the own centre, not all */
FML_INLINE void NAME(settle)(fml_assign *t, ptrdiff_t start, const int32_t *rows, int n_rows, const NAME(nearest) *found, const T *norm,
                             int32_t *label, int movers, int64_t *n_changed) {
    const T unit = (T)NAME(doubt)(t->d, 1, 0) * (1 + 8 * EPS), far = (T)(t->c_norm_max * (1 + 0x1p-20));
    float length[BLOCK], near2[BLOCK], next2[BLOCK];
    T doubt[BLOCK];
    for (int s = 0; s < BLOCK; s++) {
        doubt[s] = NAME(reaching)(unit, norm[s], far) + TINY;
        length[s] = (float)norm[s];
        near2[s] = (float)(found->best[s] + norm[s] * norm[s] + doubt[s]);
        next2[s] = (float)(found->second[s] + norm[s] * norm[s] - doubt[s]);
    }
    int close = 0;
    for (int s = 0; s < BLOCK; s++) close |= !(found->second[s] - found->best[s] > doubt[s]);
    if (close)
        for (int s = 0; s < n_rows; s++)
            if (fml_decides_again(t, start + rows[s]) && !(found->second[s] - found->best[s] > doubt[s]))
                label[s] = NAME(decide)(t, start + rows[s]);
    if (t->upper) fml_set_bounds(t, start, rows, n_rows, length, near2, next2, movers);
    fml_relabel_rows(t, start, rows, label, n_rows, n_changed);
}

/* x.x and x.c of listed samples with k <= FML_FEW centres, in any order: lanes are features. */
FML_INLINE void NAME(few_rows)(const T *X, const int32_t *rows, int n_rows, const T *restrict centers, ptrdiff_t d, const int k,
                               T *restrict norm2, T dot[FML_FEW][BLOCK]) {
    for (int s = 0; s < n_rows; s++) {
        const T *const x = X + rows[s] * d;
        V sum[FML_FEW + 1][2];
        T rest[FML_FEW + 1] = {0};
        ptrdiff_t f = 0;
        for (int r = 0; r <= k; r++) sum[r][0] = sum[r][1] = OP(set1)(0);
        for (; f + 2 * LANES <= d; f += 2 * LANES)
            for (int h = 0; h < 2; h++) {
                const V at = OP(load)(x + f + h * LANES);
                for (int r = 0; r < k; r++) sum[r][h] = OP(fma)(at, OP(load)(centers + r * d + f + h * LANES), sum[r][h]);
                sum[k][h] = OP(fma)(at, at, sum[k][h]);
            }
        for (; f < d; f++) {
            for (int r = 0; r < k; r++) rest[r] += x[f] * centers[r * d + f];
            rest[k] += x[f] * x[f];
        }
        for (int r = 0; r < k; r++) dot[r][s] = OP(sum)(OP(add)(sum[r][0], sum[r][1])) + rest[r];
        norm2[s] = OP(sum)(OP(add)(sum[k][0], sum[k][1])) + rest[k];
    }
}

/* A screen for few clusters, at the speed of memory: settles all but the close calls.  Returns how many are left in open->all. */
static int NAME(screen_few)(fml_assign *t, ptrdiff_t start, fml_open *open) {
    /* A dot product errs by at most (d + 1) EPS |x| |c| as one chain and (d / 8 + 16) EPS |x| |c| here. Two of each, doubled, and less
     * than 8 EPS (|x| + |c|)^2 for what follows them. That is far less than `doubt` where the centres are near the origin. */
    const T unit = (T)NAME(doubt)(t->d, 1, 0) * (1 + 8 * EPS), far = (T)(t->c_norm_max * (1 + 0x1p-20)), dots = 5 * ((T)t->d + 20) * EPS;
    const T *const X = (const T *)t->X + start * t->d, *const centers = t->centers, *const c_norms = t->c_norms;
    int left = 0;
    for (int first = 0; first < open->n_all; first += BLOCK) {
        const int n_rows = open->n_all - first < BLOCK ? open->n_all - first : BLOCK;
        const int32_t *const rows = open->all + first;
        int32_t sure[BLOCK], label[BLOCK];
        float norm[BLOCK], near2[BLOCK], next2[BLOCK];
        T dot[FML_FEW][BLOCK], norm2[BLOCK], best[BLOCK], second[BLOCK];
        for (int s = 0; s < BLOCK; s++) norm2[s] = dot[0][s] = dot[1][s] = dot[2][s] = dot[3][s] = 0;
        switch (t->k) {
            case 1: NAME(few_rows)(X, rows, n_rows, centers, t->d, 1, norm2, dot); break;
            case 2: NAME(few_rows)(X, rows, n_rows, centers, t->d, 2, norm2, dot); break;
            case 3: NAME(few_rows)(X, rows, n_rows, centers, t->d, 3, norm2, dot); break;
            default: NAME(few_rows)(X, rows, n_rows, centers, t->d, 4, norm2, dot);
        }
        for (int s = 0; s < BLOCK; s++) best[s] = second[s] = INFINITY, label[s] = 0;
        for (int r = 0; r < (int)t->k; r++)
            for (int s = 0; s < BLOCK; s++) {
                const T value = c_norms[r] - 2 * dot[r][s], other = value < best[s] ? best[s] : value;
                label[s] = value < best[s] ? r : label[s];
                best[s] = value < best[s] ? value : best[s];
                second[s] = other < second[s] ? other : second[s];
            }
        for (int s = 0; s < BLOCK; s++) {
            const T length = SQRT(norm2[s]), wide = NAME(reaching)(unit, length, far) + TINY;
            const T doubt = t->elkan ? wide : dots * length * far + NAME(reaching)(16 * EPS, length, far) + TINY;
            sure[s] = second[s] - best[s] > doubt;
            norm[s] = (float)length;
            near2[s] = (float)(best[s] + norm2[s] + wide), next2[s] = (float)(second[s] + norm2[s] - wide);
        }
        left += fml_keep_sure(t, start, rows, n_rows, sure, label, norm, near2, next2, 0, open->all + left, &open->n_changed);
    }
    return left;
}

/* Up to BLOCK samples for which all centres are in question.
 *
 * rows   (n_rows,)  in   their numbers, counted from `start` */
static void NAME(bound_block)(fml_assign *t, const T *const *at, const T *const *next, const int32_t *rows, ptrdiff_t start,
                              int n_rows, T *xt, int64_t *n_changed) {
    NAME(transpose)(at, next, t->d, xt);
    NAME(nearest) found;
    NAME(nearest_two)(xt, t->centers, t->c_norms, t->d, t->k, t->chain_ends, t->n_chains, next, 1, &found);
    T norm[BLOCK];
    NAME(norms)(xt, t->d, norm);
    int32_t label[BLOCK];
    for (int s = 0; s < BLOCK; s++) label[s] = (int32_t)found.index[s];
    NAME(settle)(t, start, rows, n_rows, &found, norm, label, 0, n_changed);
}

/* Labels of the samples of a chunk where no bounds are kept, and the tile's decision is final but for samples of some kinds. */
static void NAME(label_run)(fml_assign *t, ptrdiff_t start, ptrdiff_t end, T *xt, int64_t *n_changed) {
    const ptrdiff_t d = t->d;
    const T *const X = t->X, *at[2][BLOCK];
    NAME(nearest) found;
    int32_t labels[BLOCK], in_order[BLOCK];
    for (int s = 0; s < BLOCK; s++) in_order[s] = s;
    NAME(point)(X + start * d, d, end - start, at[0]);
    for (ptrdiff_t first = start; first < end; first += BLOCK) {
        const int turn = (first - start) / BLOCK & 1, n_rows = end - first < BLOCK ? (int)(end - first) : BLOCK;
        const ptrdiff_t next = first + n_rows < end ? first + n_rows : start;
        if (d < 4 && n_rows == BLOCK) {
            NAME(transpose_run)(X + first * d, d, xt);   /* addresses cost more than the loads */
            NAME(nearest_two)(xt, t->centers, t->c_norms, d, t->k, t->chain_ends, t->n_chains, NULL, 0, &found);
        } else if (fml_any_kind(t, first, n_rows)) {
            NAME(point)(X + next * d, d, end - next, at[!turn]);
            NAME(bound_block)(t, at[turn], at[!turn], in_order, first, n_rows, xt, n_changed);
            continue;
        } else {
            if (d < 4) NAME(point)(X + first * d, d, n_rows, at[turn]);
            else NAME(point)(X + next * d, d, end - next, at[!turn]);
            NAME(transpose)(at[turn], d < 4 ? NULL : at[!turn], d, xt);
            NAME(nearest_two)(xt, t->centers, t->c_norms, d, t->k, t->chain_ends, t->n_chains, d < 4 ? NULL : at[!turn], 0, &found);
        }
        for (int s = 0; s < BLOCK; s++) labels[s] = (int32_t)found.index[s];
        fml_relabel_run(t, first, labels, n_rows, n_changed);
    }
}

/* c_norm - 2 x.c  of BLOCK samples and their present centres.
 *
 * labels  (n,)            in   of the samples from `start` on
 * xt      (2, d, BLOCK)   in   the samples, and room for their centres */
FML_INLINE void NAME(own_values)(const fml_assign *t, const T *centers, const T *c_norms, const int32_t *labels, const int32_t *rows, int n_rows,
                                 T *xt, T *own) {
    const ptrdiff_t d = t->d;
    const T *at[BLOCK];
    T c_norm[BLOCK], *const ct = xt + d * BLOCK;
    for (int s = 0; s < BLOCK; s++) {
        const int32_t label = labels[rows[s < n_rows ? s : n_rows - 1]];
        at[s] = centers + label * d;
        c_norm[s] = c_norms[label];
    }
    NAME(transpose)(at, NULL, d, ct);
    for (int s = 0; s < BLOCK; s += LANES) {
        V value = OP(load)(c_norm + s);
        ptrdiff_t f = 0;
        for (int c = 0; c < t->n_chains; c++) {
            V sum = OP(set1)(0);
            for (; f < t->chain_ends[c]; f++) sum = OP(fma)(OP(load)(xt + f * BLOCK + s), OP(load)(ct + f * BLOCK + s), sum);
            value = OP(fma)(sum, OP(set1)(-2), value);
        }
        OP(store)(own + s, value);
    }
}

/* The own centre of sample i joins the movers found for lane s, unless it is one of them.  Returns the nearest one's number. */
FML_INLINE int32_t NAME(with_own)(const fml_assign *t, ptrdiff_t i, T own, int s, NAME(nearest) *found) {
    const int32_t old = t->labels[i], label = t->movers[(int32_t)found->index[s]];
    T *const best = found->best + s, *const second = found->second + s;
    if (t->mover_at[old] >= 0) return label;
    if (own < *best || (own == *best && old < label)) {
        *second = *best, *best = own;
        return old;
    }
    if (own < *second) *second = own;
    return label;
}

/* Up to BLOCK samples for which only the movers, and the own centre, are in question. */
static void NAME(mover_block)(fml_assign *t, const T *const *at, const T *const *next, const int32_t *rows, ptrdiff_t start,
                              int n_rows, T *xt, int64_t *n_changed) {
    NAME(transpose)(at, next, t->d, xt);
    NAME(nearest) found;
    NAME(nearest_two)(xt, t->mover_centers, t->mover_norms, t->d, t->n_movers, t->chain_ends, t->n_chains, next, 1, &found);
    T norm[BLOCK], own[BLOCK];
    NAME(norms)(xt, t->d, norm);
    NAME(own_values)(t, t->centers, t->c_norms, t->labels + start, rows, n_rows, xt, own);
    int32_t label[BLOCK];
    for (int s = 0; s < n_rows; s++) label[s] = NAME(with_own)(t, start + rows[s], own[s], s, &found);
    NAME(settle)(t, start, rows, n_rows, &found, norm, label, 1, n_changed);
}

/* The samples of a block of rows that the bounds cannot settle; the upper bounds follow the centres' movement.
 *
 * open   inout   their numbers, counted from `start` */
static void NAME(unsettled)(fml_assign *t, ptrdiff_t start, ptrdiff_t first, int n_rows, fml_open *open) {
    const T *const X = t->X, *const centers = t->centers;
    const float doubt = (float)(1.0001 * NAME(doubt)(t->d, t->block_norms[first / FML_BLOCK_ROWS], t->c_norm_max)) + FML_LEAST;
    const double slack = 1 + 2 * ((double)t->d + 4) * EPS;
    int32_t rows[FML_BLOCK_ROWS];
    int n = 0;
    for (ptrdiff_t i = first; i < first + n_rows; i++) {
        const int32_t label = t->labels[i];
        const float upper = (t->upper[i] + t->moved[label]) * (1 + 0x1p-21f), lower = t->lower[i] * (1 - 0x1p-21f);
        const int settled = fml_settled(upper, lower - t->others_moved[label], t->nearest_other[label], doubt);
        t->upper[i] = upper;
        t->lower[i] = settled ? lower - t->others_moved[label] : lower;
        rows[n] = (int32_t)(i - start);
        n += !settled;
    }
    if (t->k < FML_TIGHTENED) {
        memcpy(open->all + open->n_all, rows, n * sizeof *rows);
        open->n_all += n;
        return;
    }
    for (int s = 0; s < n; s++) {
        const ptrdiff_t i = start + rows[s];
        const int32_t label = t->labels[i];
        const double near2 = NAME(fast_squared_distance)(X + i * t->d, centers + label * t->d, t->d);
        const float upper = (float)(sqrt(near2) * slack) * (1 + 0x1p-20f) + 0x1p-120f, lower = t->lower[i] - t->others_moved[label];
        t->upper[i] = upper;
        if (fml_settled(upper, lower, t->nearest_other[label], doubt)) t->lower[i] = lower;
        else if (t->n_movers && fml_settled(upper, t->lower[i] - t->quiet_moved, t->nearest_other[label], doubt)) open->few[open->n_few++] = rows[s];
        else open->all[open->n_all++] = rows[s];
    }
}

typedef void NAME(block_work)(fml_assign *t, const T *const *at, const T *const *next, const int32_t *rows, ptrdiff_t start, int n_rows,
                              T *xt, int64_t *n_changed);

/* Runs a function over listed samples, BLOCK at a time, with the addresses of this block and of the next one. */
FML_INLINE void NAME(each_block)(fml_assign *t, ptrdiff_t start, const int32_t *rows, int n, T *xt, int64_t *n_changed,
                                 NAME(block_work) *work) {
    const T *const X = (const T *)t->X + start * t->d;
    const T *at[2][BLOCK];
    for (int s = -BLOCK; s < n; s += BLOCK) {
        const int turn = s / BLOCK & 1, n_rows = n - s < BLOCK ? n - s : BLOCK;
        const int32_t *const ahead = rows + (s + BLOCK < n ? s + BLOCK : 0);
        const int last = (n - (int)(ahead - rows) < BLOCK ? n - (int)(ahead - rows) : BLOCK) - 1;
        if (n == 0) return;
        for (int r = 0; r < BLOCK; r++) at[!turn][r] = X + ahead[r < last ? r : last] * t->d;
        if (s >= 0) work(t, at[turn], at[!turn], rows + s, start, n_rows, xt, n_changed);
    }
}

/* The samples of a chunk that are to be looked at. */
static void NAME(collect)(fml_assign *t, ptrdiff_t start, ptrdiff_t end, fml_open *open) {
    for (ptrdiff_t first = start; first < end; first += FML_BLOCK_ROWS) {
        const int n_rows = (int)(end - first < FML_BLOCK_ROWS ? end - first : FML_BLOCK_ROWS);
        if (t->known) NAME(unsettled)(t, start, first, n_rows, open);
        else {
            const int n = open->n_all;              /* in a register: the loop writes to what it might alias */
            for (int s = 0; s < n_rows; s++) open->all[n + s] = n + s;
            open->n_all = n + n_rows;
        }
        if (t->upper && !t->known) t->block_norms[first / FML_BLOCK_ROWS] = 0;
    }
}

/* Labels, and bounds where they are kept, of all samples that are still open. */
static void NAME(close)(fml_assign *t, ptrdiff_t start, fml_open *open, T *xt) {
    NAME(each_block)(t, start, open->all, open->n_all, xt, &open->n_changed, NAME(bound_block));
    NAME(each_block)(t, start, open->few, open->n_few, xt, &open->n_changed, NAME(mover_block));
}

/* Block i of the centres: how far the nearest other one is at least. */
static void NAME(gaps_block)(const fml_gaps *t, ptrdiff_t i, int worker) {
    T *const xt = (T *)((char *)t->scratch + worker * t->scratch_size), norm[BLOCK];
    const int32_t one_chain = (int32_t)t->d;
    const T *at[BLOCK];
    for (int s = 0; s < BLOCK; s++)
        at[s] = (const T *)t->centers + (i * BLOCK + s < t->k ? i * BLOCK + s : t->k - 1) * t->d;
    NAME(transpose)(at, NULL, t->d, xt);
    NAME(norms)(xt, t->d, norm);
    NAME(nearest) found;                            /* the best is the centre itself, or one equal to it */
    NAME(nearest_two)(xt, t->centers, t->c_norms, t->d, t->k, &one_chain, 1, NULL, 1, &found);
    for (int s = 0; s < BLOCK && i * BLOCK + s < t->k; s++) {
        const double gap2 = found.second[s] + (double)norm[s] * norm[s] - NAME(doubt)(t->d, norm[s], t->c_norm_max);
        const int overflowed = t->k > 1 && !(gap2 <= DBL_MAX);
        t->nearest_other[i * BLOCK + s] = gap2 > 0 && !overflowed ? (float)sqrt(gap2) * (1 - 0x1p-20f) : 0;
    }
}
