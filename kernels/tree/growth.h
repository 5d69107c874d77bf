/* The state of growing trees: what all trees of a call share, one tree, one node, one split. */
#ifndef FML_TREE_GROWTH_H
#define FML_TREE_GROWTH_H
#include "arena.h"
#include "ranks.h"
#include "random.h"

#define FML_INLINE_ALWAYS static inline __attribute__((always_inline))

enum { FML_GINI, FML_ENTROPY, FML_MSE, FML_MAE, FML_POISSON, FML_USER };

/* How the candidates of a node are looked at: in blocks and branch-free, for two or more classes of whole weights, for
 * the variance, for two or more classes of any weights, for the entropy; one at a time, for several outputs or very many
 * classes of whole weights, by the criterion's definition, so for one output of Poisson's; by the order of the targets. Those
 * of whole weights are exact whatever the order of summation. */
enum {
    FML_SCAN_GINI2,
    FML_SCAN_GINI,
    FML_SCAN_MSE,
    FML_SCAN_WEIGHTED_GINI2,
    FML_SCAN_WEIGHTED_GINI,
    FML_SCAN_ENTROPY,
    FML_SCAN_OUTPUTS,
    FML_SCAN_ANY,
    FML_SCAN_POISSON,
    FML_SCAN_MAE
};

#define FML_CLOSE_CALL 3

/* scikit-learn's Node. */
typedef struct {
    int64_t left, right, feature;
    double threshold, impurity;
    int64_t n_samples;
    double weighted_n_samples;
    uint8_t missing_left, padding[7];
} fml_node;

/* All trees of a call. */
typedef struct {
    const float *columns;               /* (d, n)  or NULL, see tables.py */
    const float *rows;                  /* (n, d)  the same by sample, or NULL */
    const uint32_t *ranks;
    const uint64_t *entries;
    uint64_t *spare;                    /* the entries, where nothing else reads them any more; or NULL */
    const float *values;                /* (d, n) */
    const int64_t *n_distinct;
    const int64_t *missing;
    const uint8_t *close;
    const uint64_t *tight;              /* (d, n / 64 + 1) */
    const double *y;                    /* (n, n_outputs) */
    const int32_t *codes;               /* (n, n_outputs)  classes, or NULL: regression */
    const int64_t *n_classes;           /* (n_outputs,)  1 for regression */
    ptrdiff_t n, d, n_outputs, stride;  /* stride of a node's values: n_outputs * max_n_classes */
    ptrdiff_t max_n_classes, max_features, min_split, min_leaf, max_leaf_nodes, max_depth;
    double min_decrease;
    const int8_t *monotonic;
    int criterion, random, presort;     /* presort: sorted lists are kept, from the entries or the ranks */
    double doubt;                       /* how wrong targets may be where a close call gives a tree up; below 0: none does */
    int arranged;                       /* whether sums run over the samples as scikit-learn arranges them, see arranged.h */
    int n_threads;                      /* for the features of one node */
    double (*user)(const double *, ptrdiff_t); /* FML_USER: the impurity, see fml_user */
    int (*stopped)(void *);             /* whether the call was interrupted */
    void *stop;
    void (*together)(void (*)(void *, ptrdiff_t), void *, ptrdiff_t, int); /* the pool's parallel loop */
    int (*worker)(void);
    fml_arena *arenas;                  /* of each thread */
    const uint32_t *y_ranks;            /* (n_outputs, n)  for absolute_error, else NULL */
} fml_growth;

/* A feature's best split of a node: everything but where it comes from. */
typedef struct {
    double proxy, threshold;            /* proxy: -inf where there is none; threshold: unless features are ranked */
    double second;                      /* proxy of the next best split, where close calls are looked for */
    ptrdiff_t n_left, n_missing;        /* samples to the left, those that miss the feature included; all of these */
    uint32_t rank_left, rank_right;     /* of the values on both sides of the threshold */
    uint8_t constant, missing_left, only_missing_right;
} fml_split;

/* Sums of the targets over some samples of a node. */
typedef struct {
    double *sums;                       /* (stride,)  weights by class, or of w * y */
    double weight;
    double squares;                     /* of w * y * y */
} fml_sums;

