/* The compact copy of a tree, and the walk of many samples through it.
 *
 * 1. A node is 8 bytes: the threshold below, (place of the left child << shift | column) above. The right child stands
 *    next to the left one. A leaf is its own left child, and everything goes left there: a walk needs no end.
 * 2. Thresholds and samples are compared as integers of the same order ("keys"). A float32 x is <= a float64 threshold where
 *    it is <= that threshold rounded down to float32. Floats in 4 and integers in 6 instructions a step: 24 and 18 ns a
 *    tree of 5,000 nodes. Gathers of AVX2 and AVX-512 took 32 and 35 ns on Zen 4.
 * 3. Where samples miss values, each row has its keys twice: first with NaN above everything, then with NaN below
 *    everything, and the column of a node says where its missing values go.
 * 4. A row that passes few of its many columns is not made into keys: each value is when it is met ("raw"). Of blocks in which
 *    samples miss values the trees' own nodes are asked then.
 * 5. Children come after their parents, in the order of the tree, which the builders grow depth first: breadth first is no faster.
 */
#ifndef FML_PREDICT_COMPACT_H
#define FML_PREDICT_COMPACT_H
#include <math.h>

#define FML_TOP UINT32_MAX  /* of a leaf's threshold, and of NaN that goes right */
#define FML_SHALLOW 11     /* so deep a tree is walked through without a look at who has arrived */
#define FML_NEXT_STEPS 5    /* between two looks elsewhere */

static inline uint32_t fml_key(float x) {
    uint32_t bits;
    x += 0.0f;              /* -0 is 0 */
    memcpy(&bits, &x, sizeof bits);
    return bits ^ ((uint32_t)((int32_t)bits >> 31) | UINT32_C(0x80000000));
}
/* The key below one is that of the next float32 below, or of -0, which no sample has. */
static inline uint32_t fml_threshold_key(double threshold) {
    const float nearest = (float)threshold;
    const uint32_t key = fml_key(nearest) - (nearest > threshold);
    return threshold == threshold ? key : 0;    /* nothing is <= NaN */
}

/* keys (n, key_columns); key_columns is d, or 2 * d where something is missing */
static void fml_make_keys(const float *X, ptrdiff_t n, ptrdiff_t d, ptrdiff_t key_columns, uint32_t *keys) {
    if (key_columns == d) {
        for (ptrdiff_t i = 0; i < n * d; i++) keys[i] = fml_key(X[i]);
        return;
    }
    for (ptrdiff_t i = 0; i < n; i++, X += d, keys += key_columns)
        for (ptrdiff_t f = 0; f < d; f++) {
            const uint32_t key = fml_key(X[f]);
            keys[f] = X[f] == X[f] ? key : FML_TOP;
            keys[d + f] = X[f] == X[f] ? key : 0;
        }
}

static int fml_any_nan(const float *X, ptrdiff_t n) {
    for (ptrdiff_t i = 0; i < n; i += 4096) {
        const ptrdiff_t end = i + 4096 < n ? i + 4096 : n;
        int32_t found = 0;
        for (ptrdiff_t k = i; k < end; k++) found |= X[k] != X[k];
        if (found) return 1;
    }
    return 0;
}

/* Whether a tree of n nodes is regular (no reference leads back, outside, or twice to a node), and its copy if so. Which node
 * is a leaf cannot be foreseen, so that nothing branches on it: a leaf is an inner node under a mask, and what it says of its
 * children goes to a slot after the last node's. */
FML_INLINE int fml_copy_nodes(fml_tree *tree, uint64_t *slots, int shift, int64_t missing_left, int renamed) {
    const fml_node *const nodes = tree->nodes;
    const int64_t *const columns = tree->columns;
    uint64_t *const compact = tree->compact;
    int32_t *const origin = tree->origin;
    const int64_t n = tree->n_nodes, d = tree->d;
    const uint64_t unreached = UINT64_MAX;
    uint64_t next = 1, n_reached = 0, depth = 0;
    int64_t passed = 0;                         /* samples of the fit through inner nodes */
    memset(slots, 255, n * sizeof *slots);
    slots[0] = 0;                               /* depth << 32 | place */
    for (int64_t i = 0; i < n; i++) {
        if (slots[i] == unreached) continue;    /* cut off by hand */
        const fml_node *const node = nodes + i;
        const uint64_t at = (uint32_t)slots[i], own_depth = slots[i] >> 32;
        const int64_t left = node->child[0], right = node->child[1], leaf = left >> 63, f = node->feature & ~leaf;
        const int wrong = ((uint64_t)(left - i - 1) >= (uint64_t)(n - i - 1)) | ((uint64_t)(right - i - 1) >= (uint64_t)(n - i - 1));
        if ((wrong & (int)~leaf) | ((uint64_t)f >= (uint64_t)d) | (at >= (uint64_t)n)) return 0;
        const uint64_t column = (uint64_t)((renamed ? columns[f] : f) + (missing_left & -(int64_t)(node->missing_left != 0)));
        const uint64_t to = next + ((at - next) & (uint64_t)leaf), child = (own_depth + 1) << 32 | next;
        compact[at] = (to << shift | column) << 32 | fml_threshold_key(node->threshold) | (uint32_t)leaf;
        origin[at] = (int32_t)i;
        slots[(left & ~leaf) | (n & leaf)] = child, slots[(right & ~leaf) | (n & leaf)] = child + 1;
        passed += node->n_samples & ~leaf;
        depth = own_depth > depth ? own_depth : depth;
        n_reached++, next += 2 & (uint64_t)~leaf;
    }
    const double typical = (double)passed / (double)nodes->n_samples;
    tree->depth = (int)depth;
    tree->first_steps = typical >= 1 && typical < tree->depth ? (int)typical : 1 + tree->depth / 2;
    return n_reached == next;                   /* fewer: some were referred to twice */
}

