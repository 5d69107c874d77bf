/* What the neighbours of a query say: classes or targets, each neighbour's weight 1 or the inverse of its distance. Sums are added up in
 * the order in which NumPy does it for scikit-learn, so that they have its bits. */
#ifndef FML_VOTES_H
#define FML_VOTES_H
#include <math.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const int64_t *labels;           /* (n_samples, n_outputs)       in    classes; or NULL */
    const double *targets;           /* (n_samples, n_outputs)       in    or NULL */
    const int64_t *firsts;           /* (n_outputs + 1,)             in    where the classes of an output begin; with labels */
    int64_t *winners;                /* (n_queries, n_outputs)       out   the class with most votes, of several the first; -1 if nobody has any; or NULL */
    double *out;                     /* (n_queries, firsts[-1])      out   votes of each class; with targets (n_queries, n_outputs): means */
    double *tally;                   /* (n_threads, firsts[-1])      zeros before and after, with winners */
    double *distances;               /* (n_threads, 3, k)            scratch: distances, weights, terms */
    int64_t *indices;                /* (n_threads, k)               scratch */
    ptrdiff_t n_outputs, k;
    int by_distance;
} fml_votes;

static double fml_sum_as_numpy(const double *a, ptrdiff_t n) {
    double sum = 0;
    if (n < 8) {
        for (ptrdiff_t i = 0; i < n; i++) sum += a[i];
        return sum;
    }
    if (n > 128) {
        const ptrdiff_t half = n / 2 - n / 2 % 8;
        return fml_sum_as_numpy(a, half) + fml_sum_as_numpy(a + half, n - half);
    }
    double r[8];
    ptrdiff_t i = 8;
    for (int j = 0; j < 8; j++) r[j] = a[j];
    for (; i < n - n % 8; i += 8)
        for (int j = 0; j < 8; j++) r[j] += a[i + j];
    sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    for (; i < n; i++) sum += a[i];
    return sum;
}

/* Those in the query's place alone, where there are any. */
static inline void fml_weigh(const double *distances, ptrdiff_t k, double *weights) {
    int any = 0;
    for (ptrdiff_t j = 0; j < k; j++) any |= isinf(weights[j] = 1 / distances[j]);
    for (ptrdiff_t j = 0; any && j < k; j++) weights[j] = isinf(weights[j]);
}

/* labels (k,) by steps of n_outputs from the first sample's on; votes (n_classes,) zeros in.  By distance, the winner's votes are added up
 * as in scikit-learn's predict, and those of all classes as in its predict_proba. */
static inline void fml_elect(const fml_votes *t, const int64_t *indices, ptrdiff_t o, const double *weights, double *terms, double *votes,
                             int64_t *winner) {
    const ptrdiff_t k = t->k, step = t->n_outputs;
    const int64_t *const labels = t->labels + o;
    for (ptrdiff_t j = 0; j < k; j++) votes[labels[indices[j] * step]] += weights ? weights[j] : 1;
    if (!winner) return;
    double most = 0;
    *winner = -1;
    for (ptrdiff_t j = 0; j < k; j++) {
        const int64_t label = labels[indices[j] * step];
        if (weights && k >= 8 && votes[label] != 0) {
            for (ptrdiff_t i = 0; i < k; i++) terms[i] = labels[indices[i] * step] == label ? weights[i] : 0;
            votes[label] = fml_sum_as_numpy(terms, k);
        }
        if (votes[label] > most || (votes[label] == most && most > 0 && label < *winner)) most = votes[label], *winner = label;
        votes[label] = 0;
    }
}

static inline double fml_mean(const fml_votes *t, const int64_t *indices, ptrdiff_t o, const double *weights, double *terms) {
    const double *const targets = t->targets + o;
    const ptrdiff_t k = t->k, step = t->n_outputs;
    double sum = 0;
    if (!weights && step > 1) {      /* the one sum that NumPy adds up row by row */
        for (ptrdiff_t j = 0; j < k; j++) sum += targets[indices[j] * step];
        return sum / (double)k;
    }
    for (ptrdiff_t j = 0; j < k; j++) terms[j] = targets[indices[j] * step] * (weights ? weights[j] : 1);
    sum = fml_sum_as_numpy(terms, k);
    return sum / (weights ? fml_sum_as_numpy(weights, k) : (double)k);
}

/* Where a worker writes the neighbours of a query down, to vote. */
static inline double *fml_booth(const fml_votes *t, int worker) { return t->distances + 3 * t->k * worker; }

static inline void fml_vote(const fml_votes *t, ptrdiff_t query, int worker) {
    const int64_t *const indices = t->indices + t->k * worker;
    double *const distances = fml_booth(t, worker), *const weights = t->by_distance ? distances + t->k : NULL, *const terms = distances + 2 * t->k;
    if (weights) fml_weigh(distances, t->k, weights);
    const ptrdiff_t n_columns = t->targets ? t->n_outputs : t->firsts[t->n_outputs];
    double *const row = t->winners ? t->tally + n_columns * worker : t->out + n_columns * query;
    for (ptrdiff_t o = 0; o < t->n_outputs; o++) {
        if (t->targets) row[o] = fml_mean(t, indices, o, weights, terms);
        else fml_elect(t, indices, o, weights, terms, row + t->firsts[o], t->winners ? t->winners + query * t->n_outputs + o : NULL);
    }
}
#endif