/* Buffers of one thread. */
typedef struct {
    double *left, *right;               /* (stride,) sums of a candidate's sides */
    double *squares;                    /* (2, n_outputs)  see fml_search_outputs */
    ptrdiff_t *positive;                /* (2, n_outputs)  the first and the last place of a target above 0: Poisson's */
    uint64_t *entries, *sorted;         /* (n_used,) */
    float *column, *best_column;        /* (n_used,)  values of the node's samples: of a feature, of the best one so far */
    float *ranked;                      /* (n_used,)  the same by rank, see unranked.h */
    uint64_t *spare;                    /* (n_used,)  room to sort in there */
    double *weights, *shares;           /* (n_used,)  of the node's samples, see fml_gather_shares; weights: unless all are 1 */
    uint32_t *classes;
    float *left_sides;                  /* (n_used,)  1 where a sample goes left: lies where they are moved to */
    uint32_t *ranks;                    /* (n_used,)  of the node's samples, see bins.h */
    uint64_t *table, *bits, *summary;   /* histogram by rank, which ranks are there, which words of bits are not 0 */
} fml_scratch;

/* One tree while it grows. */
typedef struct fml_tree {
    const fml_growth *g;
    const double *weights;              /* (n,)  or NULL: the counts, or all 1 */
    const uint8_t *counts;              /* (n,)  or NULL: the weights, where they are small counts */
    double min_weight_leaf;
    uint32_t random_state;
    fml_node *nodes;                    /* out */
    double *values;                     /* out  (n_nodes, stride) */
    ptrdiff_t n_nodes, capacity, depth;
    int failed;                         /* 1: no memory, 2: interrupted, FML_CLOSE_CALL: given up */
    fml_arena *arena;                   /* where everything but nodes and values lies */

    int scan, class_bits, unit;         /* unit: all weights are 1 */
    int counted;                        /* FML_SCAN_MSE: the codes are the weights */
    ptrdiff_t n_used;                   /* samples of weight other than 0 */
    double total_weight;
    uint32_t *samples, *moved;          /* (n_used,)  samples of the nodes, each node's ascending */
    uint8_t *code, *node_code, *moved_code; /* (n,)  class | weight << class_bits; (n_used,)  of samples */
    double *pairs;                      /* (n, 2)  weight * y, weight; if all weights are 1, or in the codes, (n,)  weight * y;
                                         * for two classes of any weights y is the class */
    uint64_t *lists, *aside;            /* (d, n_used), (threads, n_used)  or NULL: the nodes' sorted lists */
    uint64_t *left_side;                /* (n / 64 + 1,)  one bit a sample */
    uint8_t *sides;                     /* (n_used,)  of the node's samples: 1 goes left */
    ptrdiff_t *features, *constants;    /* (d,)  scikit-learn's bookkeeping of constant features */
    fml_split *found;                   /* (d,)  of the features, where all are looked at or samples are arranged, or NULL */
    ptrdiff_t *order, n_drawn;          /* (d,)  features that were drawn in the node and not known to be constant */
    uint32_t *arrangement, *n_ties;     /* (n_used,)  see arranged.h, or NULL */
    uint8_t *is_constant;               /* (d,)  in the node, of those that are not known to be */
    uint64_t fields[256];               /* by code: what it adds to a histogram of ranks */
    int tabled;                         /* whether such histograms hold the whole tree's weight */
    int two_values;                     /* whether the features have two values and squared errors are looked for */
    fml_scratch *scratch;               /* of each thread */
    void *median;                       /* what absolute_error needs, see median.h */
    struct fml_tree *workers;           /* (n_threads,)  or NULL: what grows nodes ahead, see ahead.h */
    uint8_t *marks;                     /* (d,)  zeros between two nodes that are replayed, see replay.h */
    ptrdiff_t n_ahead;                  /* out  nodes that were grown ahead */

    /* the present node */
    ptrdiff_t start, end;
    fml_sums total, left;
    double lower, upper, impurity;      /* bounds of monotonic constraints */
    double error;                       /* of improvements */
    double floor;                       /* best proxy of the features looked at: lower ones need not be found */
    ptrdiff_t n_constants;
    double work;                        /* since the last look for an interrupt, in entries */
    ptrdiff_t split_feature;            /* while lists are parted */
    int keep_left, keep_right;
} fml_tree;

/* Entries between two looks for an interrupt: some 50 ms. */
#define FML_PATIENCE 1e7

static int fml_interrupted(fml_tree *t) {
    if (t->work > FML_PATIENCE) {
        t->work = 0;
        if (t->g->stopped(t->g->stop)) t->failed = 2;
    }
    return t->failed;
}

/* Room for n items in the tree's arena; without memory the tree has failed. */
static void *fml_room(fml_tree *t, ptrdiff_t n, size_t size, int zero) {
    void *room = fml_arena_get(t->arena, n, size, zero);
    if (!room) t->failed = 1;
    return room;
}
static void *fml_get(fml_tree *t, ptrdiff_t n, size_t size) { return fml_room(t, n, size, 1); }

static inline double fml_weight(const fml_tree *t, uint32_t sample) {
    return t->unit ? 1.0 : t->weights ? t->weights[sample] : t->counts[sample];
}
#endif