/* Copies tree `chunk`. One that is not regular, or too large for the bits of a place, has no copy. */
static void fml_copy_tree(void *task, ptrdiff_t chunk, int worker) {
    const fml_prediction *const p = task;
    fml_tree *const tree = p->trees + chunk;
    uint64_t *const slots = p->slots + worker * (p->largest + 1);
    const int64_t missing_left = p->key_columns - p->d;
    const int fits = !((uint64_t)tree->n_nodes >> (32 - p->shift));
    if (!(fits && (tree->columns ? fml_copy_nodes(tree, slots, p->shift, missing_left, 1)
                                 : fml_copy_nodes(tree, slots, p->shift, missing_left, 0)))) tree->compact = NULL;
}

/* x: of a row the keys, or the values themselves, if `raw` */
FML_INLINE uint32_t fml_compact_step(const uint64_t *nodes, uint32_t at, const void *x, uint32_t mask, int shift, const int raw) {
    const uint64_t node = nodes[at];
    const uint32_t link = (uint32_t)(node >> 32), column = link & mask;
    const uint32_t key = raw ? fml_key(((const float *)x)[column]) : ((const uint32_t *)x)[column];
    return (link >> shift) + ((uint32_t)node < key);
}

/* The leaves of n rows in a tree that all rows walk through to its full depth. */
FML_INLINE void fml_shallow_leaves(const fml_prediction *p, const fml_tree *tree, const uint32_t *keys, int n, int32_t *leaf, const int raw) {
    const uint64_t *const nodes = tree->compact;
    const uint32_t mask = (UINT32_C(1) << p->shift) - 1;
    const int shift = p->shift, depth = tree->depth;
    const ptrdiff_t d = p->key_columns;
    int s = 0;
    for (; s + FML_LANES <= n; s += FML_LANES, keys += FML_LANES * d) {
        uint32_t at[FML_LANES] = {0};
        for (int step = 0; step < depth; step++)
FML_UNROLL
            for (int r = 0; r < FML_LANES; r++) at[r] = fml_compact_step(nodes, at[r], keys + r * d, mask, shift, raw);
        for (int r = 0; r < FML_LANES; r++) leaf[s + r] = tree->origin[at[r]];
    }
    for (; s < n; s++, keys += d) {
        uint32_t at = 0;
        for (int step = 0; step < depth; step++) at = fml_compact_step(nodes, at, keys, mask, shift, raw);
        leaf[s] = tree->origin[at];
    }
}

/* The same in a deep one. All take the first steps together; from then on those that still move go on. */
FML_INLINE void fml_deep_leaves(const fml_prediction *p, const fml_tree *tree, const uint32_t *keys, int n, int32_t *leaf, const int raw) {
    const uint64_t *const nodes = tree->compact;
    const uint32_t mask = (UINT32_C(1) << p->shift) - 1;
    const int shift = p->shift;
    const ptrdiff_t d = p->key_columns;
    uint16_t moving[FML_LEAVES + FML_LANES];
    uint32_t place[FML_LEAVES];
    int n_moving = n, steps = tree->first_steps;
    for (int s = 0; s < n; s++) moving[s] = (uint16_t)s, place[s] = 0;
    while (n_moving) {
        int n_left = 0;
        for (int r = 0; r < FML_LANES; r++) moving[n_moving + r] = moving[n_moving - 1];
        for (int s = 0; s < n_moving; s += FML_LANES) {
            uint32_t at[FML_LANES];
            const uint32_t *row[FML_LANES];
            uint16_t own[FML_LANES];
            for (int r = 0; r < FML_LANES; r++) own[r] = moving[s + r], row[r] = keys + own[r] * d, at[r] = place[own[r]];
            for (int step = 1; step < steps; step++)
FML_UNROLL
                for (int r = 0; r < FML_LANES; r++) at[r] = fml_compact_step(nodes, at[r], row[r], mask, shift, raw);
FML_UNROLL
            for (int r = 0; r < FML_LANES; r++) {
                const uint32_t next = fml_compact_step(nodes, at[r], row[r], mask, shift, raw);
                place[own[r]] = next, moving[n_left] = own[r];
                n_left += (next != at[r]) & (s + r < n_moving);
            }
        }
        n_moving = n_left, steps = FML_NEXT_STEPS;
    }
    for (int s = 0; s < n; s++) leaf[s] = tree->origin[place[s]];
}

static void fml_compact_leaves(const fml_prediction *p, const fml_tree *tree, const uint32_t *keys, int n, int32_t *leaf) {
    if (tree->depth <= FML_SHALLOW && p->raw) fml_shallow_leaves(p, tree, keys, n, leaf, 1);
    else if (tree->depth <= FML_SHALLOW) fml_shallow_leaves(p, tree, keys, n, leaf, 0);
    else if (p->raw) fml_deep_leaves(p, tree, keys, n, leaf, 1);
    else fml_deep_leaves(p, tree, keys, n, leaf, 0);
}
#endif
