/* C side of predict.pyx: walks through fitted trees, by their own arrays. */
#ifndef FML_PREDICT_H
#define FML_PREDICT_H
#include <stddef.h>
#include <stdint.h>

/* scikit-learn's own */
typedef struct {
    int64_t left, right, feature;
    double threshold, impurity;
    int64_t n_samples;
    double weight;
    uint8_t missing_left, unused[7];
} fml_node;

typedef struct {
    const fml_node *nodes;  /* (n_nodes,) */
    const double *table;    /* (n_nodes, width) or NULL */
    const int64_t *columns; /* (n_features of the tree,) or NULL: the same */
    ptrdiff_t n_nodes;
} fml_tree;

enum { FML_APPLY, FML_GATHER, FML_ADD_UP };
typedef struct {
    const float *X;         /* (n, d) */
    const fml_tree *trees;  /* (n_trees,) */
    void *out;              /* FML_APPLY: (n, n_trees) int64; FML_GATHER: (n, n_trees, width); FML_ADD_UP: (n, n_groups, width) */
    double scale;
    ptrdiff_t n, d, n_trees, width, n_groups, block;
    int kind;
} fml_prediction;

static inline ptrdiff_t fml_leaf(const fml_tree *tree, const float *x) {
    const fml_node *node = tree->nodes;
    while (node->left != -1) {
        const float value = x[tree->columns ? tree->columns[node->feature] : node->feature];
        const int left = value == value ? value <= node->threshold : node->missing_left;
        node = tree->nodes + (left ? node->left : node->right);
    }
    return node - tree->nodes;
}

static inline void fml_predict_rows(void *task, ptrdiff_t chunk) {
    const fml_prediction *p = task;
    const ptrdiff_t first = chunk * p->block, end = first + p->block < p->n ? first + p->block : p->n;
    for (ptrdiff_t t = 0; t < p->n_trees; t++) {
        const fml_tree *tree = p->trees + t;
        for (ptrdiff_t i = first; i < end; i++) {
            const ptrdiff_t leaf = fml_leaf(tree, p->X + i * p->d);
            if (p->kind == FML_APPLY) {
                ((int64_t *)p->out)[i * p->n_trees + t] = leaf;
                continue;
            }
            const double *const value = tree->table + leaf * p->width;
            if (p->kind == FML_GATHER) {
                double *const out = (double *)p->out + (i * p->n_trees + t) * p->width;
                for (ptrdiff_t j = 0; j < p->width; j++) out[j] = value[j];
            } else {
                double *const out = (double *)p->out + (i * p->n_groups + t % p->n_groups) * p->width;
                for (ptrdiff_t j = 0; j < p->width; j++) out[j] += p->scale * value[j];
            }
        }
    }
}
#endif
