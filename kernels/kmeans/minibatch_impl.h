/* The update of mini-batch k-means, in scikit-learn's order of operations.  Template, see typed.h. */

/* Adds the samples to their centres, which forget nothing: a centre is the mean of all it was ever given. */
static void NAME(minibatch_update)(const fml_minibatch *t) {
    const T *const X = t->X, *const weights = t->weights, *const old = t->centers_old;
    T *const centers = t->centers, *const seen = t->seen, *const joined = t->joined;
    const ptrdiff_t d = t->d;
    for (ptrdiff_t j = 0; j < t->k; j++) joined[j] = 0;
    for (ptrdiff_t i = 0; i < t->n; i++) joined[t->labels[i]] += weights ? weights[i] : 1;
    for (ptrdiff_t j = 0; j < t->k; j++)
        for (ptrdiff_t f = 0; f < d; f++) centers[j * d + f] = joined[j] > 0 ? old[j * d + f] * seen[j] : old[j * d + f];
    for (ptrdiff_t i = 0; i < t->n; i++) {
        const ptrdiff_t j = t->labels[i];
        const T w = weights ? weights[i] : 1;
        T *const c = centers + j * d;
        if (!(joined[j] > 0)) continue;
        if (t->indptr)
            for (ptrdiff_t p = t->indptr[i]; p < t->indptr[i + 1]; p++) c[t->indices[p]] += X[p] * w;
        else
            for (ptrdiff_t f = 0; f < d; f++) c[f] += X[i * d + f] * w;
    }
    for (ptrdiff_t j = 0; j < t->k; j++)
        if (joined[j] > 0) {
            seen[j] += joined[j];
            const T scale = 1 / seen[j];
            for (ptrdiff_t f = 0; f < d; f++) centers[j * d + f] *= scale;
        }
}
