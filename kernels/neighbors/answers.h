/* The nearest of a query written down, or asked to vote. */
#ifndef FML_ANSWERS_H
#define FML_ANSWERS_H
#include "keep.h"
#include "votes.h"

typedef struct {
    double *distances;               /* (n_queries, k - selves)   out    or NULL */
    int64_t *indices;                /* (n_queries, k - selves)   out    or NULL */
    fml_votes *votes;                /* out   or NULL */
    ptrdiff_t k;
    int selves;                      /* query i is sample i, which is left out of its k: fml_left_out */
} fml_answers;

/* found (k,) in order, what is told of a neighbour as the key. */
static inline void fml_write_answers(const fml_answers *t, ptrdiff_t query, int worker, const fml_pair *found) {
    const ptrdiff_t left_out = t->selves ? fml_left_out(&found->index, 2, t->k, query) : -1, k = t->k - t->selves;
    int64_t *const indices = t->votes ? t->votes->indices + k * worker : t->indices + k * query;
    double *const distances = t->votes ? fml_booth(t->votes, worker) : t->distances ? t->distances + k * query : NULL;
    ptrdiff_t at = 0;
    for (ptrdiff_t j = 0; j < t->k; j++) {
        if (j == left_out) continue;
        indices[at] = found[j].index == INT64_MAX ? 0 : found[j].index;
        if (distances) distances[at] = found[j].key;
        at++;
    }
    if (t->votes) fml_vote(t->votes, query, worker);
}
#endif
