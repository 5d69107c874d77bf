/* The best split of one feature from a histogram of ranks: two classes of whole weights. */
#ifndef FML_TREE_TABLE_H
#define FML_TREE_TABLE_H
#include "scan.h"

/* From so many samples on a histogram of ranks beats sorting. */
#define FML_WORTH_TABLE 24
/* With fewer ranks than this times the samples of a node, most are there: all are looked at. */
#define FML_FEW 2

/* A number of the histogram:  samples | weight of class 1 | weight,  added up in one operation. */
#define FML_FIELD 21
#define FML_FIELD_MASK ((1u << FML_FIELD) - 1)

static inline ptrdiff_t fml_samples_of(uint64_t fields) { return (ptrdiff_t)(fields >> 2 * FML_FIELD); }
static inline double fml_ones_of(uint64_t fields) { return (double)(int64_t)(fields >> FML_FIELD & FML_FIELD_MASK); }
static inline double fml_weight_of(uint64_t fields) { return (double)(int64_t)(fields & FML_FIELD_MASK); }

typedef struct {
    const uint64_t *sums, *ranks;       /* (n_groups,)  up to and with each value of the node; the values */
    ptrdiff_t n_groups;
    uint64_t before;                    /* on the left from the start */
    const float *values;                /* as in fml_search */
    const uint64_t *tight;
} fml_groups;

/* Count the node's samples by rank; the ranks that are there are found by their bits, so that no rank costs anything
 * that is not. Returns what is missing. The buffers are zero before and after. */
static uint64_t fml_count(const fml_tree *t, ptrdiff_t f, const fml_scratch *room, fml_groups *groups) {
    const fml_growth *g = t->g;
    const ptrdiff_t n = t->end - t->start;
    const uint32_t *restrict ranks = g->ranks + f * g->n, *restrict samples = t->samples + t->start, n_distinct = (uint32_t)g->n_distinct[f];
    const uint8_t *restrict codes = t->node_code + t->start;
    const uint64_t *restrict fields = t->fields; /* read through t they are no constants to the compiler: 10 % of a tree of few values */
    uint64_t *const table = room->table, *const bits = room->bits, *const summary = room->summary, sum = 0;
    ptrdiff_t n_groups = 0;
    if (n_distinct < FML_FEW * n) { /* no bits: their few words would be a chain of waiting stores */
        for (ptrdiff_t p = 0; p < n; p++) table[ranks[samples[p]]] += fields[codes[p]];
        for (uint32_t rank = 0; rank <= n_distinct; rank++) {
            sum += table[rank];
            room->entries[n_groups] = sum;
            room->sorted[n_groups] = rank;
            n_groups += table[rank] != 0;
            table[rank] = 0;
        }
    } else {
        for (ptrdiff_t p = 0; p < n; p++) {
            const uint32_t rank = ranks[samples[p]];
            table[rank] += fields[codes[p]];
            bits[rank >> 6] |= 1ull << (rank & 63);
            summary[rank >> 12] |= 1ull << (rank >> 6 & 63);
        }
        for (uint32_t high = 0; high <= n_distinct >> 12; high++) {
            for (uint64_t words = summary[high]; words; words &= words - 1) {
                const uint32_t word = high << 6 | (uint32_t)__builtin_ctzll(words);
                for (uint64_t left = bits[word]; left; left &= left - 1) {
                    const uint32_t rank = word << 6 | (uint32_t)__builtin_ctzll(left);
                    sum += table[rank];
                    table[rank] = 0;
                    room->entries[n_groups] = sum;
                    room->sorted[n_groups++] = rank;
                }
                bits[word] = 0;
            }
            summary[high] = 0;
        }
    }
    groups->sums = room->entries;
    groups->ranks = room->sorted;
    groups->n_groups = n_groups;
    if (!n_groups || room->sorted[n_groups - 1] != n_distinct) return 0;
    groups->n_groups--;
    return n_groups > 1 ? sum - room->entries[n_groups - 2] : sum;
}

static void fml_search_groups(const fml_tree *t, const fml_groups *s, ptrdiff_t first, ptrdiff_t last, int is_end, fml_split *best) {
    fml_block block;
    const ptrdiff_t n = t->end - t->start, least = t->g->min_leaf;
    for (ptrdiff_t j = first; j < last;) {
        int k = 0;
        for (const ptrdiff_t stop = last - j < FML_BLOCK ? last : j + FML_BLOCK; j < stop; j++) {
            const uint64_t left = s->before + s->sums[j];
            const ptrdiff_t n_left = fml_samples_of(left);
            block.weight[k] = fml_weight_of(left);
            block.a[k] = fml_ones_of(left);
            block.at[k] = (uint32_t)j;
            k += (n_left >= least) & (n - n_left >= least) &
                 (is_end || !s->tight || fml_is_apart(s->tight, s->values, (uint32_t)s->ranks[j], (uint32_t)s->ranks[j + 1]));
        }
        if (!k) continue;
        fml_proxies_gini2(t, &block, k);
        const int top = fml_top(&block, k, &best->proxy);
        if (top < 0) continue;
        const ptrdiff_t at = block.at[top];
        fml_note_place(best, fml_samples_of(s->before + s->sums[at]), (uint32_t)s->ranks[at],
                       is_end ? 0 : (uint32_t)s->ranks[at + 1], s->before > 0, is_end);
    }
}

static void fml_scan_table(const fml_tree *t, ptrdiff_t f, const fml_scratch *room, fml_split *best) {
    const float *values = t->g->values + f * t->g->n;
    fml_groups s = {.before = 0, .values = values, .tight = fml_tight(t->g, f)};
    const uint64_t missing = fml_count(t, f, room, &s);
    const ptrdiff_t last = s.n_groups - 1;
    best->proxy = -INFINITY;
    best->n_missing = fml_samples_of(missing);
    best->constant = last < 0 || (!missing && !fml_is_spread(s.tight, values, (uint32_t)s.ranks[0], (uint32_t)s.ranks[last]));
    if (best->constant) return;
    fml_search_groups(t, &s, 0, last, 0, best);
    if (!missing) return;
    fml_search_groups(t, &s, last, last + 1, 1, best);
    s.before = missing;
    fml_search_groups(t, &s, 0, last, 0, best);
}
#endif
