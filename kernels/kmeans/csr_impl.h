/* Nearest centres of CSR samples: one lane a cluster, entries in the order of the row.  Template, see typed.h.
 *
 * scikit-learn's loops over the entries of a row fuse and reorder nothing, so neither does this one: every lane has their bits. */

/* packed (d, width) = centers (k, d) transposed, columns from k on repeat the last centre; width a multiple of LANES. */
static void NAME(pack)(const T *centers, ptrdiff_t d, ptrdiff_t k, ptrdiff_t width, T *restrict packed) {
    for (ptrdiff_t f = 0; f < d; f++)
        for (ptrdiff_t j = 0; j < width; j++) packed[f * width + j] = centers[(j < k ? j : k - 1) * d + f];
}

/* Sums over one row's entries for n_vectors x LANES clusters:  x c,  or with `elkan`  (x - c)^2 - c^2. */
FML_INLINE void NAME(row_sums)(const T *data, const int32_t *indices, ptrdiff_t n_entries, const T *packed, ptrdiff_t width,
                               const int n_vectors, const int elkan, T *out) {
    V sum[4];
    for (int s = 0; s < n_vectors; s++) sum[s] = OP(set1)(0);
    for (ptrdiff_t p = 0; p < n_entries; p++) {
        const T *const c = packed + indices[p] * width;
        const V x = OP(set1)(data[p]);
        for (int s = 0; s < n_vectors; s++) {
            const V y = OP(load)(c + s * LANES), e = OP(sub)(x, y);
            sum[s] = OP(add)(sum[s], elkan ? OP(sub)(OP(mul)(e, e), OP(mul)(y, y)) : OP(mul)(y, x));
        }
    }
    for (int s = 0; s < n_vectors; s++) OP(store)(out + s * LANES, sum[s]);
}

static void NAME(all_row_sums)(const T *data, const int32_t *indices, ptrdiff_t n_entries, const T *packed, ptrdiff_t width,
                               const int elkan, T *out) {
    for (ptrdiff_t j = 0; j < width; j += 4 * LANES) switch ((width - j) / LANES) {
        case 1: NAME(row_sums)(data, indices, n_entries, packed + j, width, 1, elkan, out + j); break;
        case 2: NAME(row_sums)(data, indices, n_entries, packed + j, width, 2, elkan, out + j); break;
        case 3: NAME(row_sums)(data, indices, n_entries, packed + j, width, 3, elkan, out + j); break;
        default: NAME(row_sums)(data, indices, n_entries, packed + j, width, 4, elkan, out + j);
    }
}

/* ||x - c||^2 from the squared norm of c, as scikit-learn sums it. */
static T NAME(squared_distance_csr)(const T *data, const int32_t *indices, ptrdiff_t n_entries, const T *c, T c_norm) {
    T sum = 0;
    for (ptrdiff_t p = 0; p < n_entries; p++) {
        const T y = c[indices[p]], e = data[p] - y;
        sum += e * e - y * y;
    }
    sum += c_norm;
    return sum < 0 ? 0 : sum;
}

/* Elkan's choice for sample i by its distances: see decide_anew and decide_elkan in lloyd_impl.h. */
static int32_t NAME(csr_decide_elkan)(const fml_csr *t, ptrdiff_t i, ptrdiff_t n_entries, const T *value) {
    const T *const halves = t->halves;
    const ptrdiff_t k = t->k;
    const int32_t old = t->labels[i];
    ptrdiff_t found = old < 0 ? 0 : old;
    T near = value[found], before = INFINITY;
    const int passes = old < 0 && halves ? 2 : 1;
    for (int pass = 0; pass < passes && !(pass && halves[k * k + found] >= near); pass++)
        for (ptrdiff_t j = 0; j < k; j++)
            if (value[j] < near && !(passes == 2 && near <= halves[found * k + j])) before = near, near = value[j], found = j;
    const double reach = near + 2 * t->c_norm_max;
    if (old >= 0 && (before - near) * (before + near) <= 8 * ((double)n_entries + 4) * EPS * reach * reach) t->unsure[i] = 1;
    return (int32_t)found;
}

