/* The best split of a node: which features are looked at, and how. */
#ifndef FML_TREE_SPLIT_H
#define FML_TREE_SPLIT_H
#include "table.h"
#include "threshold.h"

/* So many entries of another criterion take the time of one of absolute_error. */
#define FML_OF_MEDIANS 50

static void fml_sort_by_rank(const fml_tree *t, ptrdiff_t f, fml_scratch *room, ptrdiff_t *m, ptrdiff_t *n_missing) {
    const fml_growth *g = t->g;
    const uint32_t *ranks = g->ranks + f * g->n, n_distinct = (uint32_t)g->n_distinct[f];
    const ptrdiff_t n = t->end - t->start;
    uint64_t *const e = room->entries;
    ptrdiff_t known = 0, missing = 0;
    uint32_t all = 0;
    for (ptrdiff_t p = t->start; p < t->end; p++) {
        const uint32_t i = t->samples[p], rank = ranks[i];
        const int is_missing = rank == n_distinct;
        e[is_missing ? n - ++missing : known++] =
            (uint64_t)rank << FML_RANK_SHIFT | (uint64_t)i << FML_SAMPLE_SHIFT | t->node_code[p];
        all |= rank;
    }
    fml_sort(e, room->sorted, known, FML_RANK_SHIFT, FML_RANK_SHIFT + (all ? 32 - __builtin_clz(all) : 1));
    *m = known;
    *n_missing = missing;
}

static void fml_look(fml_tree *t, ptrdiff_t f, int worker, fml_split *best) {
    const fml_growth *g = t->g;
    fml_scratch *const room = t->scratch + worker;
    ptrdiff_t m = t->end - t->start, n_missing = 0;
    if (g->random) {
        fml_scan_random(t, f, room, best);
        return;
    }
    if (t->tabled && m >= FML_WORTH_TABLE) {
        fml_scan_table(t, f, room, best);
        return;
    }
    const uint64_t *entries = room->entries;
    if (t->lists) {
        entries = t->lists + f * t->n_used + t->start;
        if (g->missing[f])
            for (ptrdiff_t low = 0; low < m;) { /* where the missing ones begin */
                const ptrdiff_t middle = (low + m) / 2;
                if (fml_rank(entries[middle]) < g->n_distinct[f]) low = middle + 1;
                else m = middle;
            }
        n_missing = t->end - t->start - m;
    } else fml_sort_by_rank(t, f, room, &m, &n_missing);
    fml_scan_list(t, f, entries, m, n_missing, room, best);
}

/* Whether the node has two samples that any feature parts alike: the first one that is drawn and not constant wins. */
static int fml_ties(const fml_tree *t) {
    return t->end - t->start == 2 && t->scan < FML_SCAN_ANY && !t->g->random;
}

static int fml_is_constant_pair(const fml_tree *t, ptrdiff_t f) {
    const fml_growth *g = t->g;
    uint32_t ranks[2];
    for (int j = 0; j < 2; j++) {
        const ptrdiff_t p = t->start + j;
        ranks[j] = t->lists ? fml_rank(t->lists[f * t->n_used + p]) : g->ranks[f * g->n + t->samples[p]];
    }
    const uint32_t low = ranks[0] < ranks[1] ? ranks[0] : ranks[1], high = ranks[0] < ranks[1] ? ranks[1] : ranks[0];
    if (high == g->n_distinct[f]) return low == high; /* missing */
    return !fml_is_spread(fml_tight(g, f), g->values + f * g->n, low, high);
}

/* scikit-learn's draw of features without replacement; returns the feature of the best split, -1 where there is none.
 *
 * features: drawn constants | known constants | constants found | not drawn | drawn. Constants of a node are constant below it.
 * together: what fml_look found for every feature that is not known to be constant, or NULL.
 */
static ptrdiff_t fml_choose(fml_tree *t, const fml_split *together, fml_split *best) {
    const fml_growth *g = t->g;
    ptrdiff_t *const features = t->features;
    ptrdiff_t undrawn = g->d, drawn = 0, found = 0, visited = 0, winner = -1, swap;
    const ptrdiff_t known = t->n_constants;
    const int ties = fml_ties(t);
    fml_split split;
    best->proxy = -INFINITY;
    while (undrawn > known + found && (visited < g->max_features || visited <= found + drawn)) {
        visited++;
        ptrdiff_t j = drawn + fml_draw(t) % (uint32_t)(undrawn - found - drawn);
        if (j < known) {
            swap = features[drawn];
            features[drawn++] = features[j];
            features[j] = swap;
            continue;
        }
        j += found;
        const ptrdiff_t f = features[j];
        if (together) split = together[f];
        else if (ties && winner >= 0) {
            split.proxy = -INFINITY;
            split.constant = (uint8_t)fml_is_constant_pair(t, f);
        } else {
            fml_look(t, f, 0, &split);
            t->work += (double)(t->end - t->start) * (t->scan == FML_SCAN_MAE ? FML_OF_MEDIANS : 1);
            if (fml_interrupted(t)) return -1;
        }
        if (split.constant) {
            features[j] = features[known + found];
            features[known + found++] = f;
            continue;
        }
        features[j] = features[--undrawn];
        features[undrawn] = f;
        if (split.proxy > best->proxy) {
            *best = split;
            winner = f;
            if (g->random) { /* its values are what the samples are parted by */
                float *const column = t->scratch->column;
                t->scratch->column = t->scratch->best_column;
                t->scratch->best_column = column;
            }
        }
    }
    memcpy(features, t->constants, known * sizeof *features);
    memcpy(t->constants + known, features + known, found * sizeof *features);
    t->n_constants = known + found;
    return winner;
}
#endif