static void NAME(csr_assign_chunk)(fml_csr *t, ptrdiff_t chunk, int worker) {
    T *const value = (T *)((char *)t->scratch + worker * t->scratch_size);
    const ptrdiff_t start = chunk * t->chunk_rows, end = start + t->chunk_rows < t->n ? start + t->chunk_rows : t->n;
    const T *const data = t->data, *const c_norms = t->c_norms;
    int64_t n_changed = 0;
    for (ptrdiff_t i = start; i < end; i++) {
        const ptrdiff_t first = t->indptr[i], n_entries = t->indptr[i + 1] - first;
        const int32_t old = t->labels[i];
        int32_t label = 0;
        if (t->elkan) {
            NAME(all_row_sums)(data + first, t->indices + first, n_entries, t->packed, t->width, 1, value);
            for (ptrdiff_t j = 0; j < t->k; j++) {
                const T sum = value[j] + c_norms[j];
                value[j] = SQRT(sum < 0 ? 0 : sum);
            }
            label = NAME(csr_decide_elkan)(t, i, n_entries, value);
        } else {
            NAME(all_row_sums)(data + first, t->indices + first, n_entries, t->packed, t->width, 0, value);
            for (ptrdiff_t j = 0; j < t->k; j++) value[j] = c_norms[j] - 2 * value[j];
            T best = value[0];
            for (ptrdiff_t j = 0; j < t->k; j++)
                if (value[j] < best) best = value[j], label = (int32_t)j;
        }
        if (label != old) {
            n_changed++;
            t->labels[i] = label;
            if (t->touched) {
                if (old >= 0) __atomic_store_n(t->touched + old, 1, __ATOMIC_RELAXED);
                __atomic_store_n(t->touched + label, 1, __ATOMIC_RELAXED);
            }
        }
    }
    __atomic_fetch_add(&t->n_changed, n_changed, __ATOMIC_RELAXED);
}

/* Sums of the samples of the touched clusters in [k_first, k_end), in the order of the samples. */
static void NAME(csr_add_up)(const fml_csr *t, ptrdiff_t k_first, ptrdiff_t k_end) {
    const T *const data = t->data, *const weights = t->weights;
    T *const sums = t->sums, *const totals = t->totals;
    for (ptrdiff_t j = k_first; j < k_end; j++)
        if (!t->touched || t->touched[j]) {
            memset(sums + j * t->d, 0, t->d * sizeof(T));
            totals[j] = 0;
        }
    for (ptrdiff_t i = 0; i < t->n; i++) {
        const ptrdiff_t j = t->labels[i];
        if (j < k_first || j >= k_end || (t->touched && !t->touched[j])) continue;
        const T w = weights ? weights[i] : 1;
        totals[j] += w;
        for (ptrdiff_t p = t->indptr[i]; p < t->indptr[i + 1]; p++) sums[j * t->d + t->indices[p]] += data[p] * w;
    }
}

static void NAME(csr_distances)(const fml_csr *t, ptrdiff_t first, ptrdiff_t end, T *out) {
    const T *const data = t->data, *const centers = t->centers, *const c_norms = t->c_norms;
    for (ptrdiff_t i = first; i < end; i++) {
        const ptrdiff_t j = t->labels[i], p = t->indptr[i];
        out[i - first] = NAME(squared_distance_csr)(data + p, t->indices + p, t->indptr[i + 1] - p, centers + j * t->d, c_norms[j]);
    }
}

static void NAME(csr_own_distances)(const fml_csr *t, ptrdiff_t first, ptrdiff_t end) {
    const T *const weights = t->weights;
    T *const values = t->values;
    NAME(csr_distances)(t, first, end, values + first);
    if (weights) for (ptrdiff_t i = first; i < end; i++) values[i] *= weights[i];
}
